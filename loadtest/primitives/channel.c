/*
 * channel.c — the five ways. The first two stay in user space unless somebody sleeps; the others
 * are two system calls and two copies a message.
 */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "futex.h"

/* --- queue: what a thread pool has --- */

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    uint32_t head, tail;
    struct message slots[LINK_ROOM];
};

static bool queue_open(struct link *link, struct bench *b)
{
    struct queue *q = link->memory = bench_shared(b, sizeof *q);
    return q && pthread_mutex_init(&q->lock, NULL) == 0 && pthread_cond_init(&q->filled, NULL) == 0;
}

static bool queue_send(struct link *link, const struct message *m)
{
    struct queue *q = link->memory;
    pthread_mutex_lock(&q->lock);
    q->slots[q->tail++ % LINK_ROOM] = *m;
    pthread_mutex_unlock(&q->lock);
    pthread_cond_signal(
        &q->filled); /* not before: the other would wake up to a lock that is held */
    return true;
}

static bool queue_receive(struct link *link, struct message *m)
{
    struct queue *q = link->memory;
    pthread_mutex_lock(&q->lock);
    while (q->head == q->tail)
        pthread_cond_wait(&q->filled, &q->lock);
    *m = q->slots[q->head++ % LINK_ROOM];
    pthread_mutex_unlock(&q->lock);
    return true;
}

/* --- ring: no lock, so nothing is left locked when a process dies --- */

struct ring {
    _Alignas(64) _Atomic uint32_t tail; /* the sender's; the receiver sleeps on it */
    _Atomic uint32_t asleep;            /* the receiver's: wake me */
    _Alignas(64) uint32_t head;         /* the receiver's own */
    struct message slots[LINK_ROOM];
};

static bool ring_open(struct link *link, struct bench *b)
{
    link->memory = bench_shared(b, sizeof(struct ring));
    return link->memory != NULL;
}

/* Either the sender sees `asleep`, or the receiver sees the new tail: both are sequentially
 * consistent, so one of them comes first. */
static bool ring_send(struct link *link, const struct message *m)
{
    struct ring *r = link->memory;
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    r->slots[tail % LINK_ROOM] = *m;
    atomic_store(&r->tail, tail + 1);
    if (atomic_exchange(&r->asleep, 0)) /* one wake-up is enough, however many messages follow */
        futex_wake_all(&r->tail);
    return true;
}

static bool ring_receive(struct link *link, struct message *m)
{
    struct ring *r = link->memory;
    while (atomic_load(&r->tail) == r->head) {
        atomic_store(&r->asleep, 1);
        if (atomic_load(&r->tail) == r->head)
            futex_wait(&r->tail, r->head);
        atomic_store(&r->asleep, 0);
    }
    *m = r->slots[r->head++ % LINK_ROOM];
    return true;
}

/* --- pipe and socket: the kernel carries it --- */

static bool take_ends(struct link *link, int error, const int in_out[2], struct bench *b)
{
    if (error != 0)
        return complain(&b->why, "no pipe or socket: %s", strerror(errno));
    link->in = in_out[0];
    link->out = in_out[1];
    return true;
}

static bool pipe_open(struct link *link, struct bench *b)
{
    int ends[2] = {-1, -1};
    return take_ends(link, pipe2(ends, O_CLOEXEC), ends, b);
}

static bool socket_open(struct link *link, struct bench *b)
{
    int ends[2] = {-1, -1};
    return take_ends(link, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ends, b);
}

/* 64 bytes are below PIPE_BUF, and all that is written is a multiple of it: none comes in parts. */
static bool bytes_send(struct link *link, const struct message *m)
{
    return write(link->out, m, sizeof *m) == (ssize_t)sizeof *m;
}

static bool bytes_receive(struct link *link, struct message *m)
{
    return read(link->in, m, sizeof *m) == (ssize_t)sizeof *m;
}

/* --- a descriptor: the one thing that cannot be put into shared memory --- */

static bool descriptor_open(struct link *link, struct bench *b)
{
    link->passed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return link->passed < 0 ? complain(&b->why, "/dev/null: %s", strerror(errno))
                            : socket_open(link, b);
}

union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
};

static bool descriptor_send(struct link *link, const struct message *m)
{
    union control control = {.header = {.cmsg_level = SOL_SOCKET,
                                        .cmsg_type = SCM_RIGHTS,
                                        .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct iovec part = {.iov_base = (void *)m, .iov_len = sizeof *m};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    memcpy(CMSG_DATA(&control.header), &link->passed, sizeof link->passed);
    return sendmsg(link->out, &header, MSG_NOSIGNAL) == (ssize_t)sizeof *m;
}

static bool descriptor_receive(struct link *link, struct message *m)
{
    union control control;
    struct iovec part = {.iov_base = m, .iov_len = sizeof *m};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    int got;
    if (recvmsg(link->in, &header, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof *m)
        return false;
    const struct cmsghdr *found = CMSG_FIRSTHDR(&header);
    if (!found || found->cmsg_type != SCM_RIGHTS)
        return false;
    memcpy(&got, CMSG_DATA(found), sizeof got);
    return close(got) == 0;
}

const struct channel queue_channel = {THREADS, queue_open, queue_send, queue_receive};
const struct channel ring_threads = {THREADS, ring_open, ring_send, ring_receive};
const struct channel ring_processes = {PROCESSES, ring_open, ring_send, ring_receive};
const struct channel pipe_channel = {PROCESSES, pipe_open, bytes_send, bytes_receive};
const struct channel socket_channel = {PROCESSES, socket_open, bytes_send, bytes_receive};
const struct channel descriptor_channel = {PROCESSES, descriptor_open, descriptor_send,
                                           descriptor_receive};
