/*
 * address: the forms of an address, and which of them are the same host.
 */
#include "common/address.h"

#include "unit.h"

#include <check.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
    const char *typed;
    int family;
    const char *text;
} addresses[] = {
    {"192.0.2.1", AF_INET, "192.0.2.1"},
    {"0.0.0.0", AF_INET, "0.0.0.0"},
    {"2001:DB8:0::1", AF_INET6, "2001:db8::1"},
    {"::", AF_INET6, "::"},
    {"::ffff:192.0.2.1", AF_INET, "192.0.2.1"},
    {"::ffff:c000:201", AF_INET, "192.0.2.1"},
    {"::192.0.2.1", AF_INET6, "::192.0.2.1"},
    {"2001:db8:1111:2222:3333:4444:255.255.255.255", AF_INET6,
     "2001:db8:1111:2222:3333:4444:ffff:ffff"},
};

START_TEST(reads_and_writes)
{
    struct sockaddr_in6 a;
    char text[INET6_ADDRSTRLEN];

    ck_assert(address_read(addresses[_i].typed, strlen(addresses[_i].typed), &a));
    ck_assert_int_eq(a.sin6_family, addresses[_i].family);
    ck_assert_str_eq(address_text(&a, text), addresses[_i].text);
}
END_TEST

static const char *const none[] = {
    "",
    "192.0.2",
    "192.0.2.256",
    "192.0.02.1",
    "192.0.2.1 ",
    " ::1",
    "[::1]",
    "::1%lo",
    "192.0.2.1:80",
    "unix",
    ":::",
    "1::2::3",
    "0x7f.0.0.1",
    "localhost",
    "192.0.2.1/32",
    "::ffff:192.0.2.1.1",
    "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb",
};

START_TEST(refuses_what_is_none)
{
    struct sockaddr_in6 a = {.sin6_family = AF_UNIX};

    ck_assert(!address_read(none[_i], strlen(none[_i]), &a));
    ck_assert_int_eq(a.sin6_family, AF_UNIX);
}
END_TEST

START_TEST(reads_no_further_than_it_is_told)
{
    struct sockaddr_in6 a;
    char text[INET6_ADDRSTRLEN];

    ck_assert(address_read("192.0.2.123", 10, &a));
    ck_assert_str_eq(address_text(&a, text), "192.0.2.12");
    ck_assert(!address_read("192.0.2.1\0", 10, &a));
}
END_TEST

START_TEST(says_what_has_no_bytes)
{
    const struct sockaddr_in6 local = {.sin6_family = AF_UNIX}, unknown = {.sin6_family = 77};
    char text[INET6_ADDRSTRLEN];

    ck_assert_str_eq(address_text(&local, text), "unix");
    ck_assert_str_eq(address_text(&unknown, text), "-");
}
END_TEST

static struct sockaddr_in6 address(const char *text)
{
    struct sockaddr_in6 a = {.sin6_family = AF_UNIX};

    if (strcmp(text, "unix") != 0)
        ck_assert(address_read(text, strlen(text), &a));
    return a;
}

static struct sockaddr_in6 dressed(void)
{
    static const uint8_t bytes[ADDRESS_BYTES] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1};
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};

    memcpy(&a.sin6_addr, bytes, sizeof(bytes));
    return a;
}

START_TEST(knows_the_same_host)
{
    struct sockaddr_in6 v4 = address("192.0.2.1"), v6 = address("2001:db8::1"),
                        local = address("unix"), as_v6 = dressed(), other = address("192.0.2.2");

    ck_assert(address_is_same(&v4, &v4) && address_is_same(&v6, &v6));
    ck_assert(address_is_same(&v4, &as_v6) && address_is_same(&local, &local));
    ck_assert(!address_is_same(&v4, &other) && !address_is_same(&v4, &v6));
    ck_assert(!address_is_same(&v4, &local) && !address_is_same(&local, &v4));
    other = v4;
    other.sin6_port = htons(1);
    ck_assert(address_is_same(&v4, &other));
}
END_TEST

START_TEST(takes_bytes_of_the_wire)
{
    static const uint8_t v4[] = {192, 0, 2, 1};
    struct sockaddr_in6 a, as_v6 = dressed();
    char text[INET6_ADDRSTRLEN];

    address_of_v4(v4, 80, &a);
    ck_assert_str_eq(address_text(&a, text), "192.0.2.1");
    ck_assert_uint_eq(ntohs(a.sin6_port), 80);
    address_of_v6(&as_v6.sin6_addr, 81, &a);
    ck_assert_int_eq(a.sin6_family, AF_INET);
    ck_assert_uint_eq(ntohs(a.sin6_port), 81);
    address_of_v6(&in6addr_loopback, 82, &a);
    ck_assert_str_eq(address_text(&a, text), "::1");
    ck_assert_uint_eq(ntohs(a.sin6_port), 82);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *tcase = tcase_create("address");

    tcase_add_loop_test(tcase, reads_and_writes, 0, COUNT(addresses));
    tcase_add_loop_test(tcase, refuses_what_is_none, 0, COUNT(none));
    tcase_add_test(tcase, reads_no_further_than_it_is_told);
    tcase_add_test(tcase, says_what_has_no_bytes);
    tcase_add_test(tcase, knows_the_same_host);
    tcase_add_test(tcase, takes_bytes_of_the_wire);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
