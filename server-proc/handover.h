/*
 * handover.h — how a gate gives a connection to the workers: one message on a channel that all of them
 * take from, and with it a descriptor.
 *
 *      gate ── handover_send ──▶ channel (SOCK_SEQPACKET) ──▶ shared epoll ── handover_receive ──▶ worker
 *
 * The channel is to the workers what a listener is, and one of them accepts from it. What they get is
 * one end of a pair of sockets, on which the bytes are plain; or, of a client that did not speak TLS
 * at all, the client's own socket.
 */
#ifndef SERVER_PROC_HANDOVER_H
#define SERVER_PROC_HANDOVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/tls_facts.h"

/* One message; it never leaves the machine, and holds no pointer. Fill it with zeros first: what
 * lies between the members is sent, too, and a gate's stack has seen keys. */
struct handover {
    struct sockaddr_in6 peer; /* as accept(2) gave it, or a trusted proxy */
    uint32_t seat;            /* gate_board.h */
    uint32_t serial;
    struct tls_facts facts;
    bool is_misspoken; /* it is the client's socket: it spoke plain HTTP; no facts, no seat */
};

/* Never waits. `fd` stays the caller's. False: errno; EAGAIN, ETOOMANYREFS: the channel is full, try
 * again in a moment. */
bool handover_send(int channel, const struct handover *h, int fd);

/* Never waits. Returns a descriptor of the caller's, close-on-exec, or -1 with errno: EAGAIN: there is
 * none; EMFILE: one was lost, for want of a number; EPROTO: something else has written there; EBADF:
 * the channel has no other end any more. */
int handover_receive(int channel, struct handover *h);

#endif
