/*
 * `kill -9` of a random worker every two milliseconds, under numbered requests.
 *
 * Each request carries a number of its own, so that an answer to another request is seen as such.
 * What must hold: every answer belongs to its request, no connection waits for ever, and at most
 * one request is lost per kill.  Once with connections that are kept, once with a new connection
 * for each request, so that kills fall between accept and the first byte, too.
 *
 * The processes that make others, the nursery and the nest, are killed likewise, less often.  With
 * them all that runs may be lost, and nothing that comes later.
 *
 * TANDEM_LONG=1: 20,000 kills of workers; else 500.
 */
#include "patience.h"
#include "proc.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 64, WORKERS = 8, SPARES = 4, STALL_MS = 8000, WHOLE_MS = 8000 };

/* Whom to kill, how often, and what each may cost. */
struct plan {
    const char *victim; /* as the process calls itself */
    int kills;
    int pause; /* ms between two … */
    int soon;  /* … and after every other one: its successor is killed as it starts */
    int cost;  /* requests */
};

static struct plan kill_workers(void)
{
    return (struct plan){"worker", long_run() ? 20000 : 500, 2, 2, 1};
}

static struct plan kill_makers(const char *victim)
{
    return (struct plan){victim, long_run() ? 100 : 10, 300, 4, WORKERS};
}

/* --- the killer: a process of its own, so that it keeps its pace --- */

struct killer {
    pid_t pid;
    _Atomic int *kills; /* in memory that both share */
};

static void kill_on(const struct server *server, const struct killer *killer,
                    const struct plan *plan)
{
    pid_t victims[MAX_PROCESSES];
    int64_t next = now_ms();
    unsigned dice = 20250519;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (atomic_load(killer->kills) < plan->kills) {
        size_t count = keep_named(victims, server_processes(server, victims), plan->victim);

        dice = dice * 1103515245u + 12345u;
        if (count > 0 && kill(victims[(dice >> 16) % count], SIGKILL) == 0)
            atomic_fetch_add(killer->kills, 1);
        next += atomic_load(killer->kills) % 2 ? plan->soon : plan->pause;
        if (next > now_ms())
            pause_ms((int)(next - now_ms()));
        else
            next = now_ms(); /* the machine is busy: no salvo to catch up */
    }
    _exit(0);
}

static struct killer start_killer(const struct server *server, const struct plan *plan)
{
    struct killer killer;

    killer.kills = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(killer.kills, MAP_FAILED);
    killer.pid = fork();
    if (killer.pid == 0)
        kill_on(server, &killer, plan);
    ck_assert_int_gt(killer.pid, 0);
    return killer;
}

static bool has_finished(const struct killer *killer)
{
    return waitpid(killer->pid, NULL, WNOHANG) != 0;
}

static void end_killer(struct killer *killer, const struct plan *plan)
{
    ck_assert_int_eq(atomic_load(killer->kills), plan->kills);
    munmap(killer->kills, 4096);
}

/* --- the clients: 64 in one loop, each with one request on its way --- */

struct client {
    struct wire wire;
    bool is_waiting;
    long number;
    int64_t asked;
};

struct run {
    const struct server *server;
    bool keeps_connections;
    struct client clients[CLIENTS];
    long next_number;
    long answered;
    long lost;
    int64_t longest; /* ms that a request has waited for its answer */
};

static void lose(struct run *run, struct client *client)
{
    wire_close(&client->wire);
    client->wire = wire_open(run->server->port);
    client->is_waiting = false;
    run->lost++;
}

static void ask(struct run *run, struct client *client)
{
    char body[32];
    int length = snprintf(body, sizeof(body), "request %ld", ++run->next_number);

    client->number = run->next_number;
    client->asked = now_ms();
    client->is_waiting = wire_sendf(
        &client->wire, "POST /echo HTTP/1.1\r\nHost: test\r\n%sContent-Length: %d\r\n\r\n%s",
        run->keeps_connections ? "" : "Connection: close\r\n", length, body);
    if (!client->is_waiting)
        lose(run, client);
}

static void take_answer(struct run *run, struct client *client, const struct reply *reply)
{
    char wanted[32];
    int64_t took = now_ms() - client->asked;

    run->longest = took > run->longest ? took : run->longest;
    /* A worker that dies in a handler leaves a 500 behind: lost, and said so. */
    if (reply->status == 500) {
        run->lost++;
    } else {
        snprintf(wanted, sizeof(wanted), "request %ld", client->number);
        if (reply->status != 200 || strcmp(reply->body, wanted) != 0)
            ck_abort_msg("%s: request %ld got the answer %d: %s", run->server->subject->name,
                         client->number, reply->status, reply->body);
        run->answered++;
    }
    client->is_waiting = false;
    if (!run->keeps_connections) {
        wire_close(&client->wire);
        client->wire = wire_open(run->server->port);
    }
}

static void look_at(struct run *run, struct client *client)
{
    struct reply reply;

    switch (wire_poll(&client->wire, &reply)) {
    case WIRE_REPLY:
        take_answer(run, client, &reply);
        break;
    case WIRE_CLOSED:
    case WIRE_RESET:
    case WIRE_CUT:
        lose(run, client);
        break;
    case WIRE_GARBLED:
        ck_abort_msg("%s: request %ld got bytes that are no answer: %.100s",
                     run->server->subject->name, client->number, client->wire.inbox.at);
    case WIRE_SILENCE:
        if (now_ms() - client->asked > patience(STALL_MS))
            ck_abort_msg("%s: request %ld on a connection that stalled", run->server->subject->name,
                         client->number);
        break;
    }
}

/* One round: ask where nothing is on its way, then wait for any answer. */
static void turn(struct run *run, bool may_ask)
{
    struct pollfd waits[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        if (!run->clients[i].is_waiting && may_ask)
            ask(run, &run->clients[i]);
        waits[i] = (struct pollfd){.fd = run->clients[i].wire.fd, .events = POLLIN};
    }
    poll(waits, CLIENTS, 20);
    for (int i = 0; i < CLIENTS; i++)
        if (run->clients[i].is_waiting)
            look_at(run, &run->clients[i]);
}

static bool anyone_waits(const struct run *run)
{
    for (int i = 0; i < CLIENTS; i++)
        if (run->clients[i].is_waiting)
            return true;
    return false;
}

/*
 * A worker that dies between the last byte of an answer and its next step leaves its connection in
 * doubt, and that is reset: no request is lost, but the client has to connect anew.  When all of the
 * dead have been replaced, that has been done.
 */
static void look_back(struct run *run)
{
    struct reply reply;

    for (int i = 0; i < CLIENTS; i++) {
        struct wire *wire = &run->clients[i].wire;
        enum wire_event event = wire_poll(wire, &reply);

        if (event == WIRE_CLOSED || event == WIRE_RESET)
            lose(run, &run->clients[i]);
        wire_expect_usable(wire, "after the kills");
        wire_close(wire);
    }
}

/* The logger, the nursery and all workers; in fresh the nest and all spares, too. */
static size_t processes_of(const struct server *server)
{
    return 2 + WORKERS + (server->subject == &subjects[FRESH] ? 1 + SPARES : 0);
}

static bool is_whole(void *subject)
{
    const struct server *server = subject;
    pid_t found[MAX_PROCESSES];

    return server_processes(server, found) == processes_of(server);
}

static void await_whole(struct server *server, const char *when)
{
    pid_t found[MAX_PROCESSES];

    ck_assert_msg(eventually(is_whole, server, patience(WHOLE_MS)),
                  "%s: %zu processes %s, instead of %zu", server->subject->name,
                  server_processes(server, found), when, processes_of(server));
}

struct holdings {
    const struct server *server;
    int descriptors;
};

static bool holds_no_more(void *subject)
{
    const struct holdings *before = subject;

    return open_descriptors(before->server->pid) <= before->descriptors + 3;
}

static struct holdings take_stock(struct server *server)
{
    await_whole(server, "before the kills");
    ck_assert_int_eq(fetch_status(server->port, "/one.txt", patience(5000)), 200);
    pause_ms(patience(200));
    return (struct holdings){.server = server, .descriptors = open_descriptors(server->pid)};
}

static void judge(const struct run *run, const struct plan *plan, int64_t ms)
{
    const char *name = run->server->subject->name;

    printf("%s: %ld answers, %ld requests lost by %d kills of a %s, in %.1f s; the longest waited "
           "%d ms\n",
           name, run->answered, run->lost, plan->kills, plan->victim, (double)ms / 1e3,
           (int)run->longest);
    ck_assert_int_gt(run->answered, plan->kills / 10);
    ck_assert_msg(run->lost <= (long)plan->kills * plan->cost, "%s: %ld lost by %d kills of a %s",
                  name, run->lost, plan->kills, plan->victim);
}

static void run_under_kills(int subject, bool keeps_connections, struct plan plan)
{
    static struct run run;
    struct holdings before;
    struct server server;
    struct killer killer;
    int64_t began;

    run = (struct run){.keeps_connections = keeps_connections, .server = &server};
    server_start(
        &server, subject,
        OPTIONS("--enable-demo", "--workers", "8", "--spare", "4", "--log-level", "error"));
    before = take_stock(&server);
    killer = start_killer(&server, &plan);
    for (int i = 0; i < CLIENTS; i++)
        run.clients[i].wire = wire_open(server.port);
    for (began = now_ms(); !has_finished(&killer);)
        turn(&run, true);
    end_killer(&killer, &plan);
    while (anyone_waits(&run))
        turn(&run, false);
    pause_ms(patience(200)); /* who has been killed may be about to die */
    await_whole(&server, "after the kills");
    look_back(&run);
    judge(&run, &plan, now_ms() - began);
    ck_assert_msg(eventually(holds_no_more, &before, patience(WHOLE_MS)),
                  "%s: %d descriptors before, %d after", server.subject->name, before.descriptors,
                  open_descriptors(server.pid));
    await_whole(&server, "at the end");
    server_stop_noisy(&server);
}

START_TEST(numbered_requests_on_kept_connections)
{
    run_under_kills(_i, true, kill_workers());
}
END_TEST

START_TEST(numbered_requests_on_new_connections)
{
    run_under_kills(_i, false, kill_workers());
}
END_TEST

START_TEST(the_nursery_dies)
{
    run_under_kills(_i, true, kill_makers("nursery"));
}
END_TEST

START_TEST(the_nest_dies)
{
    run_under_kills(FRESH, true, kill_makers("nest"));
}
END_TEST

/* --- a nest that dies behind a worker's back --- */

struct hunt {
    struct server *server;
    pid_t nest; /* the one that is killed */
};

static pid_t nest_of(const struct server *server)
{
    pid_t found[MAX_PROCESSES];

    return keep_named(found, server_processes(server, found), "nest") == 1 ? found[0] : -1;
}

static bool has_another_nest(void *subject)
{
    const struct hunt *hunt = subject;
    pid_t nest = nest_of(hunt->server);

    return nest > 0 && nest != hunt->nest && is_whole(hunt->server);
}

/* The head of an answer whose end is far away. */
static bool has_begun(void *subject)
{
    struct wire *wire = subject;
    struct reply reply;

    (void)wire_poll(wire, &reply);
    return wire->inbox.length > 0 && strstr(wire->inbox.at, "\r\n\r\n") != NULL;
}

static void signal_all(const pid_t *pids, size_t count, int number)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(kill(pids[i], number), 0);
}

/*
 * A worker that waits for a spare may get the CPU back only when another nest has already taken the
 * place of the dead one, and must not go on to wait for that: it was never called.
 */
START_TEST(the_nest_is_replaced_while_workers_sleep)
{
    struct server server;
    struct hunt hunt = {.server = &server};
    pid_t workers[MAX_PROCESSES];
    struct reply reply;
    struct wire wire;

    server_start(&server, FRESH,
                 OPTIONS("--workers", "8", "--spare", "4", "--log-level", "error", "--module",
                         module_object("streams.so")));
    await_whole(&server, "at first");
    ck_assert_int_gt(hunt.nest = nest_of(&server), 0);
    ck_assert_uint_eq(server_await_workers(&server, workers, WORKERS), WORKERS);
    wire = wire_open(server.port);
    ck_assert(wire_send_get(&wire, "/stream?bytes=1000000&piece=1&pause=1000"));
    ck_assert(eventually(has_begun, &wire, patience(5000)));
    signal_all(workers, WORKERS, SIGSTOP);
    ck_assert_int_eq(kill(hunt.nest, SIGKILL), 0);
    ck_assert_msg(eventually(has_another_nest, &hunt, patience(WHOLE_MS)),
                  "there is no other nest");
    signal_all(workers, WORKERS, SIGCONT);
    ck_assert_str_eq(wire_event_name(wire_read(&wire, &reply, patience(STALL_MS))),
                     wire_event_name(WIRE_CUT));
    wire_close(&wire);
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(5000)), 200);
    server_stop_noisy(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kill");
    TCase *tcase = tcase_create("kill");

    add_for_each_isolated(tcase, numbered_requests_on_kept_connections);
    add_for_each_isolated(tcase, numbered_requests_on_new_connections);
    add_for_each_isolated(tcase, the_nursery_dies);
    if (subject_count() > FRESH) {
        tcase_add_test(tcase, the_nest_dies);
        tcase_add_test(tcase, the_nest_is_replaced_while_workers_sleep);
    }
    tcase_set_timeout(tcase, case_limit(long_run() ? 600 : 40));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
