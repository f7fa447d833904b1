/*
 * What one poisoned request costs: the place where the subjects may differ, as a table.
 *
 * For each fault and each subject: what the poisoned request gets, whether its connection stays
 * usable, whether three bystanders live (one idle, one with half a request sent, one in its
 * handler), whether a process died, and which words the error log has for it.
 */
#include "patience.h"
#include "proc.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum poison { ENDS, GETS_500, GETS_504 }; /* the connection's end, or an answer */
enum death { NONE_DIES, WORKER_DIES, CHILD_DIES, SERVER_DIES };

/* One cell of the table. */
struct cell {
    enum poison poison;
    bool bystanders_live;
    enum death death;
};

/* Threads share one fate; what a process of its own does, only its client notices. */
static const struct cell shared_fate = {ENDS, false, SERVER_DIES};
static const struct cell worker_fate = {GETS_500, true, WORKER_DIES};
static const struct cell child_fate = {GETS_500, true, CHILD_DIES};
static const struct cell late_thread = {GETS_504, true, NONE_DIES};
static const struct cell late_worker = {GETS_504, true, WORKER_DIES};
static const struct cell late_child = {GETS_504, true, CHILD_DIES};

static const struct row {
    const char *fault;
    const struct cell *expected[SUBJECTS]; /* thread, pool, fresh */
    const char *words;                     /* in the log; NULL: depends on the allocator */
} rows[] = {
    {"segv", {&shared_fate, &worker_fate, &child_fate}, "SIGSEGV"},
    {"abort", {&shared_fate, &worker_fate, &child_fate}, "SIGABRT"},
    {"exit", {&shared_fate, &worker_fate, &child_fate}, "exit code 3"},
    {"stack-overflow", {&shared_fate, &worker_fate, &child_fate}, "SIGSEGV"},
    {"heap-corruption", {&shared_fate, &worker_fate, &child_fate}, NULL},
    {"hang", {&late_thread, &late_worker, &late_child}, NULL},
    {"spin", {&late_thread, &late_worker, &late_child}, NULL},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* The scene: a server, the poisoned connection and three others. */
struct scene {
    const struct row *row;
    const struct cell *cell;
    char label[64];
    struct server server;
    struct wire poisoned, idle, half, busy;
    pid_t before[MAX_PROCESSES];
    size_t workers;
};

static struct scene set_scene(int number)
{
    struct scene scene = {.row = &rows[number % ROWS]};
    int subject = number / ROWS;

    scene.cell = scene.row->expected[subject];
    server_start(
        &scene.server, subject,
        OPTIONS("--enable-faults", "--enable-demo", "--request-timeout", "1s", "--workers", "4"));
    snprintf(scene.label, sizeof(scene.label), "%s: %s", scene.server.subject->name,
             scene.row->fault);
    scene.poisoned = wire_open(scene.server.port);
    scene.idle = wire_open(scene.server.port);
    scene.half = wire_open(scene.server.port);
    scene.busy = wire_open(scene.server.port);
    wire_expect_usable(&scene.idle, scene.label);
    wire_expect_usable(&scene.poisoned, scene.label);
    ck_assert(
        wire_sendf(&scene.half, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nab"));
    ck_assert(wire_send_get(&scene.busy, "/work?sleep=600&bytes=77"));
    pause_ms(patience(60));
    scene.workers = server_await_workers(&scene.server, scene.before, 4);
    return scene;
}

static void poison(struct scene *scene)
{
    char path[64], type[128];
    struct reply reply;

    snprintf(path, sizeof(path), "/fault/%s", scene->row->fault);
    ck_assert(wire_send_get(&scene->poisoned, path));
    if (scene->cell->poison == ENDS) {
        wire_expect_end(&scene->poisoned, patience(5000), scene->label);
        return;
    }
    reply =
        wire_expect(&scene->poisoned, scene->cell->poison == GETS_500 ? 500 : 504, scene->label);
    ck_assert_ptr_nonnull(reply_field(&reply, "Content-Type", type, sizeof(type)));
    ck_assert_str_eq(type, "application/problem+json");
    ck_assert_msg(strchr(reply.body, '{') != NULL, "%s: %s", scene->label, reply.body);
    wire_expect_usable(&scene->poisoned, scene->label);
}

static void look_at_bystanders(struct scene *scene)
{
    if (!scene->cell->bystanders_live) {
        wire_expect_end(&scene->idle, patience(5000), scene->label);
        wire_expect_end(&scene->half, patience(5000), scene->label);
        wire_expect_end(&scene->busy, patience(5000), scene->label);
        return;
    }
    ck_assert_uint_eq(wire_expect(&scene->busy, 200, scene->label).length, 77);
    ck_assert(wire_sendf(&scene->half, "cd"));
    ck_assert_str_eq(wire_expect(&scene->half, 200, scene->label).body, "abcd");
    wire_expect_usable(&scene->idle, scene->label);
    wire_expect_usable(&scene->half, scene->label);
    wire_expect_usable(&scene->busy, scene->label);
}

/* As many workers as before, and as many of them new as the cell says. */
struct census {
    const struct scene *scene;
    size_t wanted_new;
};

static bool is_complete(void *subject)
{
    const struct census *census = subject;
    pid_t now[MAX_PROCESSES];
    size_t count = server_workers(&census->scene->server, now), new = 0;

    for (size_t i = 0; i < count; i++) {
        bool known = false;

        for (size_t n = 0; n < census->scene->workers; n++)
            known |= census->scene->before[n] == now[i];
        new += !known;
    }
    return count == census->scene->workers && new == census->wanted_new;
}

static void count_the_dead(struct scene *scene)
{
    bool dies = scene->cell->death == WORKER_DIES || scene->cell->death == SERVER_DIES;
    struct census census = {.scene = scene, .wanted_new = dies};

    ck_assert_msg(eventually(is_complete, &census, patience(5000)),
                  "%s: the workers are not as many, or not the ones, that they should be",
                  scene->label);
}

static void read_the_log(const struct scene *scene)
{
    char path[64];

    snprintf(path, sizeof(path), "/fault/%s", scene->row->fault);
    ck_assert_msg(server_logged(&scene->server, scene->row->words, path, patience(3000)),
                  "%s: no log line with %s and %s", scene->label,
                  scene->row->words ? scene->row->words : "the cause", path);
}

/* Fails on a sanitizer's report, except of the fault itself. */
static void strike(struct scene *scene)
{
    wire_close(&scene->poisoned);
    wire_close(&scene->idle);
    wire_close(&scene->half);
    wire_close(&scene->busy);
    if (strcmp(scene->row->fault, "heap-corruption") == 0)
        ck_assert_int_eq(server_stop(&scene->server), 0);
    else
        server_stop_noisy(&scene->server);
}

START_TEST(costs_what_the_table_says)
{
    struct scene scene = set_scene(_i);
    int64_t start;

    poison(&scene);
    start = now_ms();
    for (int i = 0; i < 20; i++) {
        struct wire other =
            wire_open(scene.server.port); /* the listeners stay open: never refused */

        wire_expect_usable(&other, scene.label);
        wire_close(&other);
    }
    ck_assert_msg(now_ms() - start < patience(3000), "%s: no service for %d ms", scene.label,
                  (int)(now_ms() - start));
    look_at_bystanders(&scene);
    count_the_dead(&scene);
    read_the_log(&scene);
    strike(&scene);
}
END_TEST

/* The request that died has its line in the access log like any other. */
START_TEST(the_dead_request_is_logged)
{
    struct server server;
    struct wire wire;
    struct bytes log;

    server_start(&server, _i, OPTIONS("--enable-faults"));
    wire = wire_open(server.port);
    wire_expect_get(&wire, "/fault/segv", 500, server.subject->name);
    wire_expect_usable(&wire, server.subject->name);
    server_stop_noisy(&server);
    log = bytes_of_file(server.access_log);
    ck_assert_msg(strstr(log.at, "\"GET /fault/segv HTTP/1.1\" 500 ") != NULL, "%s", log.at);
    bytes_free(&log);
    wire_close(&wire);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults");
    TCase *tcase = tcase_create("faults");

    tcase_add_loop_test(tcase, costs_what_the_table_says, 0, subject_count() * ROWS);
    add_for_each_isolated(tcase, the_dead_request_is_logged);
    tcase_set_timeout(tcase, case_limit(40));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
