/*
 * channel.h — ways to bring a message from one to another: one struct, five ways.
 *
 * A link has one sender and one receiver, threads or processes, and holds up to LINK_ROOM messages
 * that are under way; its users see to it that there are never more (an answer is due before), so
 * no way needs to handle being full.
 */
#ifndef LOADTEST_PRIMITIVES_CHANNEL_H
#define LOADTEST_PRIMITIVES_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "crew.h"
#include "primitive.h"

enum { LINK_ROOM = 64 };

/* A cache line. */
struct message {
    uint64_t number;
    unsigned char rest[56];
};

struct link {
    const struct channel *channel;
    int out, in;  /* descriptors, where it has some: what goes in at `out` comes out at `in` */
    int passed;   /* the one that is passed */
    void *memory; /* queue or ring */
};

struct channel {
    enum kind between;
    /* Before the other side is started, which inherits it. False: b->why. */
    bool (*open)(struct link *link, struct bench *b);
    /* False: it did not work, or what came was no message. */
    bool (*send)(struct link *link, const struct message *m);
    bool (*receive)(struct link *link, struct message *m);
};

extern const struct channel queue_channel;      /* mutex and condition, between threads */
extern const struct channel ring_threads;       /* atomics and futex, between threads */
extern const struct channel ring_processes;     /* the same between processes */
extern const struct channel pipe_channel;       /* between processes, as are the next */
extern const struct channel socket_channel;     /* unix, SOCK_SEQPACKET */
extern const struct channel descriptor_channel; /* a message and a descriptor (SCM_RIGHTS), which
                                                   the receiver closes */

#endif
