/*
 * access_log: a line is a line, whatever a client put into its request.
 */
#include "common/access_log.h"

#include "unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <string.h>
#include <sys/mman.h>

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

/* The line of this entry, at 2026-11-28 03:20:08.000042 UTC. */
static const char *line_of(enum log_format format, const struct access_entry *entry)
{
    static char line[LOG_LINE + 1];
    const struct timespec when = {.tv_sec = 1795836008, .tv_nsec = 42999};
    struct access_log log;
    size_t length;

    access_log_open(&log, "-", format);
    length = access_log_line(&log, entry, &when, line);
    ck_assert_uint_gt(length, 0);
    ck_assert_uint_le(length, LOG_LINE);
    line[length] = '\0';
    ck_assert_ptr_eq(strchr(line, '\n'), line + length - 1);
    return line;
}

static struct access_entry entry_of(const struct sockaddr_in6 *peer, const char *line)
{
    return (struct access_entry){.peer = peer,
                                 .line = line,
                                 .line_len = strlen(line),
                                 .status = 200,
                                 .bytes = 5,
                                 .microseconds = 1234,
                                 .id = "id-1",
                                 .cpu = -1};
}

static void expect(enum log_format format, const struct access_entry *entry, const char *part)
{
    const char *line = line_of(format, entry);

    ck_assert_msg(strstr(line, part) != NULL, "no %s in %s", part, line);
}

START_TEST(says_when)
{
    struct sockaddr_in6 peer = peer_of(AF_INET, "192.0.2.7");
    struct access_entry entry = entry_of(&peer, "GET / HTTP/1.1");

    expect(FORMAT_COMBINED, &entry,
           "192.0.2.7 - - [28/Nov/2026:03:20:08 +0000] \"GET / HTTP/1.1\" ");
    expect(FORMAT_JSON, &entry, "{\"time\":\"2026-11-28T03:20:08.000042Z\",\"peer\":");
}
END_TEST

START_TEST(says_who_served_it)
{
    struct sockaddr_in6 peer = peer_of(AF_INET, "192.0.2.7");
    struct access_entry entry = entry_of(&peer, "GET / HTTP/1.1");

    expect(FORMAT_JSON, &entry, "\"us\":1234,\"id\":\"id-1\",\"request\":");
    entry.worker = 3;
    entry.pid = 4711;
    entry.cpu = 0;
    entry.route = "/work";
    expect(
        FORMAT_JSON, &entry,
        "\"id\":\"id-1\",\"worker\":3,\"pid\":4711,\"cpu_us\":0,\"route\":\"/work\",\"request\":");
}
END_TEST

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

/* What is only long keeps a KiB of each value; where each byte becomes four or six, it is less. */
START_TEST(cuts_what_is_too_long)
{
    static char line[20000], name[256], subject[448];
    struct sockaddr_in6 peer = peer_of(AF_INET, "127.0.0.1");
    struct tls_facts facts = {.version = "TLSv1.3"};
    struct access_entry entry;

    for (int format = FORMAT_COMBINED; format <= FORMAT_JSON; format++) {
        memset(line, 'x', sizeof(line) - 1);
        entry = entry_of(&peer, line);
        entry.referer = entry.agent = line;
        entry.referer_len = entry.agent_len = sizeof(line) - 1;
        ck_assert_uint_gt(strlen(line_of((enum log_format)format, &entry)), 3 * 1024);
        memset(line, '\x01', sizeof(line) - 1);
        memset(name, '\x02', sizeof(name) - 1);
        memset(subject, '\x03', sizeof(subject) - 1);
        memcpy(facts.server_name, name, sizeof(name));
        memcpy(facts.subject, subject, sizeof(subject));
        entry.tls = &facts;
        entry.route = entry.cause = name;
        ck_assert_uint_gt(strlen(line_of((enum log_format)format, &entry)), 900);
    }
    expect(FORMAT_JSON, &entry, "\\u0003\"}\n"); /* whole, up to its last member */
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

/* They come from shared memory, when it is told of one that died: behind them may be nothing. */
START_TEST(facts_may_have_no_end)
{
    enum { PAGE = 4096 };
    struct sockaddr_in6 peer = peer_of(AF_INET, "127.0.0.1");
    struct access_entry entry = entry_of(&peer, "GET / HTTP/1.1");
    char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(mprotect(memory + PAGE, PAGE, PROT_NONE), 0);
    memset(memory, 'A', PAGE);
    entry.tls = (const struct tls_facts *)(memory + PAGE - sizeof(*entry.tls));
    expect(FORMAT_JSON, &entry, ",\"tls\":\"AAAAAAAAAAAAAAAA\",\"server_name\":\"A");
    munmap(memory, 2 * PAGE);
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

/* Off is off: the entry is not even looked at. */
START_TEST(can_be_off)
{
    struct access_log log;

    access_log_open(&log, "off", FORMAT_JSON);
    access_log_write(&log, NULL);
    ck_assert(!log.is_on);
    ck_assert(!access_log_tells_cpu(&log));
    access_log_open(&log, "-", FORMAT_COMBINED);
    ck_assert(log.is_on);
    ck_assert(!access_log_tells_cpu(&log));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access_log");
    TCase *tcase = tcase_create("access_log");

    tcase_add_test(tcase, says_when);
    tcase_add_test(tcase, says_who_served_it);
    tcase_add_test(tcase, names_the_peer);
    tcase_add_test(tcase, escapes_what_a_client_sends);
    tcase_add_test(tcase, cuts_what_is_too_long);
    tcase_add_test(tcase, says_what_is_known_by_tls);
    tcase_add_test(tcase, facts_may_have_no_end);
    tcase_add_test(tcase, says_why_a_request_died);
    tcase_add_test(tcase, can_be_off);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
