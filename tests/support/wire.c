/*
 * The raw client.  Its parser takes only what a server should ever send: one bad byte and it says
 * WIRE_GARBLED rather than guessing.
 */
#include "wire.h"

#include "patience.h"

#include <arpa/inet.h>
#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

enum framing { FRAMED, UNFINISHED, BROKEN };

static bool connect_to(struct wire *wire, uint16_t port, int receive_buffer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;

    *wire = (struct wire){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ck_assert_msg(wire->fd >= 0, "socket: %s", strerror(errno));
    if (receive_buffer > 0)
        setsockopt(wire->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bytes_add_text(&wire->inbox, "");
    return connect(wire->fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

bool wire_try_open(struct wire *wire, uint16_t port)
{
    if (connect_to(wire, port, 0))
        return true;
    wire_close(wire);
    return false;
}

struct wire wire_open(uint16_t port)
{
    struct wire wire;

    ck_assert_msg(connect_to(&wire, port, 0), "connect to port %d: %s", port, strerror(errno));
    return wire;
}

struct wire wire_open_narrow(uint16_t port)
{
    struct wire wire;

    ck_assert_msg(connect_to(&wire, port, 1), "connect to port %d: %s", port, strerror(errno));
    return wire;
}

uint16_t wire_port(const struct wire *wire)
{
    struct sockaddr_in own = {0};
    socklen_t length = sizeof(own);

    ck_assert_int_eq(getsockname(wire->fd, (struct sockaddr *)&own, &length), 0);
    return ntohs(own.sin_port);
}

struct wire wire_open_at(const struct sockaddr *address, socklen_t length)
{
    struct wire wire = {.fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    ck_assert_msg(wire.fd >= 0, "socket: %s", strerror(errno));
    bytes_add_text(&wire.inbox, "");
    ck_assert_msg(connect(wire.fd, address, length) == 0, "connect: %s", strerror(errno));
    return wire;
}

void wire_close(struct wire *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    wire->fd = -1;
    bytes_free(&wire->inbox);
    bytes_free(&wire->head);
    bytes_free(&wire->body);
}

bool wire_send(struct wire *wire, const void *bytes, size_t length)
{
    const char *at = bytes;

    while (length > 0) {
        ssize_t sent = send(wire->fd, at, length, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        length -= (size_t)sent;
    }
    return true;
}

bool wire_sendf(struct wire *wire, const char *format, ...)
{
    char text[8192];
    va_list list;
    int length;

    va_start(list, format);
    length = vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    ck_assert_int_lt(length, (int)sizeof(text));
    return wire_send(wire, text, (size_t)length);
}

bool wire_send_get(struct wire *wire, const char *path)
{
    return wire_sendf(wire, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);
}

/* --- one response out of the inbox --- */

const char *reply_field(const struct reply *reply, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);

    for (const char *line = strstr(reply->head, "\r\n"); line != NULL;
         line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *start = line + length + 1 + strspn(line + length + 1, " \t");

            snprintf(value, size, "%.*s", (int)strcspn(start, "\r"), start);
            return value;
        }
    }
    return NULL;
}

int reply_count_field(const struct reply *reply, const char *name)
{
    size_t length = strlen(name);
    int count = 0;

    for (const char *line = strstr(reply->head, "\r\n"); line != NULL;
         line = strstr(line, "\r\n")) {
        line += 2;
        count += strncasecmp(line, name, length) == 0 && line[length] == ':';
    }
    return count;
}

/* "HTTP/1.1 200 OK" or "HTTP/1.0 …", three digits, a blank. */
static bool read_status_line(const char *head, int *status)
{
    if (strncmp(head, "HTTP/1.", 7) != 0 || (head[7] != '0' && head[7] != '1') || head[8] != ' ')
        return false;
    if (!isdigit((unsigned char)head[9]) || !isdigit((unsigned char)head[10]) ||
        !isdigit((unsigned char)head[11]) || head[12] != ' ')
        return false;
    *status = (int)strtol(head + 9, NULL, 10);
    return *status >= 100;
}

static bool has_no_body(int status, bool answers_head)
{
    return answers_head || status < 200 || status == 204 || status == 304;
}

/* One chunk from `at`: its size line, data and CRLF.  `*size` is 0 for the last, data-less one. */
static enum framing read_chunk(struct wire *wire, size_t *at, size_t *size)
{
    const struct bytes *inbox = &wire->inbox;
    const char *line = inbox->at + *at;
    const char *line_end = memmem(line, inbox->length - *at, "\r\n", 2);
    char *digits_end;
    size_t data;

    if (line_end == NULL)
        return UNFINISHED;
    if (!isxdigit((unsigned char)*line))
        return BROKEN;
    *size = strtoul(line, &digits_end, 16);
    if (digits_end != line_end && *digits_end != ';')
        return BROKEN;
    data = (size_t)(line_end + 2 - inbox->at);
    if (inbox->length < data + *size + 2)
        return UNFINISHED;
    if (*size > 0 && memcmp(inbox->at + data + *size, "\r\n", 2) != 0)
        return BROKEN;
    bytes_add(&wire->body, inbox->at + data, *size);
    *at = data + (*size > 0 ? *size + 2 : 0);
    return FRAMED;
}

/* Chunks, then trailer fields, then an empty line. */
static enum framing read_chunked(struct wire *wire, size_t start)
{
    enum framing framing;
    size_t at = start, size = 1;

    while (size > 0) {
        framing = read_chunk(wire, &at, &size);
        if (framing != FRAMED)
            return framing;
    }
    for (;;) {
        const char *line = wire->inbox.at + at;
        const char *line_end = memmem(line, wire->inbox.length - at, "\r\n", 2);

        if (line_end == NULL)
            return UNFINISHED;
        at = (size_t)(line_end + 2 - wire->inbox.at);
        if (line_end == line)
            break;
    }
    wire->to_drop = at;
    return FRAMED;
}

static enum framing read_body(struct wire *wire, const struct reply *reply, size_t start)
{
    const struct bytes *inbox = &wire->inbox;
    char value[64];
    size_t length = 0;

    bytes_clear(&wire->body);
    if (!has_no_body(reply->status, wire->in_head_mode)) {
        if (reply_field(reply, "Transfer-Encoding", value, sizeof(value)) != NULL)
            return strcasecmp(value, "chunked") == 0 ? read_chunked(wire, start) : BROKEN;
        if (reply_field(reply, "Content-Length", value, sizeof(value)) != NULL)
            length = strtoul(value, NULL, 10);
        else if (wire->ended && !wire->was_reset)
            length = inbox->length - start;
        else
            return UNFINISHED;
    }
    if (inbox->length < start + length)
        return UNFINISHED;
    bytes_add(&wire->body, inbox->at + start, length);
    wire->to_drop = start + length;
    return FRAMED;
}

static enum framing read_reply(struct wire *wire, struct reply *reply)
{
    const struct bytes *inbox = &wire->inbox;
    const char *head_end = memmem(inbox->at, inbox->length, "\r\n\r\n", 4);
    size_t length;
    enum framing framing;

    if (head_end == NULL)
        return inbox->length >= 5 && memcmp(inbox->at, "HTTP/", 5) != 0 ? BROKEN : UNFINISHED;
    length = (size_t)(head_end - inbox->at) + 2;
    bytes_clear(&wire->head);
    bytes_add(&wire->head, inbox->at, length);
    reply->head = wire->head.at;
    if (!read_status_line(reply->head, &reply->status))
        return BROKEN;
    framing = read_body(wire, reply, length + 2);
    reply->body = wire->body.at;
    reply->length = wire->body.length;
    if (framing == FRAMED && reply->status >= 200)
        wire->in_head_mode = false;
    return framing;
}

/* --- bytes from the socket into the inbox --- */

/* False when nothing more is there now, or ever. */
static bool receive_some(struct wire *wire)
{
    char piece[65536];
    ssize_t got;

    if (wire->ended)
        return false;
    got = recv(wire->fd, piece, sizeof(piece), MSG_DONTWAIT);
    if (got > 0) {
        bytes_add(&wire->inbox, piece, (size_t)got);
        return true;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    wire->ended = true;
    wire->was_reset = got < 0;
    return false;
}

static enum wire_event judge(struct wire *wire, struct reply *reply)
{
    switch (read_reply(wire, reply)) {
    case FRAMED:
        return WIRE_REPLY;
    case BROKEN:
        return WIRE_GARBLED;
    case UNFINISHED:
        break;
    }
    if (!wire->ended)
        return WIRE_SILENCE;
    if (wire->inbox.length > 0)
        return WIRE_CUT;
    return wire->was_reset ? WIRE_RESET : WIRE_CLOSED;
}

enum wire_event wire_poll(struct wire *wire, struct reply *reply)
{
    bytes_drop(&wire->inbox, wire->to_drop);
    wire->to_drop = 0;
    while (receive_some(wire))
        ;
    return judge(wire, reply);
}

enum wire_event wire_read(struct wire *wire, struct reply *reply, int ms)
{
    int64_t end = now_ms() + ms;
    struct pollfd wait = {.fd = wire->fd, .events = POLLIN};
    enum wire_event event;

    while ((event = wire_poll(wire, reply)) == WIRE_SILENCE) {
        int64_t left = end - now_ms();

        if (left <= 0 || poll(&wait, 1, (int)left) == 0)
            return wire_poll(wire, reply);
    }
    return event;
}

const char *wire_event_name(enum wire_event event)
{
    static const char *const names[] = {
        [WIRE_REPLY] = "a response", [WIRE_CLOSED] = "the end of the connection",
        [WIRE_RESET] = "a reset",    [WIRE_CUT] = "a truncated response",
        [WIRE_SILENCE] = "nothing",  [WIRE_GARBLED] = "bytes that are no response",
    };

    return names[event];
}

/* --- expectations --- */

struct reply wire_expect(struct wire *wire, int status, const char *what)
{
    struct reply reply = {0};
    enum wire_event event = wire_read(wire, &reply, patience(PATIENCE_MS));

    ck_assert_msg(event == WIRE_REPLY, "%s: expected %d, got %s (%.200s)", what, status,
                  wire_event_name(event), wire->inbox.at);
    ck_assert_msg(reply.status == status, "%s: expected %d, got %.400s", what, status, reply.head);
    return reply;
}

struct reply wire_expect_get(struct wire *wire, const char *path, int status, const char *what)
{
    ck_assert_msg(wire_send_get(wire, path), "%s: the connection is gone", what);
    return wire_expect(wire, status, what);
}

void wire_expect_usable(struct wire *wire, const char *what)
{
    struct reply reply = wire_expect_get(wire, "/one.txt", 200, what);

    ck_assert_msg(reply.length == 1024, "%s: one.txt came with %zu bytes", what, reply.length);
    ck_assert_msg(memcmp(reply.body, "abcdefghij", 10) == 0, "%s: not the bytes of one.txt", what);
}

void wire_expect_end(struct wire *wire, int ms, const char *what)
{
    struct reply reply = {0};
    enum wire_event event = wire_read(wire, &reply, ms);

    ck_assert_msg(event == WIRE_CLOSED || event == WIRE_RESET,
                  "%s: expected the end of the connection, got %s (%.200s)", what,
                  wire_event_name(event), wire->inbox.at);
}

int fetch_status(uint16_t port, const char *path, int ms)
{
    struct reply reply = {0};
    struct wire wire;
    int status = -1;

    if (!wire_try_open(&wire, port))
        return -1;
    if (wire_send_get(&wire, path) && wire_read(&wire, &reply, ms) == WIRE_REPLY)
        status = reply.status;
    wire_close(&wire);
    return status;
}
