/*
 * main.c — the gatehouse: reads the keys, keeps the gates, handles no client's byte.
 *
 *      start   options → keys → tickets → gates; the first gate that accepts tells the supervisor
 *      HUP     keys again; when they are good, a new generation of gates, and when all of it is there,
 *              the old ones serve their guests to the end (so for a moment both let people in, and at
 *              no time nobody); when they are not, one line, and nothing changes
 *      CHLD    a gate that had not finished is replaced at once
 *      DRAIN   no new guests; it ends with the last one
 *
 * It stays who has started it, so that it can open the keys again, while the gates become somebody
 * else; which is why it does nothing else. Nobody may look into its memory, or theirs.
 *
 * Started by the supervisor (../gatehouse.c), with what is open already at fixed numbers, and with the
 * arguments and the environment of the server; with --check among them, it looks at the keys and ends.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/death.h"
#include "common/log.h"
#include "common/privileges.h"
#include "common/sandbox.h"
#include "common/sanitized.h"
#include "common/signals.h"
#include "common/tls/context.h"
#include "common/tls/material.h"
#include "common/tls/tickets.h"
#include "gate.h"
#include "server-proc/gatehouse.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { ROUND = 5000 /* at most */, YOUNG = 100, PAUSE = 100 /* ms */ };

static struct gatehouse {
    struct options options;
    struct gate_board *board;
    struct tls_tickets *tickets;
    struct tls_context *context;
    int signals;
    struct child {
        pid_t pid;       /* 0: nobody on this bench */
        unsigned number; /* 1 … tls_gates */
        bool is_retired; /* others take its place */
        bool is_told;    /* so: it serves its guests to the end */
        int64_t born;    /* monotonic ms */
    } gates[GATE_BENCHES];
    int64_t not_before; /* monotonic ms: the next gate */
    bool wants_reload, waits_for_room;
    bool is_draining;
} self;

/* --- keys --- */

/* NULL: `why` says so. */
static struct tls_context *read_keys(char *why, size_t size)
{
    static struct material material;
    struct tls_context *c = NULL;
    if (material_read(&material, &self.options, why, size))
        c = tls_context_open(&material, &self.options, self.tickets, why, size);
    material_wipe(&material);
    return c;
}

static bool open_keys(void)
{
    char why[1024], line[1024];
    self.tickets = tls_tickets_open(self.options.tls_ticket_time);
    if (!self.tickets) {
        log_line(LOG_ERROR, "keys for tickets: %s", strerror(errno));
        return false;
    }
    self.context = read_keys(why, sizeof why);
    if (!self.context) {
        log_line(LOG_ERROR, "%s", why);
        return false;
    }
    tls_context_describe(self.context, line, sizeof line);
    log_line(LOG_INFO, "%s", line);
    return true;
}

static void close_keys(void)
{
    tls_context_close(self.context);
    if (self.tickets)
        tls_tickets_close(self.tickets);
}

/* --- a gate --- */

/* One of them tells for all, unless something is wrong. */
static bool enter_sandbox(unsigned number)
{
    const struct sandbox_needs needs = {
        .user = self.options.user, .wanted = self.options.sandbox, .is_gate = true};
    char line[512] = "";
    enum sandbox_result result = sandbox_enter(&needs, line, sizeof line);
    log_line(result == SANDBOX_FAILED ? LOG_ERROR
             : result == SANDBOX_WEAK ? LOG_WARN
             : number == 1            ? LOG_INFO
                                      : LOG_DEBUG,
             "%s", line);
    return result != SANDBOX_FAILED;
}

static int serve(const struct gate_charge *charge, unsigned number, pid_t gatehouse)
{
    static struct gate gate;
    int code = EXIT_FAILED;
    if (!gate_open(&gate, charge)) {
        log_line(LOG_ERROR, "the gate cannot be opened: %s", strerror(errno));
    } else if (enter_sandbox(number)) {
        signals_die_with(gatehouse); /* again, perhaps as another user */
        code = gate_serve(&gate);
    }
    gate_close(&gate);
    return code;
}

static int gate_main(size_t bench, unsigned number, pid_t gatehouse)
{
    char name[16];
    snprintf(name, sizeof name, "gate %u", number);
    prctl(PR_SET_NAME, name);
    signals_die_with(gatehouse);
    close(GATE_BOARD);
    const struct gate_charge charge = {.options = &self.options,
                                       .board = self.board,
                                       .bench = bench,
                                       .channel = GATE_CHANNEL,
                                       .listener = GATE_LISTENERS,
                                       .signals = self.signals,
                                       .context = self.context};
    return serve(&charge, number, gatehouse);
}

/* --- keeping them --- */

static bool has_gate(unsigned number)
{
    for (size_t i = 0; i < GATE_BENCHES; i++)
        if (self.gates[i].pid > 0 && !self.gates[i].is_retired && self.gates[i].number == number)
            return true;
    return false;
}

/* GATE_BENCHES: there is none. */
static size_t free_bench(void)
{
    size_t i = 0;
    while (i < GATE_BENCHES && self.gates[i].pid > 0)
        i++;
    return i;
}

/* False: not now. */
static bool make_gate(unsigned number)
{
    size_t bench = free_bench();
    pid_t gatehouse = getpid();
    pid_t pid = bench < GATE_BENCHES ? fork() : -1;
    if (pid == 0)
        exit(gate_main(bench, number, gatehouse));
    if (pid < 0) {
        log_line(LOG_WARN, "no new gate: %s; trying again in %d ms",
                 bench < GATE_BENCHES ? strerror(errno) : "too many old ones have guests", PAUSE);
        self.not_before = clock_ms() + PAUSE;
        return false;
    }
    self.gates[bench] = (struct child){.pid = pid, .number = number, .born = clock_ms()};
    return true;
}

/* False: some are missing. */
static bool fill(void)
{
    for (unsigned n = 1; n <= self.options.tls_gates; n++)
        if (!has_gate(n) && (clock_ms() < self.not_before || !make_gate(n)))
            return false;
    return true;
}

static size_t count_gates(void)
{
    size_t count = 0;
    for (size_t i = 0; i < GATE_BENCHES; i++)
        count += self.gates[i].pid > 0;
    return count;
}

static void retire_all(void)
{
    for (size_t i = 0; i < GATE_BENCHES; i++)
        self.gates[i].is_retired = true;
}

static void tell_retired(void)
{
    for (size_t i = 0; i < GATE_BENCHES; i++) {
        struct child *gate = &self.gates[i];
        if (gate->pid > 0 && gate->is_retired && !gate->is_told)
            gate->is_told = kill(gate->pid, GATE_DRAIN) == 0;
    }
}

/* They would end with this process, but a moment later. */
static void end_all(void)
{
    for (size_t i = 0; i < GATE_BENCHES; i++)
        if (self.gates[i].pid > 0 && kill(self.gates[i].pid, SIGKILL) == 0)
            waitpid(self.gates[i].pid, NULL, 0);
}

static void tell_death(const struct child *gate, int status)
{
    struct death d = {.status = status};
    char cause[DEATH_CAUSE_SIZE];
    log_line(LOG_ERROR, "gate %u (process %d) ended by %s: its connections are gone%s",
             gate->number, gate->pid, death_cause(&d, cause),
             gate->is_retired ? "" : "; starting another");
}

/* False: it is no use to go on: none has ever come up. */
static bool bury(struct child *gate, int status)
{
    bool is_up = atomic_load(&self.board->is_open);
    if (gate->is_retired && status == 0) {
        gate->pid = 0;
        return true;
    }
    if (!is_up && WIFEXITED(status))
        return false; /* it has said why */
    tell_death(gate, status);
    atomic_fetch_add(&self.board->figures.gate_deaths, 1);
    if (clock_ms() - gate->born < YOUNG)
        self.not_before = clock_ms() + PAUSE;
    gate->pid = 0;
    return true;
}

/* Likewise. */
static bool reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < GATE_BENCHES; i++)
            if (self.gates[i].pid == pid && !bury(&self.gates[i], status))
                return false;
    return true;
}

/* --- the loop --- */

/* The old gates have the old keys, and keep what they need of them. */
static void reload(void)
{
    char why[1024], line[1024];
    struct tls_context *fresh = read_keys(why, sizeof why);
    self.wants_reload = self.waits_for_room = false;
    if (!fresh) {
        log_line(LOG_ERROR, "the certificates stay what they were: %s", why);
        return;
    }
    tls_context_close(self.context);
    self.context = fresh;
    retire_all();
    tls_context_describe(self.context, line, sizeof line);
    log_line(LOG_INFO, "read again: %s", line);
}

/* Old gates that are still busy may sit on all benches: then it waits until some have left. */
static bool has_room(void)
{
    bool is_there = count_gates() + self.options.tls_gates <= GATE_BENCHES;
    if (!is_there && !self.waits_for_room)
        log_line(LOG_WARN,
                 "the certificates are read again later: %zu gates serve those who have connected "
                 "before the last times, and %u of them have to end first",
                 count_gates() - self.options.tls_gates, self.options.tls_gates);
    self.waits_for_room = !is_there;
    return is_there;
}

static void close_listeners(void)
{
    for (size_t i = 0; i < self.options.tls_listen.count; i++)
        close(GATE_LISTENERS + (int)i);
}

static void drain(void)
{
    if (self.is_draining)
        return;
    close_listeners();
    retire_all();
    tell_retired();
    self.is_draining = true;
}

/* ms to wait for signals. Keys of tickets may be rotated late, but not by a whole turn. */
static int patience(void)
{
    int64_t wait = self.not_before - clock_ms(), half_turn = self.options.tls_ticket_time / 2;
    return (int)(wait > 0 ? wait : half_turn < ROUND ? half_turn : ROUND);
}

static int keep(void)
{
    while (!self.is_draining || count_gates() > 0) {
        if (!self.is_draining && fill())
            tell_retired();
        unsigned came = signals_wait(self.signals, patience());
        if (!reap())
            return EXIT_FAILED;
        tls_tickets_rotate(self.tickets, clock_ms());
        if (came & SIGNAL_OWN)
            drain();
        self.wants_reload = self.wants_reload || came & SIGNAL_RELOAD;
        if (self.wants_reload && !self.is_draining && has_room())
            reload();
    }
    return EXIT_DONE;
}

/* --- the whole --- */

static int check(void)
{
    gate_reserve_descriptors(&self.options);
    bool is_fine = open_keys();
    close_keys();
    return is_fine ? EXIT_DONE : EXIT_FAILED;
}

static int run(void)
{
    self.board = gate_board_map(GATE_BOARD, &self.options);
    if (!self.board) {
        log_line(LOG_ERROR, "%s",
                 errno == EPROTO
                     ? "it was started by another version of server-proc: restart that"
                     : "this is a part of server-proc, which starts it: give --tls-listen to that");
        return EXIT_USAGE;
    }
    self.signals = signals_open();
    if (self.signals < 0) {
        log_line(LOG_ERROR, "signals: %s", strerror(errno));
        return EXIT_FAILED;
    }
    gate_reserve_descriptors(&self.options);
    int code = open_keys() ? keep() : EXIT_FAILED;
    end_all();
    close_keys();
    return code;
}

int main(int argc, char **argv)
{
    /* before there is anything to be seen; a leak checker has to see */
    if (!TANDEM_SANITIZED && !privileges_hide())
        return EXIT_FAILED;
    switch (options_read_again(&self.options, "tls-gate", argc, argv)) {
    case OPTIONS_DONE:
        return EXIT_DONE;
    case OPTIONS_BAD:
        return EXIT_USAGE;
    case OPTIONS_RUN:
        break;
    }
    log_open("tls-gate", self.options.log_level);
    return self.options.check ? check() : run();
}
