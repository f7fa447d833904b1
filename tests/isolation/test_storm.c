/*
 * A storm of faults of all kinds, as fast as they go, with innocent traffic beside them.
 *
 *      tenths   1  2 │ 3  4  5  6  7  8  9  10
 *      faults ───────┤stock├─────────────────┤stock├─▶ every route, TERM
 *      traffic ──────┘     └─────────────────┘
 *
 * What must hold for processes: no innocent request is a victim, each bad one gets what is its due,
 * and the two stocks (descriptors, memory, connections) are the same.  Three kinds reach what the
 * workers of pool share, and are in a storm of their own there, which promises service and nothing
 * else.  Threads die together, so their storm asks only for what comes after.
 *
 * TANDEM_LONG=1: 100,000 faults a storm; else as many as a few seconds hold.
 */
#include "load.h"
#include "patience.h"
#include "proc.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 32, INNOCENTS = 16, WORKERS = 8, SEED = 20250519 };
enum { STALL_MS = 10000, LATE_MS = 3000 };
enum { DEADLINE_MS = 1000 /* for all: the innocent must meet it on a busy machine, too */ };
enum { MOST_HELD = 2 /* of the four children that fresh has at least */ };

/* --- the kinds --- */

enum { CUT = -1 /* the connection ends in the middle of the answer */ };
enum reach {
    OWN,
    HELD,  /* its own, until a deadline */
    SHARED /* reaches what the workers of pool share */
};

/*
 * `often`: so many of ten thousand.  What is held occupies a worker, and is rare; in fresh it holds a
 * child, too.  Were all children held from about the same moment on, an innocent request of the next
 * moment would find none free before its own deadline, and get the 503 that it is promised then: so
 * never more than MOST_HELD.
 */
static const struct kind {
    const char *path; /* ends with '=': a random number follows */
    int often;
    int due[2]; /* status, or CUT */
    enum reach reach;
} kinds[] = {
    {"segv", 1500, {500}, OWN},
    {"abort", 1500, {500}, OWN},
    {"exit", 1500, {500}, OWN},
    {"stack-overflow", 100, {500}, OWN},
    {"heap-corruption?how=double-free", 1000, {500}, OWN},
    {"heap-corruption?how=stray-write", 500, {200}, OWN},
    {"intact", 300, {200, 500}, OWN},
    {"overread?find=storm-", 5, {200}, OWN},
    {"hang", 10, {504}, HELD},
    {"spin", 10, {503}, HELD},
    {"slow?ms=1", 300, {200}, OWN},
    {"slow?ms=60000&polite=1", 10, {200}, HELD},
    {"deadlock", 10, {504}, HELD},
    {"exit-holding-lock", 500, {500}, OWN},
    {"lock", 300, {200}, OWN},
    {"race?n=1000", 300, {200}, OWN},
    {"leak?bytes=65536", 300, {200}, OWN},
    {"oom", 5, {503}, OWN},
    {"fd-leak?n=20", 400, {500}, OWN},
    {"fd-leak?n=20&then=live", 300, {200}, OWN},
    {"env-pollution", 300, {200}, OWN},
    {"env-pollution?look=1", 240, {200}, OWN},
    {"partial-write", 500, {CUT}, OWN},
    {"fd-stray-close?seed=", 100, {200, 500}, SHARED},
    {"shared?seed=", 100, {200, 503}, SHARED},
    {"exit-holding-lock?shared=1", 3, {500, 504}, SHARED},
    {"lock?shared=1", 3, {200, 504}, SHARED},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* --- the storm: many connections in one loop, each with one fault on its way --- */

struct client {
    struct wire wire;
    const struct kind *kind; /* NULL: nothing is on its way */
    int64_t asked;
};

struct storm {
    struct server server;
    struct client clients[CLIENTS];
    bool with_shared, is_strict;
    unsigned dice;
    long sent, answered[KINDS];
    long late; /* ended by a budget that was not meant for them: the machine is slow */
    long undue;
    char first[256]; /* what the first undue answer was */
};

static unsigned roll(struct storm *storm)
{
    storm->dice = storm->dice * 1103515245u + 12345u;
    return storm->dice >> 8;
}

static bool enough_is_held(const struct storm *storm)
{
    int held = 0;

    for (int i = 0; i < CLIENTS; i++)
        held += storm->clients[i].kind != NULL && storm->clients[i].kind->reach == HELD;
    return held >= MOST_HELD;
}

static bool is_in_use(const struct storm *storm, const struct kind *kind)
{
    if (kind->reach == SHARED && !storm->with_shared)
        return false;
    if (kind->reach == HELD && enough_is_held(storm))
        return false;
    return !(build_is_slow() && strcmp(kind->path, "oom") == 0);
}

static const struct kind *choose(struct storm *storm)
{
    for (;;) {
        int number = (int)(roll(storm) % 10000);
        const struct kind *kind = kinds;

        for (; kind < kinds + KINDS && number >= kind->often; kind++)
            number -= kind->often;
        if (kind < kinds + KINDS && is_in_use(storm, kind))
            return kind;
    }
}

static void reopen(struct storm *storm, struct client *client)
{
    wire_close(&client->wire);
    client->wire = wire_open(storm->server.port);
    client->kind = NULL;
}

static void blame(struct storm *storm, const struct kind *kind, const char *what)
{
    if (storm->undue++ == 0)
        snprintf(storm->first, sizeof(storm->first), "%s: %.200s", kind->path, what);
}

static void ask(struct storm *storm, struct client *client)
{
    const struct kind *kind = choose(storm);
    size_t length = strlen(kind->path);
    char path[128];

    snprintf(path, sizeof(path), "/fault/%s", kind->path);
    if (kind->path[length - 1] == '=')
        snprintf(path, sizeof(path), "/fault/%s%u", kind->path, roll(storm));
    client->kind = kind;
    client->asked = now_ms();
    storm->sent++;
    if (!wire_send_get(&client->wire, path)) {
        blame(storm, kind, "its connection had ended before");
        reopen(storm, client);
    }
}

static void take_answer(struct storm *storm, struct client *client, const struct reply *reply)
{
    const struct kind *kind = client->kind;
    bool is_due = reply->status == kind->due[0] || reply->status == kind->due[1];

    storm->answered[kind - kinds]++;
    client->kind = NULL;
    if (is_due)
        return;
    if (reply->status == 503 || reply->status == 504)
        storm->late++;
    else
        blame(storm, kind, reply->head);
}

static void take_end(struct storm *storm, struct client *client, enum wire_event event)
{
    const struct kind *kind = client->kind;

    storm->answered[kind - kinds]++;
    if (kind->due[0] != CUT || event == WIRE_GARBLED)
        blame(storm, kind, wire_event_name(event));
    reopen(storm, client);
}

static void look_at(struct storm *storm, struct client *client)
{
    struct reply reply;
    enum wire_event event = wire_poll(&client->wire, &reply);

    if (event == WIRE_REPLY)
        take_answer(storm, client, &reply);
    else if (event != WIRE_SILENCE)
        take_end(storm, client, event);
    else if (now_ms() - client->asked > patience(STALL_MS)) {
        blame(storm, client->kind, "nothing");
        reopen(storm, client);
    }
}

/* One round; returns whether any answer is still owed. */
static bool turn(struct storm *storm, bool may_ask)
{
    struct pollfd waits[CLIENTS];
    bool anyone_waits = false;

    for (int i = 0; i < CLIENTS; i++) {
        struct client *client = &storm->clients[i];

        if (client->kind == NULL && may_ask)
            ask(storm, client);
        anyone_waits |= client->kind != NULL;
        waits[i] = (struct pollfd){.fd = client->wire.fd, .events = POLLIN};
    }
    poll(waits, CLIENTS, 20);
    for (int i = 0; i < CLIENTS; i++)
        if (storm->clients[i].kind != NULL)
            look_at(storm, &storm->clients[i]);
    return anyone_waits;
}

static void rage(struct storm *storm, long faults)
{
    long end = storm->sent + faults;

    while (storm->sent < end)
        turn(storm, true);
    while (turn(storm, false))
        ;
    ck_assert_msg(!process_gone(storm->server.pid), "%s: the supervisor has died",
                  storm->server.subject->name);
}

static void start_storm(struct storm *storm, int subject, bool with_shared)
{
    char deadline[16], cpu[16];

    *storm = (struct storm){.with_shared = with_shared, .dice = SEED};
    snprintf(deadline, sizeof(deadline), "%dms", patience(DEADLINE_MS));
    snprintf(cpu, sizeof(cpu), "%dms", patience(100));
    server_start(&storm->server, subject,
                 OPTIONS("--enable-faults", "--enable-demo", "--workers", "8", "--admin",
                         "127.0.0.1:0", "--access-log", "off", "--log-level", "error",
                         "--request-timeout", deadline, "--worker-cpu", cpu,
                         build_is_slow() ? NULL : "--worker-memory", "32m"));
    for (int i = 0; i < CLIENTS; i++)
        storm->clients[i].wire = wire_open(storm->server.port);
}

static void report(const struct storm *storm)
{
    const char *name = storm->server.subject->name;

    for (int i = 0; i < KINDS; i++)
        if (storm->answered[i] > 0)
            printf("%s: %6ld %s\n", name, storm->answered[i], kinds[i].path);
    printf("%s: %ld faults, %ld of them ended by a budget that was not meant for them, %ld not "
           "answered as they should be%s%s\n",
           name, storm->sent, storm->late, storm->undue, storm->undue > 0 ? ", the first: " : "",
           storm->first);
}

/* --- what is held --- */

struct stock {
    int descriptors;
    size_t memory;
    int connections;
};

static bool are_open(void *subject)
{
    return server_metric(subject, "tandem_connections ") == CLIENTS + 1; /* and the one that asks */
}

/*
 * Leaks are faults, too, so the workers of the moment differ by what each has been through: they
 * are replaced first.  What remains of a storm is then in the supervisor, in the shared memory and
 * the shared descriptors, of which the lowest counts: sweeping takes its time.
 */
static struct stock take_stock(struct storm *storm)
{
    struct server *server = &storm->server;
    pid_t workers[MAX_PROCESSES];
    size_t count = server_await_workers(server, workers, WORKERS);
    struct stock stock = {0};

    for (size_t i = 0; i < count; i++)
        kill(workers[i], SIGKILL);
    pause_ms(patience(20));
    server_await_workers(server, workers, WORKERS);
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(fetch_status(server->port, "/one.txt", patience(5000)), 200);
    ck_assert_msg(eventually(are_open, server, patience(3000)),
                  "%s: %d connections are open, /metrics says %g", server->subject->name,
                  CLIENTS + 1, server_metric(server, "tandem_connections "));
    for (int i = 0; i < 40; i++) {
        int descriptors = open_descriptors(server->pid);
        size_t memory = server_memory(server);

        if (i == 0 || descriptors < stock.descriptors)
            stock.descriptors = descriptors;
        if (i == 0 || memory < stock.memory)
            stock.memory = memory;
        pause_ms(25);
    }
    return stock;
}

/* Two in a hundred, and what does not grow with the length of a storm: a process more or less in
 * its birth, and pages of the connection table that are used for the first time because handlers
 * leave descriptors open, so that connections get higher numbers. */
static void compare_stocks(const struct storm *storm, const struct stock *early,
                           const struct stock *late)
{
    enum { SLACK_DESCRIPTORS = 2, SLACK_MEMORY = 1 << 20 };
    const char *name = storm->server.subject->name;

    printf("%s: %d descriptors and %zu KiB after two tenths, %d and %zu at the end\n", name,
           early->descriptors, early->memory >> 10, late->descriptors, late->memory >> 10);
    ck_assert_msg(late->descriptors <= early->descriptors * 51 / 50 + SLACK_DESCRIPTORS,
                  "%s: descriptors are lost: %d, then %d", name, early->descriptors,
                  late->descriptors);
    if (build_is_slow()) {
        printf("%s: memory is not compared: a sanitizer keeps what was freed\n", name);
        return;
    }
    ck_assert_msg(late->memory <= early->memory * 51 / 50 + SLACK_MEMORY,
                  "%s: memory is lost: %zu, then %zu", name, early->memory, late->memory);
}

static void judge_traffic(const struct storm *storm, const struct load_account *account)
{
    const char *name = storm->server.subject->name;

    printf("%s: %ld innocent requests, %ld victims, %ld slower than %d ms; half within %.1f ms, "
           "99 %% within %.1f ms, all within %.1f ms\n",
           name, account->requests, account->failed, account->late, patience(LATE_MS),
           (double)account->half / 1e3, (double)account->p99 / 1e3, (double)account->worst / 1e3);
    ck_assert_int_gt(account->requests, build_is_slow() ? 20 : 100);
    ck_assert_msg(account->failed == 0, "%s: %ld victims of %ld, the first: %s", name,
                  account->failed, account->requests, account->first);
    ck_assert_msg(account->late == 0, "%s: %ld of %ld were slow", name, account->late,
                  account->requests);
}

/* --- afterwards --- */

static void expect_post(const struct server *server)
{
    struct wire wire = wire_open(server->port);
    struct reply reply;

    ck_assert(wire_sendf(&wire, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nback"));
    reply = wire_expect(&wire, 200, "/echo");
    ck_assert_str_eq(reply.body, "back");
    wire_close(&wire);
}

static void expect_all_routes(const struct server *server)
{
    static const char *const paths[] = {"/one.txt",      "/big.bin",       "/",
                                        "/sub/deep.txt", "/work?bytes=10", "/counter?kind=plain",
                                        "/fault/",       "/fault/lock"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        ck_assert_msg(fetch_status(server->port, paths[i], patience(5000)) == 200,
                      "%s: %s is not answered", server->subject->name, paths[i]);
    ck_assert_int_eq(fetch_status(server->port, "/nowhere", patience(5000)), 404);
    ck_assert_int_eq(fetch_status(server->admin, "/healthz", patience(5000)), 200);
    expect_post(server);
}

static void end_storm(struct storm *storm)
{
    for (int i = 0; i < CLIENTS; i++)
        wire_close(&storm->clients[i].wire);
    ck_assert_int_eq(server_stop(&storm->server), 0);
}

/* --- the storms --- */

static struct load start_traffic(const struct storm *storm)
{
    struct load load = load_start_as(
        storm->server.port,
        (struct load_plan){.connections = INNOCENTS, .late = patience(LATE_MS), .is_mixed = true});
    load_mark(&load);
    return load;
}

static void rage_beside_traffic(struct storm *storm, long faults)
{
    struct load load = start_traffic(storm);
    struct load_account account;

    rage(storm, faults);
    account = load_stop(&load);
    judge_traffic(storm, &account);
}

static long storm_length(void)
{
    return long_run() ? 100000 : build_is_slow() ? 500 : 3000;
}

START_TEST(nobody_else_notices)
{
    static struct storm storm;
    struct stock early, late;
    int64_t began = now_ms();

    if (build_is_slow())
        printf("%s: no oom: a sanitizer needs more memory than any budget\n", subjects[_i].name);
    start_storm(&storm, _i, _i == FRESH);
    rage_beside_traffic(&storm, storm_length() * 2 / 10);
    early = take_stock(&storm);
    rage_beside_traffic(&storm, storm_length() * 8 / 10);
    late = take_stock(&storm);
    report(&storm);
    printf("%s: %.1f s\n", storm.server.subject->name, (double)(now_ms() - began) / 1e3);
    ck_assert_msg(storm.undue == 0, "%s: %ld faults were not answered as they should be, first %s",
                  storm.server.subject->name, storm.undue, storm.first);
    compare_stocks(&storm, &early, &late);
    expect_all_routes(&storm.server);
    end_storm(&storm);
}
END_TEST

static bool is_served(void *subject)
{
    return fetch_status(((const struct server *)subject)->port, "/one.txt", patience(2000)) == 200;
}

/* Of what pool shares nothing is promised but this. */
START_TEST(service_goes_on_where_nothing_is_promised)
{
    static struct storm storm;
    int rounds = long_run() ? 100 : 10;

    start_storm(&storm, POOL, true);
    for (int i = 0; i < rounds; i++) {
        rage(&storm, 100);
        ck_assert_msg(eventually(is_served, &storm.server, patience(8000)), "no service");
    }
    report(&storm);
    ck_assert_msg(eventually(is_served, &storm.server, patience(8000)), "no service");
    expect_all_routes(&storm.server);
    end_storm(&storm);
}
END_TEST

/* --- threads --- */

enum { KILLERS = 4 };

/* Several at once: the first that dies takes the others along. */
static void strike(const struct server *server, unsigned number)
{
    static const char *const paths[] = {
        "/fault/segv",           "/fault/abort",   "/fault/exit",
        "/fault/partial-write",  "/fault/fd-leak", "/fault/exit-holding-lock?shared=1",
        "/fault/heap-corruption"};
    /* A sanitizer does not come to the end of its report when another thread exits meanwhile. */
    unsigned kinds_used = build_is_slow() ? 6 : 7;
    struct wire wires[KILLERS];

    for (unsigned i = 0; i < KILLERS; i++) {
        wires[i] = wire_open(server->port);
        (void)wire_send_get(&wires[i], paths[(number + i) % kinds_used]);
    }
    for (int i = 0; i < KILLERS; i++) {
        struct reply reply;

        (void)wire_read(&wires[i], &reply, patience(5000));
        wire_close(&wires[i]);
    }
}

/* The logger, and the process that holds the threads. */
static bool has_few(void *subject)
{
    const struct server *server = subject;
    pid_t found[MAX_PROCESSES];

    return server_processes(server, found) == 2;
}

START_TEST(threads_die_and_the_next_process_serves)
{
    struct server server;
    int strikes = long_run() ? 2000 : 100;
    int early = 0;

    server_start(&server, THREAD,
                 OPTIONS("--enable-faults", "--enable-demo", "--workers", "8", "--admin",
                         "127.0.0.1:0", "--access-log", "off", "--log-level", "error"));
    for (int i = 0; i < strikes; i++) {
        strike(&server, (unsigned)i);
        ck_assert_msg(!process_gone(server.pid), "the supervisor has died");
        ck_assert_msg(eventually(is_served, &server, patience(8000)), "no service");
        if (i == strikes / 5)
            early = open_descriptors(server.pid);
    }
    ck_assert_msg(eventually(has_few, &server, patience(3000)), "processes are left behind");
    ck_assert_int_eq(open_descriptors(server.pid), early);
    expect_all_routes(&server);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storm");
    TCase *tcase = tcase_create("storm");

    add_for_each_isolated(tcase, nobody_else_notices);
    if (subject_count() > POOL)
        tcase_add_test(tcase, service_goes_on_where_nothing_is_promised);
    tcase_add_test(tcase, threads_die_and_the_next_process_serves);
    tcase_set_timeout(tcase, case_limit(long_run() ? 1200 : 60));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
