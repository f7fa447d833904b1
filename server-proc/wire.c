/*
 * wire.c — the twin of server-thread's. Here TLS is spoken by a gate, and what comes from it is
 * plain: one end of a pair of sockets (handover.h). What the pair cannot say stands in the seat of
 * the connection (gate_board.h).
 */
#include "common/wire.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gatehouse.h"
#include "handover.h"

const bool wire_tls_in_place = false;

ssize_t wire_tls_recv(int fd, void *to, size_t room)
{
    return recv(fd, to, room, MSG_DONTWAIT);
}

ssize_t wire_tls_send(int fd, const void *bytes, size_t n, bool more)
{
    return send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
}

ssize_t wire_tls_sendfile(int fd, int file, off_t *offset, size_t n)
{
    return sendfile(fd, file, offset, n);
}

int wire_tls_accept(int fd, struct arrival *a)
{
    struct handover h;
    int got = handover_receive(fd, &h);
    if (got >= 0)
        *a = (struct arrival){.peer = h.peer,
                              .flags = h.is_misspoken ? CONN_MISSPOKEN : CONN_TLS,
                              .seat = h.seat,
                              .serial = h.serial,
                              .facts = h.facts};
    return got;
}

/* --- no handshake is ever still to come here --- */

bool wire_tls_begin(struct server *s, int fd)
{
    (void)s, (void)fd;
    return false;
}

enum shake wire_tls_shake(int fd, struct tls_facts *facts, const char **why)
{
    (void)fd, (void)facts, (void)why;
    return SHAKE_FAILED;
}

void wire_tls_forget(int fd)
{
    (void)fd;
}

void wire_tls_refresh(int fd, bool is_wary)
{
    (void)fd, (void)is_wary;
}

bool wire_tls_is_drained(int fd, size_t got, size_t room)
{
    (void)fd;
    return got < room;
}

bool wire_tls_wants_room(int fd)
{
    (void)fd;
    return false;
}

/* --- the seat --- */

/* NULL: what stands in the slot is no seat. */
static struct seat *seat_of(const struct server *s, const struct conn *c)
{
    struct gate_board *board = gatehouse_board();
    return board && c->seat < gate_board_seats(&s->options) ? &board->seats[c->seat] : NULL;
}

void wire_tls_end(struct server *s, const struct conn *c, int fd)
{
    struct seat *seat = seat_of(s, c);
    (void)fd;
    if (seat)
        seat_end(seat, c->serial);
}

int wire_tls_unsent(const struct server *s, const struct conn *c)
{
    const struct seat *seat = seat_of(s, c);
    return seat ? -(int)(atomic_load_explicit(&seat->moves, memory_order_relaxed) & INT32_MAX) : 0;
}

/* A pair is made by its gate, and the kernel remembers by whom. */
bool wire_tls_accepted(const struct server *s, int fd)
{
    struct ucred maker = {0};
    socklen_t size = sizeof maker;
    const struct gate_board *board = gatehouse_board();
    (void)s;
    return board && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &maker, &size) == 0 && maker.pid > 0 &&
           getpgid(maker.pid) == atomic_load(&board->group);
}
