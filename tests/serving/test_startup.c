/*
 * Starting, and being refused: bad input gets one clear line, an exit code, and nothing else.
 */
#include "bytes.h"
#include "patience.h"
#include "program.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RUN_MS = 5000 };

static struct outcome run(int subject, const char *const *options, const char *const *environment,
                          void (*before_exec)(void))
{
    const char *argv[32] = {subject_program(&subjects[subject])};
    struct program program = {.argv = argv, .environment = environment, .before_exec = before_exec};
    size_t count = 1;

    for (; *options != NULL && count < 31; options++)
        argv[count++] = *options;
    argv[count] = NULL;
    return program_run(program, patience(RUN_MS));
}

static int lines_of(const char *text)
{
    int count = 0;

    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

/* Code 1 or 2 (0: either), one line on stderr that holds `word`. */
static void expect_refusal(struct outcome outcome, int code, const char *word)
{
    ck_assert_msg(code != 0 ? outcome.code == code : outcome.code == 1 || outcome.code == 2,
                  "%s: exit code %d: %s", word, outcome.code, outcome.errors.at);
    ck_assert_msg(lines_of(outcome.errors.at) == 1, "%s: not one line: %s", word,
                  outcome.errors.at);
    ck_assert_msg(strstr(outcome.errors.at, word) != NULL, "no \"%s\" in: %s", word,
                  outcome.errors.at);
    outcome_free(&outcome);
}

static const struct {
    const char *options[6];
    int code;
    const char *word;
} refusals[] = {
    {{"--bogus"}, 2, "--bogus"},
    {{"--listen"}, 2, "--listen"},
    {{"--listen", "127.0.0.1:99999"}, 2, "99999"},
    {{"--listen", "127.0.0.1:http"}, 2, "http"},
    {{"--listen", "127.0.0.1"}, 2, "127.0.0.1"},
    {{"--listen", "127.0.0.1:0", "--root", "/does/not/exist"}, 0, "/does/not/exist"},
    {{"--listen", "127.0.0.1:0", "--root", "/etc/passwd"}, 0, "/etc/passwd"},
    {{"--workers", "0"}, 2, "--workers"},
    {{"--workers", "many"}, 2, "many"},
    {{"--workers", "1000000"}, 2, "--workers"},
    {{"--max-body", "12q"}, 2, "12q"},
    {{"--request-timeout", "5 parsecs"}, 2, "5 parsecs"},
    {{"--log-level", "loud"}, 2, "loud"},
    {{"--log-format", "xml"}, 2, "xml"},
    {{"stray"}, 2, "stray"},
    {{"--listen", "127.0.0.1:0", "--access-log", "/does/not/exist/log"}, 0, "/does/not/exist/log"},
    {{"--listen", "unix:/does/not/exist/sock"}, 0, "/does/not/exist/sock"},
    {{"--listen", "203.0.113.77:0"}, 1, "203.0.113.77"},
};

START_TEST(says_what_is_wrong_in_one_line)
{
    for (int subject = THREAD; subject <= POOL && subject < subject_count(); subject++)
        expect_refusal(run(subject, refusals[_i].options, NULL, NULL), refusals[_i].code,
                       refusals[_i].word);
}
END_TEST

START_TEST(refuses_a_port_in_use)
{
    struct server server;
    char address[64];

    server_start(&server, _i, NO_OPTIONS);
    snprintf(address, sizeof(address), "127.0.0.1:%d", server.port);
    expect_refusal(run(_i, OPTIONS("--listen", address), NULL, NULL), 1, strchr(address, ':') + 1);
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(5000)), 200);
    server_stop_clean(&server);
}
END_TEST

static void allow_few_descriptors(void)
{
    struct rlimit few = {.rlim_cur = 200, .rlim_max = 200};

    setrlimit(RLIMIT_NOFILE, &few);
}

START_TEST(refuses_to_promise_more_connections_than_descriptors)
{
    expect_refusal(run(_i, OPTIONS("--listen", "127.0.0.1:0", "--max-connections", "5000"), NULL,
                       allow_few_descriptors),
                   0, "5000");
}
END_TEST

START_TEST(isolation_is_an_option_of_processes_only)
{
    expect_refusal(run(THREAD, OPTIONS("--isolation", "pool"), NULL, NULL), 2, "--isolation");
    if (subject_count() > POOL)
        expect_refusal(run(POOL, OPTIONS("--isolation", "none"), NULL, NULL), 2, "none");
}
END_TEST

START_TEST(tells_its_version)
{
    struct outcome outcome = run(_i, OPTIONS("--version"), NULL, NULL);

    ck_assert_int_eq(outcome.code, 0);
    ck_assert_ptr_nonnull(strstr(outcome.output.at, TANDEM_VERSION));
    ck_assert_int_eq(lines_of(outcome.output.at), 1);
    ck_assert_uint_eq(outcome.errors.length, 0);
    outcome_free(&outcome);
}
END_TEST

/* --check reads everything and starts nothing: a port in use is none of its business. */
START_TEST(checks_without_starting)
{
    struct outcome outcome;

    outcome = run(_i, OPTIONS("--check", "--listen", "127.0.0.1:0", "--root", workshop_root()),
                  NULL, NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.errors.at);
    ck_assert_uint_eq(outcome.errors.length, 0);
    outcome_free(&outcome);
    expect_refusal(run(_i, OPTIONS("--check", "--root", "/does/not/exist"), NULL, NULL), 0,
                   "/does/not/exist");
    expect_refusal(run(_i, OPTIONS("--check", "--workers", "none"), NULL, NULL), 2, "none");
    expect_refusal(run(_i, OPTIONS("--check", "--media-types", "/does/not/exist"), NULL, NULL), 1,
                   "--media-types");
    expect_refusal(run(_i,
                       OPTIONS("--check", "--root", workshop_root(), "--not-found", "no-such.html"),
                       NULL, NULL),
                   1, "--not-found");
    expect_refusal(
        run(_i, OPTIONS("--check", "--root", workshop_root(), "--not-found", "../etc/passwd"), NULL,
            NULL),
        1, "--not-found");
}
END_TEST

/* --- the environment --- */

static void expect_by_environment(int subject, const char *variable, int code, const char *word)
{
    const char *environment[] = {variable, NULL};

    expect_refusal(run(subject, OPTIONS("--check"), environment, NULL), code, word);
}

START_TEST(reads_the_environment)
{
    const char *environment[] = {"TANDEM_WORKERS=none", NULL};
    struct outcome outcome;

    expect_by_environment(_i, "TANDEM_WORKERS=none", 2, "none");
    expect_by_environment(_i, "TANDEM_MAX_BODY=12q", 2, "12q");
    expect_by_environment(_i, "TANDEM_LISTEN=127.0.0.1:0 127.0.0.1:99999", 2, "99999");
    outcome = run(_i, OPTIONS("--check", "--workers", "2"), environment, NULL);
    ck_assert_msg(outcome.code == 0, "a flag wins: %s", outcome.errors.at);
    outcome_free(&outcome);
}
END_TEST

START_TEST(serves_by_the_environment)
{
    struct server server;
    struct wire wire;

    setenv("TANDEM_MAX_URI", "64", 1);
    setenv("TANDEM_ENABLE_DEMO", "1", 1);
    server_start(&server, _i, NO_OPTIONS);
    unsetenv("TANDEM_MAX_URI");
    unsetenv("TANDEM_ENABLE_DEMO");
    ck_assert_int_eq(fetch_status(server.port, "/work?bytes=1", patience(5000)), 200);
    wire = wire_open(server.port);
    wire_expect_get(&wire,
                    "/0123456789012345678901234567890123456789012345678901234567890123456789", 414,
                    server.subject->name);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* --- the file --- */

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(content, file);
    fclose(file);
}

/* Any of them as a flag or a variable wins; what it prints of itself, it takes as such a file. */
START_TEST(serves_by_a_file)
{
    char path[128], again[128];
    struct server server;
    struct wire wire;
    struct outcome outcome;

    workshop_path(path, sizeof path, "given-%d.conf", _i);
    workshop_path(again, sizeof again, "printed-%d.conf", _i);
    write_file(path, "max-uri = 64\nmax-body = 1k ; the variable wins\nenable-demo = on\n");
    setenv("TANDEM_MAX_BODY", "2k", 1);
    outcome =
        run(_i, OPTIONS("--config", path, "--print-config", "--listen", "127.0.0.1:0"), NULL, NULL);
    unsetenv("TANDEM_MAX_BODY");
    ck_assert_int_eq(outcome.code, 0);
    ck_assert_ptr_nonnull(strstr(outcome.output.at, "max-body = 2k "));
    write_file(again, outcome.output.at);
    outcome_free(&outcome);
    server_start(&server, _i, OPTIONS("--config", again));
    ck_assert_int_eq(fetch_status(server.port, "/work?bytes=1", patience(5000)), 200);
    wire = wire_open(server.port);
    wire_expect_get(&wire,
                    "/0123456789012345678901234567890123456789012345678901234567890123456789", 414,
                    server.subject->name);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* --- what is off by default, and what says so when it is on --- */

START_TEST(offers_no_faults_unless_told_to)
{
    struct server server;

    server_start(&server, _i, NO_OPTIONS);
    ck_assert_int_eq(fetch_status(server.port, "/fault/segv", patience(5000)), 404);
    ck_assert_int_eq(fetch_status(server.port, "/work", patience(5000)), 404);
    server_stop_clean(&server);
    server_start(&server, _i, OPTIONS("--enable-faults", "--enable-demo"));
    ck_assert(server_logged(&server, "--enable-faults", "warn", patience(2000)));
    ck_assert(server_logged(&server, "--enable-demo", "warn", patience(2000)));
    server_stop_clean(&server);
}
END_TEST

START_TEST(serves_in_one_process_for_the_debugger)
{
    struct server server;
    struct wire wire;

    server_start(&server, _i, OPTIONS("--one", "--enable-demo"));
    wire = wire_open(server.port);
    for (int i = 0; i < 20; i++)
        wire_expect_usable(&wire, "--one");
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("startup");
    TCase *tcase = tcase_create("startup");

    tcase_add_loop_test(tcase, says_what_is_wrong_in_one_line, 0,
                        (int)(sizeof(refusals) / sizeof(refusals[0])));
    tcase_add_test(tcase, isolation_is_an_option_of_processes_only);
    add_for_each_subject(tcase, refuses_a_port_in_use);
    add_for_each_subject(tcase, refuses_to_promise_more_connections_than_descriptors);
    add_for_each_subject(tcase, tells_its_version);
    add_for_each_subject(tcase, checks_without_starting);
    add_for_each_subject(tcase, reads_the_environment);
    add_for_each_subject(tcase, serves_by_the_environment);
    add_for_each_subject(tcase, serves_by_a_file);
    add_for_each_subject(tcase, offers_no_faults_unless_told_to);
    add_for_each_subject(tcase, serves_in_one_process_for_the_debugger);
    tcase_set_timeout(tcase, case_limit(30));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
