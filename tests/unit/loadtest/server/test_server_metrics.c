/*
 * What is read from a server's /metrics, and what is said when there is none.
 */
#include "loadtest/server/server_metrics.h"

#include "unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char text[] = "# HELP tandem_requests_total Whole requests\n"
                           "# TYPE tandem_requests_total counter\n"
                           "tandem_requests_total 4711\n"
                           "tandem_requests_refused_total 3\n"
                           "tandem_responses_total{route=\"/\",code=\"200\"} 4700\n"
                           "tandem_responses_total{route=\"(admin)\",code=\"200\"} 8\n"
                           "tandem_responses_total{route=\"(admin)\",code=\"503\"} 3\n"
                           "requests_killed_total{cause=\"segv\",route=\"/fault/segv\"} 5\n"
                           "requests_killed_total{cause=\"segv\",route=\"/a \\\"b\\\\ c} 9\"} 7\n"
                           "requests_killed_total{cause=\"timeout\",route=\"/slow\"} 1\n"
                           "tandem_worker_deaths_total 12\n"
                           "tandem_process_start_time_seconds 1700000000.042\n"
                           "tandem_cpu_seconds_total 1.250\n"
                           "tandem_memory_pss_bytes 1163264\n";

static void check_all(const struct server_metrics *m)
{
    ck_assert_uint_eq(m->requests, 4711);
    ck_assert_uint_eq(m->refused, 3);
    ck_assert(m->tells_watched);
    ck_assert_uint_eq(m->watched, 11);
    ck_assert_uint_eq(m->causes, 2);
    ck_assert_str_eq(m->killed[0].cause, "segv");
    ck_assert_uint_eq(m->killed[0].requests, 12);
    ck_assert_str_eq(m->killed[1].cause, "timeout");
    ck_assert_uint_eq(server_metrics_killed(m), 13);
    ck_assert_uint_eq(m->worker_deaths, 12);
    ck_assert(m->started_s > 1700000000.0415 && m->started_s < 1700000000.0425);
    ck_assert(m->cpu_s > 1.2499 && m->cpu_s < 1.2501);
    ck_assert_uint_eq(m->pss_bytes, 1163264);
}

START_TEST(every_figure_is_found)
{
    struct server_metrics m;
    ck_assert(server_metrics_parse(text, &m));
    check_all(&m);
}
END_TEST

START_TEST(what_is_missing_is_unknown)
{
    struct server_metrics m;
    ck_assert(server_metrics_parse("tandem_requests_total 1", &m));
    ck_assert(m.cpu_s < 0);
    ck_assert(!m.tells_watched);
    ck_assert_uint_eq(m.pss_bytes, 0);
    ck_assert(!server_metrics_parse("", &m));
    ck_assert(!server_metrics_parse("tandem_requests_total_of_another 1\nrequests_total 5\n", &m));
    ck_assert(!server_metrics_parse("# tandem_requests_total 1\n", &m));
}
END_TEST

/* A server that gives one answer. */
static void serve(const char *head, const char *body, char url[64])
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof any;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&any, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&any, &size), 0);
    snprintf(url, 64, "http://127.0.0.1:%u/metrics", ntohs(any.sin_port));
    if (fork() == 0) {
        char request[4096];
        int fd = accept(listener, NULL, NULL);
        ssize_t n = read(fd, request, sizeof request);
        dprintf(fd, "%s\r\nContent-Type: text/plain\r\n\r\n%s", n > 0 ? head : "", body);
        close(fd);
        _exit(0);
    }
    close(listener);
}

START_TEST(it_is_read_over_http)
{
    struct server_metrics m;
    struct complaint why = {""};
    char url[64];
    serve("HTTP/1.1 200 OK", text, url);
    ck_assert_msg(server_metrics_get(url, &m, &why), "%s", why.text);
    check_all(&m);
    wait(NULL);
}
END_TEST

START_TEST(other_answers_are_told_from_it)
{
    static const struct {
        const char *head, *body, *word;
    } cases[] = {{"HTTP/1.1 404 Not Found", "no", "status 404"},
                 {"HTTP/1.0 200 OK", "go_threads 7\n", "tandem_requests_total"},
                 {"SSH-2.0-x", "", "not HTTP"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct server_metrics m;
        struct complaint why = {""};
        char url[64];
        serve(cases[i].head, cases[i].body, url);
        ck_assert(!server_metrics_get(url, &m, &why));
        ck_assert_msg(strstr(why.text, cases[i].word) != NULL, "%s", why.text);
        wait(NULL);
    }
    struct server_metrics m;
    struct complaint why = {""};
    ck_assert(!server_metrics_get("http://127.0.0.1:1/metrics", &m, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "nobody answers"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server_metrics");
    TCase *tests = tcase_create("server_metrics");
    tcase_set_timeout(tests, 20);
    tcase_add_test(tests, every_figure_is_found);
    tcase_add_test(tests, what_is_missing_is_unknown);
    tcase_add_test(tests, it_is_read_over_http);
    tcase_add_test(tests, other_answers_are_told_from_it);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
