/*
 * A route that keeps killing is put aside, and the others go on as if nothing were.
 *
 *      traffic alone │ traffic, and fifty who ask for the killing route over and over
 *      ──────────────┼───────────────────────────────────────────────────────────────▶
 *        undisturbed │ deaths … │ 503, 503, …  probe ✝  503, …  probe ✝  503, …
 *                    └── onset ─┘
 *
 * Threads die together, so with them the traffic is hit by each death; but there are few: the
 * quarantine outlives the process.
 */
#include "load.h"
#include "patience.h"
#include "proc.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KILLERS = 50, WORKERS = 8, DEATHS = 5, RATE = 200, INNOCENTS = 20 };
enum { ONSET_MS = 1000, AT_ONCE_MS = 500, REST_MS = 20, LATE_MS = 2000 };
enum { FLOOR_US = 5000 /* below this a percentile is the scheduler's */, TRIES = 3 };

static int watch_ms(void)
{
    return long_run() ? 15000 : 3500;
}

static void start(struct server *server, int subject, const char *quarantine)
{
    server_start(server, subject,
                 OPTIONS("--enable-faults", "--workers", "8", "--admin", "127.0.0.1:0",
                         "--log-level", "warn", "--module", module_object("moody.so"),
                         quarantine ? "--quarantine" : NULL, quarantine));
}

/* --- the fifty --- */

struct killer {
    struct wire wire;
    bool is_waiting;
    int64_t asked; /* or, when it is not waiting: when to ask again */
};

struct attack {
    const struct server *server;
    struct killer killers[KILLERS];
    long deaths, refused;
    int64_t first_death, first_refusal, slowest_refusal;
};

static void note_death(struct attack *attack)
{
    attack->deaths++;
    if (attack->first_death == 0)
        attack->first_death = now_ms();
}

/* 503, when to come again, and why: at once. */
static void note_refusal(struct attack *attack, const struct killer *killer,
                         const struct reply *reply)
{
    int64_t took = now_ms() - killer->asked;
    char value[64];

    ck_assert_int_eq(reply->status, 503);
    ck_assert_ptr_nonnull(reply_field(reply, "Content-Type", value, sizeof(value)));
    ck_assert_str_eq(value, "application/problem+json");
    ck_assert_ptr_nonnull(reply_field(reply, "Retry-After", value, sizeof(value)));
    ck_assert_int_ge(strtol(value, NULL, 10), 1);
    ck_assert_int_le(strtol(value, NULL, 10), 60);
    ck_assert_ptr_nonnull(strstr(reply->body, "quarantine"));
    attack->refused++;
    if (attack->first_refusal == 0)
        attack->first_refusal = now_ms();
    if (took > attack->slowest_refusal)
        attack->slowest_refusal = took;
}

static void look_at(struct attack *attack, struct killer *killer)
{
    struct reply reply;
    enum wire_event event = wire_poll(&killer->wire, &reply);

    if (event == WIRE_SILENCE)
        return;
    if (event != WIRE_REPLY) { /* threads: all die with one */
        ck_assert_ptr_eq(attack->server->subject, &subjects[THREAD]);
        wire_close(&killer->wire);
        killer->wire = wire_open(attack->server->port);
        if (attack->first_death == 0)
            attack->first_death = now_ms();
    } else if (reply.status == 500) {
        note_death(attack);
    } else {
        note_refusal(attack, killer, &reply);
    }
    killer->is_waiting = false;
    killer->asked = now_ms() + REST_MS;
}

static void ask(struct killer *killer, const char *path, uint16_t port)
{
    if (!wire_send_get(&killer->wire, path)) {
        wire_close(&killer->wire);
        killer->wire = wire_open(port);
        return;
    }
    killer->is_waiting = true;
    killer->asked = now_ms();
}

static void attack_for(struct attack *attack, const char *path, int ms)
{
    int64_t end = now_ms() + ms;

    while (now_ms() < end) {
        struct pollfd waits[KILLERS];

        for (int i = 0; i < KILLERS; i++) {
            struct killer *killer = &attack->killers[i];

            if (!killer->is_waiting && now_ms() >= killer->asked)
                ask(killer, path, attack->server->port);
            waits[i] =
                (struct pollfd){.fd = killer->is_waiting ? killer->wire.fd : -1, .events = POLLIN};
        }
        poll(waits, KILLERS, 5);
        for (int i = 0; i < KILLERS; i++)
            if (attack->killers[i].is_waiting)
                look_at(attack, &attack->killers[i]);
    }
}

static void open_attack(struct attack *attack, const struct server *server)
{
    *attack = (struct attack){.server = server};
    for (int i = 0; i < KILLERS; i++)
        attack->killers[i].wire = wire_open(server->port);
}

static void close_attack(struct attack *attack)
{
    for (int i = 0; i < KILLERS; i++)
        wire_close(&attack->killers[i].wire);
}

/* --- what it costs whom --- */

/* Probes: one after a second, then after twice as long each time. */
static int probes_within(int64_t ms)
{
    int probes = 0;

    for (int64_t at = 1000, aside = 1000; at <= ms; aside *= 2, at += aside)
        probes++;
    return probes;
}

static void judge_attack(const struct attack *attack, int64_t watched)
{
    const char *name = attack->server->subject->name;
    int probes = probes_within(watched);
    int64_t onset = attack->first_refusal - attack->first_death;

    printf("%s: first refusal %d ms after the first death; %ld deaths (at most %d at once, and %d "
           "probes), %ld refused within %d ms each\n",
           name, (int)onset, attack->deaths, DEATHS + WORKERS, probes, attack->refused,
           (int)attack->slowest_refusal);
    ck_assert_int_gt(attack->first_death, 0);
    ck_assert_msg(attack->first_refusal > 0, "%s: the route is not put aside", name);
    ck_assert_int_le(onset, patience(ONSET_MS));
    ck_assert_int_le(attack->slowest_refusal, patience(AT_ONCE_MS));
    ck_assert_int_gt(attack->refused, KILLERS);
    ck_assert_int_ge(attack->deaths, DEATHS);
    ck_assert_int_le(attack->deaths, DEATHS + WORKERS + probes);
}

static struct load start_traffic(const struct server *server)
{
    struct load load = load_start_as(
        server->port,
        (struct load_plan){.connections = INNOCENTS, .rate = RATE, .late = patience(LATE_MS)});
    load_mark(&load);
    return load;
}

/* The percentile of an undisturbed time as long as the attack's. */
static int64_t undisturbed_p99(const struct server *server)
{
    struct load load = start_traffic(server);
    struct load_account account;

    pause_ms(watch_ms());
    account = load_stop(&load);
    ck_assert_msg(account.failed == 0, "%s", account.first);
    return account.p99;
}

/* Returns whether the innocent had it as good as before. */
static bool attack_once(int subject)
{
    struct server server;
    struct attack attack;
    struct load_account account;
    struct load load;
    int64_t before, began, allowed;

    start(&server, subject, "5/10s");
    before = undisturbed_p99(&server);
    load = start_traffic(&server);
    open_attack(&attack, &server);
    began = now_ms();
    attack_for(&attack, "/fault/segv", watch_ms());
    began = now_ms() - began;
    account = load_stop(&load);
    judge_attack(&attack, began);
    close_attack(&attack);
    printf("%s: %ld innocent requests, %ld failed, 99 %% within %.2f ms (before: %.2f ms), all "
           "within %.2f ms\n",
           server.subject->name, account.requests, account.failed, (double)account.p99 / 1e3,
           (double)before / 1e3, (double)account.worst / 1e3);
    ck_assert_msg(account.failed == 0, "%s: %ld innocent requests failed, the first: %s",
                  server.subject->name, account.failed, account.first);
    ck_assert(server_logged(&server, "put aside", "/fault/segv", patience(1000)));
    server_stop_noisy(&server);
    allowed = 2 * before > FLOOR_US ? 2 * before : FLOOR_US;
    return account.p99 <= allowed;
}

/* A machine that others use at the same time may spoil one comparison, and not each. */
START_TEST(sets_in_and_the_innocent_do_not_notice)
{
    int tries = 1;

    while (!attack_once(_i))
        ck_assert_msg(tries++ < TRIES || build_is_slow(),
                      "%s: the innocent wait more than twice as long", subjects[_i].name);
}
END_TEST

/* --- threads: the process dies, what is known of the route does not --- */

static bool is_served(void *subject)
{
    return fetch_status(((const struct server *)subject)->port, "/one.txt", patience(2000)) == 200;
}

static int count_in_log(const struct server *server, const char *words)
{
    struct bytes log = server_log(server);
    int count = 0;

    for (const char *at = log.at; (at = strstr(at, words)) != NULL; at++)
        count++;
    bytes_free(&log);
    return count;
}

START_TEST(outlives_the_process)
{
    struct server server;
    struct attack attack;
    int64_t began;
    int processes, probes;

    start(&server, THREAD, "5/10s");
    open_attack(&attack, &server);
    began = now_ms();
    attack_for(&attack, "/fault/segv", watch_ms());
    probes = probes_within(now_ms() - began);
    close_attack(&attack);
    ck_assert(eventually(is_served, &server, patience(3000)));
    processes = count_in_log(&server, "connections are gone");
    printf("thread: %d processes died (%d of probes), first refusal %d ms after the first death, "
           "%ld refused\n",
           processes, probes, (int)(attack.first_refusal - attack.first_death), attack.refused);
    ck_assert_int_gt(attack.refused, KILLERS);
    ck_assert_int_ge(processes, 1);
    ck_assert_int_le(processes, DEATHS + probes);
    server_stop_noisy(&server);
}
END_TEST

/* --- recovery --- */

struct patient {
    const struct server *server;
    int refused;
};

static bool is_well(void *subject)
{
    struct patient *patient = subject;
    int status = fetch_status(patient->server->port, "/moody", patience(3000));

    ck_assert_msg(status == 200 || status == 503, "/moody: %d", status);
    patient->refused += status == 503;
    return status == 200;
}

static bool is_aside(void *subject)
{
    const struct server *server = subject;

    (void)fetch_status(server->port, "/moody?die=1", patience(3000));
    return eventually(is_served, subject, patience(3000)) &&
           fetch_status(server->port, "/moody?die=1", patience(3000)) == 503;
}

START_TEST(is_well_again_when_a_probe_is_answered)
{
    struct server server;
    struct patient patient = {.server = &server};
    int64_t began;

    start(&server, _i, "5/10s");
    ck_assert_msg(eventually(is_aside, &server, patience(8000)), "%s: /moody is not put aside",
                  server.subject->name);
    began = now_ms();
    ck_assert_msg(eventually(is_well, &patient, patience(5000)), "%s: /moody is not tried again",
                  server.subject->name);
    printf("%s: well again after %d ms, %d refused before\n", server.subject->name,
           (int)(now_ms() - began), patient.refused);
    ck_assert_int_gt(patient.refused, 0);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(fetch_status(server.port, "/moody", patience(3000)), 200);
    server_stop_noisy(&server);
}
END_TEST

/* --- off --- */

/* Nothing is refused, and the log says once what would help. */
START_TEST(is_suggested_once_when_it_is_off)
{
    struct server server;

    start(&server, _i, NULL);
    for (int i = 0; i < 4 * DEATHS; i++) {
        int status = fetch_status(server.port, "/fault/segv", patience(5000));

        ck_assert_int_eq(status, _i == THREAD ? -1 : 500);
        ck_assert(eventually(is_served, &server, patience(3000)));
    }
    ck_assert_msg(server_logged(&server, "--quarantine", "/fault/segv", patience(1000)),
                  "%s: nothing is suggested", server.subject->name);
    ck_assert_int_eq(count_in_log(&server, "keeps killing"), 1);
    server_stop_noisy(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quarantine");
    TCase *tcase = tcase_create("quarantine");

    add_for_each_isolated(tcase, sets_in_and_the_innocent_do_not_notice);
    tcase_add_test(tcase, outlives_the_process);
    add_for_each_subject(tcase, is_well_again_when_a_probe_is_answered);
    add_for_each_subject(tcase, is_suggested_once_when_it_is_off);
    tcase_set_timeout(tcase, case_limit(long_run() ? 120 : 40));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
