/*
 * Modules of one's own: both servers serve a sound one, and do not start with a broken one but say in
 * one line which it is. What is wrong with each of the broken ones stands in tests/modules.
 */
#include "bytes.h"
#include "patience.h"
#include "proc.h"
#include "program.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_MS = 5000, ASKED = 40 };

/* "FOLDER/NAME", where NAME may have an argument; the caller's to free. */
static char *object(const char *name)
{
    const char *folder = getenv("TANDEM_MODULES");
    char *path = malloc(PATH_MAX);

    ck_assert_msg(folder != NULL, "TANDEM_MODULES is not set: run this with ctest");
    ck_assert_ptr_nonnull(path);
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

/* --- the sound ones --- */

/* The count lies in memory that all workers share, whoever answers. */
START_TEST(serves_and_shares)
{
    struct server server;
    char *good = object("good.so=an=argument"), wanted[64];

    server_start(&server, _i, OPTIONS("--module", good));
    for (int i = 1; i <= ASKED; i++) {
        struct wire wire = wire_open(server.port);
        struct reply reply = wire_expect_get(&wire, "/good", 200, server.subject->name);
        snprintf(wanted, sizeof(wanted), "an=argument %d\n", i);
        ck_assert_str_eq(reply.body, wanted);
        wire_close(&wire);
    }
    server_stop_clean(&server);
    free(good);
}
END_TEST

START_TEST(serves_in_one_process_for_the_debugger)
{
    struct server server;
    char *good = object("good.so");

    server_start(&server, _i, OPTIONS("--one", "--module", good));
    struct wire wire = wire_open(server.port);
    ck_assert_str_eq(wire_expect_get(&wire, "/good", 200, "--one").body, "- 1\n");
    wire_close(&wire);
    server_stop_clean(&server);
    free(good);
}
END_TEST

/* As many bytes as need a descriptor of their own, to see it come back. */
static void expect_given_back(struct wire *wire, const char *who)
{
    size_t length = 100000;
    char *body = malloc(length + 1);

    ck_assert_ptr_nonnull(body);
    memset(body, 'g', length);
    body[length] = '\0';
    ck_assert(
        wire_sendf(wire, "POST /give HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", length));
    ck_assert(wire_send(wire, body, length));
    struct reply reply = wire_expect(wire, 200, who);
    ck_assert_uint_eq(reply.length, length);
    ck_assert_int_eq(memcmp(reply.body, body, length), 0);
    free(body);
}

/* Each function of handler.h is there, and does what it says. */
START_TEST(can_call_all_that_the_header_declares)
{
    struct server server;
    struct wire wire;
    struct reply reply;
    char value[64], *everything = object("everything.so");

    server_start(&server, _i, OPTIONS("--module", everything));
    wire = wire_open(server.port);
    ck_assert(wire_sendf(&wire, "POST /tell?name=a%%20b&number=12 HTTP/1.1\r\nHost: a\r\n"
                                "User-Agent: me\r\nContent-Length: 4\r\n\r\nbody"));
    reply = wire_expect(&wire, 201, server.subject->name);
    ck_assert_str_eq(reply.body, "POST /tell a b 12 me early 127.0.0.1 body");
    ck_assert_pstr_eq(reply_field(&reply, "X-Told", value, sizeof(value)), "a b");
    ck_assert_pstr_eq(reply_field(&reply, "Content-Type", value, sizeof(value)), "text/x-told");
    wire_close(&wire);
    wire = wire_open(server.port);
    expect_given_back(&wire, server.subject->name);
    wire_close(&wire);
    server_stop_clean(&server);
    free(everything);
}
END_TEST

/* --- the broken ones --- */

/* `options` ends with NULL; the server must end with 1 and one line that holds both words. */
static void expect_refusal(int subject, const char *const *options, const char *name,
                           const char *word)
{
    const char *argv[16] = {subject_program(&subjects[subject]), "--listen", "127.0.0.1:0",
                            "--log-level", "error"};
    struct program program = {.argv = argv};
    size_t count = 5;

    if (subjects[subject].isolation != NULL) {
        argv[count++] = "--isolation";
        argv[count++] = subjects[subject].isolation;
    }
    while (*options != NULL)
        argv[count++] = *options++;
    struct outcome outcome = program_run(program, patience(RUN_MS));
    const char *line = outcome.errors.at, *end = strchr(line, '\n');
    ck_assert_msg(outcome.code == 1, "%s: exit code %d: %s", name, outcome.code, line);
    ck_assert_msg(end != NULL && end[1] == '\0', "%s: not one line: %s", name, line);
    ck_assert_msg(strstr(line, name) != NULL, "no \"%s\" in: %s", name, line);
    ck_assert_msg(strstr(line, word) != NULL, "no \"%s\" in: %s", word, line);
    outcome_free(&outcome);
}

static const struct {
    const char *name;
    const char *word;
} refusals[] = {
    {"absent", "No such file"},
    {"no_symbol", "tandem_module"},
    {"undefined_symbol", "defined_nowhere"},
    {"wrong_abi", "ABI 1"},
    {"no_name", ".name"},
    {"no_routes", "no routes"},
    {"bad_path", "/a/../b"},
    {"bad_method", "BREW"},
    {"no_handle", ".handle"},
    {"twice", "/twice is taken"},
    {"refuses", "no table"},
    {"constructor", "has started a thread"},
    {"starts_thread", "has started a thread"},
    {"forks", "has started a process"},
    {"umask", "has changed the umask"},
    {"folder", "has changed the working directory"},
    {"locale", "has changed the locale"},
    {"thread_locale", "has changed the locale"},
    {"handles_signal", "has changed what SIGUSR2"},
    {"blocks_signal", "has blocked SIGQUIT"},
    {"closes_descriptor", "has closed descriptor 1"},
    {"replaces_descriptor", "has replaced descriptor 0"},
    {"crashes", "SIGABRT"},
};

START_TEST(refuses_a_broken_one_by_name)
{
    char name[64];
    snprintf(name, sizeof(name), "%s.so", refusals[_i].name);
    char *broken = object(name);

    for (int subject = THREAD; subject < subject_count(); subject++)
        expect_refusal(subject, OPTIONS("--module", broken), name, refusals[_i].word);
    free(broken);
}
END_TEST

START_TEST(refuses_one_that_is_in_the_way_of_another)
{
    char *good = object("good.so"), *taken = object("taken_route.so");

    expect_refusal(_i, OPTIONS("--module", good, "--module", taken), "taken_route.so",
                   "/good is taken by module good");
    free(good);
    free(taken);
}
END_TEST

/* Whoever has started it can stop it, although it has not come so far as to serve. */
START_TEST(stops_while_one_is_being_opened)
{
    char *slow = object("never_opens.so");
    const char *argv[] = {subject_program(&subjects[_i]),
                          "--listen",
                          "127.0.0.1:0",
                          "--module",
                          slow,
                          NULL,
                          NULL,
                          NULL};
    if (subjects[_i].isolation != NULL) {
        argv[5] = "--isolation";
        argv[6] = subjects[_i].isolation;
    }
    struct program program = {.argv = argv};
    pid_t pid = program_start(&program);

    pause_ms(patience(300));
    ck_assert(!process_gone(pid));
    kill(pid, SIGTERM);
    ck_assert_int_eq(program_end(pid, patience(3000)), 0);
    free(slow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("modules");
    TCase *tcase = tcase_create("modules");

    add_for_each_subject(tcase, serves_and_shares);
    add_for_each_subject(tcase, serves_in_one_process_for_the_debugger);
    add_for_each_subject(tcase, can_call_all_that_the_header_declares);
    tcase_add_loop_test(tcase, refuses_a_broken_one_by_name, 0,
                        (int)(sizeof(refusals) / sizeof(refusals[0])));
    add_for_each_subject(tcase, refuses_one_that_is_in_the_way_of_another);
    add_for_each_subject(tcase, stops_while_one_is_being_opened);
    tcase_set_timeout(tcase, case_limit(30));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
