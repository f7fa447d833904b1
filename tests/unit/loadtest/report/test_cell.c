/*
 * Columns stay in line when a text has characters of several bytes.
 */
#include "loadtest/report/cell.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>

static char *written(int width, const char *text)
{
    char *bytes = NULL;
    size_t size;
    FILE *out = open_memstream(&bytes, &size);
    ck_assert_ptr_nonnull(out);
    cell(out, width, text);
    fclose(out);
    return bytes;
}

START_TEST(columns_are_characters)
{
    static const struct {
        int width;
        const char *text, *wanted;
    } rows[] = {{6, "9 µs", "  9 µs"}, {6, "9 ms", "  9 ms"}, {-6, "9 µs", "9 µs  "},
                {2, "9 ms", "9 ms"},   {5, "1 … 2", "1 … 2"}, {3, "", "   "}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *got = written(rows[i].width, rows[i].text);
        ck_assert_str_eq(got, rows[i].wanted);
        free(got);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cell");
    TCase *tests = tcase_create("cell");
    tcase_add_test(tests, columns_are_characters);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
