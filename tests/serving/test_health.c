/*
 * --health: a program with the server's own options tells whether that server is well.
 */
#include "patience.h"
#include "program.h"
#include "server.h"
#include "workshop.h"

#include <stdio.h>
#include <string.h>

enum { RUN_MS = 5000 };

/* Asks with these options; fails unless the exit code is `code` and one line, where it belongs, has
 * `word`. */
static void expect_health(int subject, const char *const *options, const char *const *environment,
                          int code, const char *word)
{
    const char *argv[16] = {subject_program(&subjects[subject]), "--health"};
    size_t count = 2;

    for (; *options != NULL && count < 15; options++)
        argv[count++] = *options;
    argv[count] = NULL;
    struct outcome outcome =
        program_run((struct program){.argv = argv, .environment = environment}, patience(RUN_MS));
    const struct bytes *told = code == 0 ? &outcome.output : &outcome.errors;
    const struct bytes *silent = code == 0 ? &outcome.errors : &outcome.output;
    ck_assert_msg(outcome.code == code, "exit code %d: %s%s", outcome.code, outcome.output.at,
                  outcome.errors.at);
    ck_assert_msg(strstr(told->at, word) != NULL, "no \"%s\" in: %s", word, told->at);
    ck_assert_msg(strchr(told->at, '\n') == told->at + told->length - 1, "not one line: %s",
                  told->at);
    ck_assert_msg(silent->length == 0, "%s", silent->at);
    outcome_free(&outcome);
}

START_TEST(asks_healthz)
{
    struct server server;
    char variable[64], admin[64];

    server_start(&server, _i, OPTIONS("--admin", "127.0.0.1:0"));
    snprintf(admin, sizeof(admin), "127.0.0.1:%d", server.admin);
    expect_health(_i, OPTIONS("--admin", admin), NULL, 0, "/healthz answers 200");
    snprintf(variable, sizeof(variable), "TANDEM_ADMIN=0.0.0.0:%d", server.admin);
    expect_health(_i, NO_OPTIONS, (const char *const[]){variable, NULL}, 0, "200");
    server_stop_clean(&server);
    expect_health(_i, OPTIONS("--admin", admin), NULL, 1, "refused");
}
END_TEST

START_TEST(asks_where_it_listens_when_there_is_no_admin)
{
    struct server server;
    char address[64];

    server_start(&server, _i, NO_OPTIONS);
    snprintf(address, sizeof(address), "*:%d", server.port);
    expect_health(_i, OPTIONS("--listen", address), NULL, 0, "200");
    server_stop_clean(&server);
    expect_health(_i, OPTIONS("--listen", address), NULL, 1, "refused");
}
END_TEST

START_TEST(asks_a_unix_socket)
{
    struct server server;
    char address[256] = "unix:";

    workshop_path(address + 5, sizeof(address) - 5, "health-%d.sock", _i);
    server_start(&server, _i, OPTIONS("--listen", address, "--listen", "127.0.0.1:0"));
    expect_health(_i, OPTIONS("--listen", address), NULL, 0, "200");
    server_stop_clean(&server);
    expect_health(_i, OPTIONS("--listen", address), NULL, 1, address);
}
END_TEST

/* It comes from where trusted proxies are, and is one of them as far as the server can know. */
START_TEST(begins_as_a_proxy_has_to)
{
    struct server server;
    char address[64];

    for (int is_trusted = 0; is_trusted < 2; is_trusted++) {
        const char *proxy = is_trusted ? "127.0.0.0/8" : "192.0.2.1";

        server_start(&server, _i, OPTIONS("--proxy-protocol", "--trusted-proxy", proxy));
        snprintf(address, sizeof(address), "127.0.0.1:%d", server.port);
        expect_health(_i,
                      OPTIONS("--listen", address, "--proxy-protocol", "--trusted-proxy", proxy),
                      NULL, 0, "200");
        server_stop_clean(&server);
    }
}
END_TEST

/* What stands where nobody can ask: in the configuration, so 1 as for a server that is not well. */
START_TEST(cannot_ask_port_0)
{
    expect_health(_i, OPTIONS("--listen", "127.0.0.1:0"), NULL, 1, "port 0");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health");
    TCase *tcase = tcase_create("health");

    add_for_each_subject(tcase, asks_healthz);
    add_for_each_subject(tcase, asks_where_it_listens_when_there_is_no_admin);
    add_for_each_subject(tcase, asks_a_unix_socket);
    add_for_each_subject(tcase, begins_as_a_proxy_has_to);
    add_for_each_subject(tcase, cannot_ask_port_0);
    tcase_set_timeout(tcase, case_limit(30));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
