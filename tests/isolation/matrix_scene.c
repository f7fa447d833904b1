/*
 * One cell: a server with innocent traffic and bystanders, one bad request, and a look around.
 *
 *      before   a server at rest ─▶ traffic, 16 idle connections, one with half a request sent, one
 *               in its handler
 *      fault    the bad request ─▶ what does its client get, and does its connection live?
 *      after    who died? who of the others lost something? does it still take connections?
 *      at rest  again: what is there now that was not there before?
 */
#include "matrix.h"

#include "patience.h"
#include "proc.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LATE_MS = 2000, /* an innocent answer that takes longer makes a victim of its request */
    AWAY_MS = 2500, /* and this is the longest that a service may be away */
    REQUEST_MS = 1000,
    BUSY_MS = 600,
    SETTLE_MS = 4000, /* for the dead to be replaced, and for what they left to be swept */
    NEW_CONNECTIONS = 20,
    WITNESSES = 200, /* requests: among fewer there might be no victim by chance */
    SLACK_DESCRIPTORS = 3,
    SLACK_MEMORY = 16 << 20,
};

/* False in a cell that says UNPROTECTED: what happens there is measured, and no more. */
static bool is_promised(const struct scene *scene)
{
    return strcmp(scene->cell->dies, UNPROTECTED) != 0;
}

/* --- before --- */

pid_t scene_holder(const struct scene *scene)
{
    pid_t found[MAX_PROCESSES];

    if (scene->server.subject != &subjects[THREAD])
        return scene->server.pid; /* its table is its workers' */
    return server_workers(&scene->server, found) > 0 ? found[0] : -1;
}

/* A nest is filled one spare after the other; at rest nothing changes for a while. */
static size_t processes_at_rest(const struct server *server)
{
    enum { LOOKS = 20, PAUSE_MS = 5 };
    pid_t found[MAX_PROCESSES];
    size_t count = 0, same = 0;
    int64_t end = now_ms() + patience(SETTLE_MS);

    while (same < LOOKS && now_ms() < end) {
        size_t now = server_processes(server, found);

        same = now == count ? same + 1 : 0;
        count = now;
        pause_ms(PAUSE_MS);
    }
    return count;
}

/* A sanitizer's allocator gives nothing back. */
bool scene_measures_memory(void)
{
    const char *preset = getenv("TANDEM_PRESET");

    return preset == NULL || (strcmp(preset, "asan") != 0 && strcmp(preset, "tsan") != 0);
}

static size_t memory_of_all(const struct server *server)
{
    pid_t found[MAX_PROCESSES];
    size_t count = server_processes(server, found), sum = own_memory(server->pid);

    for (size_t i = 0; i < count; i++)
        sum += own_memory(found[i]);
    return sum;
}

static void start_server(struct scene *scene, int subject)
{
    const char *options[16];
    char timeout[16];
    size_t n = 0, workers = scene->row->prepare == prepare_earlier_request ? 2 : 4;

    snprintf(timeout, sizeof(timeout), "%dms", patience(REQUEST_MS));
    options[n++] = "--enable-faults";
    options[n++] = "--enable-demo";
    options[n++] = "--request-timeout";
    options[n++] = timeout;
    options[n++] = "--workers";
    options[n++] = workers == 2 ? "2" : "4";
    for (int i = 0; i < 4 && scene->row->option[i] != NULL; i++)
        options[n++] = scene->row->option[i];
    options[n] = NULL;
    server_start(&scene->server, subject, options);
    scene->worker_count = server_await_workers(&scene->server, scene->workers, workers);
}

static void occupy(struct scene *scene)
{
    ck_assert(wire_sendf(&scene->busy,
                         "GET /work?sleep=%d&bytes=77&token=tandem-secret-%s HTTP/1.1\r\n"
                         "Host: t\r\nX-Token: tandem-secret-%s\r\n\r\n",
                         patience(BUSY_MS), scene->secrets[3], scene->secrets[1]));
    pause_ms(patience(60));
}

/* On a machine that is out of breath, the handler may have come to its end by now. */
static void keep_occupied(struct scene *scene)
{
    struct reply reply;

    while (wire_poll(&scene->busy, &reply) == WIRE_REPLY)
        occupy(scene);
}

/* Secrets that are about: in a request that runs, in one that has half arrived, in a target. */
static void open_bystanders(struct scene *scene)
{
    uint16_t port = scene->server.port;

    for (int i = 0; i < IDLE; i++) {
        scene->idle[i] = wire_open(port);
        wire_expect_usable(&scene->idle[i], scene->label);
    }
    scene->half = wire_open(port);
    ck_assert(wire_sendf(&scene->half,
                         "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n"
                         "X-Token: tandem-secret-%s\r\n\r\nab",
                         scene->secrets[2]));
    scene->busy = wire_open(port);
    occupy(scene);
}

static void set_scene(struct scene *scene, int subject)
{
    for (int i = 0; i < SECRETS; i++)
        snprintf(scene->secrets[i], sizeof(scene->secrets[i]), "%08x%08x", 0x5ec4e700 + i,
                 (unsigned)getpid() * 2654435761u);
    start_server(scene, subject);
    ck_assert_int_eq(fetch_status(scene->server.port, "/one.txt", patience(5000)), 200);
    scene->processes = processes_at_rest(&scene->server);
    scene->descriptors = open_descriptors(scene_holder(scene));
    scene->load = load_start(scene->server.port, patience(LATE_MS));
    scene->poisoned = wire_open(scene->server.port);
    wire_expect_usable(&scene->poisoned, scene->label);
    open_bystanders(scene);
    scene->threads = thread_count(scene_holder(scene));
    scene->memory = memory_of_all(&scene->server);
    if (scene->row->prepare != NULL)
        scene->row->prepare(scene);
    load_mark(&scene->load);
    keep_occupied(scene);
}

/* --- the fault --- */

static bool is_usable(struct wire *wire)
{
    struct reply reply;

    return wire_send_get(wire, "/one.txt") &&
           wire_read(wire, &reply, patience(5000)) == WIRE_REPLY && reply.status == 200 &&
           reply.length == ONE_SIZE;
}

/* What stands in the place of the handler's answer says what it is, and to a program, too. */
static void check_problem(const struct scene *scene, const struct reply *reply)
{
    char type[128];

    ck_assert_ptr_nonnull(reply_field(reply, "Content-Type", type, sizeof(type)));
    ck_assert_str_eq(type, "application/problem+json");
    ck_assert_msg(strchr(reply->body, '{') != NULL, "%s: %s", scene->label, reply->body);
}

static void commit(struct scene *scene)
{
    char *text = scene->seen->client;
    size_t size = sizeof(scene->seen->client);
    struct reply reply = {0};
    enum wire_event event = WIRE_CLOSED;

    if (wire_send_get(&scene->poisoned, scene->path))
        event = wire_read(&scene->poisoned, &reply, patience(8000));
    if (event == WIRE_REPLY) {
        int status = reply.status;

        if (status >= 500 && is_promised(scene) && strcmp(scene->cell->dies, NOBODY) != 0)
            check_problem(scene, &reply);
        bytes_add(&scene->answer, reply.body, reply.length);
        snprintf(text, size, "%d, %s", status, is_usable(&scene->poisoned) ? "kept" : "not kept");
    } else if (event == WIRE_CLOSED || event == WIRE_RESET) {
        snprintf(text, size, "connection ends");
    } else {
        snprintf(text, size, "%s", event == WIRE_CUT ? "cut short" : wire_event_name(event));
    }
}

/* --- after --- */

static bool is_known(const struct scene *scene, pid_t pid)
{
    for (size_t i = 0; i < scene->worker_count; i++)
        if (scene->workers[i] == pid)
            return true;
    return false;
}

/* Each new one stands for one that died. A child ends after each request, so the log has to tell. */
static const char *who_died(const struct scene *scene)
{
    pid_t now[MAX_PROCESSES];
    size_t count = server_workers(&scene->server, now);

    for (size_t i = 0; i < count; i++)
        if (!is_known(scene, now[i]))
            return scene->server.subject == &subjects[THREAD] ? PROCESS : WORKER;
    if (scene->server.subject == &subjects[THREAD])
        return thread_count(scene_holder(scene)) > scene->threads ? THREAD_LOST : NOBODY;
    return server_logged(&scene->server, "the child of worker", scene->path, 0) ? CHILD : NOBODY;
}

static bool is_as_expected(void *subject)
{
    const struct scene *scene = subject;

    return strcmp(who_died(scene), scene->cell->dies) == 0;
}

static void count_the_dead(struct scene *scene)
{
    pid_t now[MAX_PROCESSES];

    if (!is_promised(scene)) {
        scene->seen->dies = UNPROTECTED;
        return;
    }
    (void)eventually(is_as_expected, scene, patience(SETTLE_MS));
    scene->seen->dies = who_died(scene);
    server_await_workers(&scene->server, now, scene->worker_count);
}

/* The listeners stay open whatever happens: a new connection is never refused. */
static void open_new_connections(const struct scene *scene)
{
    for (int i = 0; i < NEW_CONNECTIONS; i++) {
        struct wire other = wire_open(scene->server.port);

        if (is_promised(scene))
            wire_expect_usable(&other, scene->label);
        wire_close(&other);
    }
}

static void close_all(struct scene *scene)
{
    wire_close(&scene->poisoned);
    wire_close(&scene->half);
    wire_close(&scene->busy);
    for (int i = 0; i < IDLE; i++)
        wire_close(&scene->idle[i]);
}

/* The two that have a request under way lose it with their connection. */
static int ask_bystanders(struct scene *scene)
{
    struct reply reply;
    int broken = 0;

    if (wire_read(&scene->busy, &reply, patience(5000)) != WIRE_REPLY || reply.status != 200 ||
        reply.length != 77)
        broken++;
    if (!wire_sendf(&scene->half, "cd") ||
        wire_read(&scene->half, &reply, patience(5000)) != WIRE_REPLY || reply.status != 200 ||
        strcmp(reply.body, "abcd") != 0)
        broken++;
    scene->seen->victims += broken;
    scene->seen->requests += 2;
    for (int i = 0; i < IDLE; i++)
        broken += !is_usable(&scene->idle[i]);
    return broken;
}

static void count_victims(struct scene *scene)
{
    struct seen *seen = scene->seen;
    struct load_account account;

    ck_assert_msg(load_await(&scene->load, WITNESSES, patience(5000)),
                  "%s: the traffic comes to nothing", scene->label);
    account = load_stop(&scene->load);
    seen->victims = account.failed + account.late;
    seen->requests = account.requests;
    seen->away = account.away;
    seen->lost = ask_bystanders(scene);
    close_all(scene);
    if (!is_promised(scene))
        seen->others = ANYONE;
    else if (strcmp(scene->cell->others, AN_HEIR) == 0 && seen->victims + seen->lost <= HEIRS)
        seen->others = AN_HEIR;
    else if (seen->victims == 0 && seen->lost == 0)
        seen->others = NO_ONE;
    else if (seen->victims == 0 && seen->lost == 1)
        seen->others = ONE_OTHER;
    else
        seen->others = seen->victims > 0 && seen->lost == BYSTANDERS ? EVERYONE : "some lose";
}

/* --- at rest --- */

void scene_left(struct scene *scene, const char *what)
{
    size_t length = strlen(scene->seen->left);

    snprintf(scene->seen->left + length, sizeof(scene->seen->left) - length, "%s%s",
             scene->left_count++ > 0 ? ", " : "leaves ", what);
}

static bool holds_no_more_descriptors(void *subject)
{
    const struct scene *scene = subject;

    return open_descriptors(scene_holder(scene)) <= scene->descriptors + SLACK_DESCRIPTORS;
}

static bool has_as_many_processes(void *subject)
{
    const struct scene *scene = subject;
    pid_t found[MAX_PROCESSES];

    return server_processes(&scene->server, found) == scene->processes;
}

static bool holds_no_more_memory(void *subject)
{
    const struct scene *scene = subject;

    return !scene_measures_memory() ||
           memory_of_all(&scene->server) <= scene->memory + SLACK_MEMORY;
}

/* Where nothing is promised, a scribble may have made anything look as if it were in use, and what is
 * left is not judged; that the service goes on has been asked for by then (commit_more). */
static void look_for_leftovers(struct scene *scene)
{
    int settle = patience(SETTLE_MS);

    if (!is_promised(scene)) {
        snprintf(scene->seen->left, sizeof(scene->seen->left), "%s", SERVICE);
        return;
    }
    if (strcmp(scene->seen->dies, THREAD_LOST) == 0)
        scene_left(scene, LOST_THREAD);
    if (!eventually(holds_no_more_descriptors, scene, settle))
        scene_left(scene, DESCRIPTORS);
    if (!eventually(has_as_many_processes, scene, settle))
        scene_left(scene, "processes");
    if (!eventually(holds_no_more_memory, scene, patience(200)))
        scene_left(scene, MEMORY);
    if (scene->row->look != NULL)
        scene->row->look(scene);
    if (scene->left_count == 0)
        snprintf(scene->seen->left, sizeof(scene->seen->left), "%s", NOTHING);
}

/* The logger may still be about to write it. */
static bool has_its_line(void *subject)
{
    const struct scene *scene = subject;
    char line[192];
    int status = (int)strtol(scene->seen->client, NULL, 10);
    struct bytes log = bytes_of_file(scene->server.access_log);

    snprintf(line, sizeof(line), "\"GET %s HTTP/1.1\" %d ", scene->path, status);
    bool has_it = status == 0 || strstr(log.at, line) != NULL;
    bytes_free(&log);
    return has_it;
}

/* Who died says the log, by what, and of which request; and the request has its line in the access
 * log like any other. */
static void read_the_logs(struct scene *scene)
{
    const char *words = scene->row->words;

    ck_assert_msg(eventually(has_its_line, scene, patience(3000)),
                  "%s: the access log has no line of GET %s", scene->label, scene->path);
    if (!is_promised(scene) || strcmp(scene->cell->dies, NOBODY) == 0)
        return;
    ck_assert_msg(server_logged(&scene->server, words, scene->path, patience(3000)),
                  "%s: no line in the log with %s and %s", scene->label,
                  words ? words : "the cause", scene->path);
}

/* --- the verdict --- */

static void compare(const struct scene *scene, const char *column, const char *expected,
                    const char *seen)
{
    const struct seen *all = scene->seen;

    ck_assert_msg(strcmp(expected, seen) == 0,
                  "%s: %s: expected \"%s\" (%s), seen \"%s\"; %ld of %ld requests and %d of %d "
                  "connections lost",
                  scene->label, column, expected, scene->cell->why, seen, all->victims,
                  all->requests, all->lost, BYSTANDERS);
}

static void judge(const struct scene *scene)
{
    const struct seen *seen = scene->seen;

    compare(scene, "who dies", scene->cell->dies, seen->dies);
    if (is_promised(scene))
        compare(scene, "what the client sees", scene->cell->client, seen->client);
    compare(scene, "who else notices", scene->cell->others, seen->others);
    compare(scene, "what is left behind", scene->cell->left, seen->left);
    ck_assert_msg(!is_promised(scene) || seen->away <= patience(AWAY_MS),
                  "%s: no service for %d ms", scene->label, (int)seen->away);
}

/* A sanitizer's report fails the test, except on what the allocator is meant to notice. */
static void strike(struct scene *scene)
{
    if (strncmp(scene->row->fault, "heap-", strlen("heap-")) == 0)
        ck_assert_int_eq(server_stop(&scene->server), 0);
    else
        server_stop_noisy(&scene->server);
}

void scene_perform(const struct row *row, int subject, struct seen *seen)
{
    static struct scene scene; /* of a size that no stack should bear */

    scene = (struct scene){.row = row, .cell = row->expected[subject], .seen = seen};
    *seen = (struct seen){0};
    snprintf(scene.path, sizeof(scene.path), "/fault/%s", row->fault);
    snprintf(scene.label, sizeof(scene.label), "%s: %s", subjects[subject].name, row_name(row));
    set_scene(&scene, subject);
    commit(&scene);
    count_the_dead(&scene);
    if (row->settle != NULL)
        row->settle(&scene);
    open_new_connections(&scene);
    count_victims(&scene);
    look_for_leftovers(&scene);
    read_the_logs(&scene);
    judge(&scene);
    bytes_free(&scene.answer);
    strike(&scene);
    seen->is_complete = true;
}
