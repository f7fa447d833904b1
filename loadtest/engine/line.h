/*
 * line.h — a socket to the server, with TLS on it or without: dialling, sending, receiving.
 *
 * A line is dialled any number of times, one connection after the other. It belongs to one thread.
 * What a plain line pays for the TLS of others is one test of a pointer.
 */
#ifndef LOADTEST_LINE_H
#define LOADTEST_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "../target/url.h"
#include "ledger.h"
#include "tls.h"

struct line {
    int fd;          /* -1: not connected */
    bool refused;    /* the last time it was dialled */
    struct tls *tls; /* owned; NULL: plain */
};

/* `tls_host`: whom to speak TLS with; NULL: plain, and the other two are not needed. They must
 * outlive the line. False when memory runs out. Free with line_drop(). */
bool line_init(struct line *l, const char *tls_host, struct tls_context *context,
               struct tls_facts *facts);

/* Begins to connect, and registers with `epoll`, edge-triggered for reading and writing, under
 * `tag`. `receive_buffer`: bytes, 0 for the kernel's choice. 0, or errno. */
int line_dial(struct line *l, const struct address *address, int epoll, void *tag,
              int receive_buffer);
/* After the first event: whether the connection has come about. 0, or errno. Where nobody listens on
 * a port from which outgoing connections are made, too, TCP sooner or later connects us with ourselves
 * (RFC 9293 §3.5, simultaneous open); that is ECONNREFUSED. */
int line_dialled(struct line *l, uint32_t events);
/* After that, at every event until it says TLS_DONE; a plain line is done at once. */
static inline enum tls_step line_shake_hands(struct line *l)
{
    return l->tls ? tls_handshake(l->tls) : TLS_DONE;
}

/* As recv(2) and sendmsg(2), with the errors of tls_recv(). */
static inline ssize_t line_recv(struct line *l, void *to, size_t room)
{
    return l->tls ? tls_recv(l->tls, to, room) : recv(l->fd, to, room, 0);
}
ssize_t line_send_pieces(struct line *l, const struct iovec *pieces, size_t count);
static inline ssize_t line_send(struct line *l, const struct iovec *pieces, size_t count)
{
    if (count == 1 && !l->tls) /* as nearly always: the cheaper call */
        return send(l->fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
    return line_send_pieces(l, pieces, count);
}
/* Whether a read that brought `n` bytes where there was room for `room` was the last for now. */
static inline bool line_drained(const struct line *l, size_t n, size_t room)
{
    return l->tls ? tls_drained(l->tls) : n < room;
}
/* For somebody who stops reading ahead of the end: asks epoll for a fresh edge, of a socket that
 * can be read or, to hear of what TLS holds back, be written. */
void line_nudge(const struct line *l, int epoll, void *tag);
/* Whether there is something to read, as epoll's events have it and as TLS has it. */
static inline bool line_readable(const struct line *l, uint32_t events)
{
    return events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) ||
           (l->tls && tls_holds_back(l->tls));
}
/* The class of a loss that line_recv() reports by errno. */
enum outcome line_outcome_of_loss(int error);

/* Closes; `abruptly`: by RST, and without a word. No-op when it is not connected. */
void line_hang_up(struct line *l, bool abruptly);
/* Says that nothing more will be sent; reading goes on. */
void line_end_sending(struct line *l);
void line_drop(struct line *l);

#endif
