/*
 * Runs every case of cases/ against every subject: sent whole, and sent in two pieces split at each
 * boundary between two bytes.  Where the pieces meet must never change the answer.  (Built with a
 * sanitizer, each boundary is tried with one of the subjects; by TLS, each eighth; TANDEM_LONG=1: all.)
 *
 * One server per subject serves all cases; it is watched after the last one, too: a clean exit, and
 * nothing on stderr.
 */
#include "casefile.h"
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
    ANSWER_MS = 5000,
    MEET_MS = 3,     /* between two pieces: long enough for the first to be read on its own */
    AT_ONCE = 32,    /* split requests on their way at the same time */
    SPLIT_EDGE = 160 /* of longer requests, only the first and last boundaries are tried */
};

static struct wire_case *cases;
static size_t case_count;
static struct server server;

/* --- one subject at a time; check runs fixtures around each test case in turn --- */

static void start(int subject)
{
    server_start(&server, subject,
                 OPTIONS("--enable-demo", "--max-uri", "2k", "--max-header", "8k", "--max-headers",
                         "50", "--max-body", "64k"));
}

static void start_thread(void)
{
    start(THREAD);
}

static void start_pool(void)
{
    start(POOL);
}

static void start_fresh(void)
{
    start(FRESH);
}

static void stop(void)
{
    int code = server_stop(&server);
    struct bytes complaints = server_complaints(&server);

    if (code != 0)
        workshop_complain("%s: exit code %d after TERM", server.subject->name, code);
    if (complaints.length > 0)
        workshop_complain("%s: a clean run wrote to stderr:\n%s", server.subject->name,
                          complaints.at);
    bytes_free(&complaints);
}

/* --- judging one connection --- */

/* What a failing case prints in front of its complaint. */
struct attempt {
    const struct wire_case *one;
    size_t split; /* 0: sent whole */
    char label[384];
};

static struct attempt describe(const struct wire_case *one, size_t split)
{
    struct attempt attempt = {.one = one, .split = split};

    snprintf(attempt.label, sizeof(attempt.label), "%s: %s: \"%s\" (%s), split at %zu",
             server.subject->name, one->file, one->name, one->why, split);
    return attempt;
}

/* What holds for every response of every server, whatever was asked. */
static void check_every_reply(const struct attempt *attempt, const struct reply *reply)
{
    char value[256];

    ck_assert_msg(strstr(reply->body, SECRET) == NULL, "%s: a hidden file was served",
                  attempt->label);
    if (reply->status < 200)
        return;
    ck_assert_msg(reply_field(reply, "Date", value, sizeof(value)) != NULL, "%s: no Date: %s",
                  attempt->label, reply->head);
    ck_assert_msg(reply_count_field(reply, "Content-Length") +
                          reply_count_field(reply, "Transfer-Encoding") <=
                      1,
                  "%s: framed twice: %s", attempt->label, reply->head);
}

static void check_fields(const struct attempt *attempt, const struct reply *reply)
{
    const struct wire_case *one = attempt->one;
    char value[256];

    for (size_t i = 0; i < one->field_count; i++) {
        size_t name_length = strcspn(one->fields[i], ":");
        char name[96];

        snprintf(name, sizeof(name), "%.*s", (int)name_length, one->fields[i]);
        ck_assert_msg(reply_field(reply, name, value, sizeof(value)) != NULL, "%s: no %s: %s",
                      attempt->label, name, reply->head);
        if (one->fields[i][name_length] == ':')
            ck_assert_msg(strcasecmp(value, one->fields[i] + name_length + 2) == 0,
                          "%s: expected %s: %s", attempt->label, one->fields[i], reply->head);
    }
    if (one->absent[0] != '\0')
        ck_assert_msg(reply_count_field(reply, one->absent) == 0, "%s: has %s: %s", attempt->label,
                      one->absent, reply->head);
}

static void check_last_reply(const struct attempt *attempt, const struct reply *reply)
{
    const struct wire_case *one = attempt->one;

    check_fields(attempt, reply);
    if (one->has_body)
        ck_assert_msg(reply->length == one->body.length &&
                          memcmp(reply->body, one->body.at, reply->length) == 0,
                      "%s: wrong body: %s", attempt->label, reply->body);
}

/* Reads what the case wants, in order; a reply that an optional want refuses is held for the
 * next. */
static void check_replies(const struct attempt *attempt, struct wire *wire)
{
    const struct wire_case *one = attempt->one;
    enum wire_event event = WIRE_SILENCE;
    struct reply reply = {0};
    bool held = false;

    for (size_t i = 0; i < one->want_count; i++) {
        const struct want *want = &one->wants[i];

        wire->in_head_mode = want->answers_head;
        if (!held)
            event = wire_read(wire, &reply, patience(ANSWER_MS));
        held = want->is_optional && (event != WIRE_REPLY || !want_accepts(want, reply.status));
        if (held)
            continue;
        ck_assert_msg(event == WIRE_REPLY, "%s: instead of response %zu came %s (%.200s)",
                      attempt->label, i + 1, wire_event_name(event), wire->inbox.at);
        ck_assert_msg(want_accepts(want, reply.status), "%s: unwanted response %zu: %.300s",
                      attempt->label, i + 1, reply.head);
        check_every_reply(attempt, &reply);
    }
    ck_assert_msg(!held || event != WIRE_REPLY, "%s: unwanted response: %.300s", attempt->label,
                  reply.head);
    if (event == WIRE_REPLY)
        check_last_reply(attempt, &reply);
}

static void check_connection(const struct attempt *attempt, struct wire *wire)
{
    check_replies(attempt, wire);
    if (attempt->one->after == AFTER_KEEP)
        wire_expect_usable(wire, attempt->label);
    else if (attempt->one->after == AFTER_CLOSE)
        wire_expect_end(wire, patience(ANSWER_MS), attempt->label);
}

/* --- sending: a server may answer a bad first piece at once, so that the second finds no taker --- */

static void send_rest(struct wire *wire, const struct wire_case *one, size_t from)
{
    (void)wire_send(wire, one->request.at + from, one->request.length - from);
    if (one->half_close)
        shutdown(wire->fd, SHUT_WR);
}

static void run_whole(const struct wire_case *one)
{
    struct attempt attempt = describe(one, 0);
    struct wire wire = wire_open(server.port);

    send_rest(&wire, one, 0);
    check_connection(&attempt, &wire);
    wire_close(&wire);
}

static bool is_by_tls(void)
{
    return getenv("TANDEM_RELAY") != NULL;
}

/* Each boundary costs too much then to be tried with each of them. */
static bool subjects_share(void)
{
    return (build_is_slow() || is_by_tls()) && !long_run();
}

/* The subjects share the boundaries out among them, and each is tried by one. By TLS they let some be:
 * that HTTP is read in pieces was tried plainly, and where the pieces are records they differ in size
 * alone. */
static bool is_anothers(size_t boundary)
{
    size_t me = (size_t)(server.subject - subjects), count = (size_t)subject_count();
    size_t each = is_by_tls() ? 8 : 1;

    return subjects_share() && boundary % (count * each) != me * each;
}

static bool worth_a_split(const struct wire_case *one, size_t boundary)
{
    if (is_anothers(boundary))
        return false;
    return boundary < SPLIT_EDGE || boundary + SPLIT_EDGE > one->request.length;
}

/* Several boundaries on as many connections share one pause; returns the next boundary. */
static size_t run_some_splits(const struct wire_case *one, size_t boundary)
{
    struct wire wires[AT_ONCE];
    size_t splits[AT_ONCE];
    size_t count = 0;

    for (; boundary < one->request.length && count < AT_ONCE; boundary++) {
        if (!worth_a_split(one, boundary))
            continue;
        splits[count] = boundary;
        wires[count] = wire_open(server.port);
        ck_assert(wire_send(&wires[count], one->request.at, boundary));
        count++;
    }
    pause_ms(MEET_MS);
    for (size_t i = 0; i < count; i++)
        send_rest(&wires[i], one, splits[i]);
    for (size_t i = 0; i < count; i++) {
        struct attempt attempt = describe(one, splits[i]);

        check_connection(&attempt, &wires[i]);
        wire_close(&wires[i]);
    }
    return boundary;
}

START_TEST(answers_as_the_case_wants)
{
    const struct wire_case *one = &cases[_i];
    size_t boundary = 1;

    run_whole(one);
    while (boundary < one->request.length)
        boundary = run_some_splits(one, boundary);
}
END_TEST

/* RFC 9110 7.4: the only one of these answers that depends on what carried the question. */
START_TEST(serves_https_by_tls_alone)
{
    static const char request[] = "GET HTTPS://test/one.txt HTTP/1.1\r\nHost: test\r\n\r\n";
    struct wire wire = wire_open(server.port);
    struct reply reply = {0};

    ck_assert(wire_send(&wire, request, sizeof(request) - 1));
    ck_assert_int_eq(wire_read(&wire, &reply, patience(ANSWER_MS)), WIRE_REPLY);
    ck_assert_int_eq(reply.status, is_by_tls() ? 200 : 421);
    if (is_by_tls())
        wire_expect_usable(&wire, server.subject->name);
    else
        wire_expect_end(&wire, patience(ANSWER_MS), server.subject->name);
    wire_close(&wire);
}
END_TEST

/* Runs last on each server: nothing of the above may have cost it a descriptor or a worker. */
START_TEST(serves_as_before_afterwards)
{
    struct wire wire = wire_open(server.port);

    for (int i = 0; i < 50; i++)
        wire_expect_usable(&wire, server.subject->name);
    wire_close(&wire);
}
END_TEST

static void add_subject(Suite *suite, const char *name, void (*start_subject)(void))
{
    TCase *tcase = tcase_create(name);

    tcase_add_unchecked_fixture(tcase, start_subject, stop);
    tcase_add_loop_test(tcase, answers_as_the_case_wants, 0, (int)case_count);
    tcase_add_test(tcase, serves_https_by_tls_alone);
    tcase_add_test(tcase, serves_as_before_afterwards);
    tcase_set_timeout(tcase, case_limit(60));
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    static void (*const starts[SUBJECTS])(void) = {
        [THREAD] = start_thread, [POOL] = start_pool, [FRESH] = start_fresh};
    const char *source = getenv("TANDEM_SOURCE");
    Suite *suite = suite_create("conformance");
    char folder[512];

    snprintf(folder, sizeof(folder), "%s/tests/conformance/cases", source ? source : ".");
    case_count = casefile_read_all(folder, &cases);
    printf("%zu cases, each whole and split at every %sboundary%s\n", case_count,
           subjects_share() && is_by_tls() ? "eighth " : "",
           subjects_share() ? ", by one of the subjects" : "");
    for (int i = 0; i < SUBJECTS; i++)
        if (i < subject_count())
            add_subject(suite, subjects[i].name, starts[i]);
    return workshop_run(suite);
}
