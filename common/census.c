/*
 * census.c — connections by state; and a sample of the time for which events wait for a worker.
 */
#include "census.h"

#include <poll.h>
#include <string.h>

#include "server.h"
#include "tally.h"

enum { RATE_TIME = 1000, SAMPLE_MOST = 250 /* ms that one sample stands for, at most */ };

void census_begin(struct census *n)
{
    memset(n->conns, 0, sizeof n->conns);
}

/* Nobody owns it: what it waits for is what it is at. */
static enum conn_state waiting_state(const struct conn *c)
{
    switch ((enum conn_wait)atomic_load_explicit(&c->wait, memory_order_relaxed)) {
    case WAIT_REQUEST:
        return CONN_STATE_IDLE;
    case WAIT_HEADER:
    case WAIT_BODY:
        return CONN_STATE_READING;
    case WAIT_WRITE:
        return CONN_STATE_WRITING;
    case WAIT_SHAKE:
        return CONN_STATE_HANDSHAKING;
    case WAIT_LINGER:
        break;
    }
    return CONN_STATE_LINGERING;
}

void census_add(struct census *n, const struct conn *c, uint64_t word)
{
    switch (conn_phase(word)) {
    case CONN_FREE:
        break;
    case CONN_IDLE:
        n->conns[waiting_state(c)]++;
        break;
    case CONN_HELD:
    case CONN_READ:
        n->conns[CONN_STATE_READING]++;
        break;
    case CONN_RUN:
        n->conns[CONN_STATE_RUNNING]++;
        break;
    case CONN_SEND:
        n->conns[CONN_STATE_WRITING]++;
        break;
    case CONN_CLOSING:
        n->conns[CONN_STATE_LINGERING]++;
        break;
    }
}

static bool is_somebody_free(const struct server *s)
{
    for (size_t i = 0; i < s->slots; i++)
        if (atomic_load_explicit(&s->board->slots[i].state, memory_order_relaxed) == WORKER_WAITING)
            return true;
    return false;
}

/* An epoll is readable while it has events that nobody has taken. */
static bool do_events_wait(const struct server *s)
{
    struct pollfd events = {.fd = s->epoll, .events = POLLIN};
    return poll(&events, 1, 0) > 0 && events.revents & POLLIN;
}

static void sample_wait(const struct census *n, struct server *s, int64_t now)
{
    int64_t since = now - n->told < SAMPLE_MOST ? now - n->told : SAMPLE_MOST;
    if (n->told > 0 && !is_somebody_free(s) && do_events_wait(s))
        count_alone(&s->tallies[0].worker_wait, (uint64_t)since * 1000);
}

static void rate(struct census *n, struct server *s, int64_t now)
{
    if (now - n->rated < RATE_TIME)
        return;
    uint64_t answered = tallies_answered(s->tallies, s->slots, atomic_load(&s->board->route_count));
    if (n->rated > 0)
        atomic_store(&s->board->rate, (answered - n->answered) * 1000 / (uint64_t)(now - n->rated));
    n->rated = now;
    n->answered = answered;
}

void census_tell(struct census *n, struct server *s, int64_t now)
{
    for (int state = 0; state < CONN_STATES; state++)
        atomic_store_explicit(&s->board->conns[state], n->conns[state], memory_order_relaxed);
    sample_wait(n, s, now);
    rate(n, s, now);
    n->told = now;
}
