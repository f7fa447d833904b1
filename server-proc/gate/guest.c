/*
 * guest.c — the arrows of guest.h.
 */
#include "guest.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/proxy_header.h"
#include "gate.h"
#include "server-proc/handover.h"

static const uint32_t ENDS = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/* --- places --- */

static void take_place(struct gate *g, struct guest *u)
{
    struct place *place = &g->places[g->first_free];
    u->seat = g->first_free;
    place->guest = u;
    g->first_free = place->next_free;
    g->free_count--;
}

static void give_up_place(struct gate *g, const struct guest *u)
{
    g->places[u->seat] = (struct place){.next_free = g->first_free};
    g->first_free = u->seat;
    g->free_count++;
}

static struct seat *seat_of(const struct gate *g, const struct guest *u)
{
    size_t first = g->charge->bench * gate_board_bench(g->charge->options);
    return &g->charge->board->seats[first + u->seat];
}

uint64_t guest_tag(const struct guest *u, bool of_pair)
{
    return (uint64_t)u->serial << 32 | (uint64_t)u->seat << 1 | of_pair;
}

/* NULL: the event is of one that has gone since. */
struct guest *guest_of(const struct gate *g, uint64_t tag, bool *of_pair)
{
    struct guest *u = g->places[(uint32_t)tag >> 1].guest;
    *of_pair = tag & 1;
    return u && u->serial == tag >> 32 ? u : NULL;
}

/* --- lists --- */

static void stop_timer(struct guest *u)
{
    if (u->timer)
        TAILQ_REMOVE(u->timer, u, timed);
    u->timer = NULL;
}

/* All of one list wait equally long, so each goes to its end. */
static void start_timer(struct guest *u, struct guest_list *list, int64_t since)
{
    stop_timer(u);
    u->timer = list;
    u->since = since;
    TAILQ_INSERT_TAIL(list, u, timed);
}

static void put_due(struct gate *g, struct guest *u)
{
    if (!u->is_due)
        TAILQ_INSERT_TAIL(&g->due, u, dues);
    u->is_due = true;
}

static void drop_due(struct gate *g, struct guest *u)
{
    if (u->is_due)
        TAILQ_REMOVE(&g->due, u, dues);
    u->is_due = false;
}

/* --- coming and going --- */

static bool watch(struct gate *g, int fd, uint64_t tag, int how, uint32_t events)
{
    struct epoll_event event = {.events = events | EPOLLIN | EPOLLRDHUP | EPOLLET, .data.u64 = tag};
    return epoll_ctl(g->epoll, how, fd, &event) == 0;
}

static void close_if_open(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void leave(struct gate *g, struct guest *u)
{
    stop_timer(u);
    drop_due(g, u);
    if (u->far >= 0)
        TAILQ_REMOVE(&g->queue, u, queued);
    pump_close(&u->pump);
    tls_close(u->tls);
    if (u->far != u->socket)
        close_if_open(&u->far);
    close_if_open(&u->pair);
    close_if_open(&u->socket);
    give_up_place(g, u);
    free(u);
}

/* So that half an answer never looks whole. */
static void reset(struct gate *g, struct guest *u)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(u->socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    leave(g, u);
}

static enum guest_state first_state(const struct gate *g, const struct sockaddr_in6 *peer)
{
    const struct options *o = g->charge->options;
    return o->proxy_protocol && trust_has(&o->trust, peer) ? GUEST_PROXIED : GUEST_SHAKING;
}

/* Room to write is watched for from the beginning: of TCP it is told only to whom it was refused. */
void guest_arrive(struct gate *g, int socket, const struct sockaddr_in6 *peer)
{
    struct guest *u = calloc(1, sizeof *u);
    struct tls_session *tls = u ? tls_open(g->charge->context, socket) : NULL;
    if (!tls) {
        free(u);
        close(socket);
        return;
    }
    *u = (struct guest){.state = first_state(g, peer),
                        .socket = socket,
                        .pair = -1,
                        .far = -1,
                        .tls = tls,
                        .peer = *peer};
    take_place(g, u);
    u->serial = seat_take(seat_of(g, u));
    start_timer(u, &g->shaking, g->now + g->charge->options->tls_handshake_timeout);
    if (!watch(g, socket, guest_tag(u, false), EPOLL_CTL_ADD, EPOLLOUT))
        leave(g, u);
}

/* --- the end --- */

/* TLS is over; what the client still sends is read away. */
static void refuse(struct gate *g, struct guest *u)
{
    u->state = GUEST_REFUSED;
    drop_due(g, u);
    if (u->far >= 0)
        TAILQ_REMOVE(&g->queue, u, queued);
    close_if_open(&u->far);
    close_if_open(&u->pair);
    pump_close(&u->pump);
    tls_close(u->tls);
    u->tls = NULL;
    shutdown(u->socket, SHUT_WR);
    start_timer(u, &g->lingering, g->now + LIMIT_LINGER_TIME);
}

static void read_away(struct gate *g, struct guest *u)
{
    enum { READS = 16 };
    static char scrap[16384];
    for (int i = 0; i < READS; i++) {
        ssize_t n = recv(u->socket, scrap, sizeof scrap, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            leave(g, u);
            return;
        }
    }
    put_due(g, u);
}

/* False: it has gone. */
static bool say_goodbye(struct gate *g, struct guest *u)
{
    if (!tls_end(u->tls))
        return true; /* when there is room */
    shutdown(u->socket, SHUT_WR);
    if (u->has_client_ended) {
        leave(g, u);
        return false;
    }
    u->state = GUEST_LINGERING;
    start_timer(u, &g->lingering, g->now + LIMIT_LINGER_TIME);
    return true;
}

/* The pair has ended, and all that came before has been sent. Likewise. */
static bool end(struct gate *g, struct guest *u)
{
    if (!seat_has_ended(seat_of(g, u), u->serial)) {
        reset(g, u);
        return false;
    }
    u->state = GUEST_ENDING;
    return say_goodbye(g, u);
}

/* --- bytes --- */

static int unsent(const struct guest *u)
{
    int bytes = 0;
    ioctl(u->socket, SIOCOUTQ, &bytes);
    return bytes;
}

/* Workers look there whether a client that they wait for is alive: see wire_unsent(). */
static void note_move(struct gate *g, struct guest *u)
{
    u->since = g->now;
    atomic_fetch_add_explicit(&seat_of(g, u)->moves, 1, memory_order_relaxed);
}

/* Before anything is added to what its socket holds. */
static void look_for_move(struct gate *g, struct guest *u)
{
    int bytes = unsent(u);
    if (bytes < u->unsent)
        note_move(g, u);
    u->unsent = bytes;
}

static void watch_over_stalled(struct gate *g, struct guest *u)
{
    bool is_stalled = u->state == GUEST_ENDING || pump_waits_for_client(&u->pump);
    bool was_stalled = u->timer == &g->stalled;
    if (!is_stalled && was_stalled)
        stop_timer(u);
    if (!is_stalled)
        return;
    u->unsent = unsent(u);
    if (!was_stalled)
        start_timer(u, &g->stalled, g->now);
}

static void watch_for_room(struct gate *g, struct guest *u)
{
    bool waits = pump_waits_for_worker(&u->pump);
    if (waits == u->waits_for_worker)
        return;
    u->waits_for_worker = waits;
    watch(g, u->pair, guest_tag(u, true), EPOLL_CTL_MOD, waits ? EPOLLOUT : 0);
}

/* False: it has gone, or has been refused. */
static bool move_up(struct gate *g, struct guest *u, enum pump_result *result)
{
    *result = u->has_client_ended ? PUMP_WAIT : pump_up(&u->pump);
    if (*result == PUMP_BROKEN) {
        refuse(g, u);
        return false;
    }
    if (*result != PUMP_ENDED)
        return true;
    u->has_client_ended = true;
    if (u->state == GUEST_LINGERING) {
        leave(g, u);
        return false;
    }
    shutdown(u->pair, SHUT_WR);
    return true;
}

/* Likewise. */
static bool move_down(struct gate *g, struct guest *u, enum pump_result *result)
{
    *result = u->state == GUEST_OPEN ? pump_down(&u->pump) : PUMP_WAIT;
    if (*result == PUMP_BROKEN) {
        reset(g, u);
        return false;
    }
    if (*result == PUMP_ENDED)
        return end(g, u);
    return u->state != GUEST_ENDING || say_goodbye(g, u);
}

/* Both ways, as far as they go. */
static void move(struct gate *g, struct guest *u)
{
    enum pump_result up, down;
    if (u->timer == &g->stalled)
        look_for_move(g, u);
    if (!move_up(g, u, &up) || !move_down(g, u, &down))
        return;
    watch_for_room(g, u);
    watch_over_stalled(g, u);
    if (up == PUMP_MORE || down == PUMP_MORE)
        put_due(g, u);
}

/* --- the handshake --- */

static void fill(struct handover *h, const struct gate *g, const struct guest *u)
{
    memset(h, 0, sizeof *h);
    h->peer = u->peer;
    h->is_misspoken = u->state == GUEST_MISSPOKEN;
    if (h->is_misspoken)
        return;
    h->seat = (uint32_t)(seat_of(g, u) - g->charge->board->seats);
    h->serial = u->serial;
    tls_facts_of(u->tls, &h->facts);
}

bool guest_hand_over(struct gate *g, struct guest *u)
{
    static struct handover message;
    fill(&message, g, u);
    bool is_sent = handover_send(g->charge->channel, &message, u->far);
    if (!is_sent && (errno == EAGAIN || errno == ETOOMANYREFS))
        return false;
    if (!is_sent) {
        reset(g, u);
        return true;
    }
    TAILQ_REMOVE(&g->queue, u, queued);
    if (u->state == GUEST_MISSPOKEN) {
        u->far = -1;
        leave(g, u);
        return true;
    }
    close_if_open(&u->far);
    return true;
}

/* Behind those who wait already. */
static void queue_up(struct gate *g, struct guest *u, int far)
{
    u->far = far;
    bool is_first = TAILQ_EMPTY(&g->queue);
    TAILQ_INSERT_TAIL(&g->queue, u, queued);
    if (is_first)
        guest_hand_over(g, u);
}

static void count_handshake(struct gate *g, const struct guest *u)
{
    struct tls_figures *figures = &g->charge->board->figures;
    atomic_fetch_add(tls_is_resumed(u->tls) ? &figures->resumed : &figures->full, 1);
}

static void count_failure(struct gate *g)
{
    atomic_fetch_add(&g->charge->board->figures.failed, 1);
}

/* Returns the far end, which is to be handed over; -1: there is none. */
static int open_pair(struct gate *g, struct guest *u)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return -1;
    u->pair = ends[0];
    if (watch(g, u->pair, guest_tag(u, true), EPOLL_CTL_ADD, 0))
        return ends[1];
    close(ends[1]);
    return -1;
}

/* A request that has come with the end of the handshake is in the pair before a worker looks there. */
static void open_up(struct gate *g, struct guest *u)
{
    int far = open_pair(g, u);
    enum pump_result up;
    count_handshake(g, u);
    if (far < 0) {
        log_line(LOG_WARN, "no pair of sockets for a client: %s", strerror(errno));
        reset(g, u);
        return;
    }
    u->state = GUEST_OPEN;
    stop_timer(u);
    pump_open(&u->pump, u->tls, u->pair);
    if (!move_up(g, u, &up)) {
        close(far);
        return;
    }
    watch_for_room(g, u);
    if (up == PUMP_MORE)
        put_due(g, u);
    queue_up(g, u, far);
}

static void fail(struct gate *g, struct guest *u)
{
    log_line(LOG_DEBUG, "no TLS: %s", tls_failure(u->tls));
    count_failure(g);
    refuse(g, u);
}

/* It would stay in our epoll as long as the worker has it. */
static void part_with(struct gate *g, struct guest *u)
{
    count_failure(g);
    stop_timer(u);
    epoll_ctl(g->epoll, EPOLL_CTL_DEL, u->socket, NULL);
    u->state = GUEST_MISSPOKEN;
    queue_up(g, u, u->socket);
}

static void shake(struct gate *g, struct guest *u, uint32_t events)
{
    if (!(events & (EPOLLIN | ENDS)) && !tls_wants_room(u->tls))
        return; /* there is room at the beginning, which is no news */
    tls_refresh(u->tls, events & ENDS);
    switch (tls_handshake(u->tls)) {
    case TLS_DONE:
        open_up(g, u);
        return;
    case TLS_HTTP:
        part_with(g, u);
        return;
    case TLS_FAILED:
        fail(g, u);
        return;
    case TLS_AGAIN:
        return;
    }
}

/* --- before the handshake --- */

/* The handshake may have begun right behind what the proxy has said. */
static void hear_proxy(struct gate *g, struct guest *u, uint32_t events)
{
    const char *why = "the proxy has ended before it has said whose connection it is";
    int waiting;
    switch (proxy_header_take(u->socket, &u->peer, &waiting, &why)) {
    case PROXY_WHOLE:
        u->state = GUEST_SHAKING;
        shake(g, u, events | EPOLLIN);
        return;
    case PROXY_MORE:
        return;
    case PROXY_BAD:
        proxy_header_complain(&u->peer, why);
        break;
    case PROXY_ENDED:
        break;
    }
    log_line(LOG_DEBUG, "no TLS: %s", why);
    reset(g, u);
}

/* --- what happens to it --- */

static void hear_socket(struct gate *g, struct guest *u, uint32_t events)
{
    if (u->timer == &g->stalled && events & EPOLLOUT)
        note_move(g, u);
    pump_client(&u->pump, events & ENDS);
    move(g, u);
}

/* The end is none in order. What came before it goes out as far as the client takes it now, as it would
 * have from a socket of the worker's own; what he does not take must not delay the news. */
static void cut_off(struct gate *g, struct guest *u)
{
    while (pump_down(&u->pump) == PUMP_MORE)
        ;
    reset(g, u);
}

static void hear_pair(struct gate *g, struct guest *u, uint32_t events)
{
    bool is_abort = events & ENDS && !seat_has_ended(seat_of(g, u), u->serial);
    pump_worker(&u->pump, events & ENDS);
    if (is_abort && u->state == GUEST_OPEN)
        cut_off(g, u);
    else
        move(g, u);
}

void guest_event(struct gate *g, struct guest *u, bool of_pair, uint32_t events)
{
    switch (u->state) {
    case GUEST_PROXIED:
        hear_proxy(g, u, events);
        return;
    case GUEST_SHAKING:
        shake(g, u, events);
        return;
    case GUEST_OPEN:
    case GUEST_ENDING:
    case GUEST_LINGERING:
        if (!of_pair) {
            hear_socket(g, u, events);
            return;
        }
        hear_pair(g, u, events);
        return;
    case GUEST_REFUSED:
        read_away(g, u);
        return;
    case GUEST_MISSPOKEN:
        return;
    }
}

void guest_go_on(struct gate *g, struct guest *u)
{
    drop_due(g, u);
    if (u->state == GUEST_REFUSED)
        read_away(g, u);
    else
        move(g, u);
}

void guest_expire(struct gate *g, struct guest *u)
{
    if (u->state == GUEST_SHAKING)
        count_failure(g);
    leave(g, u);
}

void guest_look(struct gate *g, struct guest *u)
{
    look_for_move(g, u);
    if (g->now - u->since >= g->charge->options->write_timeout)
        reset(g, u);
}

void guest_expel(struct gate *g, struct guest *u)
{
    reset(g, u);
}
