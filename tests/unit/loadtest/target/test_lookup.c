/*
 * lookup: what a resolver says is followed while the load runs. The resolver is played here.
 */
#include "loadtest/target/lookup.h"

#include "unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loadtest/units.h"

static const char *const *_Atomic names; /* the addresses behind every name; NULL: it fails */
static atomic_uint asked;

/* In the place of libc's. */
int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints,
                struct addrinfo **list)
{
    const char *const *addresses = names;
    (void)name;
    (void)hints;
    *list = NULL;
    atomic_fetch_add(&asked, 1);
    if (!addresses)
        return EAI_AGAIN;
    for (; *addresses; addresses++) {
        struct addrinfo *one = calloc(1, sizeof *one);
        struct sockaddr_in *at = calloc(1, sizeof *at);
        at->sin_family = AF_INET;
        at->sin_port = htons((uint16_t)atoi(port));
        inet_pton(AF_INET, *addresses, &at->sin_addr);
        *one = (struct addrinfo){.ai_family = AF_INET,
                                 .ai_addr = (struct sockaddr *)at,
                                 .ai_addrlen = sizeof *at,
                                 .ai_next = *list};
        *list = one;
    }
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list->ai_addr);
        free(list);
        list = next;
    }
}

static const char *const both[] = {"127.0.0.2", "127.0.0.3", NULL};
static const char *const shuffled[] = {"127.0.0.3", "127.0.0.2", NULL};
static const char *const third[] = {"127.0.0.4", NULL};

static struct target target;
static struct lookup *lookup;

static void begin(void)
{
    static const struct dress dress = {.method = "GET", .keepalive = true};
    const struct aim aim = {.url = "http://service:80/", .weight = 1};
    struct complaint why = {""};
    names = both;
    ck_assert_msg(target_build(&target, &aim, 1, NULL, 0, &dress, 4, &why), "%s", why.text);
    lookup = lookup_start(&target, 5 * NS_PER_MS, &why);
    ck_assert_msg(lookup != NULL, "%s", why.text);
}

static void end(void)
{
    lookup_stop(lookup);
    target_free(&target);
}

/* The last byte of the address that comes next. */
static int next(unsigned *turn)
{
    const struct address *a = endpoint_address(&target.endpoints[0], turn);
    ck_assert_uint_eq(a->length, sizeof(struct sockaddr_in));
    return (int)(ntohl(((const struct sockaddr_in *)&a->sa)->sin_addr.s_addr) & 255);
}

static void await_answers(unsigned more)
{
    unsigned before = atomic_load(&asked);
    while (atomic_load(&asked) < before + more)
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
}

START_TEST(all_addresses_take_turns)
{
    unsigned turn = 0;
    begin();
    int a = next(&turn), b = next(&turn);
    ck_assert_int_eq(a + b, 5);
    ck_assert_int_ne(a, b);
    ck_assert_int_eq(next(&turn), a);
    end();
}
END_TEST

START_TEST(a_change_is_followed)
{
    unsigned turn = 0;
    begin();
    names = third;
    await_answers(3);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(next(&turn), 4);
    names = both;
    await_answers(3);
    ck_assert_int_ne(next(&turn), 4);
    end();
}
END_TEST

START_TEST(another_order_is_no_change)
{
    begin();
    const struct addresses *list = atomic_load(&target.endpoints[0].addresses);
    names = shuffled;
    await_answers(3);
    ck_assert_ptr_eq(atomic_load(&target.endpoints[0].addresses), list);
    end();
}
END_TEST

START_TEST(the_last_list_holds_when_the_resolver_fails)
{
    unsigned turn = 0;
    begin();
    names = third;
    await_answers(3);
    names = NULL;
    await_answers(3);
    ck_assert_int_eq(next(&turn), 4);
    end();
}
END_TEST

/* Without --resolve. */
START_TEST(one_address_is_what_there_is)
{
    unsigned turn = 0;
    begin();
    lookup_stop(lookup);
    lookup = NULL;
    struct addresses *list = atomic_exchange(&target.endpoints[0].addresses, NULL);
    ck_assert_int_eq(next(&turn), next(&turn));
    free(list);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lookup");
    TCase *tests = tcase_create("lookup");

    tcase_add_test(tests, all_addresses_take_turns);
    tcase_add_test(tests, a_change_is_followed);
    tcase_add_test(tests, another_order_is_no_change);
    tcase_add_test(tests, the_last_list_holds_when_the_resolver_fails);
    tcase_add_test(tests, one_address_is_what_there_is);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
