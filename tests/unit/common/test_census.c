/*
 * census: each connection is at one thing; waiting is counted only while nobody is free and events
 * are there; the rate is that of the last second.
 */
#include "common/census.h"

#include "common/server.h"
#include "unit.h"

#include <check.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { WORKERS = 2, NUMBERS = 64, ME = 1 };

static struct server server;
static struct census census;

static void set_up(void)
{
    memset(&census, 0, sizeof(census));
    server = (struct server){.epoll = epoll_create1(EPOLL_CLOEXEC), .slots = WORKERS};
    ck_assert_ptr_nonnull(server.board = scoreboard_open(WORKERS));
    ck_assert_ptr_nonnull(server.tallies = tallies_open(WORKERS));
    ck_assert(conn_table_open(&server.table, NUMBERS, 256));
}

static void tear_down(void)
{
    conn_table_close(&server.table);
    scoreboard_close(server.board, WORKERS);
    tallies_close(server.tallies, WORKERS);
    close(server.epoll);
}

static void count_one(enum conn_phase phase, enum conn_wait wait, enum conn_state state)
{
    struct conn *c = conn_open(&server.table, 10, ME);

    ck_assert_ptr_nonnull(c);
    atomic_store(&c->wait, (uint8_t)wait);
    if (phase == CONN_IDLE)
        ck_assert(conn_release(c, ME));
    else if (phase != CONN_HELD)
        ck_assert(conn_step(c, ME, phase));
    census_begin(&census);
    census_add(&census, c, conn_word(c));
    for (int i = 0; i < CONN_STATES; i++)
        ck_assert_uint_eq(census.conns[i], i == (int)state);
}

START_TEST(says_what_a_connection_is_at)
{
    count_one(CONN_IDLE, WAIT_REQUEST, CONN_STATE_IDLE);
    count_one(CONN_IDLE, WAIT_HEADER, CONN_STATE_READING);
    count_one(CONN_IDLE, WAIT_BODY, CONN_STATE_READING);
    count_one(CONN_IDLE, WAIT_WRITE, CONN_STATE_WRITING);
    count_one(CONN_IDLE, WAIT_LINGER, CONN_STATE_LINGERING);
    count_one(CONN_IDLE, WAIT_SHAKE, CONN_STATE_HANDSHAKING);
    count_one(CONN_IDLE, (enum conn_wait)77, CONN_STATE_LINGERING); /* scribbled */
    count_one(CONN_HELD, WAIT_REQUEST, CONN_STATE_READING);
    count_one(CONN_READ, WAIT_REQUEST, CONN_STATE_READING);
    count_one(CONN_RUN, WAIT_REQUEST, CONN_STATE_RUNNING);
    count_one(CONN_SEND, WAIT_REQUEST, CONN_STATE_WRITING);
    count_one(CONN_CLOSING, WAIT_REQUEST, CONN_STATE_LINGERING);
}
END_TEST

static uint64_t waited(int64_t now)
{
    uint64_t before = atomic_load(&server.tallies[0].worker_wait);

    census_begin(&census);
    census_tell(&census, &server, now);
    return atomic_load(&server.tallies[0].worker_wait) - before;
}

START_TEST(counts_the_time_for_which_events_wait)
{
    struct epoll_event event = {.events = EPOLLIN};
    int fd = eventfd(0, EFD_CLOEXEC);

    ck_assert_int_eq(epoll_ctl(server.epoll, EPOLL_CTL_ADD, fd, &event), 0);
    scoreboard_birth(server.board, 0, 1);
    scoreboard_birth(server.board, 1, 1);
    ck_assert_uint_eq(waited(1000), 0);
    eventfd_write(fd, 1);
    ck_assert_uint_eq(waited(1020), 0); /* somebody is free */
    atomic_store(&server.board->slots[0].state, WORKER_TURN);
    ck_assert_uint_eq(waited(1040), 0);
    atomic_store(&server.board->slots[1].state, WORKER_ACCEPTING);
    ck_assert_uint_eq(waited(1060), 20000);
    ck_assert_uint_eq(waited(9000), 250000); /* whoever has slept knows nothing of the time */
    eventfd_t value;
    eventfd_read(fd, &value);
    ck_assert_uint_eq(waited(9020), 0); /* no event */
    close(fd);
}
END_TEST

START_TEST(rates_the_last_second)
{
    waited(1000);
    for (int i = 0; i < 300; i++)
        tally_answer(&server.tallies[1], TALLY_NO_ROUTE, 404, 1);
    waited(1500);
    ck_assert_uint_eq(atomic_load(&server.board->rate), 0);
    waited(2500);
    ck_assert_uint_eq(atomic_load(&server.board->rate), 200);
    waited(3500);
    ck_assert_uint_eq(atomic_load(&server.board->rate), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("census");
    TCase *tcase = tcase_create("census");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, says_what_a_connection_is_at);
    tcase_add_test(tcase, counts_the_time_for_which_events_wait);
    tcase_add_test(tcase, rates_the_last_second);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
