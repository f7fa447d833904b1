/*
 * --print-config: a file that comes to the same, with the place of each value.
 */
#include "line.h"
#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lines without their comments. */
static const char *settings_in(const char *text)
{
    static char settings[8192];
    char copy[8192], *rest = copy;

    snprintf(copy, sizeof(copy), "%s", text);
    settings[0] = '\0';
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        char *comment = strstr(line, " ;");

        if (comment != NULL)
            *comment = '\0';
        if (line[0] != '#' && line[0] != ';')
            strcat(strcat(settings, line), "\n");
    }
    return settings;
}

/* What is printed, read, and printed again. */
static void expect_the_same_again(bool with_isolation)
{
    char first[8192], settings[8192];

    memcpy(first, out_text, sizeof(first));
    snprintf(settings, sizeof(settings), "%s", settings_in(first));
    clearenv();
    ck_assert_int_eq(read_line(with_isolation, (const char *[]){"prog", "--print-config",
                                                                "--config", file_of(first), NULL}),
                     OPTIONS_DONE);
    ck_assert_str_eq(err_text, "");
    ck_assert_str_eq(settings_in(out_text), settings);
}

START_TEST(prints_defaults)
{
    ck_assert_int_eq(READ("--print-config"), OPTIONS_DONE);
    ck_assert_str_eq(err_text, "");
    ck_assert_ptr_nonnull(strstr(out_text, "\nmax-body = 16m "));
    ck_assert_ptr_nonnull(strstr(out_text, "\n# root = DIR\n"));
    ck_assert_ptr_nonnull(strstr(out_text, "\n# tls-min = 1.2\n"));
    ck_assert_ptr_nonnull(strstr(out_text, "\n[server-proc]\n"));
    ck_assert_ptr_null(strstr(out_text, "print-config ="));
    expect_the_same_again(true);
    ck_assert_int_eq(TWIN("--print-config"), OPTIONS_DONE);
    ck_assert_ptr_null(strstr(out_text, "isolation"));
    expect_the_same_again(false);
}
END_TEST

START_TEST(says_where_each_value_comes_from)
{
    char line[256];
    const char *path = file_of("max-uri = 1k\nmodule = a.so=1 2\nmodule = b.so\nlisting = yes\n"
                               "[server-proc]\nspare = 3\n");

    setenv("TANDEM_LISTEN", "127.0.0.1:1 127.0.0.1:2", 1);
    ck_assert_int_eq(
        READ("--print-config", "--workers=5", "--enable-demo", "--root=/", "--config", path),
        OPTIONS_DONE);
    ck_assert_ptr_nonnull(
        strstr(out_text, "\nworkers = 5                              ; --workers\n"));
    ck_assert_ptr_nonnull(strstr(out_text, "\nlisten = 127.0.0.1:2 "));
    ck_assert_ptr_nonnull(strstr(out_text, " ; TANDEM_LISTEN\n"));
    ck_assert_ptr_nonnull(strstr(out_text, "\nenable-demo = on "));
    ck_assert_ptr_nonnull(strstr(out_text, " ; default\n"));
    snprintf(line, sizeof(line), " ; %s:3: module\n", path);
    ck_assert_ptr_nonnull(strstr(out_text, line));
    snprintf(line, sizeof(line), " ; %s:6: spare\n", path);
    ck_assert_ptr_nonnull(strstr(out_text, line));
    expect_the_same_again(true);
}
END_TEST

START_TEST(prints_https_alone)
{
    ck_assert_int_eq(READ("--print-config", "--tls-listen=:1", "--tls-self-signed", "--hsts",
                          "max-age=1; preload"),
                     OPTIONS_DONE);
    ck_assert_ptr_nonnull(strstr(out_text, "\n# listen = ADDR:PORT\n"));
    ck_assert_ptr_nonnull(strstr(out_text, "\ntls-min = 1.2 "));
    expect_the_same_again(true);
}
END_TEST

START_TEST(bounds_its_own_lines)
{
    char value[192];

    memset(value, 'x', sizeof(value));
    value[179] = '\0';
    ck_assert_int_eq(READ("--print-config", "--module", value), OPTIONS_DONE);
    expect_the_same_again(true);
}
END_TEST

/* What no line of a file could hold. */
static const char *const unspeakable[] = {" a", "a ", "a ;b", "a\nb"};

START_TEST(says_what_it_cannot_print)
{
    ck_assert_int_eq(READ("--print-config", "--module", unspeakable[_i]), OPTIONS_BAD);
    ck_assert_int_eq(lines_in(err_text), 1);
    ck_assert_ptr_nonnull(strstr(err_text, "server-proc: --module: no line of a file could hold"));
}
END_TEST

START_TEST(prints_nothing_of_what_is_wrong)
{
    ck_assert_int_eq(READ("--print-config", "--workers=x"), OPTIONS_BAD);
    ck_assert_str_eq(out_text, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("effective");
    TCase *tcase = tcase_create("effective");

    tcase_add_checked_fixture(tcase, forget_environment, NULL);
    tcase_add_test(tcase, prints_defaults);
    tcase_add_test(tcase, says_where_each_value_comes_from);
    tcase_add_test(tcase, prints_https_alone);
    tcase_add_test(tcase, bounds_its_own_lines);
    tcase_add_loop_test(tcase, says_what_it_cannot_print, 0, COUNT(unspeakable));
    tcase_add_test(tcase, prints_nothing_of_what_is_wrong);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
