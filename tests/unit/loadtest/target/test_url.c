/*
 * Taking URLs apart, and saying what is wrong with those that are none.
 */
#include "loadtest/target/url.h"

#include "unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

static struct url good(const char *text)
{
    struct url url;
    struct complaint why;
    bool parsed = url_parse(text, &url, &why);
    ck_assert_msg(parsed, "%s: %s", text, parsed ? "" : why.text);
    return url;
}

START_TEST(the_parts)
{
    struct url u = good("http://example.org:8080/a/b?c=d#e");
    ck_assert_str_eq(u.host, "example.org");
    ck_assert_str_eq(u.port, "8080");
    ck_assert_str_eq(u.authority, "example.org:8080");
    ck_assert_str_eq(u.uri, "/a/b?c=d");
    u = good("http://10.0.0.1");
    ck_assert_str_eq(u.port, "80");
    ck_assert_str_eq(u.uri, "/");
    ck_assert(!u.tls);
    u = good("https://h/");
    ck_assert(u.tls);
    ck_assert_str_eq(u.port, "443");
    ck_assert_str_eq(good("https://h:8443/").port, "8443");
    u = good("HTTP://h?q");
    ck_assert_str_eq(u.uri, "/?q");
}
END_TEST

START_TEST(ipv6_loses_its_brackets)
{
    struct url u = good("http://[::1]:81/x");
    ck_assert_str_eq(u.host, "::1");
    ck_assert_str_eq(u.port, "81");
    ck_assert_str_eq(u.authority, "[::1]:81");
    ck_assert_str_eq(good("http://[::1]/").port, "80");
}
END_TEST

START_TEST(unix_sockets)
{
    struct url u = good("unix:/run/it.sock:/path?x");
    ck_assert(u.unix_socket);
    ck_assert_str_eq(u.host, "/run/it.sock");
    ck_assert_str_eq(u.uri, "/path?x");
    ck_assert_str_eq(good("unix:/run/it.sock").uri, "/");
}
END_TEST

START_TEST(what_is_no_url_is_named)
{
    static const char *const bad[] = {"",
                                      "127.0.0.1:80",
                                      "ftp://x/",
                                      "https:///path",
                                      "https://x:0/",
                                      "http://",
                                      "http:///path",
                                      "http://x:0/",
                                      "http://x:65536/",
                                      "http://x:8o/",
                                      "http://[::1/",
                                      "http://[::1]80/",
                                      "http://me@x/",
                                      "http://x/a b",
                                      "http://x/\r\nEvil: 1",
                                      "unix:"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct url url;
        struct complaint why = {""};
        ck_assert_msg(!url_parse(bad[i], &url, &why), "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(why.text, bad[i]));
    }
}
END_TEST

START_TEST(an_address_is_found)
{
    struct url u = good("http://127.0.0.1:8080/");
    struct address a;
    struct complaint why;
    ck_assert(url_resolve(&u, &a, &why));
    const struct sockaddr_in *in = (const struct sockaddr_in *)&a.sa;
    ck_assert_int_eq(in->sin_family, AF_INET);
    ck_assert_uint_eq(ntohs(in->sin_port), 8080);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("url");
    TCase *tests = tcase_create("url");
    tcase_add_test(tests, the_parts);
    tcase_add_test(tests, ipv6_loses_its_brackets);
    tcase_add_test(tests, unix_sockets);
    tcase_add_test(tests, what_is_no_url_is_named);
    tcase_add_test(tests, an_address_is_found);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
