/*
 * options: flags over environment over defaults, and one line for whatever is wrong that says
 * where.
 */
#include "common/options.h"

#include "common/cpus.h"
#include "unit.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define READ(...) read_line(true, (const char *[]){"prog", __VA_ARGS__, NULL})
#define READ_NOTHING() read_line(true, (const char *[]){"prog", NULL})

static struct options o;
static char out_text[8192], err_text[2048];

static int stream_to_file(int stream)
{
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(dup2(fileno(file), stream), stream);
    return fileno(file);
}

static void text_of(int fd, char *text, size_t size)
{
    ssize_t got = pread(fd, text, size - 1, 0);

    text[got > 0 ? got : 0] = '\0';
}

/* Reads the command line with both streams in files; what was said is in out_text and err_text. */
static enum options_result read_line(bool with_isolation, const char **line)
{
    enum options_result result;
    char *argv[LIMIT_TEXTS + 4] = {NULL};
    int argc = 0, out, err, old_out, old_err;

    for (; line[argc] != NULL; argc++)
        memcpy(&argv[argc], &line[argc], sizeof(argv[argc]));
    fflush(NULL);
    old_out = dup(STDOUT_FILENO);
    old_err = dup(STDERR_FILENO);
    out = stream_to_file(STDOUT_FILENO);
    err = stream_to_file(STDERR_FILENO);
    result = options_read(&o, with_isolation ? "server-proc" : "server-thread", with_isolation,
                          argc, argv);
    fflush(NULL);
    dup2(old_out, STDOUT_FILENO);
    dup2(old_err, STDERR_FILENO);
    text_of(out, out_text, sizeof(out_text));
    text_of(err, err_text, sizeof(err_text));
    return result;
}

/* The environment of whoever runs the tests does not count; each test has a process of its own. */
static void forget_environment(void)
{
    clearenv();
}

START_TEST(has_the_documented_defaults)
{
    unsigned cpus = usable_cpus();

    ck_assert_int_eq(READ_NOTHING(), OPTIONS_RUN);
    ck_assert_uint_eq(o.listen.count, 1);
    ck_assert_str_eq(o.listen.all[0], "127.0.0.1:8080");
    ck_assert_ptr_null(o.root);
    ck_assert_uint_eq(o.workers, cpus < 2 ? 8 : cpus * 4);
    ck_assert_uint_eq(o.spares, cpus < 2 ? 4 : cpus * 2);
    ck_assert_uint_eq(o.max_connections, 10000);
    ck_assert_uint_eq(o.max_requests, 0);
    ck_assert_int_eq(o.isolation, ISOLATION_POOL);
    ck_assert_int_eq(o.header_timeout, 20000);
    ck_assert_int_eq(o.idle_timeout, 60000);
    ck_assert_uint_eq(o.max_header, 16384);
    ck_assert_uint_eq(o.max_headers, 100);
    ck_assert_uint_eq(o.max_body, 16 << 20);
    ck_assert_str_eq(o.access_log, "-");
    ck_assert_int_eq(o.log_format, FORMAT_COMBINED);
    ck_assert_int_eq(o.log_level, LOG_INFO);
    ck_assert(o.sandbox);
    ck_assert_ptr_null(o.user);
    ck_assert_ptr_null(o.admin);
    ck_assert_uint_eq(o.modules.count, 0);
    ck_assert_uint_eq(o.quarantine.deaths, 0);
    ck_assert_uint_eq(o.worker_memory, 0);
    ck_assert_int_eq(o.worker_cpu, 0);
    ck_assert(!o.enable_demo && !o.enable_faults && !o.one && !o.check);
    ck_assert_int_eq(o.ready_fd, -1);
    ck_assert_str_eq(out_text, "");
    ck_assert_str_eq(err_text, "");
}
END_TEST

START_TEST(reads_both_forms_of_a_flag)
{
    ck_assert_int_eq(READ("--workers", "3", "--max-body=2m", "--idle-timeout", "500ms", "--one",
                          "--isolation=fresh", "--log-level", "debug", "--log-format=json",
                          "--access-log", "-", "--ready-fd=2", "--root", "/"),
                     OPTIONS_RUN);
    ck_assert_uint_eq(o.workers, 3);
    ck_assert_uint_eq(o.max_body, 2 << 20);
    ck_assert_int_eq(o.idle_timeout, 500);
    ck_assert(o.one);
    ck_assert_int_eq(o.isolation, ISOLATION_FRESH);
    ck_assert_int_eq(o.log_level, LOG_DEBUG);
    ck_assert_int_eq(o.log_format, FORMAT_JSON);
    ck_assert_int_eq(o.ready_fd, 2);
    ck_assert_str_eq(o.root, "/");
}
END_TEST

START_TEST(takes_the_last_of_a_repeated_flag)
{
    ck_assert_int_eq(READ("--workers", "3", "--workers", "5"), OPTIONS_RUN);
    ck_assert_uint_eq(o.workers, 5);
}
END_TEST

START_TEST(collects_addresses)
{
    ck_assert_int_eq(READ("--listen", "[::1]:0", "--listen=unix:/run/x"), OPTIONS_RUN);
    ck_assert_uint_eq(o.listen.count, 2);
    ck_assert_str_eq(o.listen.all[0], "[::1]:0");
    ck_assert_str_eq(o.listen.all[1], "unix:/run/x");
}
END_TEST

START_TEST(reads_what_guards)
{
    ck_assert_int_eq(READ("--quarantine", "5/10s", "--sandbox=off", "--user", "0", "--admin",
                          "127.0.0.1:0", "--worker-memory=64m", "--worker-cpu", "50ms"),
                     OPTIONS_RUN);
    ck_assert_uint_eq(o.quarantine.deaths, 5);
    ck_assert_int_eq(o.quarantine.within, 10000);
    ck_assert(!o.sandbox);
    ck_assert_str_eq(o.user, "0");
    ck_assert_str_eq(o.admin, "127.0.0.1:0");
    ck_assert_uint_eq(o.worker_memory, 64 << 20);
    ck_assert_int_eq(o.worker_cpu, 50);
}
END_TEST

START_TEST(collects_modules)
{
    ck_assert_int_eq(READ("--module", "./a.so", "--module=./b.so=x=y"), OPTIONS_RUN);
    ck_assert_uint_eq(o.modules.count, 2);
    ck_assert_str_eq(o.modules.all[0], "./a.so");
    ck_assert_str_eq(o.modules.all[1], "./b.so=x=y");
    setenv("TANDEM_MODULE", "./c.so  ./d.so=1 ", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_RUN);
    ck_assert_uint_eq(o.modules.count, 2);
    ck_assert_str_eq(o.modules.all[1], "./d.so=1");
}
END_TEST

START_TEST(refuses_more_addresses_than_fit)
{
    const char *argv[LIMIT_LISTENERS + 3] = {"prog"};

    for (int i = 1; i <= LIMIT_LISTENERS + 1; i++)
        argv[i] = "--listen=:0";
    ck_assert_int_eq(read_line(true, argv), OPTIONS_BAD);
    ck_assert_ptr_nonnull(strstr(err_text, "more than 16 addresses"));
    argv[LIMIT_LISTENERS + 1] = NULL;
    ck_assert_int_eq(read_line(true, argv), OPTIONS_RUN);
}
END_TEST

START_TEST(reads_the_environment)
{
    setenv("TANDEM_MAX_BODY", "64k", 1);
    setenv("TANDEM_LISTEN", "127.0.0.1:1  [::1]:2", 1);
    setenv("TANDEM_ENABLE_DEMO", "Yes", 1);
    setenv("TANDEM_ENABLE_FAULTS", "off", 1);
    setenv("TANDEM_ONE", "", 1);
    setenv("TANDEM_ROOT", "", 1);         /* empty is not set */
    setenv("TANDEM_VERSION", "1.2.3", 1); /* a question is not asked by a variable */
    setenv("TANDEM_OTHER", "whatever", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_RUN);
    ck_assert_uint_eq(o.max_body, 64 << 10);
    ck_assert_uint_eq(o.listen.count, 2);
    ck_assert_str_eq(o.listen.all[0], "127.0.0.1:1");
    ck_assert_str_eq(o.listen.all[1], "[::1]:2");
    ck_assert_str_eq(getenv("TANDEM_LISTEN"), "127.0.0.1:1  [::1]:2");
    ck_assert(o.enable_demo && !o.enable_faults && !o.one);
    ck_assert_ptr_null(o.root);
}
END_TEST

START_TEST(lets_flags_win)
{
    setenv("TANDEM_LISTEN", "127.0.0.1:1 127.0.0.1:2", 1);
    setenv("TANDEM_WORKERS", "nonsense", 1);
    setenv("TANDEM_ONE", "0", 1);
    ck_assert_int_eq(READ("--listen", ":3", "--workers=6", "--one"), OPTIONS_RUN);
    ck_assert_uint_eq(o.listen.count, 1);
    ck_assert_str_eq(o.listen.all[0], ":3");
    ck_assert_uint_eq(o.workers, 6);
    ck_assert(o.one);
}
END_TEST

START_TEST(names_the_variable)
{
    setenv("TANDEM_WORKERS", "many", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_BAD);
    ck_assert_str_eq(err_text,
                     "server-proc: TANDEM_WORKERS: \"many\" is not a number from 1 to 1024\n");
}
END_TEST

START_TEST(listens_although_the_variable_is_blank)
{
    setenv("TANDEM_LISTEN", "  ", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_RUN);
    ck_assert_uint_eq(o.listen.count, 1);
}
END_TEST

/* Words that the one line must hold: where, and how to mend it. */
static const struct {
    const char *argument, *value, *where, *mend;
} mistakes[] = {
    {"--workers", "many", "--workers: \"many\"", "a number from 1 to 1024"},
    {"--workers=0", NULL, "--workers: \"0\"", "from 1"},
    {"--workers", "1025", "--workers:", "to 1024"},
    {"--workers", "18446744073709551617", "--workers:", "to 1024"},
    {"--workers", NULL, "--workers:", "needs a value"},
    {"--workers", "--one", "--workers:", "needs a value"},
    {"--workers=", NULL, "--workers: \"\"", "from 1 to 1024"},
    {"--worker", "3", "--worker:", "did you mean --workers?"},
    {"--max-hedaer=1k", NULL, "--max-hedaer=1k:", "did you mean --max-header?"},
    {"--enable-dem", NULL, "--enable-dem:", "did you mean --enable-demo?"},
    {"--quarantine", "5", "--quarantine: \"5\"", "such as 5/10s"},
    {"--quarantine", "0/10s", "--quarantine: \"0/10s\"", "or off"},
    {"--quarantine", "1001/10s", "--quarantine:", "1 to 1000"},
    {"--quarantine", "5/", "--quarantine:", "such as 5/10s"},
    {"--quarantine", "/10s", "--quarantine:", "such as 5/10s"},
    {"--quarantine", "5/0s", "--quarantine:", "such as 5/10s"},
    {"--module", "", "--module: \"\"", "FILE.so"},
    {"--module", "=x", "--module: \"=x\"", "FILE.so=ARGUMENT"},
    {"--user", "nobody-of-that-name", "--user:", "no user of this system"},
    {"--sandbox", "maybe", "--sandbox: \"maybe\"", "off|on"},
    {"--admin", "nowhere", "--admin:", "ADDR:PORT"},
    {"--worker-memory", "1", "--worker-memory:", "from 1m"},
    {"--worker-cpu", "0s", "--worker-cpu:", "from 1ms"},
    {"--colour", NULL, "--colour:", "see --help"},
    {"-v", NULL, "-v:", "see --help"},
    {"--", NULL, "--:", "see --help"},
    {"8080", NULL, "8080:", "options begin with --"},
    {"--max-header", "255", "--max-header:", "from 256 to 64k"},
    {"--max-header", "65537", "--max-header:", "from 256 to 64k"},
    {"--idle-timeout", "5", "--idle-timeout:", "such as 500ms, 5s or 2m"},
    {"--idle-timeout", "0s", "--idle-timeout:", "from 1ms"},
    {"--isolation", "some", "--isolation:", "pool|fresh"},
    {"--log-level", "inf", "--log-level:", "error|warn|info|debug"},
    {"--one=1", NULL, "--one:", "takes no value"},
    {"--ready-fd", "999", "--ready-fd:", "no open descriptor"},
    {"--ready-fd", "-1", "--ready-fd:", "no open descriptor"},
    {"--root", "/nowhere/at/all", "--root: \"/nowhere/at/all\"", "name a folder that exists"},
    {"--root", "/etc/passwd", "--root:", "is no folder"},
    {"--access-log=", NULL, "--access-log:", "name a file"},
    {"--cache-control", "a\nb", "--cache-control:", "no value of a field"},
    {"--cache-control=", NULL, "--cache-control:", "no value of a field"},
    {"--not-found", "/", "--not-found:", "names no file"},
    {"--listing", NULL, "--listing:", "add --root"},
    {"--body-rate", "0", "--body-rate:", "from 1 to 1g"},
    {"--listen", "8080", "--listen: \"8080\"", "127.0.0.1:8080"},
    {"--listen", "a\nb", "--listen: \"a?b\"", "ADDR:PORT"},
};

START_TEST(says_what_is_wrong_in_one_line)
{
    ck_assert_int_eq(READ(mistakes[_i].argument, mistakes[_i].value), OPTIONS_BAD);
    ck_assert_str_eq(out_text, "");
    ck_assert_msg(strncmp(err_text, "server-proc: ", 13) == 0, "%s", err_text);
    ck_assert_ptr_eq(strchr(err_text, '\n'), err_text + strlen(err_text) - 1);
    ck_assert_msg(strstr(err_text, mistakes[_i].where) != NULL, "%s", err_text);
    ck_assert_msg(strstr(err_text, mistakes[_i].mend) != NULL, "%s", err_text);
}
END_TEST

START_TEST(reads_what_tls_needs)
{
    ck_assert_int_eq(READ("--tls-listen", ":8443", "--tls-cert", "/etc/passwd",
                          "--tls-key=/etc/group", "--hsts", "max-age=1", "--tls-min=1.3",
                          "--tls-gates", "2", "--tls-ticket-time", "2h"),
                     OPTIONS_RUN);
    ck_assert_uint_eq(o.listen.count, 0); /* no plain port, unless it is asked for */
    ck_assert_uint_eq(o.tls_listen.count, 1);
    ck_assert_str_eq(o.tls_certs.all[0], "/etc/passwd");
    ck_assert_str_eq(o.tls_keys.all[0], "/etc/group");
    ck_assert_str_eq(o.hsts, "max-age=1");
    ck_assert(o.tls_only_13);
    ck_assert_uint_eq(o.tls_gates, 2);
    ck_assert_int_eq(o.tls_ticket_time, 7200000);
    ck_assert_int_eq(o.tls_handshake_timeout, 10000);
    ck_assert_int_eq(READ("--tls-listen", ":8443", "--tls-self-signed"), OPTIONS_RUN);
    ck_assert(o.tls_self_signed && !o.tls_only_13);
    ck_assert_ptr_null(o.hsts);
    ck_assert_uint_eq(o.tls_gates, usable_cpus());
}
END_TEST

/* What is wrong with several options together. */
static const struct {
    const char *arguments[7], *where, *mend;
} incomplete[] = {
    {{"--tls-listen=:1"},
     "--tls-listen:",
     "add --tls-cert FILE --tls-key FILE, or --tls-self-signed"},
    {{"--tls-listen=:1", "--tls-cert=/etc/passwd"}, "--tls-cert:", "1 certificates and 0 keys"},
    {{"--tls-listen=:1", "--tls-self-signed", "--tls-key=/etc/passwd"},
     "--tls-key:",
     "0 certificates"},
    {{"--tls-cert=/etc/passwd", "--tls-key=/etc/passwd"}, "--tls-cert:", "add --tls-listen"},
    {{"--tls-self-signed"}, "--tls-self-signed:", "add --tls-listen"},
    {{"--hsts=max-age=1"}, "--hsts:", "add --tls-listen"},
    {{"--tls-min=1.3"}, "--tls-min:", "add --tls-listen"},
    {{"--tls-gates=1"}, "--tls-gates:", "add --tls-listen"},
    {{"--tls-ticket-time=1h"}, "--tls-ticket-time:", "add --tls-listen"},
    {{"--tls-handshake-timeout=1s"}, "--tls-handshake-timeout:", "add --tls-listen"},
    {{"--tls-client-required", "--tls-listen=:1", "--tls-self-signed"},
     "--tls-client-required:",
     "add --tls-client-ca FILE"},
    {{"--tls-min=1.1", "--tls-listen=:1", "--tls-self-signed"}, "--tls-min: \"1.1\"", "1.2|1.3"},
    {{"--tls-ticket-time=0s", "--tls-listen=:1", "--tls-self-signed"},
     "--tls-ticket-time:",
     "from 1s"},
    {{"--tls-gates=0", "--tls-listen=:1", "--tls-self-signed"}, "--tls-gates:", "from 1"},
    {{"--hsts=a\nb", "--tls-listen=:1", "--tls-self-signed"}, "--hsts:", "no value of a field"},
};

START_TEST(says_what_is_missing_of_tls)
{
    const char *argv[9] = {"prog"};

    memcpy(argv + 1, incomplete[_i].arguments, sizeof(incomplete[_i].arguments));
    ck_assert_int_eq(read_line(true, argv), OPTIONS_BAD);
    ck_assert_msg(strstr(err_text, incomplete[_i].where) != NULL, "%s", err_text);
    ck_assert_msg(strstr(err_text, incomplete[_i].mend) != NULL, "%s", err_text);
    ck_assert_ptr_eq(strchr(err_text, '\n'), err_text + strlen(err_text) - 1);
}
END_TEST

START_TEST(survives_an_endless_argument)
{
    static char argument[100000] = "--";

    memset(argument + 2, 'x', sizeof(argument) - 3);
    ck_assert_int_eq(READ(argument), OPTIONS_BAD);
    ck_assert_ptr_nonnull(strstr(err_text, "see --help\n"));
}
END_TEST

START_TEST(refuses_isolation_in_the_twin)
{
    const char *flag[] = {"prog", "--spare=3", NULL};
    const char *nothing[] = {"prog", NULL};

    ck_assert_int_eq(read_line(false, flag), OPTIONS_BAD);
    ck_assert_ptr_nonnull(strstr(err_text, "server-thread: --spare: belongs to server-proc"));
    ck_assert_int_eq(read_line(false, nothing), OPTIONS_RUN);
    setenv("TANDEM_ISOLATION", "fresh", 1);
    ck_assert_int_eq(read_line(false, nothing), OPTIONS_BAD);
    ck_assert_ptr_nonnull(strstr(err_text, "server-thread: TANDEM_ISOLATION: belongs"));
}
END_TEST

START_TEST(reads_proxies)
{
    struct sockaddr_in6 proxy, other;

    ck_assert(address_read("10.1.2.3", 8, &proxy) && address_read("192.0.2.1", 9, &other));
    ck_assert_int_eq(
        READ("--trusted-proxy", "10.0.0.0/8", "--trusted-proxy=unix", "--proxy-protocol"),
        OPTIONS_RUN);
    ck_assert(trust_has(&o.trust, &proxy) && !trust_has(&o.trust, &other));
    ck_assert_uint_eq(o.trusted_proxies.count, 2);
    ck_assert_str_eq(o.trusted_proxies.all[0], "10.0.0.0/8");
    setenv("TANDEM_TRUSTED_PROXY", "2001:db8::/32 192.0.2.1", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_RUN);
    ck_assert(trust_has(&o.trust, &other) && !trust_has(&o.trust, &proxy));
    setenv("TANDEM_TRUSTED_PROXY", "10.0.0.1/8", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_BAD);
    ck_assert_ptr_nonnull(strstr(err_text, "TANDEM_TRUSTED_PROXY: \"10.0.0.1/8\" has bits set"));
    unsetenv("TANDEM_TRUSTED_PROXY");
    ck_assert_int_eq(READ("--proxy-protocol"), OPTIONS_BAD);
    ck_assert_ptr_nonnull(strstr(err_text, "--proxy-protocol: nobody is trusted"));
}
END_TEST

START_TEST(prints_help_that_fits_a_screen)
{
    int lines = 0;

    setenv("TANDEM_WORKERS", "nonsense", 1); /* no reason to keep help from anybody */
    ck_assert_int_eq(READ("--one", "--help", "--nonsense"), OPTIONS_DONE);
    ck_assert_str_eq(err_text, "");
    ck_assert_ptr_nonnull(strstr(out_text, "--max-spool SIZE"));
    ck_assert_ptr_nonnull(strstr(out_text, "[127.0.0.1:8080]"));
    for (char *line = strtok(out_text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        ck_assert_msg(strlen(line) <= 80, "%s", line);
        lines++;
    }
    ck_assert_int_le(lines, 60);
}
END_TEST

START_TEST(prints_the_version)
{
    ck_assert_int_eq(READ("--version"), OPTIONS_DONE);
    ck_assert_str_eq(out_text, "server-proc " TANDEM_VERSION "\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options");

    tcase_add_checked_fixture(tcase, forget_environment, NULL);
    tcase_add_test(tcase, has_the_documented_defaults);
    tcase_add_test(tcase, reads_both_forms_of_a_flag);
    tcase_add_test(tcase, takes_the_last_of_a_repeated_flag);
    tcase_add_test(tcase, collects_addresses);
    tcase_add_test(tcase, reads_what_guards);
    tcase_add_test(tcase, collects_modules);
    tcase_add_test(tcase, refuses_more_addresses_than_fit);
    tcase_add_test(tcase, reads_the_environment);
    tcase_add_test(tcase, lets_flags_win);
    tcase_add_test(tcase, names_the_variable);
    tcase_add_test(tcase, listens_although_the_variable_is_blank);
    tcase_add_loop_test(tcase, says_what_is_wrong_in_one_line, 0, COUNT(mistakes));
    tcase_add_test(tcase, reads_what_tls_needs);
    tcase_add_loop_test(tcase, says_what_is_missing_of_tls, 0, COUNT(incomplete));
    tcase_add_test(tcase, survives_an_endless_argument);
    tcase_add_test(tcase, refuses_isolation_in_the_twin);
    tcase_add_test(tcase, reads_proxies);
    tcase_add_test(tcase, prints_help_that_fits_a_screen);
    tcase_add_test(tcase, prints_the_version);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
