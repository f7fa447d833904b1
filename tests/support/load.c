/*
 * The client side of a victim. It is a process of its own, so that what a test waits for does not
 * hold up the traffic, nor the traffic what a test measures.
 */
#include "load.h"

#include "patience.h"
#include "wire.h"
#include "workshop.h"

#include <check.h>
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

/* Answers counted by how long they took: steps of an eighth, from 1 µs to a quarter of an hour. */
enum { STEPS = 8, TIMES = 30 * STEPS };

struct load_sheet {
    _Atomic bool must_mark, must_stop; /* asked for by the test */
    _Atomic long answers;              /* since the start: is it running at all? */
    _Atomic long requests, failed, late;
    _Atomic int64_t away;
    long times[TIMES];
    int64_t worst;
    char first[LOAD_WORDS];
};

struct client {
    struct wire wire;
    bool is_open;
    bool is_owed;  /* an answer */
    int64_t asked; /* µs */
    long number;   /* of the request: says what was asked */
};

/* Lives in the process alone. */
struct crowd {
    struct load_sheet *sheet;
    struct client clients[LOAD_MOST];
    struct load_plan plan;
    uint16_t port;
    long number;
    int64_t due;  /* µs: the next request, where there is a rate */
    int64_t good; /* ms: when the last good answer came */
};

/* --- what is asked, and what must come back --- */

enum { LONGEST_BODY = 40000 };

/* 0: one.txt; else a body of that length to be echoed. */
static size_t body_length(const struct crowd *crowd, long number)
{
    static const size_t lengths[] = {0, 20, 0, 5000, 0, 300, 0, LONGEST_BODY};

    return crowd->plan.is_mixed ? lengths[number % 8] : 0;
}

/* one.txt as the workshop makes it, or bytes that only this number has. */
static void expected_bytes(char *to, size_t length, long number)
{
    size_t shift = length == ONE_SIZE ? 0 : (size_t)number * 7;

    for (size_t i = 0; i < length; i++)
        to[i] = "abcdefghijklmnopqrstuvwxyz"[(i + shift) % 26];
    if (length != ONE_SIZE && length >= sizeof(number))
        memcpy(to, &number, sizeof(number));
}

static bool send_request(const struct crowd *crowd, struct client *client)
{
    static char body[LONGEST_BODY];
    size_t length = body_length(crowd, client->number);

    if (length == 0)
        return wire_send_get(&client->wire, "/one.txt");
    expected_bytes(body, length, client->number);
    return wire_sendf(&client->wire,
                      "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: %zu\r\n\r\n", length) &&
           wire_send(&client->wire, body, length);
}

static bool is_right(const struct crowd *crowd, const struct client *client,
                     const struct reply *reply)
{
    static char wanted[LONGEST_BODY];
    size_t length = body_length(crowd, client->number);

    length = length == 0 ? ONE_SIZE : length;
    expected_bytes(wanted, length, client->number);
    return reply->status == 200 && reply->length == length &&
           memcmp(reply->body, wanted, length) == 0;
}

/* --- the account --- */

static void look_at_clock(struct crowd *crowd)
{
    int64_t away = now_ms() - crowd->good;

    if (away > crowd->sheet->away)
        crowd->sheet->away = away;
}

static int step_of(int64_t us)
{
    int doublings = 0;

    for (us = us < 1 ? 1 : us; us >= 2 * STEPS; us /= 2)
        doublings++;
    doublings = doublings * STEPS + (int)us;
    return doublings < TIMES ? doublings : TIMES - 1;
}

/* The upper end of a step, in µs. */
static int64_t end_of_step(int step)
{
    int doublings = step < 2 * STEPS ? 0 : step / STEPS - 1;

    return (int64_t)(step - doublings * STEPS + 1) << doublings;
}

static int64_t quantile(const long *times, double share)
{
    long all = 0, seen = 0;
    int step = 0;

    for (int i = 0; i < TIMES; i++)
        all += times[i];
    while (step < TIMES - 1 && (double)(seen += times[step]) < share * (double)all)
        step++;
    return all > 0 ? end_of_step(step) : 0;
}

static void note_time(struct crowd *crowd, int64_t us)
{
    struct load_sheet *sheet = crowd->sheet;

    sheet->times[step_of(us)]++;
    sheet->worst = us > sheet->worst ? us : sheet->worst;
    sheet->late += us > (int64_t)crowd->plan.late * 1000;
}

static void drop(struct client *client)
{
    wire_close(&client->wire);
    client->is_open = client->is_owed = false;
}

/* Of an answer, the status line and the body: a server says there why it refuses. */
static void blame(struct crowd *crowd, struct client *client, const char *what,
                  const struct reply *reply)
{
    struct load_sheet *sheet = crowd->sheet;
    int line = reply ? (int)strcspn(reply->head, "\r\n") : 0;

    if (*sheet->first == '\0')
        snprintf(sheet->first, sizeof(sheet->first), "request %ld, after %.1f ms: %s %.*s %.200s",
                 client->number, (double)(now_us() - client->asked) / 1e3, what, line,
                 reply ? reply->head : "", reply ? reply->body : "");
    sheet->failed++;
    drop(client);
}

/* --- in the process --- */

static void ask(struct crowd *crowd, struct client *client)
{
    if (!client->is_open && !wire_try_open(&client->wire, crowd->port)) {
        pause_ms(1);
        return;
    }
    client->is_open = true;
    client->asked = crowd->plan.rate > 0 ? crowd->due : now_us();
    client->is_owed = true;
    client->number = crowd->number++;
    crowd->sheet->requests++;
    if (!send_request(crowd, client))
        blame(crowd, client, "the connection has ended", NULL);
}

static void take_answer(struct crowd *crowd, struct client *client, const struct reply *reply)
{
    client->is_owed = false;
    if (!is_right(crowd, client, reply)) {
        blame(crowd, client, "a wrong answer:", reply);
        return;
    }
    note_time(crowd, now_us() - client->asked);
    crowd->sheet->answers++;
    look_at_clock(crowd);
    crowd->good = now_ms();
}

static void look_at(struct crowd *crowd, struct client *client)
{
    struct reply reply;
    enum wire_event event = wire_poll(&client->wire, &reply);

    if (event == WIRE_REPLY)
        take_answer(crowd, client, &reply);
    else if (event != WIRE_SILENCE)
        blame(crowd, client, wire_event_name(event), NULL);
}

/* What is on its way now is counted: it may become a victim. */
static void look_for_mark(struct crowd *crowd)
{
    struct load_sheet *sheet = crowd->sheet;

    if (!sheet->must_mark)
        return;
    sheet->requests = sheet->failed = sheet->late = 0;
    for (int i = 0; i < crowd->plan.connections; i++)
        sheet->requests += crowd->clients[i].is_owed;
    memset(sheet->times, 0, sizeof(sheet->times));
    sheet->away = sheet->worst = 0;
    *sheet->first = '\0';
    crowd->good = now_ms();
    sheet->must_mark = false;
}

/* Asks where it is time to. */
static void ask_all(struct crowd *crowd)
{
    for (int i = 0; i < crowd->plan.connections; i++) {
        if (crowd->plan.rate > 0 && now_us() < crowd->due)
            return;
        if (crowd->clients[i].is_owed)
            continue;
        ask(crowd, &crowd->clients[i]);
        if (crowd->plan.rate > 0)
            crowd->due += 1000000 / crowd->plan.rate;
    }
}

static void wait_for_any(const struct crowd *crowd, struct pollfd *waits)
{
    int64_t us = crowd->due - now_us();
    struct timespec time = {.tv_nsec = 5000000};

    if (crowd->plan.rate > 0 && us < 5000)
        time.tv_nsec = us > 0 ? us * 1000 : 0;
    ppoll(waits, (nfds_t)crowd->plan.connections, &time, NULL);
}

static bool turn(struct crowd *crowd, bool may_ask)
{
    struct pollfd waits[LOAD_MOST];
    bool anyone_waits = false;

    if (may_ask)
        ask_all(crowd);
    for (int i = 0; i < crowd->plan.connections; i++) {
        struct client *client = &crowd->clients[i];

        anyone_waits |= client->is_owed;
        waits[i] = (struct pollfd){.fd = client->is_owed ? client->wire.fd : -1, .events = POLLIN};
    }
    wait_for_any(crowd, waits);
    for (int i = 0; i < crowd->plan.connections; i++)
        if (crowd->clients[i].is_owed)
            look_at(crowd, &crowd->clients[i]);
    return anyone_waits;
}

static _Noreturn void run(struct crowd *crowd)
{
    int64_t end;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (!crowd->sheet->must_stop) {
        look_for_mark(crowd);
        turn(crowd, true);
    }
    look_at_clock(crowd);
    for (end = now_ms() + crowd->plan.late; now_ms() < end;)
        if (!turn(crowd, false))
            break;
    for (int i = 0; i < crowd->plan.connections; i++)
        if (crowd->clients[i].is_owed)
            blame(crowd, &crowd->clients[i], "no answer at all", NULL);
    _exit(EXIT_SUCCESS);
}

/* --- in the test --- */

struct target {
    struct load_sheet *sheet;
    long answers;
};

static bool is_reached(void *subject)
{
    const struct target *target = subject;

    return target->sheet->answers >= target->answers;
}

bool load_await(struct load *load, long answers, int ms)
{
    struct target target = {load->sheet, load->sheet->answers + answers};

    return eventually(is_reached, &target, ms);
}

static bool is_marked(void *subject)
{
    struct load_sheet *sheet = subject;

    return !sheet->must_mark;
}

struct load load_start_as(uint16_t port, struct load_plan plan)
{
    static struct crowd crowd;
    struct load load;

    load.sheet =
        mmap(NULL, sizeof(*load.sheet), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(load.sheet != MAP_FAILED);
    plan.connections = plan.connections > 0 ? plan.connections : LOAD_CONNECTIONS;
    ck_assert_int_le(plan.connections, LOAD_MOST);
    crowd = (struct crowd){.port = port, .plan = plan, .sheet = load.sheet, .due = now_us()};
    crowd.good = now_ms();
    load.pid = fork();
    if (load.pid == 0)
        run(&crowd);
    ck_assert_int_gt(load.pid, 0);
    ck_assert_msg(load_await(&load, 4 * (long)LOAD_CONNECTIONS, patience(5000)),
                  "the traffic is not served");
    return load;
}

struct load load_start(uint16_t port, int late)
{
    return load_start_as(port, (struct load_plan){.late = late});
}

void load_mark(struct load *load)
{
    load->sheet->must_mark = true;
    ck_assert(eventually(is_marked, load->sheet, patience(5000)));
}

struct load_account load_stop(struct load *load)
{
    struct load_sheet *sheet = load->sheet;
    struct load_account account;
    int status;

    sheet->must_stop = true;
    ck_assert_int_eq(waitpid(load->pid, &status, 0), load->pid);
    ck_assert_int_eq(status, 0);
    account = (struct load_account){.requests = sheet->requests,
                                    .failed = sheet->failed,
                                    .late = sheet->late,
                                    .away = sheet->away,
                                    .half = quantile(sheet->times, 0.5),
                                    .p99 = quantile(sheet->times, 0.99),
                                    .worst = sheet->worst};
    memcpy(account.first, sheet->first, sizeof(account.first));
    munmap(sheet, sizeof(*sheet));
    *load = (struct load){0};
    return account;
}
