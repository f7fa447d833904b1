/*
 * router: the longest path wins, and methods are whole words.
 */
#include "common/router.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static int mine;

static int handle(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)res, (void)state;
    return 0;
}

static const struct route first_routes[] = {{"GET HEAD", "/", handle},
                                            {"POST", "/echo", handle},
                                            {"GET", "/fault/", handle},
                                            {NULL, NULL, NULL}};
static const struct route second_routes[] = {
    {"PUT", "/fault/deep/", handle}, {"GET", "/fault/exact", handle}, {NULL, NULL, NULL}};
static const struct module first = {.abi = TANDEM_ABI, .name = "first", .routes = first_routes};
static const struct module second = {
    .abi = TANDEM_ABI, .needs = TANDEM_NEEDS_SOCKETS, .name = "second", .routes = second_routes};

static struct router router;

static void set_up(void)
{
    memset(&router, 0, sizeof(router));
    router_add(&router, &first, &mine, false);
    ck_assert_uint_eq(router_needs(&router), 0);
    router_add(&router, &second, NULL, true);
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

START_TEST(knows_whose_a_route_is)
{
    struct route_match echo = router_find(&router, "POST", "/echo");
    struct route_match exact = router_find(&router, "GET", "/fault/exact");

    ck_assert_ptr_eq(echo.state, &mine);
    ck_assert_ptr_eq(echo.module->module, &first);
    ck_assert(!echo.module->is_foreign);
    ck_assert_ptr_null(exact.state);
    ck_assert_ptr_eq(exact.module->module, &second);
    ck_assert(exact.module->is_foreign);
    ck_assert_uint_eq(router_needs(&router), TANDEM_NEEDS_SOCKETS);
}
END_TEST

/* Its place on the board; where no handler runs there is none. */
START_TEST(knows_the_place_of_a_route)
{
    struct route_match match = router_find(&router, "GET", "/fault/segv");

    ck_assert_ptr_eq(router.routes[match.index].route, match.route);
    ck_assert_int_eq(router_find(&router, "GET", "/").index, (int)router.route_count - 1);
    ck_assert_int_eq(router_find(&router, "GET", "/echo").index, -1);
    ck_assert_int_eq(router_find(&router, "GET", "*").index, -1);
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
    tcase_add_test(tcase, knows_whose_a_route_is);
    tcase_add_test(tcase, knows_the_place_of_a_route);
    tcase_add_test(tcase, knows_the_methods_there_are);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
