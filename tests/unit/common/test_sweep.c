/*
 * sweep: what nobody owns is closed, what somebody has in hand is not.
 *
 * Workers are rows on a scoreboard here, moved by the test; then threads, which open, hand over and
 * close as fast as they can while everything is swept, and look whether each descriptor is still
 * the one they opened.
 */
#include "common/sweep.h"

#include "patience.h"
#include "unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBERS = 4096, STASH = 4096, WORKERS = 3, A = 0, B = 1, ME = 1, LAST = 255 };

/* Slots from 200 on stand for connections; the numbers themselves are not in use here.  The last is,
 * for a sweep looks at no slot beyond the kernel's table, and that is 64 long in a bare process. */

static struct server server;
static struct sweep sweep;

static void set_up(void)
{
    server = (struct server){.epoll = epoll_create1(EPOLL_CLOEXEC), .slots = WORKERS};
    server.options.ready_fd = -1;
    server.options.header_timeout = 10000;
    server.board = scoreboard_open(WORKERS);
    ck_assert_ptr_nonnull(server.board);
    ck_assert(conn_table_open(&server.table, NUMBERS, STASH));
    for (size_t i = 0; i < WORKERS; i++)
        scoreboard_birth(server.board, i, 0);
    ck_assert_int_eq(dup2(server.epoll, LAST), LAST);
    ck_assert(sweep_open(&sweep, &server));
    sweep_learn_core(&sweep);
}

static void tear_down(void)
{
    sweep_close(&sweep);
    conn_table_close(&server.table);
    scoreboard_close(server.board, WORKERS);
    close(server.epoll);
    close(LAST);
}

static int open_file(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void begin_turn(size_t worker)
{
    atomic_store(&server.board->slots[worker].state, WORKER_TURN);
}

static void end_turn(size_t worker)
{
    atomic_store(&server.board->slots[worker].state, WORKER_WAITING);
    atomic_fetch_add(&server.board->slots[worker].turns, 1);
}

/* All three stages of one sweep, as far as the workers let it come. */
static void run_sweep(void)
{
    sweep.not_before = 0;
    sweep_ask(&sweep);
    for (int i = 0; i < 3; i++)
        sweep_tick(&sweep);
}

static struct conn *connection(int fd)
{
    struct conn *c = conn_open(&server.table, fd, ME);

    ck_assert_ptr_nonnull(c);
    return c;
}

START_TEST(closes_what_was_left_open)
{
    int file = open_file(), path = open("/", O_PATH | O_CLOEXEC), bare = open("/", O_PATH);
    int again = dup(STDERR_FILENO), memory = memfd_create("x", 0);

    run_sweep();
    ck_assert(!is_open(file));
    ck_assert(!is_open(path));
    ck_assert(!is_open(bare));
    ck_assert(!is_open(again));
    ck_assert(!is_open(memory));
    ck_assert(is_open(STDERR_FILENO));
    ck_assert(is_open(server.epoll));
    ck_assert_uint_eq(atomic_load(&server.board->swept), 5);
    ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETSIG), 0);
}
END_TEST

START_TEST(waits_until_all_have_passed_twice)
{
    int fd = open_file();

    begin_turn(A);
    run_sweep();
    ck_assert(is_open(fd));
    end_turn(A);
    begin_turn(A);
    sweep_tick(&sweep); /* the first period is over, and A is in a turn when the second begins */
    ck_assert_int_eq(sweep.stage, SWEEP_SECOND);
    sweep_tick(&sweep);
    ck_assert(is_open(fd));
    end_turn(A);
    sweep_tick(&sweep);
    ck_assert(!is_open(fd));
}
END_TEST

START_TEST(a_lost_thread_keeps_what_it_has)
{
    int fd = open_file();

    begin_turn(A);
    run_sweep();
    atomic_store(&server.board->slots[A].state, WORKER_LOST);
    for (int i = 0; i < 10; i++)
        sweep_tick(&sweep);
    ck_assert(is_open(fd));
    atomic_store(&server.board->slots[A].state, WORKER_NONE); /* it has ended */
    sweep_tick(&sweep);
    sweep_tick(&sweep);
    ck_assert(!is_open(fd));
}
END_TEST

/* The file is in A's hand when the sweep begins, and in a slot when it looks again. */
START_TEST(spares_what_has_got_into_a_slot)
{
    int fd = open_file();
    struct conn *c = connection(200);

    begin_turn(A);
    run_sweep();
    c->out[1].fd = fd;
    end_turn(A);
    for (int i = 0; i < 3; i++)
        sweep_tick(&sweep);
    ck_assert(is_open(fd));
    ck_assert_int_eq(sweep.stage, SWEEP_REST);
    ck_assert_int_eq(fcntl(fd, F_GETSIG), 0); /* as it was */
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_uint_eq(atomic_load(&server.board->swept), 0);
    close(fd);
}
END_TEST

/* What one period alone would do wrong: between the slot's forgetting and the close. */
START_TEST(spares_what_another_is_about_to_close)
{
    int fd = open_file();
    struct conn *c = connection(200);

    begin_turn(A);
    run_sweep();
    c->body_fd = fd;
    end_turn(A);
    begin_turn(B);
    c->body_fd = -1;
    for (int i = 0; i < 3; i++)
        sweep_tick(&sweep);
    ck_assert_int_eq(sweep.stage, SWEEP_SECOND);
    ck_assert(is_open(fd)); /* it is B's */
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(open_file(), fd); /* and now it is another's, who is in no turn that counts */
    end_turn(B);
    sweep_tick(&sweep);
    ck_assert(is_open(fd));
    close(fd);
}
END_TEST

/* The same number, and each way in which it could look the same. */
START_TEST(knows_a_number_that_was_reused)
{
    static const int flags[] = {O_CLOEXEC, 0};
    int file, path, copy;

    for (int i = 0; i < 2; i++) {
        file = open("/dev/null", flags[i]);
        path = open("/", O_PATH | flags[i]);
        copy = flags[i] ? fcntl(server.epoll, F_DUPFD_CLOEXEC, 0) : dup(server.epoll);
        begin_turn(A);
        run_sweep();
        close(file), close(path), close(copy);
        ck_assert_int_eq(open("/dev/null", flags[i]), file);
        ck_assert_int_eq(open("/", O_PATH | flags[i]), path);
        ck_assert_int_eq(flags[i] ? fcntl(server.epoll, F_DUPFD_CLOEXEC, 0) : dup(server.epoll),
                         copy);
        end_turn(A);
        sweep_tick(&sweep);
        sweep_tick(&sweep);
        ck_assert(is_open(file));
        ck_assert(is_open(path));
        ck_assert(is_open(copy));
        close(file), close(path), close(copy);
    }
}
END_TEST

START_TEST(core_may_have_any_number)
{
    int high = fcntl(server.epoll, F_DUPFD_CLOEXEC, 3000), file = open_file(), waits = open_file();

    server.options.ready_fd = waits;
    sweep_learn_core(&sweep);
    server.options.ready_fd = -1;
    run_sweep();
    ck_assert(is_open(high));
    ck_assert(is_open(file));
    ck_assert(!is_open(waits));
    sweep_now(&sweep); /* there are no modules any more that could have opened them */
    ck_assert(!is_open(high));
    ck_assert(!is_open(file));
    ck_assert(is_open(server.epoll));
}
END_TEST

START_TEST(sweeps_nothing_while_modules_are_opened)
{
    int leaked = open_file(), module;
    struct conn *c = connection(200);

    c->out[0].fd = open_file();
    begin_turn(A); /* it is dead: nobody waits for it */
    sweep_now(&sweep);
    ck_assert(!is_open(leaked));
    ck_assert(is_open(c->out[0].fd));
    module = open_file();
    atomic_store(&server.board->slots[A].state, WORKER_NONE);
    run_sweep();
    ck_assert(is_open(module));
    sweep_learn_core(&sweep);
    run_sweep();
    ck_assert(is_open(module));
    close(c->out[0].fd), close(module);
}
END_TEST

START_TEST(finds_leaks_by_itself)
{
    int files[200];

    for (int i = 0; i < 200; i++)
        files[i] = open_file();
    close(files[0]); /* a hole below them hides nothing */
    for (int i = 0; i < 3; i++)
        sweep_tick(&sweep);
    for (int i = 0; i < 200; i++)
        ck_assert(!is_open(files[i]));
}
END_TEST

/* The client of a connection that was accepted, and not entered, is served; a socket that a handler
 * has opened to somewhere is not taken for one. */
START_TEST(adopts_what_came_through_a_listener)
{
    struct sockaddr_in at = {0};
    socklen_t size = sizeof(at);
    char why[256];

    ck_assert(listener_open(&server.listeners.all[0], "127.0.0.1:0", why, sizeof(why)));
    server.listeners.count = 1;
    sweep_learn_core(&sweep);
    getsockname(server.listeners.all[0].fd, (struct sockaddr *)&at, &size);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&at, size), 0);
    int accepted = accept4(server.listeners.all[0].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    ck_assert_int_ge(accepted, 0);
    run_sweep();
    struct conn *c = conn_at(&server.table, accepted);
    ck_assert_int_eq(conn_phase(conn_word(c)), CONN_IDLE);
    ck_assert_int_eq(c->peer.sin6_family, AF_INET);
    ck_assert_int_eq(atomic_load(&server.board->connections), 1);
    ck_assert_int_eq(fcntl(accepted, F_GETSIG), 0);
    ck_assert(!is_open(client));
    close(accepted);
    listeners_close(&server.listeners);
}
END_TEST

/* --- many hands --- */

enum { HANDS = WORKERS, TURNS = 4000, ENOUGH = 10, SHARED = 8 };

static struct {
    pthread_mutex_t lock; /* who owns the slot: in the server, its word */
    ino_t inode;
} shelves[SHARED];
static _Atomic int mistaken;
static _Atomic int hands_left;

static ino_t inode_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static void close_mine(int fd, ino_t inode)
{
    if (inode_of(fd) != inode || close(fd) != 0)
        atomic_fetch_add(&mistaken, 1);
}

/* Takes out what another has put there and closes it, or puts something there. */
static void visit(int number)
{
    struct conn *c = conn_at(&server.table, 200 + number);

    pthread_mutex_lock(&shelves[number].lock);
    int fd = c->body_fd;
    ino_t inode = shelves[number].inode;
    if (fd >= 0) {
        c->body_fd = -1;
        sched_yield();
        close_mine(fd, inode);
    } else {
        fd = memfd_create("body", MFD_CLOEXEC);
        sched_yield();
        shelves[number].inode = inode_of(fd);
        c->body_fd = fd;
    }
    pthread_mutex_unlock(&shelves[number].lock);
}

static void *work(void *argument)
{
    size_t me = *(const size_t *)argument;
    unsigned dice = (unsigned)me + 1;

    for (int i = 0; i < TURNS || atomic_load(&server.board->swept) < ENOUGH; i++) {
        dice = dice * 1103515245u + 12345u;
        begin_turn(me);
        visit((int)(dice >> 16) % SHARED);
        if (dice >> 24 == 0)
            (void)!memfd_create("forgotten", i % 2 ? MFD_CLOEXEC : 0);
        int fd = memfd_create("handler", MFD_CLOEXEC);
        ino_t inode = inode_of(fd);
        close_mine(fd, inode);
        end_turn(me);
    }
    atomic_fetch_sub(&hands_left, 1);
    return NULL;
}

static int open_below(int limit)
{
    int n = 0;

    for (int fd = 0; fd < limit; fd++)
        n += is_open(fd);
    return n;
}

START_TEST(takes_nothing_out_of_a_hand)
{
    static size_t numbers[HANDS];
    pthread_t hands[HANDS];
    int before = open_below(NUMBERS), kept = 0;

    for (int i = 0; i < SHARED; i++) {
        pthread_mutex_init(&shelves[i].lock, NULL);
        connection(200 + i);
    }
    atomic_store(&hands_left, HANDS);
    for (size_t i = 0; i < HANDS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&hands[i], NULL, work, &numbers[i]), 0);
    }
    while (atomic_load(&hands_left) > 0) {
        sweep.not_before = 0;
        sweep_ask(&sweep);
        sweep_tick(&sweep);
    }
    for (size_t i = 0; i < HANDS; i++)
        pthread_join(hands[i], NULL);
    for (int i = 0; i < 6; i++) {
        sweep.not_before = 0;
        sweep_ask(&sweep);
        sweep_tick(&sweep);
    }
    ck_assert_int_eq(atomic_load(&mistaken), 0);
    for (int i = 0; i < SHARED; i++)
        kept += conn_at(&server.table, 200 + i)->body_fd >= 0;
    ck_assert_int_eq(open_below(NUMBERS), before + kept);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep");
    TCase *tcase = tcase_create("sweep");
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = NUMBERS;
    setrlimit(RLIMIT_NOFILE, &limit);
    log_open("sweep", LOG_ERROR);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, closes_what_was_left_open);
    tcase_add_test(tcase, waits_until_all_have_passed_twice);
    tcase_add_test(tcase, a_lost_thread_keeps_what_it_has);
    tcase_add_test(tcase, spares_what_has_got_into_a_slot);
    tcase_add_test(tcase, spares_what_another_is_about_to_close);
    tcase_add_test(tcase, knows_a_number_that_was_reused);
    tcase_add_test(tcase, core_may_have_any_number);
    tcase_add_test(tcase, sweeps_nothing_while_modules_are_opened);
    tcase_add_test(tcase, finds_leaks_by_itself);
    tcase_add_test(tcase, adopts_what_came_through_a_listener);
    tcase_add_test(tcase, takes_nothing_out_of_a_hand);
    tcase_set_timeout(tcase, case_limit(20));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
