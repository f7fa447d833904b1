/*
 * Files for reports: opened before, closed with a look at what went wrong.
 */
#include "loadtest/report/output.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

START_TEST(those_wanted_are_opened)
{
    struct output outputs[] = {{"/tmp/tandem-output-test", NULL}, {NULL, NULL}, {"-", NULL}};
    struct complaint why;
    ck_assert(outputs_open(outputs, 3, &why));
    ck_assert_ptr_nonnull(outputs[0].file);
    ck_assert_ptr_null(outputs[1].file);
    ck_assert_ptr_eq(outputs[2].file, stdout);
    ck_assert(outputs_take_stdout(outputs, 3));
    ck_assert(!outputs_take_stdout(outputs, 2));
    ck_assert(outputs_close(outputs, 3, &why));
    ck_assert_int_eq(unlink("/tmp/tandem-output-test"), 0);
}
END_TEST

START_TEST(a_bad_name_is_told)
{
    struct output outputs[] = {{"/nowhere/at/all", NULL}};
    struct complaint why;
    ck_assert(!outputs_open(outputs, 1, &why));
    ck_assert_str_eq(why.text, "cannot write /nowhere/at/all: No such file or directory");
}
END_TEST

START_TEST(stdout_holds_one_report)
{
    struct output outputs[] = {{"-", NULL}, {"-", NULL}};
    struct complaint why;
    ck_assert(!outputs_open(outputs, 2, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "only one report can go to stdout"));
    ck_assert_ptr_null(outputs[0].file);
}
END_TEST

/* Also after a failure to open them, when none is. */
START_TEST(given_up_they_are_closed)
{
    struct output o[2] = {{"/dev/null", NULL}, {NULL, NULL}};
    struct complaint why;
    outputs_give_up(o, 2);
    ck_assert(outputs_open(o, 2, &why));
    int fd = fileno(o[0].file);
    outputs_give_up(o, 2);
    ck_assert_ptr_null(o[0].file);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    struct output outputs[] = {{"/dev/full", NULL}};
    struct complaint why;
    ck_assert(outputs_open(outputs, 1, &why));
    fputs("more than nothing", outputs[0].file);
    ck_assert(!outputs_close(outputs, 1, &why));
    ck_assert_str_eq(why.text, "cannot write /dev/full: No space left on device");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("output");
    TCase *tests = tcase_create("output");
    tcase_add_test(tests, those_wanted_are_opened);
    tcase_add_test(tests, a_bad_name_is_told);
    tcase_add_test(tests, stdout_holds_one_report);
    tcase_add_test(tests, given_up_they_are_closed);
    tcase_add_test(tests, a_full_disk_is_told);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
