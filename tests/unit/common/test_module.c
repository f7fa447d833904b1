/*
 * module: the sound ones are opened and answer; of each broken one, one line says what is wrong. The
 * shared objects are those of tests/modules.
 */
#include "common/module.h"
#include "common/response.h"

#include "unit.h"

#include <check.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct router router;
static char why[900];

/* The path of a shared object; valid until the next call. */
static const char *object(const char *name)
{
    static char path[PATH_MAX];
    const char *folder = getenv("TANDEM_MODULES");

    ck_assert_msg(folder != NULL, "TANDEM_MODULES is not set: run this with ctest");
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static bool load(const char *name)
{
    static char text[4][PATH_MAX]; /* stays for as long as the module is open */
    static int used;
    char *copy = text[used++ % 4];

    snprintf(copy, PATH_MAX, "%s", object(name));
    return module_load(&router, copy, why, sizeof(why));
}

static void set_up(void)
{
    memset(&router, 0, sizeof(router));
    ck_assert_msg(load("good.so=first=argument"), "%s", why);
}

static void tear_down(void)
{
    module_close_all(&router);
    ck_assert_uint_eq(router.module_count, 0);
    ck_assert_uint_eq(router.route_count, 0);
}

/* --- the sound ones --- */

/* What the handler of `path` writes; free it. */
static char *ask(const char *path)
{
    struct response response;
    struct route_match match = router_find(&router, "GET", path);

    ck_assert_ptr_nonnull(match.route);
    response_open(&response);
    response_reset(&response);
    ck_assert_int_eq(match.route->handle(NULL, &response, match.state), 0);
    char *text = strndup(response.body.data, response.body.len);
    response_close(&response);
    return text;
}

static void expect(const char *path, const char *wanted)
{
    char *text = ask(path);

    ck_assert_str_eq(text, wanted);
    free(text);
}

START_TEST(opens_and_routes)
{
    expect("/good", "first=argument 1\n");
    expect("/good", "first=argument 2\n");
    ck_assert(router.modules[0].is_foreign);
    ck_assert_uint_eq(router_needs(&router), TANDEM_NEEDS_SOCKETS);
}
END_TEST

START_TEST(gives_no_argument_where_there_is_none)
{
    module_close_all(&router);
    ck_assert_msg(load("good.so"), "%s", why);
    expect("/good", "- 1\n");
    module_close_all(&router);
    ck_assert_msg(load("good.so="), "%s", why);
    expect("/good", " 1\n");
}
END_TEST

START_TEST(finds_a_bare_name_where_it_stands)
{
    module_close_all(&router);
    ck_assert_int_eq(chdir(object("")), 0);
    ck_assert_msg(module_load(&router, "good.so=here", why, sizeof(why)), "%s", why);
    expect("/good", "here 1\n");
    ck_assert(!module_load(&router, "libc.so.6", why, sizeof(why)));
    ck_assert_ptr_nonnull(strstr(why, "No such file"));
}
END_TEST

static void *end(void *unused)
{
    return unused;
}

/* The first thread of all is here because ThreadSanitizer gives it a companion that stays. */
START_TEST(does_not_mind_what_was_undone)
{
    pthread_t first;

    ck_assert_int_eq(pthread_create(&first, NULL, end, NULL), 0);
    ck_assert_int_eq(pthread_join(first, NULL), 0);
    ck_assert_msg(load("undoes.so"), "%s", why);
    expect("/sound", "sound\n");
}
END_TEST

/* What one process has counted the next one sees: the pair's processes share no other memory. */
START_TEST(shares_its_memory_with_children)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        char *text = ask("/good");
        _exit(strcmp(text, "first=argument 1\n") == 0 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    expect("/good", "first=argument 2\n");
}
END_TEST

START_TEST(gives_memory_to_open_alone)
{
    ck_assert_ptr_null(module_share(1));
}
END_TEST

/* --- the broken ones --- */

static const struct {
    const char *file;
    const char *words[3];
} refusals[] = {
    {"absent.so=x", {"absent.so: No such file", "check the name"}},
    {"", {"directory", "build it"}},
    {"../CTestTestfile.cmake", {"ELF header", "build it"}},
    {"no_symbol.so", {"no_symbol.so: has no tandem_module", "define"}},
    {"undefined_symbol.so", {"undefined symbol: defined_nowhere", "build it"}},
    {"wrong_abi.so", {"wrong_abi.so: was compiled for ABI 1, this server has 2: compile it again"}},
    {"no_name.so", {"no_name.so: has no name", "set .name"}},
    {"no_routes.so", {"module no_routes (", "no_routes.so): has no routes"}},
    {"bad_path.so", {"module bad_path (", "\"/a/../b\" is no path"}},
    {"bad_method.so", {"module bad_method (", "/sound has a method \"BREW\""}},
    {"no_handle.so", {"module no_handle (", "/sound has no function: set .handle"}},
    {"taken_route.so", {"module taken_route (", "/good is taken by module good: leave one"}},
    {"good.so", {"module good (", "/good is taken by module good"}},
    {"twice.so", {"module twice (", "/twice is taken by module twice", "name all methods"}},
    {"refuses.so", {"module refuses (", "refuses.so): no table:?make one"}},
    {"constructor.so", {"its constructor has started a thread", "rules in handler.h"}},
    {"starts_thread.so", {"module starts_thread (", "its open has started a thread"}},
    {"forks.so", {"module forks (", "its open has started a process"}},
    {"umask.so", {"module umask (", "its open has changed the umask from 022 to 137"}},
    {"folder.so", {"module folder (", "its open has changed the working directory"}},
    {"locale.so", {"module locale (", "changed the locale from C to C.UTF-8"}},
    {"thread_locale.so", {"module thread_locale (", "changed the locale of its thread"}},
    {"handles_signal.so", {"module handles_signal (", "its open has changed what SIGUSR2"}},
    {"blocks_signal.so", {"module blocks_signal (", "its open has blocked SIGQUIT"}},
    {"closes_descriptor.so", {"module closes_descriptor (", "its open has closed descriptor 1"}},
    {"replaces_descriptor.so",
     {"module replaces_descriptor (", "its open has replaced descriptor 0"}},
};

START_TEST(says_what_is_wrong_in_one_line)
{
    umask(022);
    setlocale(LC_ALL, "C");
    ck_assert_msg(!load(refusals[_i].file), "%s was accepted", refusals[_i].file);
    for (size_t i = 0; i < 3 && refusals[_i].words[i] != NULL; i++)
        ck_assert_msg(strstr(why, refusals[_i].words[i]) != NULL, "no \"%s\" in: %s",
                      refusals[_i].words[i], why);
    ck_assert_ptr_null(strchr(why, '\n'));
    ck_assert_ptr_eq(strstr(why, "module "), why);
    ck_assert_uint_eq(router.module_count, 1); /* nothing of it is left */
    ck_assert_uint_eq(router.route_count, 1);
}
END_TEST

/* A line too long for its buffer is cut, and a name too long for the system is refused. */
START_TEST(bounds_what_it_says)
{
    static char text[PATH_MAX + 16];
    char little[24];

    ck_assert(!module_load(&router, "./absent.so", little, sizeof(little)));
    ck_assert_str_eq(little, "module ./absent.so: No ");
    memset(text, 'x', sizeof(text) - 1);
    ck_assert(!module_load(&router, text, why, sizeof(why)));
    ck_assert_ptr_nonnull(strstr(why, "name too long"));
}
END_TEST

/* --- built in: the same rules --- */

static int closed;

static int handle(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)res, (void)state;
    return 0;
}

static const char *open_wild(const char *argument, void **state)
{
    (void)argument;
    *state = &closed;
    umask(0);
    return NULL;
}

static void close_it(void *state)
{
    ++*(int *)state;
}

static const char *open_counted(const char *argument, void **state)
{
    *state = &closed;
    return argument;
}

START_TEST(holds_the_built_in_ones_to_the_rules)
{
    static const struct route routes[] = {{"GET", "/wild", handle}, {NULL, NULL, NULL}};
    struct module wild = {
        .abi = TANDEM_ABI, .name = "wild", .routes = routes, .open = open_wild, .close = close_it};

    umask(022);
    ck_assert(!module_open(&router, &wild, NULL, false, why, sizeof(why)));
    ck_assert_ptr_nonnull(strstr(why, "module wild: its open has changed the umask"));
    ck_assert_int_eq(closed, 1); /* what it has opened it could close */
    wild.abi++;
    ck_assert(!module_open(&router, &wild, NULL, false, why, sizeof(why)));
    ck_assert_ptr_nonnull(strstr(why, "module wild: was compiled for ABI 3"));
    wild.abi--;
    wild.open = open_counted;
    ck_assert(!module_open(&router, &wild, "not today", false, why, sizeof(why)));
    ck_assert_str_eq(why, "module wild: not today");
    ck_assert_int_eq(closed, 1);
    ck_assert(module_open(&router, &wild, NULL, false, why, sizeof(why)));
    ck_assert(!router.modules[1].is_foreign);
    module_close_all(&router);
    ck_assert_int_eq(closed, 2);
}
END_TEST

static const struct {
    const char *methods;
    const char *path;
    bool is_sound;
} routes_of_all_kinds[] = {
    {"GET", "/", true},
    {"GET HEAD POST PUT DELETE OPTIONS PATCH", "/a/", true},
    {"GET", "/a.b/..c/~d", true},
    {"GET", "", false},
    {"GET", "a", false},
    {"GET", "/a//b", false},
    {"GET", "/a/./b", false},
    {"GET", "/a/..", false},
    {"GET", "/../a", false},
    {"GET", "/a%20b", false},
    {"GET", "/a b", false},
    {"GET", "/a\nb", false},
    {NULL, "/a", false},
    {"", "/a", false},
    {"get", "/a", false},
    {"GET,HEAD", "/a", false},
    {"GET ", "/a", false},
    {"GET  HEAD", "/a", false},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "/a", false},
};

START_TEST(knows_a_sound_route)
{
    const struct route routes[] = {
        {routes_of_all_kinds[_i].methods, routes_of_all_kinds[_i].path, handle},
        {NULL, NULL, NULL}};
    struct module one = {.abi = TANDEM_ABI, .name = "one", .routes = routes};

    ck_assert_msg(module_open(&router, &one, NULL, false, why, sizeof(why)) ==
                      routes_of_all_kinds[_i].is_sound,
                  "%s", why);
    module_close_all(&router);
}
END_TEST

/* Paths "/0", "/1" and so on, as many as `count`. */
static void number_routes(struct route *routes, char (*paths)[16], int first, int count)
{
    for (int i = 0; i < count; i++) {
        snprintf(paths[i], sizeof(paths[i]), "/%d", first + i);
        routes[i] = (struct route){"GET", paths[i], handle};
    }
    routes[count] = (struct route){NULL, NULL, NULL};
}

START_TEST(says_when_it_is_full)
{
    static struct route routes[LIMIT_ROUTES + 1];
    static char paths[LIMIT_ROUTES][16];
    static struct module many = {.abi = TANDEM_ABI, .name = "many", .routes = routes};

    number_routes(routes, paths, 0, LIMIT_ROUTES); /* and good.so has one */
    ck_assert(!module_open(&router, &many, NULL, false, why, sizeof(why)));
    ck_assert_ptr_nonnull(strstr(why, "a route too many, after 128"));
    number_routes(routes, paths, 0, LIMIT_ROUTES - 1);
    ck_assert_msg(module_open(&router, &many, NULL, false, why, sizeof(why)), "%s", why);
    ck_assert_uint_eq(router.route_count, LIMIT_ROUTES);
    ck_assert_int_eq(router_find(&router, "GET", "/good").index, 0); /* the longest */
    module_close_all(&router);
    for (int i = 0; i < LIMIT_MODULES; i++) {
        number_routes(routes + 2 * i, paths + i, i, 1);
        many.routes = routes + 2 * i;
        ck_assert_msg(module_open(&router, &many, NULL, false, why, sizeof(why)), "%s", why);
    }
    ck_assert(!load("good.so"));
    ck_assert_ptr_nonnull(strstr(why, "one too many, after 16"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("module");
    TCase *tcase = tcase_create("module");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, opens_and_routes);
    tcase_add_test(tcase, gives_no_argument_where_there_is_none);
    tcase_add_test(tcase, finds_a_bare_name_where_it_stands);
    tcase_add_test(tcase, does_not_mind_what_was_undone);
    tcase_add_test(tcase, shares_its_memory_with_children);
    tcase_add_test(tcase, gives_memory_to_open_alone);
    tcase_add_loop_test(tcase, says_what_is_wrong_in_one_line, 0,
                        (int)(sizeof(refusals) / sizeof(refusals[0])));
    tcase_add_test(tcase, bounds_what_it_says);
    tcase_add_test(tcase, holds_the_built_in_ones_to_the_rules);
    tcase_add_loop_test(tcase, knows_a_sound_route, 0,
                        (int)(sizeof(routes_of_all_kinds) / sizeof(routes_of_all_kinds[0])));
    tcase_add_test(tcase, says_when_it_is_full);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
