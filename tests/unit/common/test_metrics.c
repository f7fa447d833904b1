/*
 * metrics: what a watcher is told, line by line; and that shared memory full of rubbish is told as
 * numbers, never as another format.
 */
#include "admin_scene.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The length of the sample's name: that of its family, or with a part of a distribution behind it. */
static size_t name_length(const char *line, const char *family, const char *type)
{
    static const char *const parts[] = {"_bucket", "_sum", "_count"};
    size_t length = strlen(family);

    for (size_t i = strcmp(type, "histogram") == 0 ? 0 : 1; i < 3; i++)
        if (strncmp(line + length, parts[i], strlen(parts[i])) == 0)
            return length + strlen(parts[i]);
    return length;
}

/* "name{labels} 12.5\n" of this family; returns the next line. */
static const char *check_sample(const char *line, const char *family, const char *type)
{
    bool is_plain = strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0;
    const char *at = line + (is_plain ? strlen(family) : name_length(line, family, type));
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
static const char *check_family(const char *line, char family[64], char type[64])
{
    char again[64];
    int head = 0, whole = 0;
    bool is_total;

    ck_assert_int_eq(sscanf(line, "# HELP %63[a-z_] %n", family, &head), 1);
    ck_assert_msg(line[head] >= 'A' && line[head] <= '~', "no help: %s", line);
    line = strchr(line, '\n') + 1;
    ck_assert_int_eq(sscanf(line, "# TYPE %63[a-z_] %63[a-z]%n", again, type, &whole), 2);
    ck_assert_str_eq(again, family);
    ck_assert_int_eq(line[whole], '\n');
    is_total = strlen(family) > 6 && strcmp(family + strlen(family) - 6, "_total") == 0;
    ck_assert_msg((strcmp(type, "counter") == 0) == is_total, "%s is a %s", family, type);
    ck_assert_msg(strstr(" counter gauge histogram summary ", type) != NULL, "what is a %s", type);
    return line + whole + 1;
}

/* Up to its value. */
static size_t labels_length(const char *line)
{
    size_t length = strcspn(line, "\n");

    while (line[length - 1] != ' ')
        length--;
    return length;
}

static int compare_lines(const void *a, const void *b)
{
    const char *one = *(const char *const *)a, *other = *(const char *const *)b;
    size_t length = labels_length(one), other_length = labels_length(other);
    int order = memcmp(one, other, length < other_length ? length : other_length);

    return order != 0 ? order : (length > other_length) - (length < other_length);
}

static void check_nothing_is_told_twice(const char *text)
{
    static const char *lines[20000];
    size_t count = 0;

    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
        if (*line != '#')
            lines[count++] = line;
    qsort(lines, count, sizeof(lines[0]), compare_lines);
    for (size_t i = 1; i < count; i++)
        ck_assert_msg(compare_lines(&lines[i - 1], &lines[i]) != 0, "twice: %.99s", lines[i]);
}

static void check_format(const char *text)
{
    const char *line = text;
    char family[64] = "-", type[64] = "-", told[4096] = " ";

    while (*line != '\0') {
        if (*line != '#') {
            line = check_sample(line, family, type);
            continue;
        }
        line = check_family(line, family, type);
        strcat(family, " ");
        ck_assert_msg(strstr(told, family) == NULL, "%s comes twice", family);
        strcat(told, family);
        family[strlen(family) - 1] = '\0';
    }
    check_nothing_is_told_twice(text);
}

/* --- metrics --- */

START_TEST(tells_all_families_of_an_idle_server)
{
    static const char *const lines[] = {
        "tandem_info{program=\"server-test\",version=\"" TANDEM_VERSION "\",isolation=\"none\"} 1",
        "tandem_requests_total 0",
        "tandem_requests_refused_total 0",
        "# TYPE tandem_responses_total counter",
        "# TYPE tandem_request_duration_seconds histogram",
        "tandem_requests_in_flight 0",
        "tandem_draining 0",
        "tandem_worker_wait_seconds_total 0.000000",
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
    atomic_store(&b->conns[CONN_STATE_WRITING], 17);
    tally_refusal(&server.tallies[1], 431);
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
    expect(text, "tandem_requests_refused_total 1");
    expect(text, "tandem_worker_deaths_total 11");
    expect(text, "tandem_workers_recycled_total 12");
    expect(text, "tandem_connections 13");
    expect(text, "tandem_spooled_bytes 14");
    expect(text, "tandem_descriptors_swept_total 15");
    expect(text, "tandem_slots_unsound_total 16");
    expect(text, "tandem_process_start_time_seconds 1700000000.042000");
    expect(text, "tandem_connections_by_state{state=\"writing\"} 17");
    expect(text, "tandem_responses_total{route=\"(refused)\",code=\"431\"} 1");
}
END_TEST

/* What was found now may be less than what was told before, by whoever was asked then. */
START_TEST(never_tells_of_less_cpu_time)
{
    atomic_store(&server.board->cpu, 123456789);
    expect(get("/metrics"), "tandem_cpu_seconds_total 123456.789000");
    scoreboard_clear(server.board, SLOTS);
    expect(get("/metrics"), "tandem_cpu_seconds_total 123456.789000");
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
    name_route(0, "/");
    for (size_t i = 0; i <= SLOTS; i++)
        for (size_t n = 0; n <= i; n++)
            tally_answer(&server.tallies[i], n == 0 ? TALLY_ROUTES : TALLY_NO_ROUTE,
                         n == 0 ? 200 : 404, 100);
    expect(get("/metrics"), "tandem_requests_total 21");
    memset(&server.board->slots[3], 0xa5, sizeof(server.board->slots[3]));
    scoreboard_birth(server.board, 3, 1);
    tally_answer(&server.tallies[4], TALLY_ADMIN, 503, 100);
    expect(get("/metrics"), "tandem_requests_total 22");
    scoreboard_clear(server.board, SLOTS);
    expect(get("/metrics"), "tandem_requests_total 22");
    expect(get("/metrics"), "tandem_responses_total{route=\"/\",code=\"200\"} 6");
    expect(get("/metrics"), "tandem_responses_total{route=\"(none)\",code=\"404\"} 15");
    expect(get("/metrics"), "tandem_responses_total{route=\"(admin)\",code=\"503\"} 1");
}
END_TEST

/* Each bucket holds those before it, and what watches does not watch itself. */
START_TEST(tells_how_long_requests_take)
{
    static const int64_t times[] = {-5, 32, 33, 1000000, 1 << 25, INT64_MAX / 4};
    const char *text;

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        tally_answer(&server.tallies[i % 2], TALLY_NO_ROUTE, 404, times[i]);
    tally_answer(&server.tallies[0], TALLY_ADMIN, 200, 7);
    text = get("/metrics");
    check_format(text);
    expect(text, "tandem_request_duration_seconds_bucket{le=\"0.000032\"} 2");
    expect(text, "tandem_request_duration_seconds_bucket{le=\"0.000064\"} 3");
    expect(text, "tandem_request_duration_seconds_bucket{le=\"0.524288\"} 3");
    expect(text, "tandem_request_duration_seconds_bucket{le=\"1.048576\"} 4");
    expect(text, "tandem_request_duration_seconds_bucket{le=\"33.554432\"} 5");
    expect(text, "tandem_request_duration_seconds_bucket{le=\"+Inf\"} 6");
    expect(text, "tandem_request_duration_seconds_count 6");
}
END_TEST

START_TEST(tells_what_births_and_waiting_cost)
{
    struct spare_figures spares = {.ready = 3, .busy = 2, .faults = 1000};
    const char *text = get("/metrics");

    ck_assert_ptr_null(strstr(text, "tandem_spare"));
    histogram_add(&server.tallies[0].births, 90);
    histogram_add(&spares.births, 150);
    count_alone(&server.tallies[0].worker_wait, 20000);
    count_alone(&server.tallies[2].spare_waits, 5);
    count_alone(&server.tallies[3].spare_wait, 1500);
    count_alone(&server.tallies[2].faults, 234);
    server.spares = &spares;
    text = get("/metrics");
    server.spares = NULL;
    check_format(text);
    expect(text, "tandem_fork_duration_seconds_sum{kind=\"worker\"} 0.000090");
    expect(text, "tandem_fork_duration_seconds_bucket{kind=\"spare\",le=\"0.000256\"} 1");
    expect(text, "tandem_worker_wait_seconds_total 0.020000");
    expect(text, "tandem_spares{state=\"ready\"} 3");
    expect(text, "tandem_spares{state=\"busy\"} 2");
    expect(text, "tandem_spare_wait_seconds_sum 0.001500");
    expect(text, "tandem_spare_wait_seconds_count 5");
    expect(text, "tandem_minor_faults_total 1234");
}
END_TEST

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

/* As a wild worker may leave it, all of it: what bounds the handler is not in there. */
START_TEST(survives_rubbish)
{
    unsigned seed = 1;

    for (int round = 0; round < 2; round++) {
        scribble(&seed);
        check_format(get("/metrics"));
    }
}
END_TEST

/* All bytes alike: names without an end, all the same, and numbers at their limit. */
START_TEST(survives_rubbish_of_one_kind)
{
    for (int kind = 3; kind < 256; kind += 6) {
        fill_with(kind);
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
    Suite *suite = suite_create("metrics");
    TCase *tcase = tcase_create("metrics");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, tells_all_families_of_an_idle_server);
    tcase_add_test(tcase, tells_what_the_board_says);
    tcase_add_test(tcase, never_tells_of_less_cpu_time);
    tcase_add_test(tcase, tells_of_tls_where_it_is_spoken);
    tcase_add_test(tcase, counts_requests_of_the_dead);
    tcase_add_test(tcase, tells_how_long_requests_take);
    tcase_add_test(tcase, tells_what_births_and_waiting_cost);
    tcase_add_test(tcase, tells_who_has_killed);
    tcase_add_test(tcase, adds_up_routes_of_one_name);
    tcase_add_loop_test(tcase, escapes_hostile_names, 0, sizeof(hostile) / sizeof(hostile[0]));
    tcase_add_test(tcase, survives_rubbish);
    tcase_add_test(tcase, survives_rubbish_of_one_kind);
    tcase_add_test(tcase, does_not_believe_more_memory_than_there_is);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
