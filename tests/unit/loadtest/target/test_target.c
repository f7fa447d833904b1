/*
 * What is injected, how often, when, and where.
 */
#include "loadtest/target/target.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/units.h"

static struct target build(const char *const *urls, size_t n, const struct injection *injections,
                           size_t m)
{
    static const struct dress dress = {.method = "GET", .keepalive = true};
    struct target s;
    struct aim aims[8];
    struct complaint why = {""};
    for (size_t i = 0; i < n; i++)
        aims[i] = (struct aim){.url = urls[i], .weight = 1};
    bool built = target_build(&s, aims, n, injections, m, &dress, 4, &why);
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

/* However the calls for two servers alternate, each server's URLs take turns by themselves. */
START_TEST(turns_are_taken_for_each_server)
{
    const char *urls[] = {"http://127.0.0.1:1/a", "http://127.0.0.1:1/b", "http://127.0.0.1:2/c",
                          "http://127.0.0.1:2/d"};
    struct target s = build(urls, 4, NULL, 0);
    struct chooser c;
    chooser_init(&c, &s, 1, 0);
    ck_assert_ptr_nonnull(strstr(chooser_next(&c, &s.endpoints[0], 0)->bytes, "GET /a"));
    ck_assert_ptr_nonnull(strstr(chooser_next(&c, &s.endpoints[1], 0)->bytes, "GET /c"));
    ck_assert_ptr_nonnull(strstr(chooser_next(&c, &s.endpoints[0], 0)->bytes, "GET /b"));
    ck_assert_ptr_nonnull(strstr(chooser_next(&c, &s.endpoints[1], 0)->bytes, "GET /d"));
    target_free(&s);
}
END_TEST

START_TEST(urls_of_one_server_are_chosen_by_weight)
{
    static const struct dress dress = {
        .method = "POST", .body = "x", .body_length = 1, .keepalive = true};
    static const struct aim aims[] = {
        {.url = "http://127.0.0.1:1/often", .weight = 9},
        {.url = "http://127.0.0.1:1/seldom", .weight = 1},
        {.url = "http://127.0.0.1:1/h", .method = "GET", .weight = 0.5}};
    struct target s;
    struct chooser a, b;
    struct complaint why;
    int seldom = 0, get = 0;
    ck_assert(target_build(&s, aims, 3, NULL, 0, &dress, 1, &why));
    chooser_init(&a, &s, 7, 0);
    chooser_init(&b, &s, 7, 0);
    for (int i = 0; i < 10500; i++) {
        const struct shot *shot = chooser_next(&a, &s.endpoints[0], 0);
        ck_assert_ptr_eq(shot, chooser_next(&b, &s.endpoints[0], 0));
        seldom += shot == &s.endpoints[0].innocent[1];
        get += shot == &s.endpoints[0].innocent[2];
    }
    ck_assert_int_lt(abs(seldom - 1000), 150); /* 5 sigma */
    ck_assert_int_lt(abs(get - 500), 110);
    ck_assert_ptr_nonnull(strstr(s.endpoints[0].innocent[0].bytes, "POST /often"));
    ck_assert_ptr_nonnull(strstr(s.endpoints[0].innocent[2].bytes, "GET /h"));
    ck_assert_ptr_null(strstr(s.endpoints[0].innocent[2].bytes, "Content-Length"));
    target_free(&s);
}
END_TEST

START_TEST(connections_are_shared_out_by_weight)
{
    static const struct dress dress = {.method = "GET"};
    static const struct aim aims[] = {{.url = "http://127.0.0.1:1/", .weight = 6},
                                      {.url = "http://127.0.0.1:2/", .weight = 2.5},
                                      {.url = "http://127.0.0.1:2/x", .weight = 0.5},
                                      {.url = "http://127.0.0.1:3/", .weight = 1e-6}};
    size_t has[3] = {0};
    struct target s;
    struct complaint why = {""};
    ck_assert(target_build(&s, aims, 4, NULL, 0, &dress, 100, &why));
    for (size_t n = 0; n < 100; n++)
        has[target_endpoint_of(&s, n) - s.endpoints]++;
    ck_assert_uint_eq(has[2], 1); /* each has one at least */
    ck_assert_uint_eq(has[1], 33);
    ck_assert_uint_eq(has[0], 66);
    target_free(&s);
    ck_assert(!target_build(&s, aims, 4, NULL, 0, &dress, 2, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "3 servers"));
}
END_TEST

START_TEST(a_mistake_in_a_file_is_found_by_its_line)
{
    static const struct dress dress = {.method = "GET"};
    struct aim aim = {.url = "ftp://x/", .weight = 1, .file = "some.urls", .line = 12};
    struct target s;
    struct complaint why = {""};
    ck_assert(!target_build(&s, &aim, 1, NULL, 0, &dress, 2, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "some.urls:12: URL ftp://x/"));
    aim.url = "http://127.0.0.1:1/{rand:9-1}";
    ck_assert(!target_build(&s, &aim, 1, NULL, 0, &dress, 2, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "some.urls:12: \"{rand:9-1}\""));
}
END_TEST

START_TEST(the_poison_must_go_to_the_server_under_load)
{
    static const struct aim aim = {.url = "http://127.0.0.1:1/", .weight = 1};
    static const struct dress dress = {.method = "GET"};
    struct injection i = parsed("segv=1%");
    struct target s;
    struct complaint why = {""};
    i.url = "http://127.0.0.1:2/crash";
    ck_assert(!target_build(&s, &aim, 1, &i, 1, &dress, 1, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "--inject-url"));
    i.url = "http://127.0.0.1:1/crash";
    ck_assert(target_build(&s, &aim, 1, &i, 1, &dress, 1, &why));
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
    const struct aim aim = {.url = "http://127.0.0.1:1/a", .weight = 1};
    struct injection i[] = {parsed("drip=1%"), parsed("garbage@1s"), parsed("segv=1%")};
    struct target s;
    struct complaint why = {""};
    i[1].url = "http://127.0.0.1:1/b";
    ck_assert(target_build(&s, &aim, 1, i, 3, &dress, 4, &why));
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
    tcase_add_test(tests, turns_are_taken_for_each_server);
    tcase_add_test(tests, urls_of_one_server_are_chosen_by_weight);
    tcase_add_test(tests, connections_are_shared_out_by_weight);
    tcase_add_test(tests, a_mistake_in_a_file_is_found_by_its_line);
    tcase_add_test(tests, the_poison_must_go_to_the_server_under_load);
    tcase_add_test(tests, tls_and_names_tell_servers_apart);
    tcase_add_test(tests, a_wire_fault_asks_for_what_the_load_asks_for);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
