/*
 * What options add to the files: the listing of a folder, a page for what is missing, fields; and what
 * becomes of a file that changes under way.
 */
#include "bytes.h"
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A document of this test alone. */
static void write_page(const char *name, const char *text)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", workshop_root(), name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static bool holds(const struct reply *reply, const char *text)
{
    return memmem(reply->body, reply->length, text, strlen(text)) != NULL;
}

START_TEST(shows_a_folder_when_told_to)
{
    struct server server;
    struct reply reply;
    struct wire wire;

    write_page("bare/<b>&\"x\".txt", "odd");
    write_page("bare/.secret", SECRET);
    server_start(&server, _i, OPTIONS("--listing"));
    wire = wire_open(server.port);
    reply = wire_expect_get(&wire, "/bare/", 200, "GET /bare/");
    ck_assert(
        holds(&reply, "href=\"./%3Cb%3E%26%22x%22.txt\">&lt;b&gt;&amp;&quot;x&quot;.txt</a>"));
    ck_assert(holds(&reply, "href=\"../\""));
    ck_assert(!holds(&reply, "secret"));
    wire_expect_get(&wire, "/bare/%3Cb%3E%26%22x%22.txt", 200, "the link");
    reply = wire_expect_get(&wire, "/sub/", 200, "a folder with an index");
    ck_assert(holds(&reply, "<title>sub</title>"));
    wire_close(&wire);
    server_stop_clean(&server);

    server_start(&server, _i, NO_OPTIONS);
    ck_assert_int_eq(fetch_status(server.port, "/bare/", patience(5000)), 404);
    server_stop_clean(&server);
}
END_TEST

START_TEST(has_a_page_for_what_is_missing)
{
    struct server server;
    struct reply reply;
    struct wire wire;
    char type[256];

    write_page("lost.html", "<title>lost</title>\n");
    server_start(&server, _i, OPTIONS("--not-found", "lost.html"));
    wire = wire_open(server.port);
    reply = wire_expect_get(&wire, "/nowhere", 404, "GET /nowhere");
    ck_assert_str_eq(reply.body, "<title>lost</title>\n");
    ck_assert_ptr_nonnull(reply_field(&reply, "Content-Type", type, sizeof(type)));
    ck_assert_str_eq(type, "text/html; charset=utf-8");
    wire_expect_get(&wire, "/one.txt", 200, "GET /one.txt");
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

START_TEST(sends_the_fields_it_is_told_to)
{
    struct server server;
    struct reply reply;
    struct wire wire;
    char value[256];

    server_start(&server, _i, OPTIONS("--cache-control", "max-age=60", "--hide-server"));
    wire = wire_open(server.port);
    reply = wire_expect_get(&wire, "/one.txt", 200, "GET /one.txt");
    ck_assert_ptr_nonnull(reply_field(&reply, "Cache-Control", value, sizeof(value)));
    ck_assert_str_eq(value, "max-age=60");
    ck_assert_int_eq(reply_count_field(&reply, "Server"), 0);
    reply = wire_expect_get(&wire, "/nowhere", 404, "GET /nowhere");
    ck_assert_int_eq(reply_count_field(&reply, "Cache-Control"), 0);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* The client has begun to read when the file is written to: it must not get a whole-looking mixture. */
START_TEST(never_completes_what_has_changed)
{
    struct server server;
    struct reply reply = {0};
    struct wire wire;
    char path[4096];
    int fd;

    server_start(&server, _i, NO_OPTIONS);
    wire = wire_open_narrow(server.port);
    ck_assert(wire_send_get(&wire, "/big.bin"));
    pause_ms(patience(200)); /* as much as the socket takes is out */
    snprintf(path, sizeof(path), "%s/big.bin", workshop_root());
    fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, "changed", 7, BIG_SIZE - 7), 7);
    close(fd);
    ck_assert_str_ne(wire_event_name(wire_read(&wire, &reply, patience(10000))),
                     wire_event_name(WIRE_REPLY));
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("folders");
    TCase *tcase = tcase_create("folders");

    add_for_each_subject(tcase, shows_a_folder_when_told_to);
    add_for_each_subject(tcase, has_a_page_for_what_is_missing);
    add_for_each_subject(tcase, sends_the_fields_it_is_told_to);
    add_for_each_subject(tcase, never_completes_what_has_changed);
    tcase_set_timeout(tcase, case_limit(20));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
