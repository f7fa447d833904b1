/*
 * lifecycle: how a connection ends when whoever ends it dies while doing so.
 */
#include "common/keeper.h"
#include "common/lifecycle.h"
#include "common/signals.h"

#include "patience.h"
#include "unit.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBERS = 1024, STASH = 4096, ME = 1 };

static struct server server;
static struct keeper keeper;
static int client;
static struct conn *conn;

static void connect_both(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&at, size), 0);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_ptr_nonnull(conn = conn_open(&server.table, fd, ME));
    close(listener);
}

static void set_up(void)
{
    server = (struct server){.epoll = epoll_create1(EPOLL_CLOEXEC),
                             .retire = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                             .signals = signals_open(),
                             .handover = -1,
                             .slots = 1};
    server.options.ready_fd = -1;
    ck_assert_ptr_nonnull(server.board = scoreboard_open(1));
    ck_assert_ptr_nonnull(server.tallies = tallies_open(1));
    ck_assert(conn_table_open(&server.table, NUMBERS, STASH));
    ck_assert(keeper_open(&keeper, &server));
    connect_both();
}

static void tear_down(void)
{
    keeper_close(&keeper);
    conn_table_close(&server.table);
    scoreboard_close(server.board, 1);
    tallies_close(server.tallies, 1);
    close(server.epoll), close(server.retire), close(server.signals), close(client);
}

/* What conn_finish says in the debug log, behind its step to CLOSING, is its last word. */
static _Noreturn void die_while_ending(enum conn_end how)
{
    int ends[2];

    signal(SIGPIPE, SIG_DFL);
    if (pipe(ends) != 0 || dup2(ends[1], STDOUT_FILENO) < 0)
        _exit(1);
    close(ends[0]), close(ends[1]);
    log_open("dying", LOG_DEBUG);
    conn_step(conn, ME, CONN_SEND);
    conn_finish(&server, conn, ME, how, "for the test");
    _exit(0);
}

static void expect_end(enum conn_end how)
{
    struct death death = {0};
    char byte;

    scoreboard_birth(server.board, 0, 0);
    atomic_store(&server.board->slots[0].conn, conn_fd(&server.table, conn));
    pid_t pid = fork();
    if (pid == 0)
        die_while_ending(how);
    ck_assert_int_eq(waitpid(pid, &death.status, 0), pid);
    ck_assert(WIFSIGNALED(death.status));
    ck_assert_int_eq(WTERMSIG(death.status), SIGPIPE);
    ck_assert_int_eq(conn_phase(conn_word(conn)), CONN_CLOSING);
    keeper_bury(&keeper, 0, &death);
    ck_assert_int_eq(conn_phase(conn_word(conn)), CONN_FREE);
    errno = 0;
    ssize_t n = recv(client, &byte, 1, 0);
    ck_assert_int_eq(n, how == END_CLOSE ? 0 : -1);
    ck_assert_int_eq(errno, how == END_CLOSE ? 0 : ECONNRESET);
}

START_TEST(resets_in_place_of_the_dead)
{
    expect_end(END_RESET);
}
END_TEST

START_TEST(closes_in_place_of_the_dead)
{
    expect_end(END_CLOSE);
}
END_TEST

/* As between a gate and a worker. */
START_TEST(a_pair_remembers_its_end_too)
{
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ck_assert_int_eq(conn_promised_end(ends[0]), END_CLOSE);
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    ck_assert_int_eq(conn_promised_end(ends[0]), END_RESET);
    close(ends[0]), close(ends[1]);
    ck_assert_int_eq(conn_promised_end(ends[0]), END_RESET);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle");
    TCase *tcase = tcase_create("ends");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, resets_in_place_of_the_dead);
    tcase_add_test(tcase, closes_in_place_of_the_dead);
    tcase_add_test(tcase, a_pair_remembers_its_end_too);
    tcase_set_timeout(tcase, case_limit(20));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
