/*
 * gate.c — the loop: epoll_wait, what has happened, whose time is over, who has more to do.
 */
#include "gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/signals.h"

enum {
    EVENTS = 64, /* taken at once */
    ACCEPTS =
        16, /* clients let in at once, so that those who are in wait no longer than for these */
    SOME_TIME = 100, /* ms without accepting, when the machine has no descriptor or memory left */
    QUEUE_PAUSE = 2, /* ms between two tries to hand over while the channel is full */
    LOOK_PAUSE = 1000,
    SPARE_FDS = 64 /* that are no guest's */
};

/* Tags that are no guest's have no serial. */
enum { TAG_SIGNALS = 0, TAG_LISTENERS = 1 };

/* --- listeners --- */

/* What is so already, after a failure half-way, is fine. */
static bool set_listening(struct gate *g, bool wanted)
{
    for (size_t i = 0; i < g->charge->options->tls_listen.count; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE,
                                    .data.u64 = TAG_LISTENERS + i};
        int how = wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
        if (epoll_ctl(g->epoll, how, g->charge->listener + (int)i, &event) != 0 &&
            errno != (wanted ? EEXIST : ENOENT))
            return false;
    }
    g->is_listening = wanted;
    return true;
}

/* Those who come wait in the backlog, where they cost nothing. */
static void tend_listeners(struct gate *g)
{
    bool wanted = !g->is_draining && g->free_count > 0 && g->now >= g->listen_again;
    if (wanted == g->is_listening || set_listening(g, wanted))
        return;
    log_line(LOG_ERROR, "epoll: %s", strerror(errno));
    g->listen_again = g->now + SOME_TIME;
}

/* False: there is nobody, or nothing to take him in with. */
static bool accept_one(struct gate *g, int listener)
{
    struct sockaddr_in6 peer = {0};
    socklen_t size = sizeof peer;
    if (g->free_count == 0)
        return false;
    int fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        guest_arrive(g, fd, &peer);
        return true;
    }
    if (errno == ECONNABORTED || errno == EINTR)
        return true;
    if (errno != EAGAIN)
        g->listen_again = g->now + SOME_TIME;
    return false;
}

static void accept_some(struct gate *g, int listener)
{
    for (int i = 0; i < ACCEPTS && accept_one(g, listener); i++)
        ;
}

/* --- signals --- */

/* Who has connected is let in; then the door is shut. The copies of others hold it open or not. */
static void drain(struct gate *g)
{
    if (g->is_draining)
        return;
    for (size_t i = 0; i < g->charge->options->tls_listen.count; i++) {
        int listener = g->charge->listener + (int)i;
        while (accept_one(g, listener))
            ;
    }
    if (g->is_listening)
        set_listening(g, false);
    for (size_t i = 0; i < g->charge->options->tls_listen.count; i++)
        close(g->charge->listener + (int)i);
    g->is_draining = true;
}

static void take_signals(struct gate *g)
{
    if (signals_wait(g->charge->signals, 0) & SIGNAL_OWN)
        drain(g); /* GATE_DRAIN */
}

/* --- time --- */

static void soonest(int64_t *when, int64_t other)
{
    if (other < *when)
        *when = other;
}

/* ms that epoll may wait. */
static int patience(const struct gate *g)
{
    int64_t when = INT64_MAX;
    if (!TAILQ_EMPTY(&g->due))
        return 0;
    if (!TAILQ_EMPTY(&g->queue))
        soonest(&when, g->now + QUEUE_PAUSE);
    if (!TAILQ_EMPTY(&g->shaking))
        soonest(&when, TAILQ_FIRST(&g->shaking)->since);
    if (!TAILQ_EMPTY(&g->lingering))
        soonest(&when, TAILQ_FIRST(&g->lingering)->since);
    if (!TAILQ_EMPTY(&g->stalled))
        soonest(&when, g->look_at);
    if (!g->is_listening && !g->is_draining && g->listen_again > g->now)
        soonest(&when, g->listen_again);
    if (when == INT64_MAX)
        return -1;
    return when <= g->now ? 0 : when - g->now > INT32_MAX ? INT32_MAX : (int)(when - g->now);
}

static void expire(struct gate *g, struct guest_list *list)
{
    struct guest *u;
    while ((u = TAILQ_FIRST(list)) && u->since <= g->now)
        guest_expire(g, u);
}

/* A short --write-timeout is looked after more often. */
static void look_at_stalled(struct gate *g)
{
    int64_t quarter = g->charge->options->write_timeout / 4;
    if (g->now < g->look_at)
        return;
    g->look_at = g->now + (quarter < LOOK_PAUSE ? quarter + 1 : LOOK_PAUSE);
    for (struct guest *u = TAILQ_FIRST(&g->stalled), *next; u; u = next) {
        next = TAILQ_NEXT(u, timed);
        guest_look(g, u);
    }
}

/* --- the loop --- */

static void hand_over_queue(struct gate *g)
{
    struct guest *u;
    while ((u = TAILQ_FIRST(&g->queue)) && guest_hand_over(g, u))
        ;
}

/* Each once: whoever has still more to do comes again after the events. */
static void go_on(struct gate *g)
{
    struct guest *last = TAILQ_LAST(&g->due, guest_list);
    for (struct guest *u = TAILQ_FIRST(&g->due), *next; u; u = next) {
        next = u == last ? NULL : TAILQ_NEXT(u, dues);
        guest_go_on(g, u);
    }
}

static void take_event(struct gate *g, const struct epoll_event *event)
{
    uint64_t tag = event->data.u64;
    bool of_pair;
    if (tag == TAG_SIGNALS) {
        take_signals(g);
    } else if (tag >> 32 == 0) {
        if (g->is_listening)
            accept_some(g, g->charge->listener + (int)(tag - TAG_LISTENERS));
    } else {
        struct guest *u = guest_of(g, tag, &of_pair);
        if (u)
            guest_event(g, u, of_pair, event->events);
    }
}

static bool is_over(const struct gate *g)
{
    return g->is_draining && g->free_count == g->place_count;
}

static int loop(struct gate *g)
{
    struct epoll_event events[EVENTS];
    while (!is_over(g)) {
        tend_listeners(g);
        int n = epoll_wait(g->epoll, events, EVENTS, patience(g));
        if (n < 0 && errno != EINTR) {
            log_line(LOG_ERROR, "epoll_wait: %s", strerror(errno));
            return EXIT_FAILURE;
        }
        g->now = clock_ms();
        for (int i = 0; i < n; i++)
            take_event(g, &events[i]);
        go_on(g);
        hand_over_queue(g);
        expire(g, &g->shaking);
        expire(g, &g->lingering);
        look_at_stalled(g);
    }
    return EXIT_SUCCESS;
}

/* --- the whole --- */

static size_t seats_of(rlim_t descriptors)
{
    return descriptors > SPARE_FDS ? (descriptors - SPARE_FDS) / 2 : 0;
}

/* Two descriptors each. One gate alone need not have seats for all: where it has no more, it leaves those
 * who come to the others. No refusal: the usual --max-connections would not start under a limit of
 * 20,000, which is enough for nearly all of them. */
void gate_reserve_descriptors(const struct options *o)
{
    struct rlimit limit = {0};
    rlim_t wanted = 2 * gate_board_bench(o) + SPARE_FDS;
    getrlimit(RLIMIT_NOFILE, &limit);
    size_t most = seats_of(limit.rlim_max) * o->tls_gates;
    if (most < o->max_connections)
        log_line(LOG_WARN,
                 "of --max-connections %u, %zu can be TLS: each takes two descriptors of a gate "
                 "(--tls-gates %u), and a process may have %llu; others wait until one ends. Lower "
                 "it, or raise the limit (ulimit -n, LimitNOFILE=, docker run --ulimit nofile)",
                 o->max_connections, most, o->tls_gates, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static bool open_places(struct gate *g)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    size_t bench = gate_board_bench(g->charge->options), most = seats_of(limit.rlim_cur);
    g->place_count = g->free_count = bench < most ? bench : most;
    errno = EMFILE;
    if (g->place_count == 0)
        return false;
    g->places = calloc(g->place_count, sizeof *g->places);
    for (uint32_t i = 0; g->places && i < g->place_count; i++)
        g->places[i].next_free = i + 1;
    return g->places;
}

bool gate_open(struct gate *g, const struct gate_charge *charge)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = TAG_SIGNALS};
    *g = (struct gate){.charge = charge, .epoll = -1, .now = clock_ms()};
    TAILQ_INIT(&g->due);
    TAILQ_INIT(&g->queue);
    TAILQ_INIT(&g->shaking);
    TAILQ_INIT(&g->lingering);
    TAILQ_INIT(&g->stalled);
    g->epoll = epoll_create1(EPOLL_CLOEXEC);
    return g->epoll >= 0 && epoll_ctl(g->epoll, EPOLL_CTL_ADD, charge->signals, &event) == 0 &&
           open_places(g) && set_listening(g, true);
}

int gate_serve(struct gate *g)
{
    gate_board_open(g->charge->board);
    return loop(g);
}

void gate_close(struct gate *g)
{
    for (size_t i = 0; g->places && i < g->place_count; i++)
        if (g->places[i].guest)
            guest_expel(g, g->places[i].guest);
    free(g->places);
    if (g->epoll >= 0)
        close(g->epoll);
}
