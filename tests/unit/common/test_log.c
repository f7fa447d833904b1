/*
 * log: one whole line per call, on the right stream, only what is worth a line.
 */
#include "common/log.h"

#include "unit.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char out_text[8192], err_text[8192];

/* Runs fill() with stdout and stderr in pipes and keeps what came out. */
static void capture(void (*fill)(void))
{
    int out[2], err[2];
    ssize_t got;

    ck_assert_int_eq(pipe(out), 0);
    ck_assert_int_eq(pipe(err), 0);
    fflush(NULL);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    close(out[1]);
    close(err[1]);
    fill();
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    got = read(out[0], out_text, sizeof(out_text) - 1);
    out_text[got > 0 ? got : 0] = '\0';
    got = read(err[0], err_text, sizeof(err_text) - 1);
    err_text[got > 0 ? got : 0] = '\0';
}

static void one_of_each(void)
{
    log_line(LOG_ERROR, "an error %d", 1);
    log_line(LOG_WARN, "a warning");
    log_line(LOG_INFO, "some news");
    log_line(LOG_DEBUG, "a detail");
}

static int lines_of(const char *text)
{
    int count = 0;

    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

START_TEST(parts_errors_from_news)
{
    log_open("prog", LOG_DEBUG);
    capture(one_of_each);
    ck_assert_int_eq(lines_of(err_text), 2);
    ck_assert_int_eq(lines_of(out_text), 2);
    ck_assert_ptr_nonnull(strstr(err_text, "error: an error 1\n"));
    ck_assert_ptr_nonnull(strstr(err_text, "warn: a warning\n"));
    ck_assert_ptr_nonnull(strstr(out_text, "info: some news\n"));
    ck_assert_ptr_nonnull(strstr(out_text, "debug: a detail\n"));
}
END_TEST

START_TEST(says_who_and_when)
{
    char who[64];
    int year, month, day, hour, minute, second, ms;

    log_open("prog", LOG_WARN);
    capture(one_of_each);
    ck_assert_int_eq(sscanf(err_text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &year, &month, &day, &hour,
                            &minute, &second, &ms),
                     7);
    ck_assert_int_ge(year, 2024);
    snprintf(who, sizeof(who), "Z prog[%d] error: ", (int)getpid());
    ck_assert_ptr_nonnull(strstr(err_text, who));
}
END_TEST

START_TEST(keeps_to_its_level)
{
    log_open("prog", LOG_ERROR);
    capture(one_of_each);
    ck_assert_int_eq(lines_of(err_text), 1);
    ck_assert_str_eq(out_text, "");
}
END_TEST

static void too_long(void)
{
    static char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    log_line(LOG_ERROR, "%s", text);
    log_line(LOG_ERROR, "next");
}

START_TEST(cuts_a_long_line_and_ends_it)
{
    log_open("prog", LOG_ERROR);
    capture(too_long);
    ck_assert_int_eq(lines_of(err_text), 2);
    ck_assert_uint_le(strcspn(err_text, "\n"), 2048);
    ck_assert_uint_ge(strcspn(err_text, "\n"), 900);
    ck_assert_ptr_nonnull(strstr(err_text, "error: next\n"));
}
END_TEST

static void forged(void)
{
    log_line(LOG_ERROR, "GET /%s", "a\r\nprog[1] error: all is lost\x1b[2J\x7f\xc3\xa9");
}

/* What strangers bring in makes no line of its own, and is no order to a terminal. */
START_TEST(is_one_line_whatever_is_in_it)
{
    log_open("prog", LOG_ERROR);
    capture(forged);
    ck_assert_int_eq(lines_of(err_text), 1);
    ck_assert_ptr_nonnull(strstr(err_text, "GET /a??prog[1] error: all is lost?[2J?\xc3\xa9\n"));
}
END_TEST

START_TEST(names_signals)
{
    char text[64];

    ck_assert_str_eq(log_signal(SIGSEGV, text), "SIGSEGV (Segmentation fault)");
    ck_assert_str_eq(log_signal(SIGKILL, text), "SIGKILL (Killed)");
    ck_assert_str_eq(log_signal(200, text), "signal 200");
    ck_assert_ptr_eq(log_signal(SIGABRT, text), text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("log");

    tcase_add_test(tcase, parts_errors_from_news);
    tcase_add_test(tcase, says_who_and_when);
    tcase_add_test(tcase, keeps_to_its_level);
    tcase_add_test(tcase, cuts_a_long_line_and_ends_it);
    tcase_add_test(tcase, is_one_line_whatever_is_in_it);
    tcase_add_test(tcase, names_signals);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
