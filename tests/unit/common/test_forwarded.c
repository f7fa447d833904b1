/*
 * forwarded: who is believed to have asked, with whatever a proxy, or a forger, has written.
 *
 * The peer is 10.0.0.1; trusted are 10.0.0.0/8, 2001:db8::/32 and unix.
 */
#include "common/forwarded.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

enum { FIELDS = 4 };

static struct request request;
static struct trust trust;
static struct sockaddr_in6 peer;

static void set_up(void)
{
    char why[256];

    trust = (struct trust){.count = 0};
    ck_assert(request_open(&request, FIELDS, 100));
    request_reset(&request);
    ck_assert(trust_add(&trust, "10.0.0.0/8", why, sizeof(why)));
    ck_assert(trust_add(&trust, "2001:db8::/32", why, sizeof(why)));
    ck_assert(address_read("10.0.0.1", 8, &peer));
}

static void tear_down(void)
{
    request_close(&request);
}

/* The value in memory of its own, so that a sanitizer sees its end. */
static void add_field(const char *name, const char *value)
{
    size_t length = strlen(value);
    char *copy = malloc(length > 0 ? length : 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, value, length);
    request.fields[request.field_count++] = (struct field){.name = name,
                                                           .value = copy,
                                                           .name_len = (uint32_t)strlen(name),
                                                           .value_len = (uint32_t)length};
}

static void expect(const char *client, const char *about)
{
    struct sockaddr_in6 found;
    char text[INET6_ADDRSTRLEN];

    forwarded_client(&request, &trust, &peer, &found);
    ck_assert_msg(strcmp(address_text(&found, text), client) == 0, "%s: %s instead of %s", about,
                  text, client);
    for (unsigned i = 0; i < request.field_count; i++)
        free((void *)(uintptr_t)request.fields[i].value);
    request.field_count = 0;
}

static const char PEER[] = "10.0.0.1";

static const struct {
    const char *value, *client;
} plain[] = {
    {"203.0.113.9", "203.0.113.9"},
    {"203.0.113.9:4711", "203.0.113.9"},
    {"2a00::1", "2a00::1"},
    {"[2a00::1]", "2a00::1"},
    {"[2a00::1]:4711", "2a00::1"},
    {"::ffff:203.0.113.9", "203.0.113.9"},
    {"6.6.6.6, 203.0.113.9", "203.0.113.9"},
    {"6.6.6.6,203.0.113.9\t,\t10.0.0.2 , 2001:db8::7", "203.0.113.9"},
    {",, 203.0.113.9 , ,10.0.0.2,", "203.0.113.9"},
    {"10.0.0.3, 10.0.0.2", "10.0.0.3"},
    {"203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"},
    {"203.0.113.9, nonsense", PEER},
    {"203.0.113.9, 10.0.0.2:", PEER},
    {"203.0.113.9, 10.0.0.2:123456", PEER},
    {"203.0.113.9, 10.0.0.2:8o", PEER},
    {"203.0.113.9, [10.0.0.2]", PEER},
    {"203.0.113.9, [2001:db8::1", PEER},
    {"203.0.113.9, [2001:db8::1]80", PEER},
    {"203.0.113.9, ::1%lo", PEER},
    {"203.0.113.9, \"10.0.0.2\"", PEER},
    {"203.0.113.9 10.0.0.2", PEER},
    {"203.0.113.9;10.0.0.2", PEER},
    {"", PEER},
    {" , ", PEER},
    {"unix", PEER},
};

START_TEST(reads_x_forwarded_for)
{
    add_field("x-forwarded-for", plain[_i].value);
    expect(plain[_i].client, plain[_i].value);
}
END_TEST

static const struct {
    const char *value, *client;
} standard[] = {
    {"for=203.0.113.9", "203.0.113.9"},
    {"FOR=203.0.113.9;proto=https;by=10.0.0.1", "203.0.113.9"},
    {"proto=https ; for=203.0.113.9", "203.0.113.9"},
    {"for=\"203.0.113.9:4711\"", "203.0.113.9"},
    {"for=\"203.0.113.9:_port\"", "203.0.113.9"},
    {"for=\"[2a00::1]\"", "2a00::1"},
    {"for=\"[2a00::1]:4711\"", "2a00::1"},
    {"for=\"\\[2a00:\\:1]\"", "2a00::1"},
    {"for=6.6.6.6, for=203.0.113.9, for=10.0.0.2", "203.0.113.9"},
    {"for=6.6.6.6,for=203.0.113.9;host=\"a,b;for=1.1.1.1\"", "203.0.113.9"},
    {"for=203.0.113.9;host=\"a\\\",for=1.1.1.1\"", "203.0.113.9"},
    {"for=203.0.113.9;", "203.0.113.9"},
    {";;for=203.0.113.9", "203.0.113.9"},
    {"for=203.0.113.9, for=unknown", PEER},
    {"for=203.0.113.9, for=_hidden, for=10.0.0.2", "10.0.0.2"},
    {"for=203.0.113.9, for=\"_hidden:_1\", for=\"[2001:db8::1]\"", "2001:db8::1"},
    {"for=203.0.113.9, proto=http", PEER},
    /* malformed */
    {"203.0.113.9", PEER},
    {"for=203.0.113.9:80", PEER},
    {"for=[2a00::1]", PEER},
    {"for=\"2a00::1\"", PEER},
    {"for=", PEER},
    {"for", PEER},
    {"=203.0.113.9", PEER},
    {"for =203.0.113.9", PEER},
    {"for= 203.0.113.9", PEER},
    {"for=203.0.113.9;for=203.0.113.9", PEER},
    {"for=203.0.113.9 proto=http", PEER},
    {"for=\"203.0.113.9", PEER},
    {"for=\"203.0.113.9\\", PEER},
    {"for=\"203.0.113.9\"x", PEER},
    {"for=\"203.0.113.9 \"", PEER},
    {"for=\"00000000000000000000000000000000000000000000000000000000000000000203.0.113.9\"", PEER},
    /* a forger's quotes, in front of what the proxy adds */
    {"for=\", for=203.0.113.9", PEER},
    {"for=6.6.6.6, for=\"x, for=\"[2a00::1]\"", PEER},
    {"for=6.6.6.6;x=\", for=\"203.0.113.9\";host=\"a\"", PEER},
    {"for=\"6.6.6.6\\\", for=203.0.113.9", PEER},
};

START_TEST(reads_forwarded)
{
    add_field("Forwarded", standard[_i].value);
    expect(standard[_i].client, standard[_i].value);
}
END_TEST

START_TEST(takes_all_fields_of_a_name_as_one)
{
    add_field("X-Forwarded-For", "6.6.6.6");
    add_field("Via", "1.1 a");
    add_field("X-Forwarded-For", "203.0.113.9, 10.0.0.3");
    add_field("X-Forwarded-For", "10.0.0.2");
    expect("203.0.113.9", "three fields");
    add_field("Forwarded", "for=203.0.113.9;host=\"");
    add_field("Forwarded", "for=198.51.100.7");
    expect("198.51.100.7", "quotes end with their field");
}
END_TEST

START_TEST(believes_both_only_when_they_agree)
{
    add_field("Forwarded", "for=\"[::ffff:203.0.113.9]:80\"");
    add_field("X-Forwarded-For", "6.6.6.6, 203.0.113.9");
    expect("203.0.113.9", "the same");
    add_field("Forwarded", "for=203.0.113.9");
    add_field("X-Forwarded-For", "203.0.113.8");
    expect(PEER, "different");
    add_field("Forwarded", "for=203.0.113.9");
    add_field("X-Forwarded-For", "nonsense");
    expect(PEER, "one of them malformed");
    add_field("Forwarded", "nonsense");
    add_field("X-Forwarded-For", "203.0.113.9");
    expect(PEER, "the other malformed");
    add_field("Forwarded", " ");
    add_field("X-Forwarded-For", "203.0.113.9");
    expect("203.0.113.9", "one of them empty");
    expect(PEER, "neither");
}
END_TEST

START_TEST(looks_no_further_than_so_many)
{
    char value[LIMIT_HOPS * 16 + 32];
    size_t at = (size_t)sprintf(value, "203.0.113.9");

    for (int i = 1; i < LIMIT_HOPS; i++)
        at += (size_t)sprintf(value + at, ",10.0.1.%d", i);
    add_field("X-Forwarded-For", value);
    expect("203.0.113.9", "as many");
    sprintf(value + at, ",10.0.2.1");
    add_field("X-Forwarded-For", value);
    expect("10.0.1.1", "one more");
}
END_TEST

START_TEST(trusts_a_unix_socket)
{
    char why[256];

    peer = (struct sockaddr_in6){.sin6_family = AF_UNIX};
    ck_assert(trust_add(&trust, "unix", why, sizeof(why)));
    add_field("X-Forwarded-For", "203.0.113.9");
    expect("203.0.113.9", "unix");
    expect("unix", "nothing said");
}
END_TEST

/* Whatever stands there, nothing is read beyond it, and whoever is named was in it. */
START_TEST(survives_any_bytes)
{
    static const char bytes[] = "for=\"[]:;, \\1.203.0.113.9::ffff_unknown10.0.0.2\tx";
    unsigned seed = (unsigned)_i * 7919u + 1;
    char value[40];

    for (int round = 0; round < 2000; round++) {
        size_t length = 0;
        for (; length < sizeof(value) - 1; length++)
            value[length] = bytes[(size_t)rand_r(&seed) % (sizeof(bytes) - 1)];
        value[length] = '\0';
        add_field(round & 1 ? "Forwarded" : "X-Forwarded-For", value);
        struct sockaddr_in6 found;
        forwarded_client(&request, &trust, &peer, &found);
        free((void *)(uintptr_t)request.fields[0].value);
        request.field_count = 0;
        if (found.sin6_family != AF_INET && found.sin6_family != AF_INET6)
            ck_abort_msg("%s", value);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forwarded");
    TCase *tcase = tcase_create("forwarded");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, reads_x_forwarded_for, 0, COUNT(plain));
    tcase_add_loop_test(tcase, reads_forwarded, 0, COUNT(standard));
    tcase_add_test(tcase, takes_all_fields_of_a_name_as_one);
    tcase_add_test(tcase, believes_both_only_when_they_agree);
    tcase_add_test(tcase, looks_no_further_than_so_many);
    tcase_add_test(tcase, trusts_a_unix_socket);
    tcase_add_loop_test(tcase, survives_any_bytes, 0, 4);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
