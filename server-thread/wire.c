/*
 * wire.c — the twin of server-proc's. Here TLS is spoken in place: each connection has a session, in
 * an array by descriptor number.
 *
 * Only the owner of a connection (conn.h) uses its session; but owners can lose theirs at any
 * moment: to the keeper, which takes the connection from a thread that is past its deadline and
 * perhaps in the middle of tls_send; or because a handler has closed a number that was not its own,
 * which has become another connection by now. That must not free a session under somebody's hands.
 * So whoever uses one marks its entry, and puts it back when he is done:
 *
 *      NOTHING ── begin ──▶ session ── take ──▶ session, marked
 *         ▲                    │ ▲ ◀── put back ──┘  │
 *         ├────── forget ──────┘                     │
 *         └────── forget ────────────────────────────┘  whoever has it finds the mark gone, and
 *                                                       frees it instead of putting it back
 *
 * All by compare-and-swap: nobody waits, and no lock can be left behind. Two exchanges a call
 * cost some ten nanoseconds.
 */
#include "common/wire.h"
#include "common/model.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/tls/session.h"
#include "keys.h"

const bool wire_tls_in_place = true;

enum { PIECE = 64 * 1024 /* bytes of a file that are read at once */ };

/* --- the array --- */

/* A session is the address of its first byte; marked, of its second. */
static struct {
    char *_Atomic *of; /* by descriptor number; NULL: no TLS is spoken */
    size_t count;
} sessions;

static bool is_marked(const char *entry)
{
    return (uintptr_t)entry & 1;
}

/* NULL (errno): it has none, or another one has it in hand. */
static struct tls_session *take(int fd)
{
    char *entry = atomic_load(&sessions.of[fd]);
    errno = ENOTCONN;
    if (!entry || is_marked(entry) ||
        !atomic_compare_exchange_strong(&sessions.of[fd], &entry, entry + 1))
        return NULL;
    return (void *)entry;
}

/* Leaves errno as it is. */
static void put_back(int fd, struct tls_session *t)
{
    int error = errno;
    char *entry = (char *)t, *marked = entry + 1;
    if (!atomic_compare_exchange_strong(&sessions.of[fd], &marked, entry))
        tls_close(t);
    errno = error;
}

static void replace(int fd, struct tls_session *t)
{
    char *old = atomic_exchange(&sessions.of[fd], (char *)t);
    if (!is_marked(old))
        tls_close((void *)old);
}

static bool open_array(size_t count)
{
    sessions.of = calloc(count, sizeof *sessions.of);
    sessions.count = sessions.of ? count : 0;
    return sessions.of;
}

/* When no worker lives. */
static void close_array(void)
{
    for (size_t fd = 0; fd < sessions.count; fd++)
        replace((int)fd, NULL);
    free(sessions.of);
    sessions.of = NULL;
    sessions.count = 0;
}

/* --- bytes --- */

ssize_t wire_tls_recv(int fd, void *to, size_t room)
{
    struct tls_session *t = take(fd);
    if (!t)
        return -1;
    ssize_t got = tls_recv(t, to, room);
    put_back(fd, t);
    return got;
}

ssize_t wire_tls_send(int fd, const void *bytes, size_t n, bool more)
{
    struct tls_session *t = take(fd);
    if (!t)
        return -1;
    ssize_t put = tls_send(t, bytes, n, more);
    put_back(fd, t);
    return put;
}

/* What has not gone out is read again the next time: at least the same bytes, as tls_send wants. */
ssize_t wire_tls_sendfile(int fd, int file, off_t *offset, size_t n)
{
    static _Thread_local char piece[PIECE];
    ssize_t got = pread(file, piece, n < PIECE ? n : PIECE, *offset);
    if (got <= 0)
        return got;
    ssize_t put = wire_tls_send(fd, piece, (size_t)got, (size_t)got < n);
    if (put > 0)
        *offset += put;
    return put;
}

int wire_tls_accept(int fd, struct arrival *a)
{
    socklen_t size = sizeof a->peer;
    a->flags = CONN_TLS | CONN_SHAKING;
    return accept4(fd, (struct sockaddr *)&a->peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* --- the session of a connection --- */

bool wire_tls_begin(struct server *s, int fd)
{
    (void)s;
    struct tls_session *t = keys_open_session(fd);
    if (t)
        replace(fd, t);
    return t;
}

enum shake wire_tls_shake(int fd, struct tls_facts *facts, const char **why)
{
    static const enum shake outcome[] = {[TLS_DONE] = SHAKE_DONE,
                                         [TLS_AGAIN] = SHAKE_WAIT,
                                         [TLS_HTTP] = SHAKE_HTTP,
                                         [TLS_FAILED] = SHAKE_FAILED};
    static _Thread_local char reason[200];
    struct tls_session *t = take(fd);
    *why = reason;
    if (!t) {
        snprintf(reason, sizeof reason, "its session is gone");
        return SHAKE_FAILED;
    }
    enum tls_step step = tls_handshake(t);
    if (step == TLS_DONE)
        tls_facts_of(t, facts);
    else if (step == TLS_FAILED)
        snprintf(reason, sizeof reason, "%s", tls_failure(t));
    put_back(fd, t);
    return outcome[step];
}

void wire_tls_forget(int fd)
{
    if (sessions.of)
        replace(fd, NULL);
}

void wire_tls_refresh(int fd, bool is_wary)
{
    struct tls_session *t = take(fd);
    if (!t)
        return;
    tls_refresh(t, is_wary);
    put_back(fd, t);
}

bool wire_tls_is_drained(int fd, size_t got, size_t room)
{
    struct tls_session *t = take(fd);
    (void)got, (void)room;
    if (!t)
        return false;
    bool is_drained = tls_is_drained(t);
    put_back(fd, t);
    return is_drained;
}

bool wire_tls_wants_room(int fd)
{
    struct tls_session *t = take(fd);
    if (!t)
        return false;
    bool wants_room = tls_wants_room(t);
    put_back(fd, t);
    return wants_room;
}

/* --- its end --- */

/* A socket that is full to the brim behind the last answer does not take it, and the FIN that comes next
 * lets nothing more out. Not waited for: a client that knows the length of its answer has the whole, and
 * one that reads up to the end takes it to be cut, which errs on the right side. */
void wire_tls_end(struct server *s, const struct conn *c, int fd)
{
    struct tls_session *t = take(fd);
    (void)s, (void)c;
    if (!t)
        return;
    (void)tls_end(t);
    put_back(fd, t);
}

int wire_tls_unsent(const struct server *s, const struct conn *c)
{
    (void)s, (void)c; /* nothing stands between the session and the client's socket */
    return 0;
}

bool wire_tls_accepted(const struct server *s, int fd)
{
    (void)s, (void)fd; /* it came by a listener, like a plain one */
    return false;
}

/* --- opening and closing, for the model --- */

bool model_check_tls(const struct options *o)
{
    bool is_good = keys_read(o) && keys_use(o);
    keys_drop();
    keys_close();
    return is_good;
}

/* In the serving process. With --one there is no supervisor that has read them. */
bool model_open_tls(struct server *s)
{
    const struct options *o = &s->options;
    if (!o->one)
        keys_protect();
    else if (!keys_read(o))
        return false;
    s->tls = keys_figures();
    if (keys_use(o) && open_array(s->table.size))
        return true;
    model_close_tls(s);
    return false;
}

void model_tend_tls(struct server *s, struct guard *g, bool is_to_reload)
{
    (void)g;
    if (is_to_reload)
        keys_read_again(&s->options);
    keys_tick(&s->options);
    keys_await_answer(&s->options);
}

void model_close_tls(struct server *s)
{
    close_array();
    keys_drop();
    s->tls = NULL;
    if (s->options.one)
        keys_close();
}
