/*
 * The access log: one line per request, in either format, whatever the request was.
 */
#include "bytes.h"
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int lines_of(const char *text)
{
    int count = 0;

    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

/* The log once it holds so many lines. */
static struct bytes await_lines(const struct server *server, int count)
{
    int64_t end = now_ms() + patience(5000);
    struct bytes log;

    for (;;) {
        log = bytes_of_file(server->access_log);
        if (lines_of(log.at) >= count || now_ms() > end)
            break;
        bytes_free(&log);
        pause_ms(5);
    }
    ck_assert_msg(lines_of(log.at) == count, "%s: %d lines instead of %d: %s",
                  server->subject->name, lines_of(log.at), count, log.at);
    return log;
}

static void expect_match(const char *line, const char *pattern)
{
    regex_t regex;

    ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    ck_assert_msg(regexec(&regex, line, 0, NULL, 0) == 0, "%s\n is not like\n%s", line, pattern);
    regfree(&regex);
}

static void expect_matches(struct bytes *log, const char *const *patterns, int count)
{
    char *rest = log->at;

    for (int i = 0; i < count; i++)
        expect_match(strsep(&rest, "\n"), patterns[i]);
    bytes_free(log);
}

/* The same requests for both formats; one after another, and by one worker, so that the lines stand in this
 * order: those of several may change places for a moment, until the logger has looked at all rings. */
static void ask(const struct server *server)
{
    struct wire wire = wire_open(server->port);

    wire_expect_get(&wire, "/one.txt", 200, "plain");
    ck_assert(wire_sendf(&wire, "GET /sub/deep.txt?q=1 HTTP/1.1\r\nHost: test\r\n"
                                "Referer: http://from.example/\r\nUser-Agent: check/1.0\r\n\r\n"));
    wire_expect(&wire, 200, "with fields");
    wire_expect_get(&wire, "/missing", 404, "missing");
    ck_assert(wire_sendf(&wire, "GET /one.txt HTTP/1.1\r\nHost: test\r\n"
                                "User-Agent: a\"b\\c\xe9\r\n\r\n"));
    wire_expect(&wire, 200, "with quotes");
    wire.in_head_mode = true;
    ck_assert(wire_sendf(&wire, "HEAD /one.txt HTTP/1.1\r\nHost: test\r\n\r\n"));
    wire_expect(&wire, 200, "head");
    wire.in_head_mode = false;
    ck_assert(wire_sendf(&wire, "nonsense\r\n\r\n"));
    wire_expect(&wire, 400, "bad");
    wire_close(&wire);
}

#define FRONT \
    "^127\\.0\\.0\\.1 - - \\[[0-9]{2}/[A-Z][a-z]{2}/20[0-9]{2}(:[0-9]{2}){3} [+-][0-9]{4}\\] "

START_TEST(writes_combined_lines)
{
    static const char *const patterns[] = {
        FRONT "\"GET /one\\.txt HTTP/1\\.1\" 200 1024 \"-\" \"-\"$",
        FRONT "\"GET /sub/deep\\.txt\\?q=1 HTTP/1\\.1\" 200 5 \"http://from\\.example/\" "
              "\"check/1\\.0\"$",
        FRONT "\"GET /missing HTTP/1\\.1\" 404 [0-9]+ \"-\" \"-\"$",
        FRONT "\"GET /one\\.txt HTTP/1\\.1\" 200 1024 \"-\" \"a\\\\x22b\\\\x5cc\\\\xe9\"$",
        FRONT "\"HEAD /one\\.txt HTTP/1\\.1\" 200 [0-9]+ \"-\" \"-\"$",
        FRONT "\"nonsense\" 400 [0-9]+ \"-\" \"-\"$",
    };
    struct server server;
    struct bytes log;

    server_start(&server, _i, OPTIONS("--workers", "1"));
    ask(&server);
    log = await_lines(&server, 6);
    expect_matches(&log, patterns, 6);
    server_stop_clean(&server);
}
END_TEST

START_TEST(writes_json_lines)
{
    static const char *const patterns[] = {
        "\"status\":200,\"bytes\":1024,.*\"request\":\"GET /one\\.txt HTTP/1\\.1\"",
        "\"bytes\":5,.*\"referer\":\"http://from\\.example/\",\"agent\":\"check/1\\.0\"",
        "\"status\":404,.*\"request\":\"GET /missing HTTP/1\\.1\"",
        "\"agent\":\"a\\\\\"b\\\\\\\\c\\\\u00e9\"",
        "\"status\":200,.*\"request\":\"HEAD /one\\.txt HTTP/1\\.1\"",
        "\"status\":400,.*\"request\":\"nonsense\"",
    };
    struct server server;
    struct bytes log;
    char *rest;
    const char *line;

    server_start(&server, _i, OPTIONS("--workers", "1", "--log-format", "json"));
    ask(&server);
    log = await_lines(&server, 6);
    rest = log.at;
    for (int i = 0; i < 6; i++) {
        line = strsep(&rest, "\n");
        expect_match(line, "^\\{\"time\":\"20[0-9-]{8}T[0-9:]{8}\\.[0-9]{6}Z\",\"peer\":\"127\\."
                           "0\\.0\\.1\".*\\}$");
        expect_match(line, patterns[i]);
    }
    bytes_free(&log);
    server_stop_clean(&server);
}
END_TEST

/* Many workers, one file: no line is torn, none is missing. */
START_TEST(tears_no_line)
{
    enum { CLIENTS = 20, EACH = 30 };
    struct wire wires[CLIENTS];
    struct server server;
    struct bytes log;
    char *rest;

    server_start(&server, _i, OPTIONS("--workers", "8"));
    for (int i = 0; i < CLIENTS; i++)
        wires[i] = wire_open(server.port);
    for (int n = 0; n < EACH; n++) {
        for (int i = 0; i < CLIENTS; i++)
            ck_assert(wire_send_get(&wires[i], "/one.txt"));
        for (int i = 0; i < CLIENTS; i++)
            wire_expect(&wires[i], 200, "one of many");
    }
    log = await_lines(&server, CLIENTS * EACH);
    rest = log.at;
    for (int i = 0; i < CLIENTS * EACH; i++)
        expect_match(strsep(&rest, "\n"),
                     FRONT "\"GET /one\\.txt HTTP/1\\.1\" 200 1024 \"-\" \"-\"$");
    bytes_free(&log);
    for (int i = 0; i < CLIENTS; i++)
        wire_close(&wires[i]);
    server_stop_clean(&server);
}
END_TEST

START_TEST(can_be_off)
{
    struct server server;
    struct bytes log;

    server_start(&server, _i, OPTIONS("--access-log", "off"));
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(5000)), 200);
    log = bytes_of_file(server.access_log);
    ck_assert_uint_eq(log.length, 0);
    bytes_free(&log);
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access_log");
    TCase *tcase = tcase_create("access_log");

    add_for_each_subject(tcase, writes_combined_lines);
    add_for_each_subject(tcase, writes_json_lines);
    add_for_each_subject(tcase, tears_no_line);
    add_for_each_subject(tcase, can_be_off);
    tcase_set_timeout(tcase, case_limit(20));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
