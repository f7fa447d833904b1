/*
 * What is injected, how often, when, and where.
 */
#include "loadtest/target.h"

#include <check.h>
#include <string.h>

#include "loadtest/units.h"

static struct target build(const char *const *urls, size_t n, const struct injection *injections,
                           size_t m)
{
    static const struct dress dress = {.method = "GET", .keepalive = true};
    struct target s;
    struct complaint why = {""};
    bool built = target_build(&s, urls, n, injections, m, &dress, &why);
    ck_assert_msg(built, "%s", why.text);
    return s;
}

static struct injection parsed(const char *text)
{
    struct injection injection;
    struct complaint why = {""};
    bool good = injection_parse(text, &injection, &why);
    ck_assert_msg(good, "%s", why.text);
    return injection;
}

START_TEST(the_three_ways_to_inject)
{
    struct injection i = parsed("stack-overflow=0.5%");
    ck_assert_str_eq(i.kind, "stack-overflow");
    ck_assert(i.share > 0.0049 && i.share < 0.0051);
    i = parsed("segv@5s");
    ck_assert_int_eq(i.first_ns, 5 * NS_PER_S);
    ck_assert_int_eq(i.every_ns, 0);
    i = parsed("segv@5s/500ms");
    ck_assert_int_eq(i.every_ns, 500 * NS_PER_MS);
    static const char *const bad[] = {"segv",   "=1%",   "segv=",  "segv=1",   "segv=200%",
                                      "a/b=1%", "segv@", "segv@x", "segv@5s/", "segv@5s/0s"};
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
        struct complaint why;
        ck_assert_msg(!injection_parse(bad[n], &i, &why), "%s", bad[n]);
    }
}
END_TEST

START_TEST(one_in_a_hundred)
{
    const char *url = "http://127.0.0.1:1/";
    struct injection i = parsed("segv=1%");
    struct target s = build(&url, 1, &i, 1);
    struct chooser a, b;
    int injected = 0;
    chooser_init(&a, &s, 42, 0);
    chooser_init(&b, &s, 42, 0);
    for (int n = 0; n < 100000; n++) {
        const struct shot *shot = chooser_next(&a, &s.endpoints[0], 0);
        ck_assert_ptr_eq(shot, chooser_next(&b, &s.endpoints[0], 0));
        injected += shot->party == INJECTED;
    }
    ck_assert_int_gt(injected, 850);
    ck_assert_int_lt(injected, 1150);
    ck_assert_ptr_nonnull(strstr(s.endpoints[0].injected[0].bytes, "GET /fault/segv HTTP/1.1"));
    ck_assert_uint_eq(chooser_next_innocent(&a, &s.endpoints[0])->party, INNOCENT);
    target_free(&s);
}
END_TEST

START_TEST(at_its_time_and_by_one_thread_only)
{
    const char *url = "http://127.0.0.1:1/";
    struct injection i = parsed("hang@1s/2s");
    struct target s = build(&url, 1, &i, 1);
    struct chooser first, second;
    int fired = 0;
    chooser_init(&first, &s, 1, 0);
    chooser_init(&second, &s, 1, 1);
    for (int64_t ms = 0; ms < 6000; ms += 10) {
        fired += chooser_next(&first, &s.endpoints[0], ms * NS_PER_MS)->party == INJECTED;
        ck_assert_uint_eq(chooser_next(&second, &s.endpoints[0], ms * NS_PER_MS)->party, INNOCENT);
    }
    ck_assert_int_eq(fired, 3); /* at 1, 3 and 5 s */
    target_free(&s);
}
END_TEST

START_TEST(urls_of_one_server_take_turns)
{
    const char *urls[] = {"http://127.0.0.1:1/a", "http://127.0.0.1:1/b", "http://127.0.0.1:2/c"};
    struct target s = build(urls, 3, NULL, 0);
    struct chooser c;
    chooser_init(&c, &s, 1, 0);
    ck_assert_uint_eq(s.endpoint_count, 2);
    ck_assert_ptr_nonnull(strstr(chooser_next(&c, &s.endpoints[0], 0)->bytes, "GET /a"));
    ck_assert_ptr_nonnull(strstr(chooser_next(&c, &s.endpoints[0], 0)->bytes, "GET /b"));
    ck_assert_ptr_nonnull(strstr(chooser_next(&c, &s.endpoints[0], 0)->bytes, "GET /a"));
    target_free(&s);
}
END_TEST

START_TEST(the_poison_must_go_to_the_server_under_load)
{
    const char *url = "http://127.0.0.1:1/";
    static const struct dress dress = {.method = "GET"};
    struct injection i = parsed("segv=1%");
    struct target s;
    struct complaint why = {""};
    i.url = "http://127.0.0.1:2/crash";
    ck_assert(!target_build(&s, &url, 1, &i, 1, &dress, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "--inject-url"));
    i.url = "http://127.0.0.1:1/crash";
    ck_assert(target_build(&s, &url, 1, &i, 1, &dress, &why));
    ck_assert_ptr_nonnull(strstr(s.endpoints[0].injected[0].bytes, "GET /crash"));
    target_free(&s);
}
END_TEST

/* With TLS a server is an address and a name, and never the one without. */
START_TEST(tls_and_names_tell_servers_apart)
{
    const char *urls[] = {"http://127.0.0.1:1/", "https://127.0.0.1:1/", "https://localhost:1/",
                          "https://LocalHost:1/x"};
    struct target s = build(urls, 4, NULL, 0);
    ck_assert_uint_eq(s.endpoint_count, 3);
    ck_assert_ptr_null(s.endpoints[0].tls_host);
    ck_assert_str_eq(s.endpoints[1].tls_host, "127.0.0.1");
    ck_assert_str_eq(s.endpoints[2].tls_host, "localhost");
    ck_assert_uint_eq(s.endpoints[2].innocent_count, 2);
    ck_assert(target_needs_tls(&s));
    ck_assert(!target_needs_gang(&s));
    target_free(&s);
}
END_TEST

/* A wire fault is a request under load, body and all; or a plain one for a URL of its own. */
START_TEST(a_wire_fault_asks_for_what_the_load_asks_for)
{
    static const struct dress dress = {.method = "POST", .body = "data", .body_length = 4};
    const char *url = "http://127.0.0.1:1/a";
    struct injection i[] = {parsed("drip=1%"), parsed("garbage@1s"), parsed("segv=1%")};
    struct target s;
    struct complaint why = {""};
    i[1].url = "http://127.0.0.1:1/b";
    ck_assert(target_build(&s, &url, 1, i, 3, &dress, &why));
    const struct endpoint *there = &s.endpoints[0];
    const struct shot *drip = &there->injected[0];
    ck_assert_uint_eq(drip->length, there->innocent[0].length);
    ck_assert_mem_eq(drip->bytes, there->innocent[0].bytes, drip->length);
    ck_assert_uint_eq(drip->party, INJECTED);
    ck_assert_ptr_nonnull(drip->mischief);
    ck_assert_ptr_nonnull(strstr(there->injected[1].bytes, "GET /b "));
    ck_assert_ptr_nonnull(there->injected[1].mischief);
    ck_assert_ptr_nonnull(strstr(there->injected[2].bytes, "GET /fault/segv "));
    ck_assert_ptr_null(there->injected[2].mischief);
    ck_assert_ptr_null(there->innocent[0].mischief);
    ck_assert(target_needs_gang(&s));
    target_free(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("target");
    TCase *tests = tcase_create("target");
    tcase_add_test(tests, the_three_ways_to_inject);
    tcase_add_test(tests, one_in_a_hundred);
    tcase_add_test(tests, at_its_time_and_by_one_thread_only);
    tcase_add_test(tests, urls_of_one_server_take_turns);
    tcase_add_test(tests, the_poison_must_go_to_the_server_under_load);
    tcase_add_test(tests, tls_and_names_tell_servers_apart);
    tcase_add_test(tests, a_wire_fault_asks_for_what_the_load_asks_for);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
