/*
 * The limits at their exact edges: the largest that is taken, and one more.
 */
#include "bytes.h"
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_many(struct bytes *b, char ch, size_t count)
{
    while (count-- > 0)
        bytes_add(b, &ch, 1);
}

/* Sends it on a connection of its own; 413, 414 and 431 end the connection, the others do not. */
static void expect_status(const struct server *server, const struct bytes *request, int status,
                          const char *what)
{
    struct wire wire = wire_open(server->port);
    char label[128];

    snprintf(label, sizeof(label), "%s: %s", server->subject->name, what);
    (void)wire_send(&wire, request->at, request->length);
    wire_expect(&wire, status, label);
    if (status == 200 || status == 404)
        wire_expect_usable(&wire, label);
    else
        wire_expect_end(&wire, patience(5000), label);
    wire_close(&wire);
}

START_TEST(takes_the_longest_target_and_no_longer)
{
    struct server server;

    server_start(&server, _i, OPTIONS("--max-uri", "1k"));
    for (size_t length = 1023; length <= 1025; length++) {
        struct bytes request = {0};

        bytes_add_text(&request, "GET /");
        add_many(&request, 'a', length - 1);
        bytes_add_text(&request, " HTTP/1.1\r\nHost: test\r\n\r\n");
        expect_status(&server, &request, length <= 1024 ? 404 : 414, "target");
        bytes_free(&request);
    }
    server_stop_clean(&server);
}
END_TEST

START_TEST(takes_the_largest_head_and_no_larger)
{
    struct server server;

    server_start(&server, _i, OPTIONS("--max-header", "2k"));
    for (size_t length = 2047; length <= 2049; length++) {
        struct bytes request = {0};

        bytes_add_text(&request, "GET /one.txt HTTP/1.1\r\nHost: test\r\nX: ");
        add_many(&request, 'a', length - request.length - 4);
        bytes_add_text(&request, "\r\n\r\n");
        ck_assert_uint_eq(request.length, length);
        expect_status(&server, &request, length <= 2048 ? 200 : 431, "head");
        bytes_free(&request);
    }
    server_stop_clean(&server);
}
END_TEST

START_TEST(takes_the_most_fields_and_no_more)
{
    struct server server;

    server_start(&server, _i, OPTIONS("--max-headers", "10"));
    for (int fields = 9; fields <= 11; fields++) {
        struct bytes request = {0};

        bytes_add_text(&request, "GET /one.txt HTTP/1.1\r\nHost: test\r\n");
        for (int i = 1; i < fields; i++)
            bytes_addf(&request, "X-%d: y\r\n", i);
        bytes_add_text(&request, "\r\n");
        expect_status(&server, &request, fields <= 10 ? 200 : 431, "fields");
        bytes_free(&request);
    }
    server_stop_clean(&server);
}
END_TEST

START_TEST(takes_the_largest_body_and_no_larger)
{
    struct server server;

    server_start(&server, _i, OPTIONS("--max-body", "50k", "--enable-demo"));
    for (size_t length = 51199; length <= 51201; length++)
        for (int chunked = 0; chunked < 2; chunked++) {
            struct bytes request = {0};

            bytes_add_text(&request, "POST /echo HTTP/1.1\r\nHost: test\r\n");
            if (chunked)
                bytes_addf(&request, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", length);
            else
                bytes_addf(&request, "Content-Length: %zu\r\n\r\n", length);
            add_many(&request, 'a', length);
            if (chunked)
                bytes_add_text(&request, "\r\n0\r\n\r\n");
            expect_status(&server, &request, length <= 51200 ? 200 : 413, "body");
            bytes_free(&request);
        }
    server_stop_clean(&server);
}
END_TEST

/* All bodies that wait, together: the one too many is refused, the others arrive. */
START_TEST(spools_no_more_than_its_budget)
{
    enum { WAITING = 8, LENGTH = 200000 };
    static char most[LENGTH - 1000];
    struct wire wires[WAITING];
    struct server server;
    struct reply reply;
    int refused = 0, served = 0;

    server_start(&server, _i, OPTIONS("--max-spool", "1m", "--enable-demo"));
    for (int i = 0; i < WAITING; i++) {
        wires[i] = wire_open(server.port);
        (void)wire_sendf(&wires[i],
                         "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n", LENGTH);
        (void)wire_send(&wires[i], most, sizeof(most));
    }
    pause_ms(patience(200));
    for (int i = 0; i < WAITING; i++)
        (void)wire_send(&wires[i], most, LENGTH - sizeof(most));
    for (int i = 0; i < WAITING; i++) {
        ck_assert_int_eq(wire_read(&wires[i], &reply, patience(5000)), WIRE_REPLY);
        refused += reply.status == 503;
        served += reply.status == 200 && reply.length == LENGTH;
        wire_close(&wires[i]);
    }
    ck_assert_int_eq(refused + served, WAITING);
    ck_assert_msg(served > 0 && refused > 0, "%d served, %d refused", served, refused);
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(5000)), 200);
    server_stop_noisy(&server);
}
END_TEST

static bool is_served(void *subject)
{
    return fetch_status(((struct server *)subject)->port, "/one.txt", patience(5000)) == 200;
}

START_TEST(refuses_one_connection_too_many)
{
    enum { MOST = 20 };
    struct wire wires[MOST], more;
    struct server server;
    struct reply reply;
    char value[64];

    server_start(&server, _i, OPTIONS("--max-connections", "20"));
    for (int i = 0; i < MOST; i++) {
        wires[i] = wire_open(server.port);
        wire_expect_usable(&wires[i], "within the limit");
    }
    for (int i = 0; i < 30; i++) {
        more = wire_open(server.port);
        (void)wire_send_get(&more, "/one.txt");
        reply = wire_expect(&more, 503, server.subject->name);
        ck_assert_msg(reply_field(&reply, "Retry-After", value, sizeof(value)) != NULL,
                      "no Retry-After: %s", reply.head);
        wire_expect_end(&more, patience(5000), "refused");
        wire_close(&more);
    }
    for (int i = 0; i < MOST; i++)
        wire_expect_usable(&wires[i], "the others notice nothing");
    wire_close(&wires[0]);
    ck_assert_msg(eventually(is_served, &server, patience(5000)), "%s: a freed place stays taken",
                  server.subject->name);
    for (int i = 1; i < MOST; i++)
        wire_close(&wires[i]);
    server_stop_noisy(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = tcase_create("limits");

    add_for_each_subject(tcase, takes_the_longest_target_and_no_longer);
    add_for_each_subject(tcase, takes_the_largest_head_and_no_larger);
    add_for_each_subject(tcase, takes_the_most_fields_and_no_more);
    add_for_each_subject(tcase, takes_the_largest_body_and_no_larger);
    add_for_each_subject(tcase, spools_no_more_than_its_budget);
    add_for_each_subject(tcase, refuses_one_connection_too_many);
    tcase_set_timeout(tcase, case_limit(30));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
