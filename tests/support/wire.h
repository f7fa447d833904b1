/*
 * A client made of raw bytes: sends exactly what it is told and reads responses as they come.
 *
 * It judges framing on its own, without the server's parser: by Content-Length, by chunks, or up to
 * the end of the connection.  What it hands out (struct reply) stays valid until the next read on
 * the same wire; wire_close gives all memory back.
 */
#ifndef TANDEM_TESTS_WIRE_H
#define TANDEM_TESTS_WIRE_H

#include "bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum wire_event {
    WIRE_REPLY,   /* a whole response */
    WIRE_CLOSED,  /* the server ended the connection, with no byte of a response before */
    WIRE_RESET,   /* the same by RST */
    WIRE_CUT,     /* the connection ended in the middle of a response */
    WIRE_SILENCE, /* nothing whole within the time */
    WIRE_GARBLED, /* bytes that are no response */
};

struct reply {
    int status;
    const char *head; /* status line and fields, NUL-terminated */
    const char *body; /* decoded, NUL-terminated; length bytes */
    size_t length;
};

struct wire {
    int fd;
    struct bytes inbox; /* received and not yet handed out */
    struct bytes head;
    struct bytes body;
    size_t to_drop; /* bytes of the inbox that the last reply took */
    bool ended;     /* FIN or RST was read */
    bool was_reset;
    bool in_head_mode; /* the next reply answers HEAD: no body follows */
};

/* Connects to 127.0.0.1 with TCP_NODELAY; fails the test when it cannot. */
struct wire wire_open(uint16_t port);

/* As wire_open, with a receive buffer as small as the kernel allows: a client that will not
 * read. */
struct wire wire_open_narrow(uint16_t port);

/* As wire_open, but tells: false when the connection is refused or reset. */
bool wire_try_open(struct wire *wire, uint16_t port);

/* As wire_open, to an address of any family. */
struct wire wire_open_at(const struct sockaddr *address, socklen_t length);

/* Its own port: by this a server knows it. */
uint16_t wire_port(const struct wire *wire);

void wire_close(struct wire *wire);

/* Sends all of it; false when the server has ended the connection meanwhile. */
bool wire_send(struct wire *wire, const void *bytes, size_t length);
bool wire_sendf(struct wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sends one GET with Host and nothing else. */
bool wire_send_get(struct wire *wire, const char *path);

/* Reads one response, interim ones (100) included, waiting at most `ms`. */
enum wire_event wire_read(struct wire *wire, struct reply *reply, int ms);

/* Takes what has arrived without waiting, then does as wire_read; for callers that poll. */
enum wire_event wire_poll(struct wire *wire, struct reply *reply);

/* The value of a field, or NULL; valid until the next call with the same wire. */
const char *reply_field(const struct reply *reply, const char *name, char *value, size_t size);

/* How many fields of that name the head has. */
int reply_count_field(const struct reply *reply, const char *name);

/* The event in words, for messages. */
const char *wire_event_name(enum wire_event event);

/* --- what most tests want, failing the test with `what` when it does not come about --- */

/* The next response, which must have this status. */
struct reply wire_expect(struct wire *wire, int status, const char *what);

/* GET on this wire, answered with this status; the connection may close behind it or not. */
struct reply wire_expect_get(struct wire *wire, const char *path, int status, const char *what);

/* The connection still serves: a GET of one.txt comes back whole. */
void wire_expect_usable(struct wire *wire, const char *what);

/* No further response: FIN or RST within `ms`. */
void wire_expect_end(struct wire *wire, int ms, const char *what);

/* GET on a connection of its own: the status, or -1 when there was no whole response. */
int fetch_status(uint16_t port, const char *path, int ms);

#endif
