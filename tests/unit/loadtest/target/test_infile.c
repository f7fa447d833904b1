/*
 * Files are read whole, up to their limit, and cut into lines and words.
 */
#include "loadtest/target/infile.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(whole_and_no_larger_than_allowed)
{
    char name[] = "/tmp/test_infile_XXXXXX";
    size_t size = 200001, length = 0; /* more than the first room, and not a multiple of it */
    struct complaint why = {""};
    int fd = mkstemp(name);
    ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
    ck_assert_int_eq(pwrite(fd, "z", 1, (off_t)size - 1), 1);
    char *data = infile_read(name, size, &length, &why);
    ck_assert_msg(data != NULL, "%s", why.text);
    ck_assert_uint_eq(length, size);
    ck_assert_int_eq(data[size - 1], 'z');
    ck_assert_int_eq(data[size], '\0');
    free(data);
    ck_assert_ptr_null(infile_read(name, size - 1, &length, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "larger than"));
    close(fd);
    unlink(name);
    ck_assert_ptr_null(infile_read(name, size, &length, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "No such file"));
}
END_TEST

START_TEST(lines_and_words)
{
    char text[] = "\n  # no\none two\tthree  \r\n\t\nlast";
    struct lines lines = {.at = text};
    char *line = lines_next(&lines);
    ck_assert_str_eq(line, "one two\tthree");
    ck_assert_uint_eq(lines.number, 3);
    ck_assert_str_eq(word_next(&line), "one");
    ck_assert_str_eq(word_next(&line), "two");
    ck_assert_str_eq(line, "three");
    ck_assert_str_eq(word_next(&line), "three");
    ck_assert_str_eq(word_next(&line), "");
    ck_assert_str_eq(lines_next(&lines), "last");
    ck_assert_uint_eq(lines.number, 5);
    ck_assert_ptr_null(lines_next(&lines));
}
END_TEST

START_TEST(beside_a_folder)
{
    char out[INFILE_NAME_MAX], longest[INFILE_NAME_MAX];
    struct complaint why;
    ck_assert(infile_beside(NULL, "a", out, &why));
    ck_assert_str_eq(out, "a");
    ck_assert(infile_beside("/f", "a", out, &why));
    ck_assert_str_eq(out, "/f/a");
    ck_assert(infile_beside("/f", "/a", out, &why));
    ck_assert_str_eq(out, "/a");
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ck_assert(!infile_beside("/f", longest, out, &why));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("infile");
    TCase *tests = tcase_create("infile");
    tcase_add_test(tests, whole_and_no_larger_than_allowed);
    tcase_add_test(tests, lines_and_words);
    tcase_add_test(tests, beside_a_folder);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
