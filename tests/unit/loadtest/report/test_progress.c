/*
 * What a run says while it lasts, as a terminal gets it and as a file gets it.
 */
#include "loadtest/report/progress.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loadtest/units.h"
#include "patience.h"
#include "unit.h"

static struct timeline timeline;
static int reader;

/* stderr becomes `fd`; what is written there comes out at `from`. */
static void redirect(int fd, int from)
{
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
    reader = from;
    ck_assert(timeline_init(&timeline, 0));
}

static void open_terminal(unsigned short columns)
{
    int master, slave;
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, &size), 0);
    unsetenv("COLUMNS");
    unsetenv("LINES");
    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", "1", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    redirect(slave, master);
}

static void open_file(void)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    redirect(ends[1], ends[0]);
}

static char text[32768];
static size_t used;

/* Takes what has come, or comes in time; false when nothing does. A terminal makes \r\n of \n, which
 * is undone here. */
static bool take(void)
{
    char got[4096];
    struct pollfd ready = {.fd = reader, .events = POLLIN};
    if (poll(&ready, 1, patience(5000)) <= 0)
        return false;
    ssize_t n = read(reader, got, sizeof got);
    ck_assert_int_gt(n, 0);
    for (ssize_t i = 0; i < n && used + 1 < sizeof text; i++) {
        if (got[i] == '\n' && used > 0 && text[used - 1] == '\r')
            used--;
        text[used++] = got[i];
    }
    text[used] = '\0';
    return true;
}

static void expect_written(const char *expected)
{
    used = 0;
    while (used < strlen(expected) && take())
        ;
    ck_assert_str_eq(text, expected);
}

/* The same for the last bytes of many. */
static void expect_at_end(const char *expected)
{
    size_t length = strlen(expected);
    used = 0;
    while ((used < length || strcmp(text + used - length, expected) != 0) && take())
        ;
    ck_assert_uint_ge(used, length);
    ck_assert_str_eq(text + used - length, expected);
}

/* Nothing comes, even a little later. */
static void expect_silence(void)
{
    struct pollfd ready = {.fd = reader, .events = POLLIN};
    ck_assert_int_eq(poll(&ready, 1, 100), 0);
}

static void whole_second(struct progress *p, int64_t index, struct timeline_row row)
{
    static struct second s;
    memset(&s, 0, sizeof s);
    s.index = index;
    s.row = row;
    for (uint64_t i = 0; i < row.ok; i++)
        hist_add_us(&s.hist, 500);
    timeline_publish(&timeline, &s);
    progress_second(p, &timeline, index);
}

static void second(struct progress *p, int64_t index, uint64_t ok, uint64_t failed,
                   uint64_t injected)
{
    whole_second(p, index, (struct timeline_row){.ok = ok, .failed = failed, .injected = injected});
}

START_TEST(a_file_gets_plain_lines)
{
    struct progress p;
    open_file();
    setenv("TERM", "xterm", 1);
    progress_init(&p, true, "pool", 10 * NS_PER_S);
    progress_phase(&p, "warming up");
    second(&p, 0, 1234, 0, 5);
    progress_end(&p);
    expect_written("pool: warming up\n"
                   "pool:    1 s      1,234 ok/s  p99    500 µs  failed 0  injected "
                   "5\n");
}
END_TEST

START_TEST(handshakes_are_told_where_there_are_any)
{
    struct progress p;
    open_file();
    setenv("TERM", "xterm", 1);
    progress_init(&p, true, NULL, 10 * NS_PER_S);
    whole_second(&p, 0, (struct timeline_row){.ok = 7, .tls_full = 3, .tls_resumed = 4});
    second(&p, 1, 7, 0, 0);
    progress_end(&p);
    expect_written(
        "   1 s          7 ok/s  p99    500 µs  failed 0  injected 0  TLS full 3 resumed 4\n"
        "   2 s          7 ok/s  p99    500 µs  failed 0  injected 0\n");
}
END_TEST

START_TEST(handshakes_have_a_line_of_the_panel)
{
    struct progress p;
    open_terminal(80);
    progress_init(&p, true, NULL, 10 * NS_PER_S);
    second(&p, 0, 1000, 0, 0);
    whole_second(&p, 1, (struct timeline_row){.ok = 500, .tls_full = 1234, .tls_resumed = 5});
    second(&p, 2, 500, 0, 0); /* the line stays, so that the panel does not jump */
    expect_written("\r\033[J1 s of 10 s\n"
                   "1,000 ok/s   p50 500 µs   p99 500 µs   failed 0   injected 0\n"
                   "█   peak 1,000\n"
                   "\r\033[3A\033[J2 s of 10 s\n"
                   "500 ok/s   p50 500 µs   p99 500 µs   failed 0   injected 0\n"
                   "TLS handshakes/s: 1,234 full, 5 resumed\n"
                   "█▅   peak 1,000\n"
                   "\r\033[4A\033[J3 s of 10 s\n"
                   "500 ok/s   p50 500 µs   p99 500 µs   failed 0   injected 0\n"
                   "TLS handshakes/s: 0 full, 0 resumed\n"
                   "█▅▅   peak 1,000\n");
    progress_end(&p);
}
END_TEST

START_TEST(quiet_is_quiet)
{
    struct progress p;
    open_terminal(80);
    progress_init(&p, false, "pool", 10 * NS_PER_S);
    progress_phase(&p, "warming up");
    second(&p, 0, 1234, 0, 5);
    progress_end(&p);
    expect_silence();
}
END_TEST

START_TEST(a_dumb_terminal_gets_plain_lines)
{
    struct progress p;
    open_terminal(80);
    setenv("TERM", "dumb", 1);
    progress_init(&p, true, NULL, 10 * NS_PER_S);
    progress_phase(&p, "warming up");
    progress_end(&p);
    expect_written("warming up\n");
}
END_TEST

START_TEST(a_terminal_gets_a_panel)
{
    struct progress p;
    open_terminal(80);
    progress_init(&p, true, "pool", 10 * NS_PER_S);
    progress_phase(&p, "warming up");
    expect_written("\r\033[Jpool   warming up\n");
    second(&p, 0, 1000, 0, 0);
    expect_written("\r\033[1A\033[Jpool   1 s of 10 s\n"
                   "1,000 ok/s   p50 500 µs   p99 500 µs   failed 0   injected 0\n"
                   "█   peak 1,000\n");
    second(&p, 1, 500, 0, 7);
    second(&p, 2, 0, 9, 0);
    progress_end(&p);
    expect_written("\r\033[3A\033[Jpool   2 s of 10 s\n"
                   "500 ok/s   p50 500 µs   p99 500 µs   failed 0   injected 7\n"
                   "█▅   peak 1,000\n"
                   " ▲   ▲ fault  × failed\n"
                   "\r\033[4A\033[Jpool   3 s of 10 s\n"
                   "0 ok/s   failed 9   injected 0\n"
                   "█▅    peak 1,000\n"
                   " ▲×   ▲ fault  × failed\n"
                   "\r\033[4A\033[J");
    second(&p, 10, 1, 0, 0); /* the run is over, the last answers are waited for */
    expect_silence();
}
END_TEST

/* A fault on a process leaves no trace in the timeline. It is shown in its second, also when that is
 * over already. */
START_TEST(what_was_done_to_processes_is_marked)
{
    struct progress p;
    open_terminal(80);
    progress_init(&p, true, NULL, 10 * NS_PER_S);
    second(&p, 0, 1000, 0, 0);
    progress_mark(&p, 1020 * NS_PER_MS, "kill-worker");
    second(&p, 1, 1000, 0, 0);
    progress_mark(&p, 1990 * NS_PER_MS, "restart");
    second(&p, 2, 1000, 0, 0);
    progress_end(&p);
    expect_at_end("███   peak 1,000\n"
                  " ▲    ▲ fault  × failed\n"
                  "\r\033[4A\033[J");
}
END_TEST

START_TEST(what_was_done_to_processes_is_told_in_words)
{
    struct progress p;
    open_file();
    progress_init(&p, true, "pool", 10 * NS_PER_S);
    progress_mark(&p, 1020 * NS_PER_MS, "kill-worker");
    progress_end(&p);
    expect_written("pool: kill-worker at 1.02 s\n");
}
END_TEST

START_TEST(a_small_terminal_without_utf8_gets_less)
{
    struct progress p;
    open_terminal(40);
    setenv("LC_ALL", "C", 1);
    progress_init(&p, true, NULL, INT64_MAX);
    second(&p, 0, 1000, 2, 0);
    expect_written("\r\033[J1 s\n1,000 ok/s   p99 500 us   failed 2   in\n#\nx\n");
}
END_TEST

/* In a long run the panel shows the last minute; as much of it as fits. */
START_TEST(the_curve_moves_on)
{
    struct progress p;
    open_terminal(34);
    progress_init(&p, true, NULL, INT64_MAX);
    for (int64_t i = 0; i < 64; i++)
        second(&p, i, 800, 0, 0);
    second(&p, 64, 100, 0, 0);
    expect_at_end("\033[J65 s\n100 ok/s   p99 500 µs   failed 0 \n"
                  "████████████████████████████████▂\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("progress");
    TCase *tests = tcase_create("progress");
    tcase_add_test(tests, a_file_gets_plain_lines);
    tcase_add_test(tests, handshakes_are_told_where_there_are_any);
    tcase_add_test(tests, handshakes_have_a_line_of_the_panel);
    tcase_add_test(tests, quiet_is_quiet);
    tcase_add_test(tests, a_dumb_terminal_gets_plain_lines);
    tcase_add_test(tests, a_terminal_gets_a_panel);
    tcase_add_test(tests, what_was_done_to_processes_is_marked);
    tcase_add_test(tests, what_was_done_to_processes_is_told_in_words);
    tcase_add_test(tests, a_small_terminal_without_utf8_gets_less);
    tcase_add_test(tests, the_curve_moves_on);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
