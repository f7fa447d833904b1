/*
 * session: a handshake, bytes, an end, and all that can happen in between.
 */
#include "common/tls/session.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scene.h"
#include "unit.h"

enum { BIG = 4 << 20 };

static struct stage *stage;
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void open_stage(void)
{
    struct cert c = cert_for("DNS:localhost");
    stage = stage_new();
    add_pair(&stage->material, "localhost", &c);
    stage_open(stage);
}

static void close_stage(void)
{
    stage_free(stage);
}

static struct visit *good_visit(int version)
{
    return visit_good(stage->context, &(struct client_spec){.version = version});
}

/* --- bytes --- */

START_TEST(test_bytes_go_both_ways)
{
    struct client_spec spec = {.name = "localhost", .version = versions[_i]};
    struct visit *v = visit_good(stage->context, &spec);
    struct tls_facts facts = visit_facts(v);
    ck_assert_str_eq(facts.version, _i == 0 ? "TLSv1.2" : "TLSv1.3");
    ck_assert_str_eq(facts.cipher,
                     _i == 0 ? "ECDHE-ECDSA-AES128-GCM-SHA256" : "TLS_AES_128_GCM_SHA256");
    ck_assert_str_eq(facts.server_name, "localhost");
    ck_assert_str_eq(facts.subject, "");
    ck_assert(!facts.is_resumed);
    visit_echo(v, "hello");
    visit_echo(v, "again");
    visit_close(v);
}
END_TEST

/* More records than one, and less room than a record: EAGAIN alone says that nothing is left. */
START_TEST(test_much_is_read_in_pieces)
{
    enum { MUCH = 40000 };
    static char sent[MUCH], got[MUCH];
    struct visit *v = good_visit(versions[_i]);
    for (int i = 0; i < MUCH; i++)
        sent[i] = (char)(i * 7);
    ck_assert_int_eq(SSL_write(v->client, sent, MUCH), MUCH);
    tls_refresh(v->server, false);
    size_t n = 0;
    ssize_t piece;
    while ((piece = tls_recv(v->server, got + n, 1000)) > 0)
        n += (size_t)piece;
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert(!tls_wants_room(v->server));
    ck_assert_uint_eq(n, MUCH);
    ck_assert_int_eq(memcmp(sent, got, MUCH), 0);
    visit_close(v);
}
END_TEST

/* What the client says from now on arrives in one piece, with deliver(). */
static void collect(struct visit *v)
{
    SSL_set0_wbio(v->client, BIO_new(BIO_s_mem()));
}

static void deliver(struct visit *v)
{
    char *all;
    long n = BIO_get_mem_data(SSL_get_wbio(v->client), &all);
    ck_assert_int_eq(write(v->ends[1], all, (size_t)n), n);
    tls_refresh(v->server, true);
}

static void say_in_small_records(struct visit *v, const char *text, size_t n)
{
    collect(v);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(SSL_write(v->client, text + i, 1), 1);
}

/* A head in records of one byte is not to be parsed a thousand times. */
START_TEST(test_small_records_come_together)
{
    static char text[500], got[600];
    struct visit *v = good_visit(versions[_i]);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    say_in_small_records(v, text, sizeof text);
    SSL_shutdown(v->client);
    deliver(v);
    ck_assert_int_eq(tls_recv(v->server, got, 100), 100);
    ck_assert_int_eq(tls_recv(v->server, got + 100, sizeof got - 100), 400);
    ck_assert_int_eq(memcmp(text, got, sizeof text), 0);
    ck_assert(!tls_is_drained(v->server));
    ck_assert_int_eq(tls_recv(v->server, got, sizeof got), 0); /* the end has not been lost */
    visit_close(v);
}
END_TEST

/* … but no more than so many, whatever has room: others want their turn. */
START_TEST(test_small_records_without_end)
{
    enum { MANY = 4000, MOST = 2 * 17000 / 22 };
    static char text[MANY], got[MANY];
    struct visit *v = good_visit(versions[_i]);
    size_t n = 0;
    say_in_small_records(v, text, MANY);
    deliver(v);
    while (n < MANY) {
        ssize_t piece = tls_recv(v->server, got, MANY);
        ck_assert_int_gt(piece, 0);
        ck_assert_int_le(piece, MOST);
        n += (size_t)piece;
    }
    ck_assert_int_eq(tls_recv(v->server, got, MANY), -1);
    ck_assert_int_eq(errno, EAGAIN);
    visit_close(v);
}
END_TEST

/* Moves what one end has written to the other, a byte at a time, looking in after each. */
static void trickle(int from, int to, struct visit *v, void (*look)(struct visit *))
{
    char byte;
    while (read(from, &byte, 1) == 1) {
        ck_assert_int_eq(write(to, &byte, 1), 1);
        tls_refresh(v->server, false);
        look(v);
    }
}

static void shake_a_little(struct visit *v)
{
    if (v->step == TLS_AGAIN)
        v->step = tls_handshake(v->server);
    ck_assert_int_ne(v->step, TLS_FAILED);
}

static char heard[64];

static void listen_a_little(struct visit *v)
{
    size_t had = strlen(heard);
    ssize_t n = tls_recv(v->server, heard + had, sizeof heard - had - 1);
    if (n < 0)
        ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_ne((int)n, 0);
}

/* The client's words pass through a second socketpair. */
START_TEST(test_byte_by_byte)
{
    struct visit *v = visit_open(stage->context, &(struct client_spec){.version = versions[_i]});
    int pair[2];
    heard[0] = '\0';
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    BIO *out = BIO_new_fd(pair[0], BIO_NOCLOSE);
    SSL_set0_wbio(v->client, out);
    for (int i = 0; i < 10 && SSL_do_handshake(v->client) != 1; i++)
        trickle(pair[1], v->ends[1], v, shake_a_little);
    trickle(pair[1], v->ends[1], v, shake_a_little);
    ck_assert_int_eq(v->step, TLS_DONE);
    ck_assert_int_eq(SSL_write(v->client, "one after the other", 19), 19);
    trickle(pair[1], v->ends[1], v, listen_a_little);
    ck_assert_str_eq(heard, "one after the other");
    visit_close(v);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

/* A short read is not asked again until there has been an event. */
START_TEST(test_drained_until_the_next_event)
{
    char bytes[16];
    struct visit *v = good_visit(versions[_i]);
    visit_echo(v, "hello");
    ck_assert_int_eq(SSL_write(v->client, "more", 4), 4);
    ck_assert_int_eq(tls_recv(v->server, bytes, sizeof bytes), -1);
    ck_assert_int_eq(errno, EAGAIN);
    tls_refresh(v->server, false);
    ck_assert_int_eq(tls_recv(v->server, bytes, sizeof bytes), 4);
    visit_close(v);
}
END_TEST

/* --- a full socket --- */

static char *big_text(void)
{
    char *text = malloc(BIG);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < BIG; i++)
        text[i] = (char)(i % 251);
    return text;
}

/* Sends until there is no room; how much has gone. */
static size_t fill_socket(struct visit *v, const char *text)
{
    size_t sent = 0;
    ssize_t n;
    while ((n = tls_send(v->server, text + sent, BIG - sent, false)) > 0)
        sent += (size_t)n;
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert(tls_wants_room(v->server));
    ck_assert_uint_lt(sent, BIG);
    return sent;
}

/* What the client can read now is what was sent. */
static size_t drain(struct visit *v, const char *text, size_t from)
{
    static char bytes[65536];
    int n;
    while ((n = SSL_read(v->client, bytes, sizeof bytes)) > 0) {
        ck_assert_int_eq(memcmp(bytes, text + from, (size_t)n), 0);
        from += (size_t)n;
    }
    ck_assert_int_eq(SSL_get_error(v->client, n), SSL_ERROR_WANT_READ);
    return from;
}

/* The bytes that are tried again lie elsewhere. */
START_TEST(test_full_socket)
{
    char *text = big_text(), *copy = big_text();
    struct visit *v = good_visit(versions[_i]);
    size_t sent = fill_socket(v, text), got = 0;
    while (sent < BIG) {
        got = drain(v, text, got);
        ssize_t n = tls_send(v->server, copy + sent, BIG - sent, false);
        ck_assert_int_gt(n, 0);
        sent += (size_t)n;
    }
    ck_assert_uint_eq(drain(v, text, got), BIG);
    visit_echo(v, "hello");
    visit_close(v);
    free(text);
    free(copy);
}
END_TEST

/* Bytes of somebody else's fill it before the handshake does. */
START_TEST(test_full_socket_in_the_handshake)
{
    static char bytes[4096];
    struct visit *v = visit_open(stage->context, &(struct client_spec){.version = versions[_i]});
    ssize_t n, filled = 0;
    ck_assert_int_eq(SSL_do_handshake(v->client), -1);
    while ((n = write(v->ends[0], bytes, sizeof bytes)) > 0)
        filled += n;
    tls_refresh(v->server, false);
    ck_assert_int_eq(tls_handshake(v->server), TLS_AGAIN);
    ck_assert(tls_wants_room(v->server));
    for (; filled > 0; filled -= n) {
        n = read(v->ends[1], bytes, filled < 4096 ? (size_t)filled : sizeof bytes);
        ck_assert_int_gt(n, 0);
    }
    visit_shake(v);
    ck_assert_int_eq(v->step, TLS_DONE);
    visit_echo(v, "hello");
    visit_close(v);
}
END_TEST

/* The answer to a KeyUpdate cannot go out, in the middle of a record that cannot either. */
START_TEST(test_key_update_while_full)
{
    char *text = big_text(), bytes[16];
    struct visit *v = good_visit(TLS1_3_VERSION);
    size_t sent = fill_socket(v, text), got = 0;
    ck_assert_int_eq(SSL_key_update(v->client, SSL_KEY_UPDATE_REQUESTED), 1);
    ck_assert_int_eq(SSL_write(v->client, "hello", 5), 5);
    tls_refresh(v->server, false);
    ck_assert_int_eq(tls_recv(v->server, bytes, sizeof bytes), 5);
    while (sent < BIG) {
        got = drain(v, text, got);
        ssize_t n = tls_send(v->server, text + sent, BIG - sent, false);
        ck_assert_int_gt(n, 0);
        sent += (size_t)n;
    }
    ck_assert_uint_eq(drain(v, text, got), BIG);
    visit_echo(v, "hello");
    visit_close(v);
    free(text);
}
END_TEST

START_TEST(test_key_update)
{
    struct visit *v = good_visit(TLS1_3_VERSION);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(SSL_key_update(v->client, SSL_KEY_UPDATE_REQUESTED), 1);
        visit_echo(v, "hello");
    }
    visit_close(v);
}
END_TEST

/* --- abuse --- */

START_TEST(test_endless_key_updates)
{
    char byte;
    int events = 0;
    struct visit *v = good_visit(TLS1_3_VERSION);
    do {
        for (int i = 0; i < 10; i++) {
            ck_assert_int_eq(SSL_key_update(v->client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
            ck_assert_int_eq(SSL_do_handshake(v->client), 1);
        }
        tls_refresh(v->server, false);
        ck_assert_int_eq(tls_recv(v->server, &byte, 1), -1);
    } while (errno == EAGAIN && ++events < 100);
    ck_assert_int_eq(errno, EPROTO);
    ck_assert_int_le(events, 40);
    visit_close(v);
}
END_TEST

/* The client asks for new keys so often, and then says something: all in one piece. */
static void update_and_say(struct visit *v, int updates, int kind, const char *text)
{
    int length = (int)strlen(text);
    collect(v);
    for (int i = 0; i < updates; i++) {
        ck_assert_int_eq(SSL_key_update(v->client, kind), 1);
        ck_assert_int_eq(SSL_do_handshake(v->client), 1);
    }
    ck_assert_int_eq(SSL_write(v->client, text, length), length);
    deliver(v);
}

/* None of it may be left lying about: no event will tell of it. */
START_TEST(test_bytes_behind_some_nothing)
{
    char bytes[8];
    struct visit *v = good_visit(TLS1_3_VERSION);
    update_and_say(v, 30, SSL_KEY_UPDATE_NOT_REQUESTED, "hello");
    ck_assert_int_eq(tls_recv(v->server, bytes, sizeof bytes), 5);
    visit_close(v);
}
END_TEST

/* All are in OpenSSL's buffer at once, or in the next: it must not go through them for that reason, and
 * what it says to them is not to be more than they were worth. */
START_TEST(test_bytes_behind_much_nothing)
{
    static const int kinds[] = {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED};
    char bytes[8], answers[65536];
    struct visit *v = good_visit(TLS1_3_VERSION);
    update_and_say(v, 1000, kinds[_i], "hello");
    ck_assert_int_eq(tls_recv(v->server, bytes, sizeof bytes), -1);
    ck_assert_int_eq(errno, EPROTO);
    ck_assert_int_eq(tls_recv(v->server, bytes, sizeof bytes), -1);
    ck_assert_int_eq(errno, EPROTO);
    ssize_t said = recv(v->ends[1], answers, sizeof answers, MSG_DONTWAIT);
    ck_assert_int_le(said, 40 * 27); /* 27: the length of a KeyUpdate's record */
    visit_close(v);
}
END_TEST

START_TEST(test_endless_renegotiation)
{
    char byte;
    int tries = 0;
    struct visit *v = good_visit(TLS1_2_VERSION);
    do { /* the client takes the refusal, a warning, for the end of it */
        SSL_renegotiate(v->client);
        SSL_do_handshake(v->client);
        tls_refresh(v->server, false);
        errno = 0;
    } while (tls_recv(v->server, &byte, 1) < 0 && errno == EAGAIN && ++tries < 100);
    ck_assert_int_lt(tries, 40);
    visit_close(v);
}
END_TEST

START_TEST(test_a_handshake_without_end)
{
    static const unsigned char ccs[] = {20, 3, 3, 0, 1, 1}; /* change_cipher_spec */
    struct visit *v = visit_open(stage->context, &(struct client_spec){.version = TLS1_3_VERSION});
    ck_assert_int_eq(SSL_do_handshake(v->client), -1);
    tls_refresh(v->server, false);
    v->step = tls_handshake(v->server);
    ck_assert_int_eq(v->step, TLS_AGAIN);
    size_t sent = 0;
    for (; v->step == TLS_AGAIN && sent < 1 << 20; sent += sizeof ccs) {
        ck_assert_int_eq(write(v->ends[1], ccs, sizeof ccs), sizeof ccs);
        tls_refresh(v->server, false);
        v->step = tls_handshake(v->server);
    }
    ck_assert_int_eq(v->step, TLS_FAILED);
    ck_assert_uint_le(sent, 256 * 1024);
    visit_close(v);
}
END_TEST

static const char *const plain[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                    "POST / HTTP/1.1\r\n\r\n",
                                    "DELETE /x HTTP/1.1\r\n\r\n",
                                    "OPTIONS * HTTP/1.1\r\n\r\n",
                                    "PUT / HTTP/1.0\r\n\r\n",
                                    "CONNECT a:1 HTTP/1.1\r\n\r\n",
                                    "PRI * HTTP/2.0\r\n\r\n"};

/* In one piece, and byte by byte; nothing of TLS is said to it. */
START_TEST(test_plain_http)
{
    char byte;
    for (int step = 1; step < 100; step += 98) {
        struct visit *v = visit_open(stage->context, &(struct client_spec){.name = NULL});
        for (const char *at = plain[_i]; *at && v->step == TLS_AGAIN;) {
            size_t n = strlen(at) < (size_t)step ? strlen(at) : (size_t)step;
            ck_assert_int_eq(write(v->ends[1], at, n), (ssize_t)n);
            at += n;
            tls_refresh(v->server, false);
            v->step = tls_handshake(v->server);
        }
        ck_assert_int_eq(v->step, TLS_HTTP);
        ck_assert_int_eq(read(v->ends[1], &byte, 1), -1);
        visit_close(v);
    }
}
END_TEST

static const struct {
    const char *bytes;
    size_t length;
} garbage[] = {{"\x00\x00\x00\x00\x00\x00\x00\x00", 8},
               {"get / http/1.1\r\n\r\n", 18},
               {"\x16\x03\x01\x00\x00", 5},
               {"\x16\x03\x01\xff\xff", 5},
               {"\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff", 10},
               {"\x17\x03\x03\x00\x05hello", 10},
               {"\x15\x03\x03\x00\x02\x02\x28", 7},
               {"\x15\x03\x03\x00\x02\x01\x00", 7},
               {"SSH-2.0-OpenSSH_9.2\r\n", 21},
               {"\x80\x2e\x01\x03\x01\x00\x15\x00", 8}};

START_TEST(test_garbage)
{
    struct visit *v = visit_open(stage->context, &(struct client_spec){.name = NULL});
    ck_assert_int_eq(write(v->ends[1], garbage[_i].bytes, garbage[_i].length),
                     (ssize_t)garbage[_i].length);
    shutdown(v->ends[1], SHUT_WR);
    tls_refresh(v->server, true);
    ck_assert_int_eq(tls_handshake(v->server), TLS_FAILED);
    ck_assert_int_gt((int)strlen(tls_failure(v->server)), 4);
    visit_close(v);
}
END_TEST

START_TEST(test_old_versions)
{
    struct visit *v = visit_bad(
        stage->context, &(struct client_spec){.version = _i == 0 ? TLS1_VERSION : TLS1_1_VERSION});
    ck_assert_ptr_nonnull(strstr(tls_failure(v->server), "unsupported protocol"));
    visit_close(v);
}
END_TEST

START_TEST(test_only_13)
{
    stage->options.tls_only_13 = true;
    tls_context_close(stage->context);
    stage_open(stage);
    visit_close(visit_bad(stage->context, &(struct client_spec){.version = TLS1_2_VERSION}));
    visit_close(good_visit(TLS1_3_VERSION));
}
END_TEST

/* --- ends --- */

START_TEST(test_client_says_close_notify)
{
    char byte;
    struct visit *v = good_visit(versions[_i]);
    ck_assert_int_eq(SSL_write(v->client, "x", 1), 1);
    ck_assert_int_eq(SSL_shutdown(v->client), 0);
    tls_refresh(v->server, false);
    ck_assert_int_eq(tls_recv(v->server, &byte, 1), 1);
    ck_assert_int_eq(tls_recv(v->server, &byte, 1), 0);
    ck_assert_int_eq(tls_send(v->server, "half-closed", 11, false), 11);
    visit_close(v);
}
END_TEST

/* The end stands behind bytes of the same event: only the wary find it. */
START_TEST(test_client_ends_without)
{
    char byte;
    struct visit *v = good_visit(versions[_i]);
    ck_assert_int_eq(SSL_write(v->client, "x", 1), 1);
    close(v->ends[1]);
    v->ends[1] = -1;
    tls_refresh(v->server, true);
    ck_assert_int_eq(tls_recv(v->server, &byte, 1), 1);
    ck_assert_int_eq(tls_recv(v->server, &byte, 1), 0);
    visit_close(v);
}
END_TEST

START_TEST(test_client_is_gone)
{
    struct visit *v = good_visit(versions[_i]);
    close(v->ends[1]);
    v->ends[1] = -1;
    ck_assert_int_eq(tls_send(v->server, "nobody", 6, false), -1); /* and no SIGPIPE */
    ck_assert_int_eq(errno, EPIPE);
    visit_close(v);
}
END_TEST

START_TEST(test_client_goes_in_the_handshake)
{
    struct visit *v = visit_open(stage->context, &(struct client_spec){.version = versions[_i]});
    SSL_do_handshake(v->client);
    shutdown(v->ends[1], SHUT_WR);
    tls_refresh(v->server, true);
    ck_assert_int_eq(tls_handshake(v->server), TLS_FAILED);
    ck_assert_str_eq(tls_failure(v->server), "the client has ended");
    visit_close(v);
}
END_TEST

START_TEST(test_server_ends)
{
    char byte;
    struct visit *v = good_visit(versions[_i]);
    ck_assert_int_eq(tls_send(v->server, "x", 1, true), 1);
    ck_assert(tls_end(v->server));
    ck_assert_int_eq(SSL_read(v->client, &byte, 1), 1);
    int n = SSL_read(v->client, &byte, 1);
    ck_assert_int_eq(SSL_get_error(v->client, n), SSL_ERROR_ZERO_RETURN);
    ck_assert_int_eq(SSL_write(v->client, "late", 4), 4);
    tls_refresh(v->server, false);
    ck_assert_int_eq(tls_recv(v->server, &byte, 1), 1);
    visit_close(v);
}
END_TEST

/* A piece of this size is one packet: it is taken as a whole, or not at all. */
static int fill(struct visit *v, int most)
{
    static const char piece[1000];
    int count = 0;
    while (count < most && tls_send(v->server, piece, sizeof piece, false) > 0)
        count++;
    return count;
}

START_TEST(test_no_room_for_the_end)
{
    static char bytes[1000];
    struct visit *v = good_visit(versions[_i]);
    int room = fill(v, INT_MAX), taken = 0, n;
    visit_close(v);
    v = good_visit(versions[_i]);
    ck_assert_int_eq(fill(v, room), room);
    for (int i = 0; i < 3; i++)
        ck_assert(!tls_end(v->server));
    ck_assert(tls_wants_room(v->server));
    for (; taken < room / 2; taken++)
        ck_assert_int_eq(SSL_read(v->client, bytes, sizeof bytes), sizeof bytes);
    ck_assert(tls_end(v->server));
    ck_assert(tls_end(v->server)); /* and not once more */
    while ((n = SSL_read(v->client, bytes, sizeof bytes)) > 0)
        taken++;
    ck_assert_int_eq(SSL_get_error(v->client, n), SSL_ERROR_ZERO_RETURN);
    ck_assert_int_eq(taken, room);
    ck_assert_int_eq(SSL_write(v->client, "late", 4), 4);
    tls_refresh(v->server, false);
    ck_assert_int_eq(tls_recv(v->server, bytes, 4), 4);
    visit_close(v);
}
END_TEST

START_TEST(test_closing_says_nothing)
{
    char byte;
    signal(SIGPIPE, SIG_IGN); /* the client complains */
    struct visit *v = good_visit(versions[_i]);
    tls_close(v->server);
    v->server = NULL;
    close(v->ends[0]);
    v->ends[0] = -1;
    ERR_clear_error();
    int n = SSL_read(v->client, &byte, 1);
    ck_assert_int_ne(SSL_get_error(v->client, n), SSL_ERROR_ZERO_RETURN);
    visit_close(v);
}
END_TEST

/* Errors that other users of OpenSSL in this thread have left behind are not ours. */
START_TEST(test_errors_of_others)
{
    struct visit *v = good_visit(versions[_i]);
    char byte;
    ERR_raise(ERR_LIB_USER, 1);
    tls_refresh(v->server, false);
    ck_assert_int_eq(tls_recv(v->server, &byte, 1), -1);
    ck_assert_int_eq(errno, EAGAIN);
    visit_echo(v, "hello");
    visit_close(v);
}
END_TEST

/* --- what is agreed on --- */

START_TEST(test_alpn)
{
    static const struct {
        const char *offer, *chosen;
    } cases[] = {{"\x08http/1.1", "http/1.1"},
                 {"\x02h2\x08http/1.1", "http/1.1"},
                 {"\x08http/1.0", "http/1.0"},
                 {"\x08http/1.0\x08http/1.1", "http/1.1"},
                 {NULL, ""}};
    const unsigned char *chosen;
    unsigned n;
    struct visit *v = visit_good(stage->context, &(struct client_spec){.alpn = cases[_i].offer});
    SSL_get0_alpn_selected(v->client, &chosen, &n);
    ck_assert_uint_eq(n, strlen(cases[_i].chosen));
    ck_assert_int_eq(memcmp(chosen ? chosen : (const unsigned char *)"", cases[_i].chosen, n), 0);
    visit_close(v);
}
END_TEST

START_TEST(test_alpn_refused)
{
    struct visit *v = visit_open(stage->context,
                                 &(struct client_spec){.alpn = "\x02h2", .version = versions[_i]});
    visit_shake(v);
    ck_assert_int_eq(v->step, TLS_FAILED);
    ck_assert_ptr_nonnull(strstr(tls_failure(v->server), "no application protocol"));
    ck_assert_int_eq(v->client_error, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
    visit_close(v);
}
END_TEST

START_TEST(test_the_context_may_go_first)
{
    struct visit *open = good_visit(versions[_i]);
    struct visit *half = visit_open(stage->context, &(struct client_spec){.name = "localhost"});
    tls_context_close(stage->context);
    stage->context = NULL;
    visit_shake(half);
    ck_assert_int_eq(half->step, TLS_DONE);
    visit_echo(half, "hello");
    visit_echo(open, "hello");
    visit_close(open);
    visit_close(half);
}
END_TEST

static TCase *bytes_case(void)
{
    TCase *bytes = tcase_create("bytes");
    tcase_add_checked_fixture(bytes, open_stage, close_stage);
    tcase_add_loop_test(bytes, test_bytes_go_both_ways, 0, 2);
    tcase_add_loop_test(bytes, test_much_is_read_in_pieces, 0, 2);
    tcase_add_loop_test(bytes, test_small_records_come_together, 0, 2);
    tcase_add_loop_test(bytes, test_small_records_without_end, 0, 2);
    tcase_add_loop_test(bytes, test_byte_by_byte, 0, 2);
    tcase_add_loop_test(bytes, test_drained_until_the_next_event, 0, 2);
    tcase_add_loop_test(bytes, test_full_socket, 0, 2);
    tcase_add_loop_test(bytes, test_full_socket_in_the_handshake, 0, 2);
    tcase_add_test(bytes, test_key_update);
    tcase_add_test(bytes, test_key_update_while_full);
    tcase_add_loop_test(bytes, test_errors_of_others, 0, 2);
    return bytes;
}

static TCase *abuse_case(void)
{
    TCase *abuse = tcase_create("abuse");
    tcase_add_checked_fixture(abuse, open_stage, close_stage);
    tcase_add_test(abuse, test_endless_key_updates);
    tcase_add_test(abuse, test_bytes_behind_some_nothing);
    tcase_add_loop_test(abuse, test_bytes_behind_much_nothing, 0, 2);
    tcase_add_test(abuse, test_endless_renegotiation);
    tcase_add_test(abuse, test_a_handshake_without_end);
    tcase_add_loop_test(abuse, test_plain_http, 0, (int)(sizeof plain / sizeof plain[0]));
    tcase_add_loop_test(abuse, test_garbage, 0, (int)(sizeof garbage / sizeof garbage[0]));
    tcase_add_loop_test(abuse, test_old_versions, 0, 2);
    tcase_add_test(abuse, test_only_13);
    return abuse;
}

static TCase *ends_case(void)
{
    TCase *ends = tcase_create("ends");
    tcase_add_checked_fixture(ends, open_stage, close_stage);
    tcase_add_loop_test(ends, test_client_says_close_notify, 0, 2);
    tcase_add_loop_test(ends, test_client_ends_without, 0, 2);
    tcase_add_loop_test(ends, test_client_is_gone, 0, 2);
    tcase_add_loop_test(ends, test_client_goes_in_the_handshake, 0, 2);
    tcase_add_loop_test(ends, test_server_ends, 0, 2);
    tcase_add_loop_test(ends, test_no_room_for_the_end, 0, 2);
    tcase_add_loop_test(ends, test_closing_says_nothing, 0, 2);
    tcase_add_loop_test(ends, test_the_context_may_go_first, 0, 2);
    tcase_add_loop_test(ends, test_alpn, 0, 5);
    tcase_add_loop_test(ends, test_alpn_refused, 0, 2);
    return ends;
}

int main(void)
{
    Suite *suite = suite_create("session");
    suite_add_tcase(suite, bytes_case());
    suite_add_tcase(suite, abuse_case());
    suite_add_tcase(suite, ends_case());
    return unit_run(suite);
}
