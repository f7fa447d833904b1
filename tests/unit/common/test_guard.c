/*
 * guard: whatever number is closed, or has another file put in its place, is what it was again.
 */
#include "common/guard.h"
#include "common/serve.h"
#include "common/signals.h"

#include "patience.h"
#include "unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBERS = 1024, STASH = 4096, ME = 1, POSTS = 4 };

/* Those that can be made again; a loop test runs once for each. */
static const size_t posts[POSTS] = {GUARD_EPOLL, GUARD_RETIRE, GUARD_SIGNALS, GUARD_LISTENERS};

static struct server server;
static struct sweep sweep;
static struct guard guard;
static int client;

static void set_up(void)
{
    char why[256];

    server = (struct server){.epoll = epoll_create1(EPOLL_CLOEXEC),
                             .retire = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                             .signals = signals_open(),
                             .handover = -1,
                             .slots = 1};
    server.options.ready_fd = -1;
    server.options.listen.all[0] = "*:0";
    server.options.listen.count = server.listeners.count = 1;
    ck_assert(listener_open(&server.listeners.all[0], "*:0", why, sizeof(why)));
    ck_assert_ptr_nonnull(server.board = scoreboard_open(1));
    ck_assert(conn_table_open(&server.table, NUMBERS, STASH));
    ck_assert(server_watch(&server, server.retire, serve_retire_tag()));
    int fd = server.listeners.all[0].fd;
    ck_assert(server_watch(&server, fd, serve_listener_tag(fd, LISTENER_PLAIN)));
    ck_assert(guard_open(&guard, &server, &sweep));
    ck_assert(sweep_open(&sweep, &server));
    sweep_learn_core(&sweep);
    client = -1;
}

static void tear_down(void)
{
    guard_close(&guard);
    sweep_close(&sweep);
    conn_table_close(&server.table);
    scoreboard_close(server.board, 1);
    listeners_close(&server.listeners);
    close(server.epoll), close(server.retire), close(server.signals), close(client);
}

/* The port it got at first, by IPv4: which "[::]" alone would not take. */
static void connect_client(void)
{
    const char *port = strrchr(server.listeners.all[0].name, ':') + 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
}

static uint64_t next_event(void)
{
    struct epoll_event event = {0};

    return epoll_wait(server.epoll, &event, 1, 1000) == 1 ? event.data.u64 : 0;
}

/* Listener, epoll and signals do what they are for. */
static void expect_service(void)
{
    int fd = server.listeners.all[0].fd;

    connect_client();
    ck_assert_uint_eq(next_event(), serve_listener_tag(fd, LISTENER_PLAIN));
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(accepted, 0);
    close(accepted);
    kill(getpid(), SIGUSR1);
    ck_assert_uint_eq(signals_wait(server.signals, 1000), SIGNAL_REOPEN);
    ck_assert_int_eq(eventfd_write(server.retire, 1), 0);
    ck_assert_uint_eq(next_event(), serve_retire_tag());
}

static int number_of(size_t post)
{
    return guard.posts[post].fd;
}

static void shut(int fd)
{
    ck_assert_int_eq(close(fd), 0);
}

START_TEST(touches_nothing_that_is_in_order)
{
    struct guard before = guard;

    for (int i = 0; i < 3; i++)
        guard_tick(&guard);
    for (size_t i = 0; i < GUARD_POSTS; i++) {
        ck_assert_int_eq(before.posts[i].fd, guard.posts[i].fd);
        ck_assert_int_eq(before.posts[i].copy, guard.posts[i].copy);
    }
    expect_service();
}
END_TEST

START_TEST(puts_back_what_was_closed)
{
    shut(number_of(posts[_i]));
    guard_tick(&guard);
    expect_service();
}
END_TEST

START_TEST(puts_back_what_was_replaced)
{
    ck_assert_int_eq(dup2(STDERR_FILENO, number_of(posts[_i])), number_of(posts[_i]));
    guard_tick(&guard);
    expect_service();
}
END_TEST

START_TEST(makes_again_what_is_gone_for_good)
{
    shut(number_of(posts[_i]));
    shut(guard.posts[posts[_i]].copy);
    guard_tick(&guard);
    expect_service();
    shut(number_of(posts[_i])); /* and there is a copy again */
    guard_tick(&guard);
    ck_assert_int_ge(fcntl(number_of(posts[_i]), F_GETFD), 0);
}
END_TEST

START_TEST(gets_a_copy_again)
{
    int theirs = guard.posts[posts[_i]].copy;

    ck_assert_int_eq(dup2(STDERR_FILENO, theirs), theirs); /* a handler's, who must keep it */
    guard_tick(&guard);
    ck_assert_int_ne(guard.posts[posts[_i]].copy, theirs);
    ck_assert_int_ge(fcntl(theirs, F_GETFD), 0);
    shut(number_of(posts[_i]));
    guard_tick(&guard);
    expect_service();
    close(theirs);
}
END_TEST

START_TEST(survives_a_loop_that_closes_all)
{
    for (int fd = 3; fd < NUMBERS; fd++)
        close(fd);
    guard_tick(&guard);
    expect_service();
}
END_TEST

/* A connection that has got the number is ended, and its slot is free. */
START_TEST(evicts_a_connection)
{
    int fd = number_of(posts[_i]), byte;

    connect_client();
    shut(fd);
    int accepted = accept4(server.listeners.all[0].fd, NULL, NULL, SOCK_CLOEXEC);
    if (posts[_i] != GUARD_LISTENERS) /* else there was nothing to accept from */
        ck_assert_int_eq(accepted, fd);
    struct conn *c = conn_open(&server.table, fd, ME);
    atomic_fetch_add(&server.board->connections, 1);
    guard_tick(&guard);
    ck_assert_int_eq(conn_phase(conn_word(c)), CONN_FREE);
    ck_assert(!conn_step(c, ME, CONN_SEND));
    ck_assert_int_eq(atomic_load(&server.board->connections), 0);
    ck_assert(sweep.is_asked);
    if (posts[_i] != GUARD_LISTENERS)
        ck_assert_int_le(recv(client, &byte, 1, 0), 0);
    close(client);
    if (posts[_i] == GUARD_LISTENERS) /* the one that waited there still does */
        shut(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
    expect_service();
}
END_TEST

/* The new epoll knows the connections, and tells of what has come before. */
START_TEST(a_new_epoll_knows_the_connections)
{
    connect_client();
    int accepted = accept4(server.listeners.all[0].fd, NULL, NULL, SOCK_CLOEXEC);
    struct conn *c = conn_open(&server.table, accepted, ME);
    unsigned generation = conn_generation(conn_word(c));

    ck_assert(conn_release(c, ME));
    ck_assert_int_eq(send(client, "x", 1, 0), 1);
    shut(number_of(GUARD_EPOLL));
    shut(guard.posts[GUARD_EPOLL].copy);
    guard_tick(&guard);
    ck_assert_uint_eq(next_event(), conn_tag(accepted, generation));
    close(accepted);
}
END_TEST

/* A folder of O_PATH cannot be marked; its number is put back all the same. */
START_TEST(keeps_what_modules_have_opened)
{
    struct stat before, after;
    int folder = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

    sweep_learn_core(&sweep);
    guard_keep_modules(&guard);
    ck_assert_int_eq(fstat(folder, &before), 0);
    shut(folder);
    ck_assert_int_eq(open("/dev/null", O_RDONLY), folder);
    guard_tick(&guard);
    ck_assert_int_eq(fstat(folder, &after), 0);
    ck_assert_uint_eq(after.st_ino, before.st_ino);
    guard_forget_modules(&guard);
    sweep_now(&sweep);
    ck_assert_int_eq(fcntl(folder, F_GETFD), -1);
    guard_tick(&guard);
    ck_assert_int_eq(fcntl(folder, F_GETFD), -1);
    expect_service();
}
END_TEST

START_TEST(follows_a_change_on_purpose)
{
    struct stat st, is;
    int log = memfd_create("log", MFD_CLOEXEC), other = memfd_create("other", MFD_CLOEXEC);

    guard_keep(&guard, log);
    ck_assert_int_eq(fstat(other, &is), 0);
    dup2(other, log);
    guard_keep(&guard, log);
    shut(log);
    guard_tick(&guard);
    ck_assert_int_eq(fstat(log, &st), 0);
    ck_assert_uint_eq(st.st_ino, is.st_ino);
    close(log), close(other);
}
END_TEST

START_TEST(lets_the_listeners_go)
{
    int copy = guard.posts[GUARD_LISTENERS].copy;

    guard_release_listeners(&guard);
    listeners_close(&server.listeners);
    guard_tick(&guard);
    ck_assert_int_eq(fcntl(copy, F_GETFD), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("guard");
    TCase *tcase = tcase_create("guard");

    log_open("guard", LOG_ERROR);
    (void)!freopen("/dev/null", "w", stderr); /* it logs what it repairs */
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, touches_nothing_that_is_in_order);
    tcase_add_loop_test(tcase, puts_back_what_was_closed, 0, POSTS);
    tcase_add_loop_test(tcase, puts_back_what_was_replaced, 0, POSTS);
    tcase_add_loop_test(tcase, makes_again_what_is_gone_for_good, 0, POSTS);
    tcase_add_loop_test(tcase, gets_a_copy_again, 0, POSTS);
    tcase_add_test(tcase, survives_a_loop_that_closes_all);
    tcase_add_loop_test(tcase, evicts_a_connection, 0, POSTS);
    tcase_add_test(tcase, a_new_epoll_knows_the_connections);
    tcase_add_test(tcase, keeps_what_modules_have_opened);
    tcase_add_test(tcase, follows_a_change_on_purpose);
    tcase_add_test(tcase, lets_the_listeners_go);
    tcase_set_timeout(tcase, case_limit(20));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
