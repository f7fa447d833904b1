/*
 * When requests are due, and how many should have been.
 */
#include "loadtest/engine/pacer.h"

#include "unit.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "loadtest/units.h"

static const struct schedule closed;

static struct schedule staged(const char *text, bool poisson)
{
    struct schedule s = {.poisson = poisson};
    struct complaint why = {""};
    bool good = schedule_parse(text, &s, &why);
    ck_assert_msg(good, "%s", why.text);
    return s;
}

static void open_pacer(struct pacer *p, const struct schedule *s, int64_t start, int64_t end,
                       uint64_t quota)
{
    pacer_init(p, s, 1, 0, 1);
    pacer_open(p, start, end, quota);
}

/* Those that were due and not sent: how many, and the moments of the first and the last. */
struct left {
    uint64_t count;
    int64_t first, last;
};

static void note(void *context, int64_t due, uint64_t n)
{
    struct left *left = context;
    if (left->count == 0)
        left->first = due;
    left->count += n;
    ck_assert_int_ge(due, left->last);
    left->last = due;
}

START_TEST(the_closed_loop_is_due_at_once)
{
    struct pacer p;
    int64_t due;
    open_pacer(&p, &closed, 100, 200, 3);
    ck_assert(!pacer_take(&p, 99, &due)); /* not before the start */
    for (int64_t now = 100; now < 102; now++)
        ck_assert(pacer_take(&p, now, &due) && due == now);
    ck_assert_uint_eq(pacer_close(&p, 200, note, NULL), 1); /* it has a number to reach */
    ck_assert(pacer_take(&p, 102, &due));
    ck_assert(!pacer_take(&p, 150, &due)); /* the quota is used up */
    ck_assert_int_eq(pacer_next_ns(&p, 150), INT64_MAX);
    ck_assert_uint_eq(pacer_close(&p, 200, note, NULL), 0);
}
END_TEST

START_TEST(the_closed_loop_ends_on_time)
{
    struct pacer p;
    int64_t due;
    open_pacer(&p, &closed, 100, 200, UINT64_MAX);
    ck_assert(pacer_take(&p, 199, &due));
    ck_assert(!pacer_take(&p, 200, &due));
    ck_assert_uint_eq(pacer_close(&p, 200, note, NULL), 0); /* only what was sent was planned */
}
END_TEST

START_TEST(the_open_loop_keeps_its_schedule)
{
    struct pacer p;
    int64_t due;
    struct schedule s = {0};
    schedule_constant(&s, 1000);
    pacer_init(&p, &s, 2, 1, 1); /* the second of two threads */
    pacer_open(&p, 0, NS_PER_S, UINT64_MAX);
    ck_assert_int_eq(pacer_next_ns(&p, 0), NS_PER_MS);
    ck_assert(!pacer_take(&p, NS_PER_MS - 1, &due));
    for (int64_t k = 0; k < 10; k++) /* late, but each from its own moment on */
        ck_assert(pacer_take(&p, 100 * NS_PER_MS, &due) && due == NS_PER_MS + k * 2 * NS_PER_MS);
    ck_assert_uint_eq(pacer_backlog(&p, 500 * NS_PER_MS - 1), 240);
    ck_assert_uint_eq(pacer_backlog(&p, 21 * NS_PER_MS), 1);
    ck_assert_uint_eq(pacer_backlog(&p, 21 * NS_PER_MS - 1), 0);
    struct left left = {0};
    ck_assert_uint_eq(pacer_close(&p, 500 * NS_PER_MS, note, &left), 240); /* stopped early */
    ck_assert_uint_eq(left.count, 240);
    ck_assert_int_eq(left.first, 21 * NS_PER_MS);
    ck_assert_int_eq(left.last, 499 * NS_PER_MS);
    ck_assert_uint_eq(p.taken, 250);
}
END_TEST

static uint64_t sum_of_threads(const struct schedule *s, unsigned threads, int64_t length)
{
    uint64_t sum = 0;
    for (unsigned t = 0; t < threads; t++) {
        struct pacer p;
        struct left left = {0};
        pacer_init(&p, s, threads, t, 1);
        pacer_open(&p, 12345, 12345 + length, UINT64_MAX);
        sum += pacer_close(&p, INT64_MAX, note, &left);
    }
    return sum;
}

START_TEST(all_threads_together_make_the_rate)
{
    static const double rates[] = {0.5, 1, 3, 7, 999, 12345};
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        struct schedule s = {0};
        schedule_constant(&s, rates[r]);
        ck_assert_uint_eq(sum_of_threads(&s, 3, 2 * NS_PER_S), (uint64_t)(2 * rates[r]));
    }
    struct schedule s = staged("1s@1000,2s@0-5000,1s@0", false);
    ck_assert_uint_eq(sum_of_threads(&s, 3, schedule_length_ns(&s)), 6000);
    ck_assert_uint_eq(sum_of_threads(&s, 3, 2 * NS_PER_S), 2250);
}
END_TEST

/* The number in a window is Poisson: the mean n, the deviation √n; and the gaps are exponential, so
 * that a share e^-1 of them is longer than the mean. */
START_TEST(poisson_arrivals_are_poisson)
{
    struct schedule s = staged("100s@1000", true);
    uint64_t sum = sum_of_threads(&s, 3, 100 * NS_PER_S);
    ck_assert_msg(fabs((double)sum - 100000) < 5 * sqrt(100000), "%llu", (unsigned long long)sum);
    struct pacer p;
    int64_t due, before = 0;
    int longer = 0, n = 0;
    open_pacer(&p, &s, 0, INT64_MAX, 50000);
    for (; pacer_take(&p, 200 * NS_PER_S, &due); before = due, n++)
        longer += due - before > NS_PER_MS;
    ck_assert_int_eq(n, 50000);
    double share = exp(-1), sigma = sqrt(share * (1 - share) * n);
    ck_assert_msg(fabs(longer - share * n) < 5 * sigma, "%d of %d", longer, n);
}
END_TEST

START_TEST(poisson_follows_a_ramp_and_its_seed)
{
    struct schedule s = staged("10s@0-10k", true);
    struct pacer a, b, other;
    int64_t due, same, different;
    int early = 0, n = 0, equal = 0;
    open_pacer(&a, &s, 0, 10 * NS_PER_S, UINT64_MAX);
    open_pacer(&b, &s, 0, 10 * NS_PER_S, UINT64_MAX);
    pacer_init(&other, &s, 1, 0, 2);
    pacer_open(&other, 0, 10 * NS_PER_S, UINT64_MAX);
    for (; pacer_take(&a, 10 * NS_PER_S - 1, &due); n++) {
        early += due < 5 * NS_PER_S;
        ck_assert(pacer_take(&b, 10 * NS_PER_S - 1, &same) && same == due);
        equal += pacer_take(&other, 10 * NS_PER_S - 1, &different) && different == due;
    }
    ck_assert_int_lt(abs(n - 50000), 5 * 224);
    ck_assert_int_lt(abs(early - 12500), 5 * 112); /* a quarter in the first half */
    ck_assert_int_lt(equal, n / 100);
}
END_TEST

START_TEST(what_is_taken_never_exceeds_what_is_scheduled)
{
    for (int poisson = 0; poisson < 2; poisson++) {
        struct schedule s = staged("1s@333", poisson);
        struct pacer p;
        struct left left = {0};
        int64_t due;
        uint64_t taken = 0;
        open_pacer(&p, &s, 7, 7 + NS_PER_S, UINT64_MAX);
        while (pacer_take(&p, 7 + NS_PER_S - 1, &due))
            taken++;
        ck_assert_uint_eq(p.taken, taken);
        ck_assert_uint_eq(pacer_close(&p, 7 + NS_PER_S, note, &left), 0);
        ck_assert_uint_eq(pacer_close(&p, INT64_MAX, note, &left), 0);
    }
}
END_TEST

START_TEST(the_quota_ends_an_open_loop_too)
{
    struct schedule s = staged("1s@1000", false);
    struct pacer p;
    struct left left = {0};
    int64_t due;
    open_pacer(&p, &s, 0, NS_PER_S, 10);
    for (int i = 0; i < 4; i++)
        ck_assert(pacer_take(&p, 500 * NS_PER_MS, &due));
    ck_assert_uint_eq(pacer_close(&p, NS_PER_S, note, &left), 6);
}
END_TEST

/* As many as one would get one by one; by threads, in ramps, from the midst. */
START_TEST(what_is_left_is_counted_in_heaps)
{
    static const char *const plans[] = {"10s@33333", "4s@0-50000,6s@70000-10",
                                        "1s@1,1s@0-1m,1s@0,1s@500k-0"};
    for (unsigned i = 0; i < 3 * 4; i++) {
        struct schedule s = staged(plans[i / 4], false);
        int64_t stop = i % 4 < 3 ? (int64_t)(i % 4 + 1) * NS_PER_S + 777777 : INT64_MAX;
        struct pacer one, heap;
        struct left left = {0};
        int64_t due;
        pacer_init(&one, &s, 3, i % 3, 1);
        pacer_open(&one, 12345, 12345 + schedule_length_ns(&s), UINT64_MAX);
        for (int n = 0; n < 5; n++)
            ck_assert(pacer_take(&one, 2 * NS_PER_S, &due));
        heap = one;
        uint64_t n = pacer_close(&heap, stop, note, &left);
        ck_assert_uint_eq(left.count, n);
        for (int64_t last = stop < one.end_ns ? stop : one.end_ns;
             pacer_take(&one, last - 1, &due);)
            n--;
        ck_assert_uint_eq(n, 0);
    }
}
END_TEST

/* A rate that nobody can keep up with, for an hour: 360,000,000,000 requests. */
START_TEST(a_hopeless_rate_costs_no_time)
{
    for (int poisson = 0; poisson < 2; poisson++) {
        struct schedule s = staged("1h@100m", poisson);
        struct pacer p;
        struct left left = {0};
        open_pacer(&p, &s, 0, 3600 * NS_PER_S, UINT64_MAX);
        uint64_t n = pacer_close(&p, 3600 * NS_PER_S, note, &left);
        ck_assert_uint_eq(left.count, n);
        if (!poisson)
            ck_assert_uint_eq(n, UINT64_C(360000000000));
        ck_assert_uint_ge(n, UINT64_C(360000000000) - 5 * 600000);
        ck_assert_uint_le(n, UINT64_C(360000000000) + 5 * 600000);
        open_pacer(&p, &s, 0, 3600 * NS_PER_S, 1000000);
        ck_assert_uint_eq(pacer_close(&p, 3600 * NS_PER_S, note, &(struct left){0}), 1000000);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pacer");
    TCase *tests = tcase_create("pacer");
    tcase_set_timeout(tests, 60); /* millions of requests, under a sanitizer */
    tcase_add_test(tests, the_closed_loop_is_due_at_once);
    tcase_add_test(tests, the_closed_loop_ends_on_time);
    tcase_add_test(tests, the_open_loop_keeps_its_schedule);
    tcase_add_test(tests, all_threads_together_make_the_rate);
    tcase_add_test(tests, poisson_arrivals_are_poisson);
    tcase_add_test(tests, poisson_follows_a_ramp_and_its_seed);
    tcase_add_test(tests, what_is_taken_never_exceeds_what_is_scheduled);
    tcase_add_test(tests, the_quota_ends_an_open_loop_too);
    tcase_add_test(tests, what_is_left_is_counted_in_heaps);
    tcase_add_test(tests, a_hopeless_rate_costs_no_time);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
