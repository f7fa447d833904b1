/*
 * Ports that agree everywhere, words as in a shell, and nothing left behind.
 */
#include "loadtest/server/stage.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct run_options options(const char *start, const char *url)
{
    struct run_options o;
    run_options_default(&o);
    o.start = start;
    o.urls[o.url_count++] = url;
    return o;
}

static void bad(const char *start, const char *url, const char *word)
{
    struct run_options o = options(start, url);
    struct stage s;
    struct complaint why = {""};
    ck_assert(!stage_open(&s, &o, &why));
    ck_assert_msg(strstr(why.text, word) != NULL, "%s", why.text);
}

START_TEST(a_port_is_the_same_wherever_it_stands)
{
    struct run_options o =
        options("sh -c 'echo ready 127.0.0.1:{port} admin 127.0.0.1:{admin-port} "
                ">&3; exec sleep 60' name {tls-port} --ready-fd 3",
                "http://127.0.0.1:{port}/a{port}");
    o.urls[o.url_count++] = "https://127.0.0.1:{tls-port}/";
    o.server_metrics = "http://127.0.0.1:{admin-port}/metrics";
    o.injections[o.injection_count++].url = "http://127.0.0.1:{port}/crash";
    struct stage s;
    struct complaint why = {""};
    char text[256];
    ck_assert_msg(stage_open(&s, &o, &why), "%s", why.text);
    ck_assert_ptr_eq(o.subject, &s.subject);
    snprintf(text, sizeof text, "127.0.0.1:%s", s.ports[PORT]);
    ck_assert_str_eq(s.subject.address, text);
    snprintf(text, sizeof text, "http://127.0.0.1:%s/a%s", s.ports[PORT], s.ports[PORT]);
    ck_assert_str_eq(o.urls[0], text);
    snprintf(text, sizeof text, "http://127.0.0.1:%s/crash", s.ports[PORT]);
    ck_assert_str_eq(o.injections[0].url, text);
    snprintf(text, sizeof text, "http://%s/metrics", s.subject.admin);
    ck_assert_str_eq(o.server_metrics, text);
    snprintf(text, sizeof text, "https://127.0.0.1:%s/", s.ports[TLS_PORT]);
    ck_assert_str_eq(o.urls[1], text);
    ck_assert_str_ne(s.ports[PORT], s.ports[ADMIN_PORT]);
    ck_assert_str_ne(s.ports[PORT], s.ports[TLS_PORT]);
    ck_assert_str_ne(s.ports[TLS_PORT], s.ports[ADMIN_PORT]);
    char log[sizeof s.log];
    strcpy(log, s.log);
    ck_assert_int_eq(access(log, F_OK), 0);
    stage_close(&s);
    ck_assert_int_ne(access(log, F_OK), 0);
}
END_TEST

START_TEST(without_start_nothing_is_started)
{
    struct run_options o = options(NULL, "http://127.0.0.1:80/");
    struct stage s;
    struct complaint why = {""};
    ck_assert(stage_open(&s, &o, &why));
    ck_assert_ptr_null(o.subject);
    ck_assert_str_eq(o.urls[0], "http://127.0.0.1:80/");
    stage_close(&s);
    bad(NULL, "http://127.0.0.1:{port}/", "only with --start");
    bad(NULL, "https://127.0.0.1:{tls-port}/", "only with --start");
}
END_TEST

START_TEST(a_command_that_is_none_is_told_from_one)
{
    bad("a | b", "http://127.0.0.1:{port}/", "sh -c");
    bad("a 'b", "http://127.0.0.1:{port}/", "quotes");
    bad("a $(b)", "http://127.0.0.1:{port}/", "no command");
    bad("   ", "http://127.0.0.1:{port}/", "which command");
    bad("a $no_such_variable_anywhere", "http://127.0.0.1:{port}/", "variable");
    bad("/nonexistent/server", "http://127.0.0.1:{port}/", "/nonexistent/server");
    bad("sleep 60", "ftp://127.0.0.1:{port}/", "ftp");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stage");
    TCase *tests = tcase_create("stage");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_port_is_the_same_wherever_it_stands);
    tcase_add_test(tests, without_start_nothing_is_started);
    tcase_add_test(tests, a_command_that_is_none_is_told_from_one);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
