/*
 * seldom: one passes, the others are counted, and the next that passes tells how many they were.
 */
#include "common/seldom.h"

#include "unit.h"

#include <check.h>
#include <unistd.h>

START_TEST(lets_one_through_and_counts_the_others)
{
    static struct seldom seldom;
    unsigned held_back = 77;

    ck_assert(seldom_may(&seldom, 3600000, &held_back));
    ck_assert_uint_eq(held_back, 0);
    for (int i = 0; i < 3; i++)
        ck_assert(!seldom_may(&seldom, 3600000, &held_back));
    atomic_store(&seldom.again, 0);
    ck_assert(seldom_may(&seldom, 10, &held_back));
    ck_assert_uint_eq(held_back, 3);
    usleep(20000);
    ck_assert(seldom_may(&seldom, 3600000, &held_back));
    ck_assert_uint_eq(held_back, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seldom");
    TCase *tcase = tcase_create("seldom");

    tcase_add_test(tcase, lets_one_through_and_counts_the_others);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
