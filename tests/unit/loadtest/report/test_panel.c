/*
 * A panel replaces itself, fits its terminal, and leaves nothing behind. The "terminal" is a pipe;
 * its size comes from the environment.
 */
#include "loadtest/report/panel.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loadtest/report/sparkline.h"
#include "unit.h"

static int ends[2];

static void resize(const char *columns, const char *lines)
{
    ck_assert_int_eq(setenv("COLUMNS", columns, 1), 0);
    ck_assert_int_eq(setenv("LINES", lines, 1), 0);
}

static void begin(struct panel *p, bool colour)
{
    ck_assert_int_eq(pipe(ends), 0);
    resize("80", "24");
    panel_init(p, (struct terminal){.fd = ends[1], .live = true, .colour = colour, .utf8 = true});
}

static void expect_sent(const char *expected)
{
    char got[PANEL_BYTES + 1];
    ssize_t n = read(ends[0], got, sizeof got - 1);
    ck_assert_int_ge(n, 0);
    got[n] = '\0';
    ck_assert_str_eq(got, expected);
}

static void show(struct panel *p, const char *first, const char *second)
{
    panel_begin(p);
    panel_add(p, PANEL_PLAIN, first);
    panel_line(p);
    if (second) {
        panel_add(p, PANEL_ALARM, second);
        panel_line(p);
    }
    panel_show(p);
}

START_TEST(it_replaces_itself)
{
    struct panel p;
    begin(&p, true);
    show(&p, "one", "two");
    expect_sent("\r\033[Jone\n\033[31mtwo\033[0m\n");
    show(&p, "three", NULL);
    expect_sent("\r\033[2A\033[Jthree\n");
    panel_wipe(&p);
    expect_sent("\r\033[1A\033[J");
    panel_wipe(&p); /* there is nothing to take away */
    close(ends[1]);
    expect_sent("");
}
END_TEST

START_TEST(it_has_no_colour_where_none_is_wanted)
{
    struct panel p;
    begin(&p, false);
    show(&p, "one", "two");
    expect_sent("\r\033[Jone\ntwo\n");
}
END_TEST

/* The last column stays free: some terminals go to the next line when it is written. */
START_TEST(it_is_cut_at_the_edge)
{
    struct panel p;
    begin(&p, false);
    resize("6", "24");
    show(&p, "µµµµµµµµ", "123456789");
    expect_sent("\r\033[Jµµµµµ\n12345\n");
}
END_TEST

START_TEST(it_leaves_a_line_for_the_cursor)
{
    struct panel p;
    begin(&p, false);
    resize("80", "2");
    show(&p, "one", "two");
    expect_sent("\r\033[Jone\n");
}
END_TEST

/* Where the old lines are after a narrower window has folded them, no two terminals agree. */
START_TEST(a_narrower_window_spoils_nothing)
{
    struct panel p;
    begin(&p, false);
    show(&p, "twelve chars", NULL);
    expect_sent("\r\033[Jtwelve chars\n");
    resize("12", "24");
    show(&p, "one", NULL);
    expect_sent("\r\033[Jone\n");
    resize("8", "24");
    show(&p, "two", NULL);
    expect_sent("\r\033[1A\033[Jtwo\n");
}
END_TEST

START_TEST(more_text_than_room_is_dropped)
{
    struct panel p;
    begin(&p, true);
    resize("5000", "24");
    panel_begin(&p);
    for (int i = 0; i < 2000; i++)
        panel_add(&p, PANEL_ALARM, "µµµ");
    panel_line(&p);
    ck_assert_uint_le(p.used, PANEL_BYTES);
    p.text[p.used - 1] = '\0';
    size_t end = strlen(p.text);
    ck_assert(end > 4 && strcmp(p.text + end - 4, "\033[0m") == 0);
}
END_TEST

START_TEST(bars_show_an_outage_as_a_gap)
{
    ck_assert_str_eq(sparkline_bar(0, 100, true), " ");
    ck_assert_str_eq(sparkline_bar(1, 100, true), "▁");
    ck_assert_str_eq(sparkline_bar(50, 100, true), "▅");
    ck_assert_str_eq(sparkline_bar(100, 100, true), "█");
    ck_assert_str_eq(sparkline_bar(100, 100, false), "#");
    ck_assert_str_eq(sparkline_bar(1, 100, false), "_");
    ck_assert_str_eq(sparkline_bar(5, 0, true), " ");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("panel");
    TCase *tests = tcase_create("panel");
    tcase_add_test(tests, it_replaces_itself);
    tcase_add_test(tests, it_has_no_colour_where_none_is_wanted);
    tcase_add_test(tests, it_is_cut_at_the_edge);
    tcase_add_test(tests, it_leaves_a_line_for_the_cursor);
    tcase_add_test(tests, a_narrower_window_spoils_nothing);
    tcase_add_test(tests, more_text_than_room_is_dropped);
    tcase_add_test(tests, bars_show_an_outage_as_a_gap);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
