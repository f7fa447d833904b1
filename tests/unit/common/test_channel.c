/*
 * channel: what is said arrives whole, from whom the kernel says, and with the descriptor it was sent with.
 */
#include "common/channel.h"

#include "unit.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/signals.h"

static int ends[2], signals;
static struct message m;

static void set_up(void)
{
    signals = signals_open();
    ck_assert_int_ge(signals, 0);
    ck_assert(channel_open(ends));
}

static void tear_down(void)
{
    close(ends[0]);
    close(ends[1]);
    close(signals);
}

START_TEST(says_who_has_sent_it)
{
    ck_assert(!channel_receive(ends[0], &m));
    pid_t pid = fork();
    if (pid == 0)
        _exit(channel_send(ends[1], "READY=1", -1) ? 0 : 1);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert(channel_receive(ends[0], &m));
    ck_assert_int_eq(m.sender, pid);
    ck_assert_int_eq(m.passed, -1);
    ck_assert_str_eq(m.text, "READY=1");
}
END_TEST

START_TEST(wakes_the_loop_until_it_is_left)
{
    ck_assert_uint_eq(signals_wait(signals, 0), 0);
    ck_assert(channel_send(ends[1], "1", -1));
    ck_assert_uint_eq(signals_wait(signals, 1000), SIGNAL_CHILD);
    channel_leave(ends[0]);
    ck_assert(channel_send(ends[1], "2", -1));
    ck_assert_uint_eq(signals_wait(signals, 50), 0);
}
END_TEST

START_TEST(passes_a_descriptor)
{
    int pair[2];
    char byte;

    ck_assert_int_eq(pipe(pair), 0);
    ck_assert(channel_send(ends[1], "WARD=1", pair[0]));
    close(pair[0]);
    ck_assert(channel_receive(ends[0], &m));
    ck_assert_int_ge(m.passed, 0);
    ck_assert_int_eq(fcntl(m.passed, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    ck_assert_int_eq(read(m.passed, &byte, 1), 1);
    close(m.passed);
    close(pair[1]);
}
END_TEST

/* Nobody waits for somebody who does not listen. */
START_TEST(a_full_channel_says_so)
{
    int sent = 0;

    while (channel_send(ends[1], "WATCHDOG=1", -1))
        ck_assert_int_lt(++sent, 1000000);
    ck_assert_int_eq(errno, EAGAIN);
    close(ends[0]);
    ck_assert(!channel_send(ends[1], "x", -1));
    ends[0] = dup(ends[1]);
}
END_TEST

START_TEST(finds_numbers_at_the_beginning_of_lines)
{
    ck_assert_int_eq(channel_number("READY=1\nCARETAKER=2", "CARETAKER=", 0), 2);
    ck_assert_int_eq(channel_number("READY=1\nCARETAKER=2", "READY=", 0), 1);
    ck_assert_int_eq(channel_number("STATUS=READY=1", "READY=", 7), 7);
    ck_assert_int_eq(channel_number("READY=\n", "READY=", 7), 0);
    ck_assert_int_eq(channel_number("", "READY=", 7), 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("channel");
    TCase *tcase = tcase_create("channel");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, says_who_has_sent_it);
    tcase_add_test(tcase, wakes_the_loop_until_it_is_left);
    tcase_add_test(tcase, passes_a_descriptor);
    tcase_add_test(tcase, a_full_channel_says_so);
    tcase_add_test(tcase, finds_numbers_at_the_beginning_of_lines);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
