/*
 * router: the longest path wins, methods are whole words, and modules are opened and closed in
 * order.
 */
#include "common/router.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static int opened, closed;

static int handle(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)res, (void)state;
    return 0;
}

static const char *open_module(const char *argument, void **state)
{
    if (argument != NULL && strcmp(argument, "refuse") == 0)
        return "refused";
    *state = &opened;
    opened = opened * 10 + 1;
    return NULL;
}

static void close_first(void *state)
{
    ck_assert_ptr_eq(state, &opened);
    closed = closed * 10 + 1;
}

static void close_second(void *state)
{
    (void)state;
    closed = closed * 10 + 2;
}

static const struct route first_routes[] = {{"GET HEAD", "/", handle},
                                            {"POST", "/echo", handle},
                                            {"GET", "/fault/", handle},
                                            {NULL, NULL, NULL}};
static const struct route second_routes[] = {
    {"PUT", "/fault/deep/", handle}, {"GET", "/fault/exact", handle}, {NULL, NULL, NULL}};
static const struct module first = {TANDEM_ABI, "first", first_routes, open_module, close_first};
static const struct module second = {TANDEM_ABI, "second", second_routes, NULL, close_second};

static struct router router;

static void set_up(void)
{
    memset(&router, 0, sizeof(router));
    ck_assert_ptr_null(router_add(&router, &first, NULL));
    ck_assert_ptr_null(router_add(&router, &second, NULL));
}

static const struct {
    const char *method;
    const char *path;
    const char *route; /* NULL: none */
    const char *allow;
} finds[] = {
    {"GET", "/", "/", NULL},
    {"GET", "/one.txt", "/", NULL},
    {"HEAD", "/a/b", "/", NULL},
    {"POST", "/echo", "/echo", NULL},
    {"GET", "/echo", NULL, "POST"},
    {"GET", "/echo/", "/", NULL},
    {"GET", "/echoes", "/", NULL},
    {"GET", "/fault/segv", "/fault/", NULL},
    {"GET", "/fault/exact", "/fault/exact", NULL},
    {"GET", "/fault", "/", NULL},
    {"PUT", "/fault/deep/er", "/fault/deep/", NULL},
    {"GET", "/fault/deep/er", NULL, "PUT"},
    {"DELETE", "/one.txt", NULL, "GET HEAD"},
    {"GE", "/one.txt", NULL, "GET HEAD"},
    {"EAD", "/one.txt", NULL, "GET HEAD"},
    {"get", "/one.txt", NULL, "GET HEAD"},
    {"GET", "*", NULL, NULL},
};

START_TEST(finds_the_route)
{
    struct route_match match = router_find(&router, finds[_i].method, finds[_i].path);

    if (finds[_i].route != NULL) {
        ck_assert_msg(match.route != NULL, "%s %s", finds[_i].method, finds[_i].path);
        ck_assert_str_eq(match.route->path, finds[_i].route);
    } else {
        ck_assert_ptr_null(match.route);
        ck_assert_pstr_eq(match.allow, finds[_i].allow);
    }
}
END_TEST

START_TEST(hands_on_the_modules_state)
{
    ck_assert_ptr_eq(router_find(&router, "POST", "/echo").state, &opened);
    ck_assert_ptr_null(router_find(&router, "GET", "/fault/exact").state);
}
END_TEST

START_TEST(closes_in_reverse_order)
{
    router_close(&router);
    ck_assert_int_eq(closed, 21);
    ck_assert_ptr_null(router_find(&router, "GET", "/").route);
}
END_TEST

START_TEST(takes_no_module_it_cannot_trust)
{
    struct module old = first;

    old.abi = TANDEM_ABI + 1;
    ck_assert_ptr_nonnull(router_add(&router, &old, NULL));
    ck_assert_str_eq(router_add(&router, &first, "refuse"), "refused");
    ck_assert_uint_eq(router.module_count, 2);
    ck_assert_uint_eq(router.route_count, 5);
}
END_TEST

START_TEST(says_when_it_is_full)
{
    const char *wrong = NULL;

    for (int i = 0; i < ROUTER_MODULES && wrong == NULL; i++)
        wrong = router_add(&router, &second, NULL);
    ck_assert_ptr_nonnull(wrong);
    ck_assert_uint_le(router.module_count, ROUTER_MODULES);
}
END_TEST

START_TEST(knows_the_methods_there_are)
{
    ck_assert(router_knows_method("GET"));
    ck_assert(router_knows_method("DELETE"));
    ck_assert(!router_knows_method("BREW"));
    ck_assert(!router_knows_method("get"));
    ck_assert(!router_knows_method("TRACE"));
    ck_assert(!router_knows_method(""));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("router");
    TCase *tcase = tcase_create("router");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, finds_the_route, 0, (int)(sizeof(finds) / sizeof(finds[0])));
    tcase_add_test(tcase, hands_on_the_modules_state);
    tcase_add_test(tcase, closes_in_reverse_order);
    tcase_add_test(tcase, takes_no_module_it_cannot_trust);
    tcase_add_test(tcase, says_when_it_is_full);
    tcase_add_test(tcase, knows_the_methods_there_are);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
