/*
 * trust: whom --trusted-proxy means, and what it says about what it does not understand.
 */
#include "common/trust.h"

#include "unit.h"

#include <check.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static char why[256];

/* "unix", an address, or, behind an "=", one of IPv4 as a socket of IPv6 gives it. */
static struct sockaddr_in6 address(const char *text)
{
    struct sockaddr_in6 a = {.sin6_family = AF_UNIX};
    uint8_t bytes[ADDRESS_BYTES];

    if (strcmp(text, "unix") == 0)
        return a;
    ck_assert(address_read(text + (*text == '='), strlen(text + (*text == '=')), &a));
    if (*text != '=')
        return a;
    address_bytes(&a, bytes);
    a = (struct sockaddr_in6){.sin6_family = AF_INET6};
    memcpy(&a.sin6_addr, bytes, sizeof(bytes));
    return a;
}

static const struct {
    const char *typed;
    const char *in, *out; /* "": there is none */
} rows[] = {
    {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
    {"192.0.2.1", "=192.0.2.1", "=192.0.2.0"},
    {"192.0.2.1/32", "192.0.2.1", "193.0.2.1"},
    {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
    {"10.0.0.0/9", "10.127.0.1", "10.128.0.1"},
    {"10.64.0.0/10", "10.127.255.255", "10.63.255.255"},
    {"192.0.2.254/31", "192.0.2.255", "192.0.2.253"},
    {"0.0.0.0/0", "255.1.2.3", "2001:db8::1"},
    {"0.0.0.0/0", "=255.1.2.3", "unix"},
    {"128.0.0.0/1", "200.0.0.1", "127.0.0.1"},
    {"::ffff:10.0.0.0/104", "10.1.1.1", "11.1.1.1"},
    {"::ffff:10.1.1.1", "10.1.1.1", "10.1.1.2"},
    {"::ffff:0:0/96", "1.2.3.4", "::1"},
    {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
    {"2001:db8::1", "2001:db8::1", "2001:db8::2"},
    {"2001:db8:8000::/33", "2001:db8:8000::1", "2001:db8:7fff::1"},
    {"::/0", "2001:db8::1", "192.0.2.1"},
    {"::/0", "::1", "=192.0.2.1"},
    {"::1/128", "::1", "127.0.0.1"},
    {"unix", "unix", "127.0.0.1"},
    {"127.0.0.1", "127.0.0.1", "unix"},
};

START_TEST(matches)
{
    struct trust trust = {.count = 0};
    struct sockaddr_in6 in = address(rows[_i].in), out = address(rows[_i].out);

    ck_assert(trust_is_empty(&trust));
    ck_assert(!trust_has(&trust, &in));
    ck_assert_msg(trust_add(&trust, rows[_i].typed, why, sizeof(why)), "%s", why);
    ck_assert(!trust_is_empty(&trust));
    ck_assert(trust_has(&trust, &in));
    ck_assert(!trust_has(&trust, &out));
}
END_TEST

static const struct {
    const char *typed, *why;
} bad[] = {
    {"", "is no address"},
    {"proxy.example", "is no address"},
    {"192.0.2", "is no address"},
    {"[::1]", "is no address"},
    {"/8", "is no address"},
    {"unix:/run/x", "is no address"},
    {"10.0.0.0/33", "from 0 to 32"},
    {"10.0.0.0/", "from 0 to 32"},
    {"10.0.0.0/-1", "from 0 to 32"},
    {"10.0.0.0/8/8", "from 0 to 32"},
    {"10.0.0.0/255.0.0.0", "from 0 to 32"},
    {"::/129", "from 0 to 128"},
    {"::ffff:10.0.0.0/129", "from 0 to 128"},
    {"10.0.0.1/8", "bits set behind the first 8: write 10.0.0.0/8,"},
    {"10.128.0.0/8", "write 10.0.0.0/8,"},
    {"192.0.2.255/31", "write 192.0.2.254/31,"},
    {"255.255.255.255/0", "write 0.0.0.0/0,"},
    {"::ffff:10.0.0.1/104", "bits set behind the first 8: write 10.0.0.0/8,"},
    {"::ffff:10.0.0.0/90", "write ::ffc0:0:0/90,"},
    {"2001:db8::1/32", "write 2001:db8::/32,"},
};

START_TEST(says_what_is_wrong)
{
    struct trust trust = {.count = 0};

    ck_assert(!trust_add(&trust, bad[_i].typed, why, sizeof(why)));
    ck_assert_msg(strstr(why, bad[_i].why) != NULL, "no \"%s\" in: %s", bad[_i].why, why);
    ck_assert_ptr_null(strchr(why, '\n'));
    ck_assert(trust_is_empty(&trust));
}
END_TEST

START_TEST(has_a_limit)
{
    struct trust trust = {.count = 0};
    struct sockaddr_in6 last = address("192.0.2.1");
    int added = 0;

    while (added < LIMIT_TEXTS - 1 && trust_add(&trust, "2001:db8::/32", why, sizeof(why)))
        added++;
    ck_assert_int_eq(added, LIMIT_TEXTS - 1);
    ck_assert(trust_add(&trust, "192.0.2.1", why, sizeof(why)));
    ck_assert(trust_has(&trust, &last));
    ck_assert(!trust_add(&trust, "192.0.2.2", why, sizeof(why)));
    ck_assert_ptr_nonnull(strstr(why, "more than 64 proxies"));
    ck_assert(trust_add(&trust, "unix", why, sizeof(why)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trust");
    TCase *tcase = tcase_create("trust");

    tcase_add_loop_test(tcase, matches, 0, COUNT(rows));
    tcase_add_loop_test(tcase, says_what_is_wrong, 0, COUNT(bad));
    tcase_add_test(tcase, has_a_limit);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
