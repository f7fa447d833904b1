/*
 * Bodies of all sizes, in all manners of arrival: each comes back byte for byte.
 */
#include "bytes.h"
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bytes noise(size_t length)
{
    struct bytes b = {0};
    unsigned state = 88172645;

    bytes_add_text(&b, "");
    for (size_t i = 0; i < length; i++) {
        char byte;

        state = state * 1103515245u + 12345u;
        byte = (char)(state >> 16);
        bytes_add(&b, &byte, 1);
    }
    return b;
}

static void expect_echo(struct wire *wire, const struct bytes *body, const char *what)
{
    struct reply reply = wire_expect(wire, 200, what);

    ck_assert_msg(reply.length == body->length, "%s: %zu bytes of %zu came back", what,
                  reply.length, body->length);
    ck_assert_msg(memcmp(reply.body, body->at, body->length) == 0, "%s: other bytes came back",
                  what);
}

static void send_head(struct wire *wire, size_t length)
{
    ck_assert(wire_sendf(wire, "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: %zu\r\n\r\n",
                         length));
}

START_TEST(echoes_a_length_of)
{
    /* Around what a head's buffer, memory, a page and a pipe hold; and one mebibyte. */
    static const size_t sizes[] = {1,     2,     4095,  4096,  16383, 16384,  16385,  32767,
                                   32768, 32769, 65535, 65536, 65537, 131072, 262145, 1 << 20};
    struct server server;
    struct wire wire;

    server_start(&server, _i, OPTIONS("--enable-demo"));
    wire = wire_open(server.port);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct bytes body = noise(sizes[i]);
        char what[64];

        snprintf(what, sizeof(what), "%s: %zu bytes", server.subject->name, sizes[i]);
        send_head(&wire, body.length);
        ck_assert(wire_send(&wire, body.at, body.length));
        expect_echo(&wire, &body, what);
        bytes_free(&body);
    }
    wire_expect_usable(&wire, "after all sizes");
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

static void send_chunked(struct wire *wire, const struct bytes *body, size_t largest)
{
    size_t at = 0, size = 1;

    ck_assert(wire_sendf(wire, "POST /echo HTTP/1.1\r\nHost: test\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n"));
    while (at < body->length) {
        size_t n = body->length - at < size ? body->length - at : size;

        ck_assert(wire_sendf(wire, "%zx\r\n", n));
        ck_assert(wire_send(wire, body->at + at, n));
        ck_assert(wire_sendf(wire, "\r\n"));
        at += n;
        size = size * 7 % largest + 1;
    }
    ck_assert(wire_sendf(wire, "0\r\n\r\n"));
}

START_TEST(echoes_chunks)
{
    struct server server;
    struct wire wire;

    server_start(&server, _i, OPTIONS("--enable-demo"));
    wire = wire_open(server.port);
    for (size_t length = 1000; length <= 1 << 20; length *= 8) {
        struct bytes body = noise(length);

        send_chunked(&wire, &body, 9001);
        expect_echo(&wire, &body, "chunked");
        bytes_free(&body);
    }
    {
        struct bytes body = noise(1 << 20);

        send_chunked(&wire, &body, 300000);
        expect_echo(&wire, &body, "chunked, 1 MiB");
        bytes_free(&body);
    }
    wire_expect_usable(&wire, "after chunks");
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* Pieces that are read on their own by whichever worker is free. */
START_TEST(puts_pieces_together)
{
    struct bytes body = noise(100000);
    struct server server;
    struct wire wire;

    server_start(&server, _i, OPTIONS("--enable-demo"));
    wire = wire_open(server.port);
    send_head(&wire, body.length);
    for (size_t at = 0; at < body.length; at += 5000) {
        ck_assert(wire_send(&wire, body.at + at, 5000));
        pause_ms(2);
    }
    expect_echo(&wire, &body, "in pieces");
    wire_close(&wire);
    bytes_free(&body);
    server_stop_clean(&server);
}
END_TEST

/* Thirty large bodies half sent, and finished in another order: none gets another's bytes. */
START_TEST(keeps_bodies_apart)
{
    enum { CLIENTS = 30, LENGTH = 120000 };
    struct wire wires[CLIENTS];
    struct server server;

    server_start(&server, _i, OPTIONS("--enable-demo", "--workers", "3"));
    for (int half = 0; half < 2; half++)
        for (int n = 0; n < CLIENTS; n++) {
            int i = half == 0 ? n : (n * 7) % CLIENTS;
            char *letters = malloc(LENGTH / 2);

            ck_assert_ptr_nonnull(letters);
            memset(letters, 'A' + i, LENGTH / 2);
            if (half == 0) {
                wires[i] = wire_open(server.port);
                send_head(&wires[i], LENGTH);
            }
            ck_assert(wire_send(&wires[i], letters, LENGTH / 2));
            free(letters);
        }
    for (int i = 0; i < CLIENTS; i++) {
        struct reply reply = wire_expect(&wires[i], 200, "kept apart");

        ck_assert_uint_eq(reply.length, LENGTH);
        ck_assert_uint_eq(strspn(reply.body, (char[]){(char)('A' + i), '\0'}), LENGTH);
        wire_close(&wires[i]);
    }
    server_stop_clean(&server);
}
END_TEST

START_TEST(continues_before_the_body_is_sent)
{
    struct bytes body = noise(50000);
    struct server server;
    struct reply reply;
    struct wire wire;

    server_start(&server, _i, OPTIONS("--enable-demo"));
    wire = wire_open(server.port);
    for (int i = 0; i < 2; i++) {
        ck_assert(wire_sendf(&wire,
                             "POST /echo HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\n"
                             "Content-Length: %zu\r\n\r\n",
                             body.length));
        ck_assert_int_eq(wire_read(&wire, &reply, patience(5000)), WIRE_REPLY);
        ck_assert_int_eq(reply.status, 100);
        ck_assert(wire_send(&wire, body.at, body.length));
        expect_echo(&wire, &body, "after 100");
    }
    wire_close(&wire);
    bytes_free(&body);
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bodies");
    TCase *tcase = tcase_create("bodies");

    add_for_each_subject(tcase, echoes_a_length_of);
    add_for_each_subject(tcase, echoes_chunks);
    add_for_each_subject(tcase, puts_pieces_together);
    add_for_each_subject(tcase, keeps_bodies_apart);
    add_for_each_subject(tcase, continues_before_the_body_is_sent);
    tcase_set_timeout(tcase, case_limit(30));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
