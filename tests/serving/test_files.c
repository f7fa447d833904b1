/*
 * Static files: what is sent, what is said about it, and when it need not be sent again.
 */
#include "bytes.h"
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

static const char *field(const struct reply *reply, const char *name, char value[256])
{
    ck_assert_msg(reply_field(reply, name, value, 256) != NULL, "no %s: %s", name, reply->head);
    return value;
}

START_TEST(sends_a_file_with_all_that_belongs_to_it)
{
    char value[256];
    struct server server;
    struct reply reply;
    struct wire wire;

    server_start(&server, _i, NO_OPTIONS);
    wire = wire_open(server.port);
    reply = wire_expect_get(&wire, "/one.txt", 200, "GET");
    ck_assert_uint_eq(reply.length, ONE_SIZE);
    ck_assert_int_eq(memcmp(reply.body, "abcdefghijklmnopqrstuvwxyzabc", 29), 0);
    ck_assert_str_eq(field(&reply, "Content-Length", value), "1024");
    ck_assert_int_eq(strncmp(field(&reply, "Content-Type", value), "text/plain", 10), 0);
    ck_assert_int_eq(*field(&reply, "ETag", value), '"');
    ck_assert_str_eq(strstr(field(&reply, "Last-Modified", value), " GMT"), " GMT");
    ck_assert_str_eq(strstr(field(&reply, "Date", value), " GMT"), " GMT");
    reply = wire_expect_get(&wire, "/", 200, "GET /");
    ck_assert_int_eq(strncmp(field(&reply, "Content-Type", value), "text/html", 9), 0);
    reply = wire_expect_get(&wire, "/empty.txt", 200, "GET empty");
    ck_assert_uint_eq(reply.length, 0);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

START_TEST(answers_head_as_get_without_the_body)
{
    static const char *const names[] = {"Content-Length", "Content-Type", "ETag", "Last-Modified"};
    static const char *const paths[] = {"/one.txt", "/big.bin", "/empty.txt", "/"};
    char wanted[256], got[256];
    struct server server;
    struct reply reply;
    struct wire wire;

    server_start(&server, _i, NO_OPTIONS);
    wire = wire_open(server.port);
    for (size_t p = 0; p < 4; p++)
        for (size_t n = 0; n < 4; n++) {
            reply = wire_expect_get(&wire, paths[p], 200, paths[p]);
            field(&reply, names[n], wanted);
            wire.in_head_mode = true;
            ck_assert(wire_sendf(&wire, "HEAD %s HTTP/1.1\r\nHost: test\r\n\r\n", paths[p]));
            reply = wire_expect(&wire, 200, paths[p]);
            ck_assert_str_eq(field(&reply, names[n], got), wanted);
        }
    wire_expect_usable(&wire, "after HEAD");
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

START_TEST(sends_ten_mebibytes_unharmed)
{
    struct bytes original;
    struct server server;
    struct reply reply;
    struct wire wire;
    char path[256];

    snprintf(path, sizeof(path), "%s/big.bin", workshop_root());
    original = bytes_of_file(path);
    ck_assert_uint_eq(original.length, BIG_SIZE);
    server_start(&server, _i, NO_OPTIONS);
    wire = wire_open(server.port);
    for (int i = 0; i < 3; i++) {
        reply = wire_expect_get(&wire, "/big.bin", 200, "GET");
        ck_assert_uint_eq(reply.length, BIG_SIZE);
        ck_assert_int_eq(memcmp(reply.body, original.at, BIG_SIZE), 0);
    }
    wire_close(&wire);
    bytes_free(&original);
    server_stop_clean(&server);
}
END_TEST

/* --- conditional requests (RFC 9110 13) --- */

static void expect_condition(struct wire *wire, int status, const char *fields)
{
    struct reply reply;

    ck_assert(wire_sendf(wire, "GET /one.txt HTTP/1.1\r\nHost: test\r\n%s\r\n", fields));
    reply = wire_expect(wire, status, fields);
    ck_assert_uint_eq(reply.length, status == 200 ? ONE_SIZE : 0);
    if (status == 304)
        ck_assert_msg(reply_count_field(&reply, "ETag") == 1, "no ETag: %s", reply.head);
}

static void expect_conditionf(struct wire *wire, int status, const char *format, const char *value)
{
    char fields[512];
    const char *at = strstr(format, "%s");

    snprintf(fields, sizeof(fields), "%.*s%s%s", (int)(at - format), format, value, at + 2);
    expect_condition(wire, status, fields);
}

START_TEST(does_not_send_what_the_client_has)
{
    char tag[256], changed[256], both[600];
    struct server server;
    struct reply reply;
    struct wire wire;

    server_start(&server, _i, NO_OPTIONS);
    wire = wire_open(server.port);
    reply = wire_expect_get(&wire, "/one.txt", 200, "GET");
    field(&reply, "ETag", tag);
    field(&reply, "Last-Modified", changed);
    expect_conditionf(&wire, 304, "If-None-Match: %s\r\n", tag);
    expect_conditionf(&wire, 304, "If-None-Match: W/%s\r\n", tag);
    expect_conditionf(&wire, 304, "If-None-Match: \"other\", %s\r\n", tag);
    expect_condition(&wire, 304, "If-None-Match: *\r\n");
    expect_condition(&wire, 200, "If-None-Match: \"other\"\r\n");
    expect_conditionf(&wire, 304, "If-Modified-Since: %s\r\n", changed);
    expect_condition(&wire, 304, "If-Modified-Since: Thu, 31 Dec 2099 23:59:59 GMT\r\n");
    expect_condition(&wire, 200, "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    expect_condition(&wire, 200, "If-Modified-Since: yesterday\r\n");
    snprintf(both, sizeof(both), "If-None-Match: \"other\"\r\nIf-Modified-Since: %s\r\n", changed);
    expect_condition(&wire, 200, both); /* the tag decides, the date is not looked at */
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(notices_a_changed_file)
{
    char path[256], name[64], first[256], second[256];
    struct server server;
    struct reply reply;
    struct wire wire;

    snprintf(name, sizeof(name), "/changing-%d.txt", _i);
    snprintf(path, sizeof(path), "%s%s", workshop_root(), name);
    write_file(path, "before");
    server_start(&server, _i, NO_OPTIONS);
    wire = wire_open(server.port);
    reply = wire_expect_get(&wire, name, 200, "before");
    field(&reply, "ETag", first);
    pause_ms(20);
    write_file(path, "after!");
    reply = wire_expect_get(&wire, name, 200, "after");
    ck_assert_str_eq(reply.body, "after!");
    ck_assert_str_ne(field(&reply, "ETag", second), first);
    remove(path);
    wire_expect_get(&wire, name, 404, "removed");
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* A FIFO would hold whoever opens it; what is no plain file is not served. */
START_TEST(serves_plain_files_only)
{
    char path[256], name[64];
    struct server server;
    struct wire wire;
    struct reply reply;

    snprintf(name, sizeof(name), "/pipe-%d", _i);
    snprintf(path, sizeof(path), "%s%s", workshop_root(), name);
    ck_assert_int_eq(mkfifo(path, 0644), 0);
    server_start(&server, _i, OPTIONS("--workers", "1"));
    wire = wire_open(server.port);
    ck_assert(wire_send_get(&wire, name));
    ck_assert_int_eq(wire_read(&wire, &reply, patience(5000)), WIRE_REPLY);
    ck_assert_msg(reply.status == 403 || reply.status == 404, "%s", reply.head);
    wire_expect_usable(&wire, "after a FIFO");
    remove(path);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

START_TEST(says_what_is_wrong_as_problem_json)
{
    char value[256];
    struct server server;
    struct reply reply;
    struct wire wire;

    server_start(&server, _i, NO_OPTIONS);
    wire = wire_open(server.port);
    reply = wire_expect_get(&wire, "/missing", 404, "missing");
    ck_assert_str_eq(field(&reply, "Content-Type", value), "application/problem+json");
    ck_assert_ptr_nonnull(strstr(reply.body, "404"));
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("files");
    TCase *tcase = tcase_create("files");

    add_for_each_subject(tcase, sends_a_file_with_all_that_belongs_to_it);
    add_for_each_subject(tcase, answers_head_as_get_without_the_body);
    add_for_each_subject(tcase, sends_ten_mebibytes_unharmed);
    add_for_each_subject(tcase, does_not_send_what_the_client_has);
    add_for_each_subject(tcase, notices_a_changed_file);
    add_for_each_subject(tcase, serves_plain_files_only);
    add_for_each_subject(tcase, says_what_is_wrong_as_problem_json);
    tcase_set_timeout(tcase, case_limit(30));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
