/*
 * Answers that are sent while they are made (tests/modules/streams.c), seen by a client that counts
 * every byte, takes its time, or goes away.
 */
#include "patience.h"
#include "proc.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static long stream_length(void)
{
    return (build_is_slow() ? 20L : 200L) << 20;
}

static void start(struct server *server, int subject)
{
    server_start(server, subject,
                 OPTIONS("--module", module_object("streams.so"), "--enable-faults", "--workers",
                         "4", "--admin", "127.0.0.1:0", "--log-level", "error"));
}

/* --- a reader that keeps nothing: bytes are judged as they come --- */

enum { READ_SIZE = 1 << 16, SLOW_START_MS = 600 };

struct reader {
    int fd;
    char buffer[READ_SIZE];
    size_t at, end;
    uint64_t total; /* bytes of the body */
    bool is_wrong;
};

/* The next byte as it came; -1 at the end of the connection, -2 when it was reset. */
static int next(struct reader *reader)
{
    if (reader->at == reader->end) {
        ssize_t got = recv(reader->fd, reader->buffer, sizeof(reader->buffer), 0);

        if (got <= 0)
            return got == 0 ? -1 : -2;
        reader->at = 0;
        reader->end = (size_t)got;
    }
    return (unsigned char)reader->buffer[reader->at++];
}

static void judge(struct reader *reader, int byte)
{
    reader->is_wrong |= byte != (int)((uint32_t)reader->total * 2654435761u >> 24);
    reader->total++;
}

/* The head as text, without the empty line. */
static void read_head(struct reader *reader, char *head, size_t size)
{
    size_t length = 0;

    while (length < size - 1) {
        int byte = next(reader);

        ck_assert_int_ge(byte, 0);
        head[length++] = (char)byte;
        if (length >= 4 && memcmp(head + length - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    head[length] = '\0';
}

/* A line of digits; -1 when the connection ends. */
static long chunk_size(struct reader *reader)
{
    char line[32];
    size_t length = 0;
    int byte;

    while ((byte = next(reader)) >= 0 && byte != '\n' && length < sizeof(line) - 1)
        line[length++] = (char)byte;
    line[length] = '\0';
    return byte == '\n' && length > 1 ? strtol(line, NULL, 16) : -1;
}

/* True when the last chunk has come. */
static bool ends_line(struct reader *reader)
{
    int cr = next(reader), lf = next(reader);

    return cr == '\r' && lf == '\n';
}

static bool read_chunks(struct reader *reader)
{
    long left;

    while ((left = chunk_size(reader)) > 0) {
        for (; left > 0; left--) {
            int byte = next(reader);

            if (byte < 0)
                return false;
            judge(reader, byte);
        }
        if (!ends_line(reader))
            return false;
    }
    return left == 0 && ends_line(reader);
}

/* Returns how the connection ended: -1 or -2. */
static int read_to_the_close(struct reader *reader)
{
    int byte;

    while ((byte = next(reader)) >= 0)
        judge(reader, byte);
    return byte;
}

static size_t largest_process(const struct server *server)
{
    pid_t found[MAX_PROCESSES];
    size_t count = server_processes(server, found), largest = 0;

    for (size_t i = 0; i < count; i++) {
        size_t memory = own_memory(found[i]);

        largest = memory > largest ? memory : largest;
    }
    return largest;
}

/* --- the tests --- */

/* The client takes nothing for a moment: the handler has to wait, and nothing may pile up. */
START_TEST(is_whole_and_costs_no_memory)
{
    static struct reader reader;
    struct server server;
    struct wire wire;
    size_t before, held;
    char head[1024];

    start(&server, _i);
    ck_assert_int_eq(fetch_status(server.port, "/stream?bytes=100000", patience(5000)), 200);
    before = largest_process(&server);
    wire = wire_open(server.port);
    reader = (struct reader){.fd = wire.fd};
    ck_assert(
        wire_sendf(&wire, "GET /stream?bytes=%ld HTTP/1.1\r\nHost: t\r\n\r\n", stream_length()));
    pause_ms(SLOW_START_MS);
    held = largest_process(&server);
    read_head(&reader, head, sizeof(head));
    ck_assert_ptr_nonnull(strstr(head, " 200 "));
    ck_assert_ptr_nonnull(strstr(head, "\r\nTransfer-Encoding: chunked\r\n"));
    ck_assert_ptr_null(strstr(head, "Content-Length"));
    ck_assert_msg(read_chunks(&reader), "%s: the last chunk has not come", server.subject->name);
    ck_assert_uint_eq(reader.total, (uint64_t)stream_length());
    ck_assert_msg(!reader.is_wrong, "%s: wrong bytes", server.subject->name);
    printf("%s: %ld MiB streamed; the largest process had %zu KiB before, %zu while its client "
           "took nothing, and has %zu now\n",
           server.subject->name, stream_length() >> 20, before >> 10, held >> 10,
           largest_process(&server) >> 10);
    if (!build_is_slow()) {
        ck_assert_uint_le(held, before + (2 << 20));
        ck_assert_uint_le(largest_process(&server), before + (2 << 20));
    }
    wire_expect_usable(&wire, server.subject->name);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

START_TEST(ends_with_the_connection_in_http_1_0)
{
    static struct reader reader;
    struct server server;
    struct wire wire;
    char head[1024];

    start(&server, _i);
    wire = wire_open(server.port);
    reader = (struct reader){.fd = wire.fd};
    ck_assert(wire_sendf(&wire, "GET /stream?bytes=3000000 HTTP/1.0\r\n\r\n"));
    read_head(&reader, head, sizeof(head));
    ck_assert_ptr_null(strstr(head, "Transfer-Encoding"));
    ck_assert_ptr_null(strstr(head, "Content-Length"));
    ck_assert_int_eq(read_to_the_close(&reader), -1); /* and no reset */
    ck_assert_uint_eq(reader.total, 3000000);
    ck_assert(!reader.is_wrong);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

START_TEST(has_no_body_for_head)
{
    struct server server;
    struct reply reply;
    struct wire wire;

    start(&server, _i);
    wire = wire_open(server.port);
    wire.in_head_mode = true;
    ck_assert(wire_sendf(&wire, "HEAD /stream?bytes=3000000 HTTP/1.1\r\nHost: t\r\n\r\n"));
    reply = wire_expect(&wire, 200, server.subject->name);
    ck_assert_uint_eq(reply.length, 0);
    wire_expect_usable(&wire, server.subject->name);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* Half an answer must not look whole: no last chunk, and a reset where somebody is left to make
 * one. */
START_TEST(breaks_off_visibly)
{
    static const char *const paths[] = {"/fault/partial-write", "/stream?bytes=100000&fail=1"};
    static struct reader reader;
    struct server server;
    char head[1024];

    start(&server, _i);
    for (int i = 0; i < 2; i++) {
        struct wire wire = wire_open(server.port);
        bool is_whole;
        int end;

        reader = (struct reader){.fd = wire.fd};
        ck_assert(wire_send_get(&wire, paths[i]));
        read_head(&reader, head, sizeof(head));
        ck_assert_ptr_nonnull(strstr(head, " 200 "));
        is_whole = read_chunks(&reader);
        end = is_whole ? 0 : next(&reader);
        ck_assert_msg(!is_whole, "%s: %s looks whole", server.subject->name, paths[i]);
        if (_i != THREAD || i == 1) /* of a process that is gone the kernel says goodbye */
            ck_assert_msg(errno == ECONNRESET, "%s: %s ends with %d", server.subject->name,
                          paths[i], end);
        wire_close(&wire);
    }
    server_stop_noisy(&server);
}
END_TEST

/* --- a client that goes away --- */

static bool has_ended(void *subject)
{
    const struct server *server = subject;
    struct wire wire = wire_open(server->port);
    struct reply reply = wire_expect_get(&wire, "/streamed", 200, "/streamed");
    long ended = 0, gone = 0;

    ck_assert_int_eq(sscanf(reply.body, "%ld %ld", &ended, &gone), 2);
    wire_close(&wire);
    ck_assert_int_eq(ended, 0);
    return gone == 1;
}

static bool is_idle(void *subject)
{
    return server_metric(subject, "tandem_workers{state=\"turn\"} ") == 1; /* which asks */
}

/* Its handler is told, and ends; it has killed nobody. */
START_TEST(ends_when_its_client_has_gone)
{
    static struct reader reader;
    struct server server;
    struct wire wire;
    char head[1024];

    start(&server, _i);
    wire = wire_open(server.port);
    reader = (struct reader){.fd = wire.fd};
    ck_assert(wire_send_get(&wire, "/stream?bytes=1000000000&pause=1"));
    read_head(&reader, head, sizeof(head));
    wire_close(&wire);
    ck_assert_msg(eventually(has_ended, &server, patience(5000)),
                  "%s: the handler goes on for a client that has gone", server.subject->name);
    ck_assert_msg(eventually(is_idle, &server, patience(3000)), "%s: it still runs",
                  server.subject->name);
    ck_assert(server_metric(&server, "tandem_worker_deaths_total ") == 0);
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("streams");
    TCase *tcase = tcase_create("streams");

    add_for_each_subject(tcase, is_whole_and_costs_no_memory);
    add_for_each_subject(tcase, ends_with_the_connection_in_http_1_0);
    add_for_each_subject(tcase, has_no_body_for_head);
    add_for_each_subject(tcase, breaks_off_visibly);
    add_for_each_subject(tcase, ends_when_its_client_has_gone);
    tcase_set_timeout(tcase, case_limit(40));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
