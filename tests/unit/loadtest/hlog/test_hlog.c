/*
 * The log as a file: what is written, what is read, and logs that another implementation has made.
 */
#include "loadtest/hlog/hlog.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/hlog/hdrcode.h"
#include "loadtest/target/rng.h"
#include "unit.h"

enum { TAGS = 4 };

/* What a log held, tag by tag. */
struct found {
    size_t count;
    struct found_tag {
        struct hlog_interval first;
        int lines;
        struct hist hist;
    } tags[TAGS];
};

static struct found found;

static struct hist *take(void *context, const struct hlog_interval *interval, struct complaint *why)
{
    size_t i = 0;
    ck_assert_ptr_eq(context, &found);
    while (i < found.count && strcmp(found.tags[i].first.tag, interval->tag) != 0)
        i++;
    if (i == TAGS) {
        complain(why, "enough");
        return NULL;
    }
    if (i == found.count)
        found.tags[found.count++].first = *interval;
    found.tags[i].lines++;
    return &found.tags[i].hist;
}

static bool read_from(FILE *in, const char *name, struct complaint *why)
{
    ck_assert_ptr_nonnull(in);
    memset(&found, 0, sizeof found);
    bool good = hlog_read(in, name, take, &found, why);
    fclose(in);
    return good;
}

static bool read_text(const char *text, size_t length, struct complaint *why)
{
    FILE *in = length > 0 ? fmemopen((void *)text, length, "r") : fopen("/dev/null", "r");
    return read_from(in, "x.hlog", why);
}

/* A log with a line for each of `tags`, which holds `values` of 1 ms; to be freed. */
static char *make_log(const char *const *tags, size_t count, size_t *length)
{
    char *text = NULL;
    struct hist *h = calloc(1, sizeof *h);
    FILE *out = open_memstream(&text, length);
    ck_assert(h && out);
    hlog_write_header(out, 1403476110.25);
    for (size_t i = 0; i < count; i++) {
        hist_add_us(h, 12345);
        ck_assert(hlog_write_line(out, tags[i], (double)i, 0.5, h));
    }
    fclose(out);
    free(h);
    return text;
}

START_TEST(what_is_written)
{
    static const char *const tags[] = {"ok", ""};
    size_t length;
    char *text = make_log(tags, 2, &length);
    const char *expected = "#[Written by loadtest " TANDEM_VERSION "; values in microseconds]\n"
                           "#[Histogram log format version 1.3]\n"
                           "#[BaseTime: 1403476110.250 (seconds since epoch)]\n"
                           "#[StartTime: 1403476110.250 (seconds since epoch), "
                           "Sun Jun 22 22:28:30 UTC 2014]\n"
                           "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
                           "\"Interval_Compressed_Histogram\"\n"
                           "Tag=ok,0.000,0.500,12.351,HISTFAAA";
    ck_assert_mem_eq(text, expected, strlen(expected));
    ck_assert_ptr_nonnull(strstr(text, "\n1.000,0.500,12.351,HISTFAAA"));
    ck_assert_int_eq(text[length - 1], '\n');
    free(text);
}
END_TEST

START_TEST(what_was_written_is_read)
{
    static const char *const tags[] = {"ok", "", "ok"};
    struct complaint why;
    size_t length;
    char *text = make_log(tags, 3, &length);
    ck_assert_msg(read_text(text, length, &why), "%s", why.text);
    ck_assert_uint_eq(found.count, 2);
    ck_assert_int_eq(found.tags[0].lines, 2);
    ck_assert_uint_eq(found.tags[0].hist.total, 1 + 3);
    ck_assert_uint_eq(found.tags[1].hist.total, 2);
    ck_assert_double_eq(found.tags[0].first.start_s, 1403476110.25);
    ck_assert_double_eq(found.tags[1].first.start_s, 1403476111.25);
    ck_assert_double_eq(found.tags[1].first.length_s, 0.5);
    free(text);
}
END_TEST

/* The figures are what hlog/make.js has printed. Where the log has wider slots than ours or the
 * same, we must say the same; where it has narrower ones, the same to a thousandth. */
START_TEST(logs_of_hdr_histogram_js)
{
    static const struct {
        const char *file;
        size_t tag;
        const char *name;
        int lines;
        uint64_t total;
        double mean;
        int64_t p50, p90, p99, p999, max;
        double tolerance;
    } logs[] = {
        {"same", 0, "ok", 3, 600, 3793885.7716666665, 4163, 10133503, 55738367, 63111167, 63111167,
         0},
        {"same", 1, "raw", 1, 100, 4787228.81, 31167, 18153471, 41484287, 57311231, 57311231, 0},
        {"coarse", 0, "", 1, 300, 2966268.0566666666, 8383, 8454143, 50331647, 57147391, 57147391,
         0},
        {"fine", 0, "digits", 1, 100, 1124682.43, 6269, 2360335, 13767423, 28722815, 28722815,
         0.001},
        {"fine", 1, "unit", 1, 100, 1828953.6, 10239, 3239935, 29949951, 36732927, 36732927, 0}};
    struct complaint why;
    char path[512];
    ck_assert_ptr_nonnull(getenv("TANDEM_SOURCE"));
    snprintf(path, sizeof path, "%s/tests/unit/loadtest/hlog/%s.hlog", getenv("TANDEM_SOURCE"),
             logs[_i].file);
    ck_assert_msg(read_from(fopen(path, "r"), path, &why), "%s", why.text);
    const struct found_tag *tag = &found.tags[logs[_i].tag];
    ck_assert_str_eq(tag->first.tag, logs[_i].name);
    ck_assert_int_eq(tag->lines, logs[_i].lines);
    ck_assert_uint_eq(tag->hist.total, logs[_i].total);
    ck_assert_double_eq_tol(hist_mean_us(&tag->hist), logs[_i].mean, 0.001);
    ck_assert_double_eq(tag->first.start_s,
                        1700000000.0 + (double)(logs[_i].tag * (logs[_i].file[0] == 's' ? 3 : 1)));
    const int64_t expected[] = {logs[_i].p50, logs[_i].p90, logs[_i].p99, logs[_i].p999,
                                logs[_i].max};
    static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 1};
    for (size_t q = 0; q < sizeof quantiles / sizeof quantiles[0]; q++)
        ck_assert_double_eq_tol((double)hist_quantile_us(&tag->hist, quantiles[q]),
                                (double)expected[q],
                                logs[_i].tolerance * (double)expected[q] + 0.5);
}
END_TEST

/* One value of 2 ms, encoded by hdr-histogram-js. */
#define LINE_END "2.000,HISTFAAAACJ4nJNpmSzMwMDAzMDAwAilGaBshmuTlzDA+PPlmQBVBwQd"

START_TEST(what_is_tolerated)
{
    static const struct {
        const char *text;
        double start_s;
    } good[] = {
        {"5.5,1," LINE_END "\n", 5.5},
        {"5.5,1," LINE_END, 5.5},
        {"\r\n5.5,1," LINE_END "\r\n\r\n", 5.5},
        {"#\n#[Starting: soon]\n\"legend\"\n5.5,1," LINE_END "\n", 5.5},
        {"#[StartTime: 1e9 (seconds since epoch)]\n5.5,1," LINE_END "\n", 1e9 + 5.5},
        {"#[StartTime: 1e9 (seconds since epoch)]\n1e9,1," LINE_END "\n", 1e9},
        {"#[BaseTime: 7 (seconds since epoch)]\n5.5,1," LINE_END "\n", 12.5},
        {"5.5,1,999999999999" LINE_END "\n", 5.5}, /* a maximum in another unit */
    };
    struct complaint why;
    ck_assert_msg(read_text(good[_i].text, strlen(good[_i].text), &why), "%s", why.text);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_uint_eq(found.tags[0].hist.total, 1);
    ck_assert_double_eq(found.tags[0].first.start_s, good[_i].start_s);
}
END_TEST

START_TEST(what_is_refused)
{
    static const char *const bad[][2] = {
        {"hello\n", "line 1: neither a comment"},
        {"\n\n1,1,1\n", "line 3: neither a comment"},
        {"1,1,HISTFAAA\n", "neither a comment"},
        {"-1,1," LINE_END "\n", "neither a comment"},
        {"nan,1," LINE_END "\n", "neither a comment"},
        {"1,inf," LINE_END "\n", "neither a comment"},
        {"1e300,1," LINE_END "\n", "neither a comment"},
        {"Tag=,1,1," LINE_END "\n", "a tag is"},
        {"Tag=a b,1,1," LINE_END "\n", "a tag is"},
        {"Tag=\x1b[2J,1,1," LINE_END "\n", "a tag is"},
        {"Tag=ok\n", "a tag is"},
        {"Tag=0123456789012345678901234567890123456789012345678901234567890123,1,1," LINE_END "\n",
         "a tag is"},
        {"1,1," LINE_END ",2\n", "not base64"},
        {"1,1," LINE_END "\n1,1,1.0,HISTF\n", "line 2: the histogram is not base64"},
        {"#[Histogram log format version 2.0]\n", "not version 1.x"},
        {"#[BaseTime: -1 (seconds since epoch)]\n", "BaseTime"},
        {"#[StartTime: 1e99 (seconds since epoch)]\n", "StartTime"},
        {"Tag=a,1,1," LINE_END "\nTag=b,1,1," LINE_END "\nTag=c,1,1," LINE_END
         "\nTag=d,1,1," LINE_END "\nTag=e,1,1," LINE_END "\n",
         "line 5: enough"},
    };
    struct complaint why;
    ck_assert_msg(!read_text(bad[_i][0], strlen(bad[_i][0]), &why), "%s", bad[_i][0]);
    ck_assert_msg(strstr(why.text, bad[_i][1]) != NULL, "%s", why.text);
    ck_assert_ptr_eq(strstr(why.text, "x.hlog, line "), why.text);
}
END_TEST

START_TEST(no_text_and_no_end)
{
    static const size_t endless = 17u << 20;
    struct complaint why;
    char *text = malloc(endless);
    ck_assert_ptr_nonnull(text);
    memset(text, 'A', endless);
    ck_assert(!read_text(text, endless, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "line 1: the line is longer than 16 MiB"));
    text[100] = '\0';
    ck_assert(!read_text(text, endless, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "not text"));
    ck_assert(read_text(text, 0, &why));
    ck_assert_uint_eq(found.count, 0);
    ck_assert(!read_from(fopen("/", "r"), "/", &why)); /* a folder can be opened, but not read */
    ck_assert_str_eq(why.text, "cannot read /: Is a directory");
    free(text);
}
END_TEST

START_TEST(mutated_logs)
{
    static const char *const tags[] = {"ok", "ok", "raw", ""};
    struct complaint why;
    struct rng rng;
    size_t length;
    char *text = make_log(tags, 4, &length), *copy = malloc(length);
    ck_assert_ptr_nonnull(copy);
    rng_seed(&rng, 2, 0);
    for (int i = 0; i < 3000; i++) {
        memcpy(copy, text, length);
        for (uint64_t times = 1 + rng_next(&rng) % 4; times > 0; times--)
            copy[rng_next(&rng) % length] = (char)rng_next(&rng);
        why.text[0] = '\0';
        if (!read_text(copy, 1 + rng_next(&rng) % length, &why)) {
            ck_assert_ptr_nonnull(strstr(why.text, "line "));
            ck_assert_ptr_null(strchr(why.text, '\n'));
        }
    }
    free(text);
    free(copy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hlog");
    TCase *tests = tcase_create("hlog");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_is_written);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_loop_test(tests, logs_of_hdr_histogram_js, 0, 5);
    tcase_add_loop_test(tests, what_is_tolerated, 0, 8);
    tcase_add_loop_test(tests, what_is_refused, 0, 18);
    tcase_add_test(tests, no_text_and_no_end);
    tcase_add_test(tests, mutated_logs);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
