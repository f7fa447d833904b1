/*
 * drain.c — orders, and a door that is shut without hitting anybody.
 *
 * Closing a listener resets whoever waits in its backlog. Accepting until there is none is not enough:
 * before the close the next one may have come. So first the listener is made deaf to those who begin to
 * connect (a filter on the socket drops each SYN; a unix socket loses its name), then the backlog, which
 * cannot grow any more, is let in, then it is closed. A client that comes between deafness and close tries
 * again by itself (TCP: after a second) and is refused then, with nothing sent and nothing lost.
 */
#include "drain.h"

#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"
#include "server.h"
#include "signals.h"
#include "wire.h"

/* --- which order --- */

enum drain_order drain_take(struct drain *d, unsigned came, int64_t now, int64_t delay)
{
    enum drain_order order = d->order;
    if (came & SIGNAL_STOP) {
        d->stops++;
        if (order == DRAIN_NOT)
            d->leave_at = now + delay;
        order = d->stops > 1 ? DRAIN_NOW : DRAIN_ANNOUNCE;
    }
    if (order == DRAIN_ANNOUNCE && now >= d->leave_at)
        order = DRAIN_LEAVE;
    if (came & SIGNAL_REPLACED && order < DRAIN_REPLACED)
        order = DRAIN_REPLACED;
    if (order > d->order)
        d->order = order;
    return d->order;
}

int drain_pause(const struct drain *d, int64_t now, int pause)
{
    int64_t left = d->leave_at - now;
    if (d->order != DRAIN_ANNOUNCE || left >= pause)
        return pause;
    return left > 0 ? (int)left : 0;
}

/* --- the door --- */

/* A SYN without ACK is dropped, all else passes: handshakes that have begun are finished. The program sees
 * the packet from its TCP header on; where a kernel has no such filters, a moment stays in which a client
 * can be hit. */
static void drop_syns(int fd)
{
    enum { FLAGS_AT = 13, SYN = 0x02, ACK = 0x10 };
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

void drain_shut_out(struct server *s)
{
    for (size_t i = 0; i < s->listeners.count; i++) {
        struct listener *l = &s->listeners.all[i];
        if (l->kind == LISTENER_ADMIN || !l->is_own)
            continue;
        if (!l->is_unix)
            drop_syns(l->fd);
        else if (l->maker == getpid() && unlink(strchr(l->name, ':') + 1) == 0)
            l->maker = 0; /* the next file of that name is not ours to remove */
    }
}

/* Those of other processes that speak TLS are let in by these. What a service manager has handed over, it
 * has as well: it stays as it is, and who waits there waits for the next start. */
static bool is_ours(const struct listener *l)
{
    return l->is_own &&
           (l->kind == LISTENER_PLAIN || (l->kind == LISTENER_TLS && wire_tls_in_place));
}

void drain_let_in(struct server *s)
{
    for (size_t i = 0; i < s->listeners.count; i++)
        while (is_ours(&s->listeners.all[i]) &&
               serve_let_in(s, s->listeners.all[i].fd, s->listeners.all[i].kind))
            ;
}

void drain_disown(struct server *s)
{
    for (size_t i = 0; i < s->listeners.count; i++)
        s->listeners.all[i].maker = 0;
}
