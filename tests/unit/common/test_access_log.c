/*
 * access_log: a line is a line, whatever a client put into its request.
 */
#include "common/access_log.h"

#include "bytes.h"
#include "unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void set_up(void)
{
    int fd;

    snprintf(path, sizeof(path), "/tmp/tandem-log-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void tear_down(void)
{
    unlink(path);
}

static struct sockaddr_in6 peer_of(int family, const char *address)
{
    struct sockaddr_in6 peer = {.sin6_family = (sa_family_t)family};
    struct sockaddr_in v4 = {.sin_family = AF_INET};

    if (family == AF_INET6)
        ck_assert_int_eq(inet_pton(AF_INET6, address, &peer.sin6_addr), 1);
    if (family == AF_INET) {
        ck_assert_int_eq(inet_pton(AF_INET, address, &v4.sin_addr), 1);
        memcpy(&peer, &v4, sizeof(v4));
    }
    return peer;
}

/* What the log holds after this entry alone. */
static struct bytes write_one(enum log_format format, const struct access_entry *entry)
{
    struct access_log log;
    struct bytes text;

    ck_assert(access_log_open(&log, path, format));
    access_log_write(&log, entry);
    access_log_close(&log);
    text = bytes_of_file(path);
    ck_assert_msg(text.length > 0, "no line was written");
    ck_assert_ptr_eq(strchr(text.at, '\n'), text.at + text.length - 1);
    return text;
}

static struct access_entry entry_of(const struct sockaddr_in6 *peer, const char *line)
{
    return (struct access_entry){.peer = peer,
                                 .line = line,
                                 .line_len = strlen(line),
                                 .status = 200,
                                 .bytes = 5,
                                 .microseconds = 1234,
                                 .id = "id-1"};
}

static void expect(enum log_format format, const struct access_entry *entry, const char *part)
{
    struct bytes text = write_one(format, entry);

    ck_assert_msg(strstr(text.at, part) != NULL, "no %s in %s", part, text.at);
    bytes_free(&text);
    ck_assert_int_eq(truncate(path, 0), 0);
}

START_TEST(names_the_peer)
{
    struct sockaddr_in6 v4 = peer_of(AF_INET, "192.0.2.7"), v6 = peer_of(AF_INET6, "2001:db8::7"),
                        un = peer_of(AF_UNIX, NULL);
    struct access_entry entry = entry_of(&v4, "GET / HTTP/1.1");

    expect(FORMAT_COMBINED, &entry, "192.0.2.7 - - [");
    entry.peer = &v6;
    expect(FORMAT_COMBINED, &entry, "2001:db8::7 - - [");
    expect(FORMAT_JSON, &entry, "\"peer\":\"2001:db8::7\"");
    entry.peer = &un;
    expect(FORMAT_COMBINED, &entry, "unix - - [");
}
END_TEST

START_TEST(escapes_what_a_client_sends)
{
    struct sockaddr_in6 peer = peer_of(AF_INET, "127.0.0.1");
    struct access_entry entry = entry_of(&peer, "GET /\" 200 5\n127.0.0.1 \x1b[2J\xe9\\ HTTP/1.1");

    expect(FORMAT_COMBINED, &entry,
           "\"GET /\\x22 200 5\\x0a127.0.0.1 \\x1b[2J\\xe9\\x5c HTTP/1.1\" 200 5 \"-\" \"-\"\n");
    expect(FORMAT_JSON, &entry,
           "\"GET /\\\" 200 5\\u000a127.0.0.1 \\u001b[2J\\u00e9\\\\ HTTP/1.1\"");
}
END_TEST

START_TEST(cuts_what_is_too_long)
{
    static char line[20000];
    struct sockaddr_in6 peer = peer_of(AF_INET, "127.0.0.1");
    struct access_entry entry;
    struct bytes text;

    memset(line, '\x01', sizeof(line) - 1); /* the worst: each byte becomes four, or six */
    for (int format = FORMAT_COMBINED; format <= FORMAT_JSON; format++) {
        entry = entry_of(&peer, line);
        entry.referer = entry.agent = line;
        entry.referer_len = entry.agent_len = sizeof(line) - 1;
        text = write_one((enum log_format)format, &entry);
        ck_assert_uint_gt(text.length, 6000);
        ck_assert_uint_lt(text.length, 26000);
        bytes_free(&text);
        ck_assert_int_eq(truncate(path, 0), 0);
    }
}
END_TEST

/* Members that would say nothing are left out. */
START_TEST(says_what_is_known_by_tls)
{
    struct sockaddr_in6 peer = peer_of(AF_INET, "127.0.0.1");
    struct access_entry entry = entry_of(&peer, "GET / HTTP/1.1");
    struct tls_facts facts = {.version = "TLSv1.3"};

    entry.tls = &facts;
    expect(FORMAT_JSON, &entry, ",\"tls\":\"TLSv1.3\"}\n");
    strcpy(facts.server_name, "a.example");
    strcpy(facts.subject, "CN=\"ada\"");
    expect(FORMAT_JSON, &entry,
           ",\"tls\":\"TLSv1.3\",\"server_name\":\"a.example\",\"client\":\"CN=\\\"ada\\\"\"}\n");
    expect(FORMAT_COMBINED, &entry, "\"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n");
    entry.tls = NULL;
    expect(FORMAT_JSON, &entry, "\"request\":\"GET / HTTP/1.1\"}\n");
}
END_TEST

START_TEST(says_why_a_request_died)
{
    struct sockaddr_in6 peer = peer_of(AF_INET, "127.0.0.1");
    struct access_entry entry = entry_of(&peer, "GET /fault/segv HTTP/1.1");

    entry.status = 500;
    entry.cause = "SIGSEGV (Segmentation fault)";
    expect(FORMAT_JSON, &entry, "\"cause\":\"SIGSEGV (Segmentation fault)\"");
    expect(FORMAT_JSON, &entry, "\"status\":500,\"bytes\":5,\"us\":1234,\"id\":\"id-1\"");
}
END_TEST

START_TEST(appends)
{
    struct sockaddr_in6 peer = peer_of(AF_INET, "127.0.0.1");
    struct access_entry entry = entry_of(&peer, "GET /1 HTTP/1.1");
    struct access_log first, second;
    struct bytes text;

    ck_assert(access_log_open(&first, path, FORMAT_COMBINED));
    ck_assert(access_log_open(&second, path, FORMAT_COMBINED));
    access_log_write(&first, &entry);
    access_log_write(&second, &entry);
    access_log_write(&first, &entry);
    access_log_close(&first);
    access_log_close(&second);
    text = bytes_of_file(path);
    ck_assert_uint_gt(text.length, 0);
    ck_assert_uint_eq(text.length % 3, 0);
    ck_assert_int_eq(memcmp(text.at, text.at + text.length / 3 * 2, 10), 0);
    bytes_free(&text);
}
END_TEST

START_TEST(says_when_it_cannot_be_opened)
{
    struct access_log log;

    ck_assert(!access_log_open(&log, "/does/not/exist/log", FORMAT_COMBINED));
    ck_assert(access_log_open(&log, "off", FORMAT_COMBINED));
    ck_assert_int_eq(log.fd, -1);
    access_log_write(&log, NULL); /* off is off: not even looked at */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access_log");
    TCase *tcase = tcase_create("access_log");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, names_the_peer);
    tcase_add_test(tcase, escapes_what_a_client_sends);
    tcase_add_test(tcase, cuts_what_is_too_long);
    tcase_add_test(tcase, says_what_is_known_by_tls);
    tcase_add_test(tcase, says_why_a_request_died);
    tcase_add_test(tcase, appends);
    tcase_add_test(tcase, says_when_it_cannot_be_opened);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
