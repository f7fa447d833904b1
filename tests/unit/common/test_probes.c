/*
 * probes: alive, ready; and that both take only what reads.
 */
#include "admin_scene.h"

#include "common/handlers/handlers.h"
#include "unit.h"

#include <check.h>

START_TEST(lives_and_is_ready)
{
    ck_assert_str_eq(get("/healthz"), "ok\n");
    ck_assert_int_eq(response.status, 200);
    ck_assert_str_eq(get("/readyz"), "ready\n");
    ck_assert_int_eq(response.status, 200);
}
END_TEST

START_TEST(lives_but_is_not_ready_while_it_drains)
{
    atomic_store(&server.board->draining, 1);
    ck_assert_str_eq(get("/readyz"), "draining\n");
    ck_assert_int_eq(response.status, 503);
    ck_assert_str_eq(get("/healthz"), "ok\n");
    ck_assert_int_eq(response.status, 200);
}
END_TEST

START_TEST(takes_what_only_reads)
{
    static const char *const paths[] = {"/metrics", "/status", "/healthz", "/readyz"};
    struct router router = {.module_count = 0};

    router_add(&router, &admin_module, NULL, false);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        ck_assert_ptr_nonnull(router_find(&router, "HEAD", paths[i]).route);
        ck_assert_ptr_null(router_find(&router, "POST", paths[i]).route);
    }
    ck_assert_ptr_null(router_find(&router, "GET", "/metrics/").route);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probes");
    TCase *tcase = tcase_create("probes");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, lives_and_is_ready);
    tcase_add_test(tcase, lives_but_is_not_ready_while_it_drains);
    tcase_add_test(tcase, takes_what_only_reads);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
