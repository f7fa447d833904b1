/*
 * The report on a terminal: 80 columns, and the words beside the numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "loadtest/report/report.h"
#include "unit.h"

static char *report_of(const struct result *r)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    report_text(out, r, NULL, 0);
    fclose(out);
    return text;
}

/* Everything there is to say, with numbers as long as they get. */
static struct result *made_up(void)
{
    struct result *r = calloc(1, sizeof *r);
    ck_assert_ptr_nonnull(r);
    r->tally = calloc(1, sizeof *r->tally);
    ck_assert_ptr_nonnull(r->tally);
    ck_assert(timeline_init(&r->timeline, 0));
    struct ledger *l = &r->tally->ledger;
    for (unsigned who = 0; who < PARTIES; who++) {
        for (unsigned o = 0; o < OUTCOMES; o++)
            l->started[who] += l->ended[who][o] = 123456789;
        l->started[who] += l->unfinished[who] = 1234567;
    }
    l->never_sent = 1234567;
    l->scheduled = l->started[INNOCENT] + l->started[INJECTED] + l->never_sent;
    r->rate = 1000;
    r->connections = 64;
    r->threads = 2;
    r->depth = 16;
    r->facts.seconds = 3600;
    r->facts.stopped_early = true;
    struct hist *hists[] = {&r->tally->corrected, &r->tally->raw,       &r->tally->first_byte,
                            &r->tally->connect,   &r->tally->failed,    &r->tally->censored,
                            &r->tally->slip,      &r->tally->full.took, &r->tally->resumed.took};
    for (size_t i = 0; i < sizeof hists / sizeof hists[0]; i++)
        for (int64_t us = 45; us < 3000000; us *= 2)
            hist_add_us(hists[i], us);
    r->tally->full.in_time = r->tally->resumed.in_time = 123456789;
    strcpy(r->tally->tls.agreed,
           "TLSv1.2, ECDHE-ECDSA-CHACHA20-POLY1305, brainpoolP256r1, RSA certificate (16384 bits)");
    r->steady = (struct steady){.p99_us = 100, .victims = 17, .source = "the steady run"};
    r->recovery = (struct recovery){.known = true, .complete = true, .seconds = 1.5};
    result_conclude(r);
    return r;
}

static void discard(struct result *r)
{
    result_free(r);
    free(r);
}

START_TEST(it_fits_into_80_columns)
{
    struct result *r = made_up();
    char *text = report_of(r);
    int column = 0;
    for (const char *c = text; *c; c++) {
        column = *c == '\n' ? 0 : column + (((unsigned char)*c & 0xc0) != 0x80);
        ck_assert_msg(column <= 80, "column 81: %.80s", c - 80);
    }
    free(text);
    discard(r);
}
END_TEST

START_TEST(series_stand_below_one_another)
{
    static const char *const lines[] = {
        "  latency          p50      p90      p99    p99.9      max\n",
        "\n  corrected ",
        "\n  raw ",
        "\n  first byte ",
        "\n  connect ",
        "\n  full TLS ",
        "\n  resumed TLS ",
        "\n  failed ",
        "  until the failure\n",
        "\n  waiting ",
        "≥",
        "  no answer at the end\n",
        "\n  slip ",
        "TLS: 34 handshakes, 17 of them resumed",
        "TLS: 34,294 full and 34,294 resumed handshakes per second",
        "INVALID: "};
    struct result *r = made_up();
    char *text = report_of(r);
    const char *at = text;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *found = strstr(at, lines[i]);
        ck_assert_msg(found != NULL, "missing, or not in its place: %s", lines[i]);
        at = found + 1;
    }
    free(text);
    discard(r);
}
END_TEST

START_TEST(what_is_not_there_is_left_out)
{
    struct result *r = made_up();
    hist_clear(&r->tally->first_byte);
    hist_clear(&r->tally->censored);
    hist_clear(&r->tally->full.took);
    hist_clear(&r->tally->resumed.took);
    r->tally->full.in_time = r->tally->resumed.in_time = 0;
    r->recovery.known = false;
    r->rate = 0;
    char *text = report_of(r);
    ck_assert_ptr_null(strstr(text, "first byte  "));
    ck_assert_ptr_null(strstr(text, "waiting  "));
    ck_assert_ptr_null(strstr(text, "recovery"));
    ck_assert_ptr_null(strstr(text, "slip"));
    ck_assert_ptr_null(strstr(text, "TLS: "));
    ck_assert_ptr_null(strstr(text, "full TLS "));
    free(text);
    discard(r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report_text");
    TCase *tests = tcase_create("report_text");
    tcase_add_test(tests, it_fits_into_80_columns);
    tcase_add_test(tests, series_stand_below_one_another);
    tcase_add_test(tests, what_is_not_there_is_left_out);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
