/*
 * admin: what a watcher is told, line by line; and that a board full of rubbish is told as numbers,
 * never as another format.
 */
#include "common/handlers/handlers.h"
#include "common/model.h"
#include "common/response.h"
#include "common/router.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 5 };

/* The test is the model: workers that are processes. */
const char model_program[] = "server-test";
const bool model_isolates = true;

static struct server server;
static struct router router;
static struct response response;

static void set_up(void)
{
    memset(&server, 0, sizeof(server));
    memset(&router, 0, sizeof(router));
    server.board = scoreboard_open(SLOTS);
    ck_assert_ptr_nonnull(server.board);
    server.slots = SLOTS;
    server.options.one = true; /* so that it is this process whose CPU time is told */
    admin_configure(&server);
    router_add(&router, &admin_module, NULL, false);
    response_open(&response);
}

static void tear_down(void)
{
    response_close(&response);
    scoreboard_close(server.board, SLOTS);
}

/* The body of the answer; valid until the next call. */
static const char *get(const char *path)
{
    struct route_match match = router_find(&router, "GET", path);
    struct request request = {.method = "GET"};

    ck_assert_ptr_nonnull(match.route);
    response_reset(&response);
    ck_assert_int_eq(match.route->handle(&request, &response, match.state), 0);
    ck_assert(response_write(&response, "", 1)); /* the NUL */
    ck_assert(!response.failed);
    return response.body.data;
}

/* --- the format --- */

/* One label after the other; returns the place behind the '}'. */
static const char *skip_labels(const char *at)
{
    do {
        at++;
        ck_assert_uint_gt(strspn(at, "abcdefghijklmnopqrstuvwxyz_"), 0);
        at += strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        ck_assert_msg(strncmp(at, "=\"", 2) == 0, "no value: %s", at);
        for (at += 2; *at != '"'; at++) {
            ck_assert_msg(*at >= ' ' && *at <= '~', "not printable: %d", *at);
            if (*at == '\\') {
                at++;
                ck_assert_msg(strchr("\\\"n", *at) != NULL && *at != '\0', "bad escape");
            }
        }
        at++;
    } while (*at == ',');
    ck_assert_int_eq(*at, '}');
    return at + 1;
}

/* "name{labels} 12.5\n" of this family; returns the next line. */
static const char *check_sample(const char *line, const char *family)
{
    const char *at = line + strlen(family);
    const char *end = strchr(line, '\n');
    size_t length;

    ck_assert_msg(strncmp(line, family, strlen(family)) == 0, "%s has no TYPE", line);
    if (*at == '{')
        at = skip_labels(at);
    ck_assert_int_eq(*at++, ' ');
    length = strspn(at, "0123456789.");
    ck_assert_uint_gt(length, 0);
    ck_assert_ptr_eq(at + length, end);
    return end + 1;
}

/* "# HELP name words\n# TYPE name counter\n"; the name goes to `family`. */
static const char *check_family(const char *line, char family[64])
{
    char type[64], again[64];
    int head = 0, whole = 0;
    bool is_total;

    ck_assert_int_eq(sscanf(line, "# HELP %63[a-z_] %n", family, &head), 1);
    ck_assert_msg(line[head] >= 'A' && line[head] <= '~', "no help: %s", line);
    line = strchr(line, '\n') + 1;
    ck_assert_int_eq(sscanf(line, "# TYPE %63[a-z_] %63[a-z]%n", again, type, &whole), 2);
    ck_assert_str_eq(again, family);
    ck_assert_int_eq(line[whole], '\n');
    is_total = strlen(family) > 6 && strcmp(family + strlen(family) - 6, "_total") == 0;
    ck_assert_msg(strcmp(type, is_total ? "counter" : "gauge") == 0, "%s is a %s", family, type);
    return line + whole + 1;
}

/* Does a later line begin, up to its value, like this one? */
static bool is_told_again(const char *line)
{
    const char *later = strchr(line, '\n');
    size_t length = (size_t)(later - line);

    while (line[length - 1] != ' ')
        length--;
    for (; later[1] != '\0'; later = strchr(later + 1, '\n'))
        if (strncmp(later + 1, line, length) == 0)
            return true;
    return false;
}

static void check_format(const char *text)
{
    const char *line = text;
    char family[64] = "-", told[2048] = " ";

    while (*line != '\0') {
        if (*line != '#') {
            ck_assert_msg(!is_told_again(line), "twice: %.99s", line);
            line = check_sample(line, family);
            continue;
        }
        line = check_family(line, family);
        strcat(family, " ");
        ck_assert_msg(strstr(told, family) == NULL, "%s comes twice", family);
        strcat(told, family);
        family[strlen(family) - 1] = '\0';
    }
}

static void expect(const char *text, const char *line)
{
    char whole[600];

    snprintf(whole, sizeof(whole), "\n%s\n", line);
    ck_assert_msg(strstr(text, whole) != NULL, "no line %s in\n%s", line, text);
}

/* --- health --- */

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
    ck_assert_ptr_nonnull(router_find(&router, "HEAD", "/metrics").route);
    ck_assert_ptr_null(router_find(&router, "POST", "/metrics").route);
    ck_assert_ptr_null(router_find(&router, "GET", "/metrics/").route);
}
END_TEST

/* --- metrics --- */

START_TEST(tells_all_families_of_an_idle_server)
{
    static const char *const lines[] = {
        "tandem_info{program=\"server-test\",version=\"" TANDEM_VERSION "\",isolation=\"none\"} 1",
        "tandem_requests_total 0",
        "tandem_requests_refused_total 0",
        "# TYPE requests_killed_total counter",
        "# TYPE tandem_route_quarantined gauge",
        "tandem_workers{state=\"waiting\"} 0",
        "tandem_workers{state=\"accepting\"} 0",
        "tandem_workers{state=\"turn\"} 0",
        "tandem_workers{state=\"lost\"} 0",
        "tandem_worker_deaths_total 0",
        "tandem_workers_recycled_total 0",
        "tandem_connections 0",
        "tandem_spooled_bytes 0",
        "tandem_descriptors_swept_total 0",
        "tandem_slots_unsound_total 0",
        "# TYPE tandem_process_start_time_seconds gauge",
        "# TYPE tandem_cpu_seconds_total counter",
        "# TYPE tandem_memory_pss_bytes gauge"};
    const char *text = get("/metrics");

    check_format(text);
    ck_assert_ptr_null(strstr(text, "requests_killed_total{"));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        expect(text, lines[i]);
    ck_assert_str_eq(response.type, "text/plain; version=0.0.4; charset=utf-8");
}
END_TEST

START_TEST(tells_what_the_board_says)
{
    struct scoreboard *b = server.board;
    const char *text;

    server.options.one = false;
    server.options.isolation = ISOLATION_FRESH;
    scoreboard_birth(b, 0, 1);
    scoreboard_birth(b, 2, 1);
    scoreboard_birth(b, 4, 1);
    atomic_store(&b->slots[2].state, WORKER_TURN);
    atomic_store(&b->slots[0].pss, 1 << 20);
    atomic_store(&b->slots[1].pss, 7 << 20); /* of somebody who has left */
    atomic_store(&b->slots[2].pss, 2 << 20);
    atomic_store(&b->refused, 10);
    atomic_store(&b->deaths, 11);
    atomic_store(&b->recycled, 12);
    atomic_store(&b->connections, 13);
    atomic_store(&b->spooled, 14);
    atomic_store(&b->swept, 15);
    atomic_store(&b->unsound, 16);
    b->booted = 1700000000042;
    text = get("/metrics");
    check_format(text);
    ck_assert_ptr_nonnull(strstr(text, "isolation=\"fresh\"} 1\n"));
    expect(text, "tandem_workers{state=\"waiting\"} 2");
    expect(text, "tandem_workers{state=\"turn\"} 1");
    expect(text, "tandem_memory_pss_bytes 3145728");
    expect(text, "tandem_requests_refused_total 10");
    expect(text, "tandem_worker_deaths_total 11");
    expect(text, "tandem_workers_recycled_total 12");
    expect(text, "tandem_connections 13");
    expect(text, "tandem_spooled_bytes 14");
    expect(text, "tandem_descriptors_swept_total 15");
    expect(text, "tandem_slots_unsound_total 16");
    expect(text, "tandem_process_start_time_seconds 1700000000.042");
}
END_TEST

START_TEST(tells_of_tls_where_it_is_spoken)
{
    struct tls_figures figures = {.full = 21, .resumed = 22, .failed = 23, .connections = 24};
    const char *text = get("/metrics");

    ck_assert_ptr_null(strstr(text, "tandem_tls_"));
    server.tls = &figures;
    text = get("/metrics");
    server.tls = NULL;
    check_format(text);
    expect(text, "tandem_tls_handshakes_total{result=\"full\"} 21");
    expect(text, "tandem_tls_handshakes_total{result=\"resumed\"} 22");
    expect(text, "tandem_tls_handshakes_total{result=\"failed\"} 23");
    expect(text, "tandem_tls_connections 24");
}
END_TEST

/* Whoever takes over the slot of a dead worker takes nothing from the sum. */
START_TEST(counts_requests_of_the_dead)
{
    for (size_t i = 0; i < SLOTS; i++)
        for (size_t n = 0; n <= i; n++)
            scoreboard_count_served(server.board, i);
    expect(get("/metrics"), "tandem_requests_total 15");
    memset(&server.board->slots[3], 0xa5, sizeof(server.board->slots[3]));
    scoreboard_birth(server.board, 3, 1);
    scoreboard_count_served(server.board, 3);
    expect(get("/metrics"), "tandem_requests_total 16");
    scoreboard_clear(server.board, SLOTS);
    expect(get("/metrics"), "tandem_requests_total 16");
}
END_TEST

static void name_route(unsigned index, const char *path)
{
    struct route_slot *slot = &server.board->routes[index];

    snprintf(slot->path, sizeof(slot->path), "%s", path);
    atomic_store(&server.board->route_count, index + 1);
}

START_TEST(tells_who_has_killed)
{
    const struct quarantine_rule rule = {.deaths = 1, .within = 1000};
    const char *text;

    name_route(0, "/");
    name_route(1, "/fault/");
    name_route(2, "/kv");
    atomic_store(&server.board->routes[1].killed[CAUSE_SEGV], 3);
    atomic_store(&server.board->routes[1].killed[CAUSE_TIME], 4);
    atomic_store(&server.board->routes[2].killed[CAUSE_ABRT], 5);
    ck_assert(quarantine_death(&server.board->routes[2].ward, &rule, 1000));
    text = get("/metrics");
    check_format(text);
    expect(text, "requests_killed_total{cause=\"segv\",route=\"/fault/\"} 3");
    expect(text, "requests_killed_total{cause=\"timeout\",route=\"/fault/\"} 4");
    expect(text, "requests_killed_total{cause=\"abort\",route=\"/kv\"} 5");
    expect(text, "tandem_route_quarantined{route=\"/fault/\"} 0");
    expect(text, "tandem_route_quarantined{route=\"/kv\"} 1");
    ck_assert_ptr_null(strstr(text, "route=\"/\""));
    ck_assert_ptr_null(strstr(text, "cause=\"bus\""));
}
END_TEST

/* As names that were cut to fit may be, or scribbled ones: their rows have the same labels. */
START_TEST(adds_up_routes_of_one_name)
{
    const char *text;

    name_route(0, "/kv");
    name_route(1, "/kv");
    atomic_store(&server.board->routes[0].killed[CAUSE_BUS], 20);
    atomic_store(&server.board->routes[1].killed[CAUSE_BUS], 22);
    text = get("/metrics");
    check_format(text);
    expect(text, "requests_killed_total{cause=\"bus\",route=\"/kv\"} 42");
}
END_TEST

static const struct {
    const char *path, *label;
} hostile[] = {
    {"/a\"} 1\nevil_total 2\n", "/a\\\"} 1\\nevil_total 2\\n"},
    {"/back\\slash\\", "/back\\\\slash\\\\"},
    {"/\x01\x1b[2J\r\t\x7f", "/??[2J???"},
    {"/caf\xc3\xa9\xff", "/caf???"},
    {"", ""},
    {"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""
     "\"\""
     "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"",
     "\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\""
     "\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\""
     "\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\""},
};

START_TEST(escapes_hostile_names)
{
    char line[512];
    const char *text;

    name_route(0, hostile[_i].path);
    atomic_store(&server.board->routes[0].killed[CAUSE_EXIT], 1);
    text = get("/metrics");
    check_format(text);
    snprintf(line, sizeof(line), "requests_killed_total{cause=\"exit\",route=\"%s\"} 1",
             hostile[_i].label);
    expect(text, line);
}
END_TEST

static size_t board_size(void)
{
    return sizeof(*server.board) + SLOTS * sizeof(server.board->slots[0]);
}

/* As a wild worker may leave it, all of it: what bounds the handler is not in there. */
START_TEST(survives_rubbish)
{
    unsigned char *byte = (unsigned char *)server.board;
    unsigned seed = 1;

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < board_size(); i++) {
            seed = seed * 1664525u + 1013904223u;
            byte[i] = (unsigned char)(seed >> 24);
        }
        check_format(get("/metrics"));
        get("/readyz");
    }
}
END_TEST

/* All bytes alike: names without an end, all the same, and numbers at their limit. */
START_TEST(survives_rubbish_of_one_kind)
{
    for (int kind = 1; kind < 256; kind++) {
        memset((void *)server.board, kind, board_size());
        check_format(get("/metrics"));
    }
}
END_TEST

START_TEST(does_not_believe_more_memory_than_there_is)
{
    server.options.one = false;
    scoreboard_birth(server.board, 0, 1);
    scoreboard_birth(server.board, 1, 1);
    atomic_store(&server.board->slots[0].pss, 4096);
    atomic_store(&server.board->slots[1].pss, UINT64_MAX);
    expect(get("/metrics"), "tandem_memory_pss_bytes 4096");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admin");
    TCase *tcase = tcase_create("admin");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, lives_and_is_ready);
    tcase_add_test(tcase, lives_but_is_not_ready_while_it_drains);
    tcase_add_test(tcase, takes_what_only_reads);
    tcase_add_test(tcase, tells_all_families_of_an_idle_server);
    tcase_add_test(tcase, tells_what_the_board_says);
    tcase_add_test(tcase, tells_of_tls_where_it_is_spoken);
    tcase_add_test(tcase, counts_requests_of_the_dead);
    tcase_add_test(tcase, tells_who_has_killed);
    tcase_add_test(tcase, adds_up_routes_of_one_name);
    tcase_add_loop_test(tcase, escapes_hostile_names, 0, sizeof(hostile) / sizeof(hostile[0]));
    tcase_add_test(tcase, survives_rubbish);
    tcase_add_test(tcase, survives_rubbish_of_one_kind);
    tcase_add_test(tcase, does_not_believe_more_memory_than_there_is);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
