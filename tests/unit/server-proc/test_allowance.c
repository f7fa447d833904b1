/*
 * The allowance of forking, with a made-up clock.
 */
#include "unit.h"

#include "server-proc/allowance.h"

enum { MS = 1000, SECOND = 1000 * MS };

/* How many forks of so many µs each happen within a second in which all that may be made are made. */
static int forks_in_a_second(struct allowance *a, int64_t from, int64_t each)
{
    int forks = 0;

    for (int64_t now = from; now < from + SECOND;) {
        if (!allowance_has(a, now)) {
            now += MS;
            continue;
        }
        allowance_spend(a, each);
        now += each;
        forks++;
    }
    return forks;
}

START_TEST(forks_that_are_cheap_and_few_are_not_held_back)
{
    struct allowance a;
    int64_t now = 5 * SECOND;

    allowance_open(&a, now);
    for (int i = 0; i < 1000; i++, now += MS) { /* a thousand deaths a second, 80 µs each */
        ck_assert(allowance_has(&a, now));
        allowance_spend(&a, 80);
    }
}
END_TEST

START_TEST(forks_take_half_of_the_time_at_most)
{
    struct allowance a;
    int64_t now = 5 * SECOND;
    int forks;

    allowance_open(&a, now);
    forks_in_a_second(&a, now, 10 * MS); /* uses up what may be spent in advance */
    forks = forks_in_a_second(&a, now + SECOND, 10 * MS);
    ck_assert_int_ge(forks, 45);
    ck_assert_int_le(forks, 55);
}
END_TEST

START_TEST(failures_double_the_pause_up_to_a_second)
{
    struct allowance a;
    int64_t ms = 5000;

    allowance_open(&a, ms * MS);
    for (int64_t pause = 10; pause < 2000; pause *= 2) {
        int64_t expected = pause < 1000 ? pause : 1000;

        allowance_fail(&a, ms);
        ck_assert(!allowance_has(&a, (ms + expected - 1) * MS));
        ck_assert(allowance_has(&a, (ms + expected) * MS));
        ms += expected;
    }
}
END_TEST

START_TEST(a_calm_time_makes_the_next_failure_the_first)
{
    struct allowance a;

    allowance_open(&a, 0);
    for (int i = 0; i < 8; i++)
        allowance_fail(&a, 100);
    allowance_fail(&a, 20000);
    ck_assert(!allowance_has(&a, 20009 * MS));
    ck_assert(allowance_has(&a, 20010 * MS));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("allowance");
    TCase *tcase = tcase_create("allowance");

    tcase_add_test(tcase, forks_that_are_cheap_and_few_are_not_held_back);
    tcase_add_test(tcase, forks_take_half_of_the_time_at_most);
    tcase_add_test(tcase, failures_double_the_pause_up_to_a_second);
    tcase_add_test(tcase, a_calm_time_makes_the_next_failure_the_first);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
