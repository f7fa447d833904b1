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
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct load_sheet {
    _Atomic bool must_mark, must_stop; /* asked for by the test */
    _Atomic long answers;              /* since the start: is it running at all? */
    _Atomic long requests, failed, late;
    _Atomic int64_t away;
};

struct client {
    struct wire wire;
    bool is_open;
    bool is_owed; /* an answer */
    int64_t asked;
};

/* Lives in the process alone. */
struct crowd {
    struct load_sheet *sheet;
    struct client clients[LOAD_CONNECTIONS];
    uint16_t port;
    int late;
    int64_t good; /* when the last good answer came */
};

/* --- in the process --- */

static void look_at_clock(struct crowd *crowd)
{
    int64_t away = now_ms() - crowd->good;

    if (away > crowd->sheet->away)
        crowd->sheet->away = away;
}

static void drop(struct client *client)
{
    wire_close(&client->wire);
    client->is_open = client->is_owed = false;
}

static void blame(struct crowd *crowd, struct client *client)
{
    crowd->sheet->failed++;
    drop(client);
}

static void ask(struct crowd *crowd, struct client *client)
{
    if (!client->is_open && !wire_try_open(&client->wire, crowd->port)) {
        pause_ms(1);
        return;
    }
    client->is_open = true;
    client->asked = now_ms();
    client->is_owed = true;
    crowd->sheet->requests++;
    if (!wire_send_get(&client->wire, "/one.txt"))
        blame(crowd, client);
}

static void take_answer(struct crowd *crowd, struct client *client, const struct reply *reply)
{
    client->is_owed = false;
    if (reply->status != 200 || reply->length != ONE_SIZE) {
        blame(crowd, client);
        return;
    }
    crowd->sheet->late += now_ms() - client->asked > crowd->late;
    crowd->sheet->answers++;
    look_at_clock(crowd);
    crowd->good = now_ms();
}

static void look_at(struct crowd *crowd, struct client *client)
{
    struct reply reply;

    switch (wire_poll(&client->wire, &reply)) {
    case WIRE_REPLY:
        take_answer(crowd, client, &reply);
        break;
    case WIRE_SILENCE:
        break;
    default:
        blame(crowd, client);
    }
}

/* What is on its way now is counted: it may become a victim. */
static void look_for_mark(struct crowd *crowd)
{
    struct load_sheet *sheet = crowd->sheet;

    if (!sheet->must_mark)
        return;
    sheet->requests = sheet->failed = sheet->late = 0;
    for (int i = 0; i < LOAD_CONNECTIONS; i++)
        sheet->requests += crowd->clients[i].is_owed;
    sheet->away = 0;
    crowd->good = now_ms();
    sheet->must_mark = false;
}

static bool turn(struct crowd *crowd, bool may_ask)
{
    struct pollfd waits[LOAD_CONNECTIONS];
    bool anyone_waits = false;

    for (int i = 0; i < LOAD_CONNECTIONS; i++) {
        struct client *client = &crowd->clients[i];

        if (!client->is_owed && may_ask)
            ask(crowd, client);
        anyone_waits |= client->is_owed;
        waits[i] = (struct pollfd){.fd = client->is_owed ? client->wire.fd : -1, .events = POLLIN};
    }
    poll(waits, LOAD_CONNECTIONS, 5);
    for (int i = 0; i < LOAD_CONNECTIONS; i++)
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
    for (end = now_ms() + crowd->late; now_ms() < end;)
        if (!turn(crowd, false))
            break;
    for (int i = 0; i < LOAD_CONNECTIONS; i++)
        crowd->sheet->failed += crowd->clients[i].is_owed;
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

struct load load_start(uint16_t port, int late)
{
    struct load load;
    struct crowd crowd = {.port = port, .late = late};

    load.sheet =
        mmap(NULL, sizeof(*load.sheet), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(load.sheet != MAP_FAILED);
    crowd.sheet = load.sheet;
    crowd.good = now_ms();
    load.pid = fork();
    if (load.pid == 0)
        run(&crowd);
    ck_assert_int_gt(load.pid, 0);
    ck_assert_msg(load_await(&load, 4 * (long)LOAD_CONNECTIONS, patience(5000)),
                  "the traffic is not served");
    return load;
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
                                    .away = sheet->away};
    munmap(sheet, sizeof(*sheet));
    *load = (struct load){0};
    return account;
}
