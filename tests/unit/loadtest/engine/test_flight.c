/*
 * First in, first out, round and round.
 */
#include "loadtest/engine/flight.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

START_TEST(a_ring)
{
    struct shot shot = {.bytes = (char[]){"GET"}, .length = 3};
    struct flights f;
    ck_assert(flights_init(&f, 3, 0, 1));
    for (int64_t i = 0; i < 10; i++) {
        struct flight a = {.shot = &shot, .due_ns = 2 * i};
        struct flight b = {.shot = &shot, .due_ns = 2 * i + 1};
        flights_add(&f, &a);
        flights_add(&f, &b);
        ck_assert_uint_eq(f.count, 2);
        ck_assert_int_eq(flights_at(&f, 1)->due_ns, 2 * i + 1);
        ck_assert_ptr_eq(flights_at(&f, 0)->bytes, shot.bytes);
        ck_assert_uint_eq(flights_at(&f, 1)->length, 3);
        ck_assert_int_eq(flights_take(&f)->due_ns, 2 * i);
        ck_assert_int_eq(flights_take(&f)->due_ns, 2 * i + 1);
    }
    flights_free(&f);
}
END_TEST

/* Blanks are filled in when a flight is put aboard, and stay the same until it is taken. */
START_TEST(each_place_has_a_rendering_of_its_own)
{
    static const char text[] = "n={seq};";
    struct complaint why;
    struct shot shot = {.bytes = (char *)text, .length = sizeof text - 1};
    struct flights f;
    ck_assert(template_make(&shot.template, text, shot.length, NULL, &why));
    ck_assert(flights_init(&f, 2, shot.template.room, 1));
    for (uint64_t i = 0; i < 20; i += 2) {
        char first[16], second[16];
        snprintf(first, sizeof first, "n=%d;", (int)i);
        snprintf(second, sizeof second, "n=%d;", (int)i + 1);
        flights_add(&f, &(struct flight){.shot = &shot, .seq = i});
        flights_add(&f, &(struct flight){.shot = &shot, .seq = i + 1});
        ck_assert_uint_eq(flights_at(&f, 0)->length, strlen(first));
        ck_assert_mem_eq(flights_at(&f, 0)->bytes, first, strlen(first));
        ck_assert_mem_eq(flights_at(&f, 1)->bytes, second, strlen(second));
        flights_take(&f);
        ck_assert_mem_eq(flights_at(&f, 0)->bytes, second, strlen(second));
        flights_take(&f);
    }
    flights_free(&f);
    template_free(&shot.template);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flight");
    TCase *tests = tcase_create("flight");
    tcase_add_test(tests, a_ring);
    tcase_add_test(tests, each_place_has_a_rendering_of_its_own);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
