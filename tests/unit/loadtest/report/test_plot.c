/*
 * What goes to gnuplot, what becomes of its drawing, and what happens when it is not there.
 *
 * Most cases have a gnuplot of their own in PATH, a few lines of shell; the last one takes the real
 * one where it is installed.
 */
#include "loadtest/report/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"
#include "unit.h"

static const struct plot_size size = {360, 230, "narrow"};
static char folder[64], path[128];

/* Puts a shell script called gnuplot, and nothing else, into PATH; NULL: not even that. */
static void install(const char *script)
{
    strcpy(folder, "/tmp/tandem-plot-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/gnuplot", folder);
    ck_assert_int_eq(setenv("PATH", folder, 1), 0);
    if (!script)
        return;
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out, "#!/bin/sh\nPATH=/usr/bin:/bin\n%s\n", script);
    fclose(out);
    ck_assert_int_eq(chmod(path, 0755), 0);
}

static void uninstall(void)
{
    unlink(path);
    rmdir(folder);
}

static void make(struct plot *p)
{
    plot_init(p, "a <title>");
    axis_seconds(&p->x, 4, 8);
    axis_counts(&p->y, 9, 5);
    struct plot_series *s = plot_add_series(p, "one", PLOT_SERIES);
    plot_add_point(p, s, 0, 1);
    plot_add_point(p, s, 1, (double)NAN);
    plot_add_point(p, s, 2, 3);
    plot_add_mark(p, 1.5, "kill <b>", PLOT_FAULT);
}

/* Draws it and returns what was written; NULL when nothing could be drawn. */
static char *draw(const struct plot *p, struct complaint *why)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    bool drawn = plot_draw(p, &size, out, why);
    fclose(out);
    if (drawn)
        return text;
    ck_assert_uint_eq(length, 0);
    free(text);
    return NULL;
}

static const struct {
    const char *script, *complaint;
} broken[] = {{NULL, "gnuplot is not installed"},
              {"exit 1", "gnuplot did not finish its drawing"},
              {"exit 0", "gnuplot did not finish its drawing"},
              {"cat >/dev/null; echo '<svg>'; echo '<g id=\"gnuplot_canvas\">'; echo '<g>'",
               "gnuplot did not finish its drawing"},
              {"echo '<g id=\"gnuplot_canvas\">'; echo '</svg>'; exit 3",
               "gnuplot did not finish its drawing"}};

START_TEST(nothing_is_written_without_a_whole_drawing)
{
    struct plot p;
    struct complaint why;
    make(&p);
    install(broken[_i].script);
    ck_assert_ptr_null(draw(&p, &why));
    ck_assert_str_eq(why.text, broken[_i].complaint);
    uninstall();
    plot_free(&p);
}
END_TEST

START_TEST(a_drawing_is_dressed)
{
    struct plot p;
    struct complaint why;
    make(&p);
    install("cat >/dev/null; cat <<'EOF'\n"
            "<?xml version=\"1.0\"?>\n"
            "<svg viewBox=\"0 0 1 1\">\n"
            "<title>Gnuplot</title>\n"
            "<g id=\"gnuplot_canvas\">\n"
            "<defs>\n"
            "\t<circle id='gpDot' r='0.5'/>\n"
            "</defs>\n"
            "<path stroke='rgb(  1,   1,   1)' d='M0,0'/>\n"
            "<path stroke='#010105' fill=\"rgb(1,1,3)\" d='M1,1'/>\n"
            "<path stroke='rgb(  1,   1,  99)'/>\n"
            "\t<g id=\"gnuplot_plot_1\" ><title>gnuplot_plot_1</title>\n"
            "<text font-family=\"sans-serif\" font-size=\"12\">@0@ @1@ @x@</text>\n"
            "</g>\n"
            "</g>\n"
            "</svg>\n"
            "EOF");
    char *text = draw(&p, &why);
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, "<svg class=\"plot narrow\" viewBox=\"0 0 360 230\" role=\"img\" "
                           "aria-label=\"a &lt;title&gt;\">\n"
                           "<g>\n"
                           "<path stroke='var(--plot-axis)' d='M0,0'/>\n"
                           "<path stroke='var(--plot-s1)' fill=\"var(--plot-fault)\" d='M1,1'/>\n"
                           "<path stroke='rgb(  1,   1,  99)'/>\n"
                           "<g>\n"
                           "<text font-size=\"12\">kill &lt;b&gt; @1@ @x@</text>\n"
                           "</g>\n"
                           "</g>\n"
                           "</svg>\n");
    free(text);
    uninstall();
    plot_free(&p);
}
END_TEST

/* A fault's name could otherwise be a command: gnuplot knows system() and backquotes. */
START_TEST(gnuplot_gets_no_text_from_outside)
{
    struct plot p;
    struct complaint why;
    char script[256], read[512] = "";
    make(&p);
    install(NULL);
    snprintf(script, sizeof script, "%s/gnuplot", folder);
    FILE *out = fopen(script, "w");
    fprintf(out, "#!/bin/sh\nPATH=/usr/bin:/bin\ncat >%s/script\nexit 1\n", folder);
    fclose(out);
    chmod(script, 0755);
    ck_assert_ptr_null(draw(&p, &why));
    snprintf(script, sizeof script, "%s/script", folder);
    FILE *in = fopen(script, "r");
    ck_assert_ptr_nonnull(in);
    bool marked = false, interrupted = false;
    while (fgets(read, sizeof read, in)) {
        ck_assert_ptr_null(strstr(read, "kill"));
        ck_assert_ptr_null(strstr(read, "title"));
        marked |= strstr(read, "'@0@' at 1.5") != NULL;
        interrupted |= strcmp(read, "\n") == 0; /* where a value is missing */
    }
    ck_assert(marked && interrupted);
    fclose(in);
    unlink(script);
    uninstall();
    plot_free(&p);
}
END_TEST

START_TEST(bands_that_touch_become_one)
{
    struct plot p;
    plot_init(&p, "bands");
    plot_add_band(&p, 5, 6);
    plot_add_band(&p, 0, 1);
    plot_add_band(&p, 6, 7);
    plot_add_band(&p, 3, 4);
    ck_assert_uint_eq(p.band_count, 3);
    ck_assert_double_eq(p.bands[2].from, 5);
    ck_assert_double_eq(p.bands[2].to, 7);
    plot_add_band(&p, 0.5, 5.5);
    ck_assert_uint_eq(p.band_count, 1);
    ck_assert_double_eq(p.bands[0].from, 0);
    ck_assert_double_eq(p.bands[0].to, 7);
    for (int i = 0; i < 2 * PLOT_BANDS; i++)
        plot_add_band(&p, 10 + 2 * i, 11 + 2 * i);
    ck_assert_uint_eq(p.band_count, PLOT_BANDS);
    plot_free(&p);
}
END_TEST

/* A line of one point would not be seen, so it is a dot: a thick one with round ends. */
START_TEST(a_lone_point_is_a_dot)
{
    struct plot p;
    struct complaint why;
    if (!program_exists("gnuplot"))
        return;
    plot_init(&p, "dots");
    axis_seconds(&p.x, 4, 8);
    axis_counts(&p.y, 9, 5);
    struct plot_series *s = plot_add_series(&p, "one", PLOT_SERIES);
    for (int x = 1; x < 4; x++)
        plot_add_point(&p, s, x, 1);
    char *line = draw(&p, &why);
    ck_assert_msg(line != NULL, "%s", why.text);
    ck_assert_ptr_null(strstr(line, "stroke-width=\"6.00\""));
    plot_add_point(&p, s, 0, (double)NAN);
    plot_add_point(&p, s, 2, 5);
    char *dot = draw(&p, &why);
    ck_assert_msg(dot != NULL, "%s", why.text);
    ck_assert_ptr_nonnull(strstr(dot, "stroke-width=\"6.00\" stroke-linecap=\"round\""));
    ck_assert_ptr_null(strstr(dot, "href"));
    free(line);
    free(dot);
    plot_free(&p);
}
END_TEST

START_TEST(the_real_one_draws)
{
    struct plot p;
    struct complaint why;
    if (!program_exists("gnuplot"))
        return; /* the other cases hold for any */
    make(&p);
    plot_add_band(&p, 1, 2);
    axis_percentiles(&p.x, 20000); /* labels with a per cent sign, and a logarithm */
    char *text = draw(&p, &why);
    ck_assert_msg(text != NULL, "%s", why.text);
    ck_assert_ptr_nonnull(strstr(text, "var(--plot-s1)"));
    ck_assert_ptr_nonnull(strstr(text, "var(--plot-fault)"));
    ck_assert_ptr_nonnull(strstr(text, "var(--plot-ink)"));
    ck_assert_ptr_nonnull(strstr(text, "kill &lt;b&gt;"));
    ck_assert_ptr_nonnull(strstr(text, "99.9 %"));
    ck_assert_ptr_null(strstr(text, "rgb("));
    ck_assert_ptr_null(strstr(text, "#0101"));
    ck_assert_ptr_null(strstr(text, " id="));
    ck_assert_ptr_null(strstr(text, "href"));
    ck_assert_ptr_null(strstr(text, "font-family"));
    free(text);
    plot_free(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plot");
    TCase *tests = tcase_create("plot");
    tcase_add_loop_test(tests, nothing_is_written_without_a_whole_drawing, 0,
                        sizeof broken / sizeof broken[0]);
    tcase_add_test(tests, a_drawing_is_dressed);
    tcase_add_test(tests, gnuplot_gets_no_text_from_outside);
    tcase_add_test(tests, bands_that_touch_become_one);
    tcase_add_test(tests, a_lone_point_is_a_dot);
    tcase_add_test(tests, the_real_one_draws);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
