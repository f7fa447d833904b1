/*
 * options: flags over environment over defaults, and one line for whatever is wrong that says
 * where. The file of --config has tests of its own.
 */
#include "common/options.h"

#include "common/cpus.h"
#include "line.h"
#include "unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Some begin like ours, and are not meant for us. */
START_TEST(refuses_unknown_variables)
{
    setenv("TANDEM_MAX_BDY", "1m", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_BAD);
    ck_assert_str_eq(err_text, "server-proc: TANDEM_MAX_BDY: no such option: did you mean "
                               "TANDEM_MAX_BODY? see --help\n");
    unsetenv("TANDEM_MAX_BDY");
    setenv("TANDEM_PORT", "8080", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_BAD);
    ck_assert_str_eq(err_text, "server-proc: TANDEM_PORT: no such option: see --help\n");
    setenv("TANDEM_PORT", "tcp://10.0.0.1:80", 1);
    setenv("TANDEM_PORT_80_TCP_ADDR", "10.0.0.1", 1);
    setenv("TANDEM_SERVICE_HOST", "10.0.0.1", 1);
    setenv("TANDEM_THREAD_SERVICE_PORT_HTTP", "80", 1);
    setenv("TANDEM_SCENARIOS", "/tmp", 1);
    setenv("TANDEM_NOTHING", "", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_RUN);
    ck_assert_str_eq(err_text, "");
}
END_TEST

START_TEST(says_all_that_is_wrong)
{
    setenv("TANDEM_MAX_BODY", "12q", 1);
    setenv("TANDEM_BOGUS", "1", 1);
    ck_assert_int_eq(READ("--workers", "none", "--bogus", "5", "stray", "--root=/nowhere/at/all",
                          "--listing", "--tls-listen=:1", "--help"),
                     OPTIONS_BAD);
    ck_assert_str_eq(out_text, "");
    ck_assert_int_eq(lines_in(err_text), 7); /* nothing of "5", nor that --listing wants --root */
    ck_assert_uint_eq(o.max_body, 16 << 20); /* what was bad is as if it had not been there */
    ck_assert_uint_eq(o.max_connections, 10000);
}
END_TEST

START_TEST(names_the_places)
{
    setenv("TANDEM_LISTEN", "127.0.0.1:1 127.0.0.1:2", 1);
    ck_assert_int_eq(READ("--workers=2"), OPTIONS_RUN);
    ck_assert_str_eq(options_place("workers", 0), "--workers");
    ck_assert_str_eq(options_place("listen", 1), "TANDEM_LISTEN");
    ck_assert_str_eq(options_place("max-body", 0), "--max-body");
}
END_TEST

START_TEST(has_to_be_let_into_the_root)
{
    enum { NOBODY = 65534 };
    char folder[] = "/tmp/tandem-test-root-XXXXXX";
    bool is_root = geteuid() == 0;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chmod(folder, 0), 0);
    if (is_root)
        ck_assert_int_eq(seteuid(NOBODY), 0);
    enum options_result result = READ("--root", folder);
    if (is_root)
        ck_assert_int_eq(seteuid(0), 0);
    rmdir(folder);
    ck_assert_int_eq(result, OPTIONS_BAD);
    ck_assert_ptr_nonnull(
        strstr(err_text, "Permission denied: let the user who starts the server enter it\n"));
}
END_TEST

/* The gates of server-proc, which may be started again when variables and file have changed. */
START_TEST(hands_on_what_it_has_read)
{
    char *argv[16] = {NULL};
    int argc = 0;

    setenv("TANDEM_MAX_BODY", "1m", 1);
    setenv("TANDEM_LISTING", "off", 1);
    setenv("TANDEM_TLS_CLIENT_CA", "ca.pem", 1);
    ck_assert_int_eq(READ("--tls-listen=:1", "--tls-self-signed", "--config",
                          file_of("hsts = a b\nmodule = x y\nmodule = z\n")),
                     OPTIONS_RUN);
    for (; argc < 15 && o.command_line[argc] != NULL; argc++)
        argv[argc] = strdup(o.command_line[argc]); /* as exec copies them */
    ck_assert_int_eq(argc, 10);
    setenv("TANDEM_MAX_BODY", "nonsense", 1);
    ck_assert_int_eq(options_read_again(&o, "tls-gate", argc, argv), OPTIONS_RUN);
    ck_assert_uint_eq(o.max_body, 1 << 20);
    ck_assert(o.tls_self_signed && !o.listing);
    ck_assert_str_eq(o.hsts, "a b");
    ck_assert_uint_eq(o.modules.count, 2);
    ck_assert_str_eq(o.modules.all[0], "x y");
    ck_assert_str_eq(o.tls_client_ca, "ca.pem");
    ck_assert_str_eq(options_place_of("tls-client-ca", "ca.pem"), "TANDEM_TLS_CLIENT_CA");
    while (argc > 0)
        free(argv[--argc]);
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
    {"--hel", NULL, "--hel:", "did you mean --help?"},
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

START_TEST(prints_help_in_narrow_lines)
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
    ck_assert_int_le(lines, 80);
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
    tcase_add_test(tcase, refuses_unknown_variables);
    tcase_add_test(tcase, says_all_that_is_wrong);
    tcase_add_test(tcase, names_the_places);
    tcase_add_test(tcase, hands_on_what_it_has_read);
    tcase_add_test(tcase, has_to_be_let_into_the_root);
    tcase_add_test(tcase, names_the_variable);
    tcase_add_test(tcase, listens_although_the_variable_is_blank);
    tcase_add_loop_test(tcase, says_what_is_wrong_in_one_line, 0, COUNT(mistakes));
    tcase_add_test(tcase, reads_what_tls_needs);
    tcase_add_loop_test(tcase, says_what_is_missing_of_tls, 0, COUNT(incomplete));
    tcase_add_test(tcase, survives_an_endless_argument);
    tcase_add_test(tcase, refuses_isolation_in_the_twin);
    tcase_add_test(tcase, reads_proxies);
    tcase_add_test(tcase, prints_help_in_narrow_lines);
    tcase_add_test(tcase, prints_the_version);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
