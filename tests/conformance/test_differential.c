/*
 * The subjects against each other: the same bytes, the same answers.
 *
 * Nobody says here what is right.  A seeded generator makes requests, good ones and ones with
 * something odd in them, and each goes on a connection of its own to every subject; whatever they
 * answer, they must answer alike, byte by byte.  The parsing is common to them; what a request
 * meets on its way, and what is left over from the one before, is not.
 *
 * A seed makes the same requests on every machine.  It stands in the message of a failure.
 */
#include "bytes.h"
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    ROUNDS = 1500,     /* requests, or rows of them, per seed */
    SLOW_ROUNDS = 240, /* the same for builds with sanitizers */
    AT_ONCE = 24,      /* connections to one subject */
    ALL_SUBJECTS = 6,  /* one batch in so many goes to the third subject, too */
    ANSWER_MS = 8000,
    LEAST_SHARE = 5 /* one answer in so many is 2xx, and one in so many is 4xx or 5xx */
};

static const uint32_t seeds[] = {1, 7919, 20071, 48611, 104729, 1299709};

/* --- chance --- */

struct chance {
    uint32_t state;
};

/* xorshift32: 0 … below - 1. */
static unsigned draw(struct chance *chance, size_t below)
{
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 17;
    chance->state ^= chance->state << 5;
    return (unsigned)((chance->state >> 7) % below);
}

static bool one_in(struct chance *chance, unsigned times)
{
    return draw(chance, times) == 0;
}

#define PICK(chance, list) ((list)[draw(chance, sizeof(list) / sizeof((list)[0]))])

/* The usual, or, once in so many times, one of the odd. */
#define MOSTLY(chance, times, usual, odd) \
    (one_in(chance, times) ? PICK(chance, odd) : PICK(chance, usual))

/* --- requests --- */

static void add_request_line(struct chance *chance, struct bytes *out)
{
    static const char *const methods[] = {"GET", "GET", "GET", "HEAD", "POST", "POST", "OPTIONS"};
    static const char *const odd_methods[] = {"PUT",     "get", "BREW", "GE T",
                                              "CONNECT", "",    "G@T",  "HEADx"};
    static const char *const targets[] = {"/one.txt",
                                          "/sub/deep.txt",
                                          "/echo",
                                          "/echo",
                                          "/work?bytes=300",
                                          "/",
                                          "/empty.txt",
                                          "/sub/",
                                          "/one.txt?x",
                                          "/sub",
                                          "/one.txt",
                                          "/coded.txt",
                                          "http://test/one.txt"};
    static const char *const odd_targets[] = {"/missing",
                                              "/../secret.txt",
                                              "/%2e%2e/secret.txt",
                                              "/sub/../one.txt",
                                              "/%6fne.txt",
                                              "/%00",
                                              "/%zz",
                                              "*",
                                              "test:80",
                                              "one.txt",
                                              "/.hidden",
                                              "//one.txt",
                                              "/one.txt#x",
                                              "/one\\.txt",
                                              "http://",
                                              "http://a@b",
                                              "/work?bytes=x",
                                              "/with%20space.txt",
                                              "/one.txt\x7f",
                                              "/caf\xc3\xa9"};
    static const char *const versions[] = {"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"};
    static const char *const odd_versions[] = {"HTTP/1.10", "http/1.1", "HTTP/2.0", "HTTP/0.9",
                                               "HTTP/1",    "",         "HTTP/1.1 "};
    static const char *const gaps[] = {" "};
    static const char *const odd_gaps[] = {"  ", "\t", "", "\v", " \r"};

    bytes_add_text(out, MOSTLY(chance, 20, methods, odd_methods));
    bytes_add_text(out, MOSTLY(chance, 100, gaps, odd_gaps));
    bytes_add_text(out, MOSTLY(chance, 6, targets, odd_targets));
    bytes_add_text(out, MOSTLY(chance, 100, gaps, odd_gaps));
    bytes_add_text(out, MOSTLY(chance, 25, versions, odd_versions));
}

static void add_line_end(struct chance *chance, struct bytes *out)
{
    static const char *const usual[] = {"\r\n"};
    static const char *const odd[] = {"\n", "\r", "\r\r\n", " \r\n", "\r\n ", "\r\n\t"};

    bytes_add_text(out, MOSTLY(chance, 300, usual, odd));
}

/* The line is drawn by the caller, before its end: an order that no compiler may change. */
static void add_line(struct chance *chance, struct bytes *out, const char *line)
{
    add_line_end(chance, out);
    bytes_add_text(out, line);
}

/* The end of the last field's line, and the empty one. */
static void end_head(struct chance *chance, struct bytes *out)
{
    add_line_end(chance, out);
    add_line_end(chance, out);
}

static void add_fields(struct chance *chance, struct bytes *out)
{
    static const char *const hosts[] = {"Host: test", "host:test:80", "HOST: \t[::1] "};
    static const char *const odd_hosts[] = {"Host: a b", "Host:", "Host: a/b", "X: y",
                                            "Host: test\r\nHost: test"};
    static const char *const fields[] = {"Accept: */*",
                                         "X-Own: a",
                                         "Connection: close",
                                         "Connection: keep-alive",
                                         "Expect: 100-continue",
                                         "X-Empty:",
                                         "Content-Type: a/b",
                                         "Connection: x, Close",
                                         "Range: bytes=0-9",
                                         "Range: bytes=-5",
                                         "Range: bytes=2000-",
                                         "Range: bytes=0-1,500-501",
                                         "Accept-Encoding: gzip",
                                         "If-None-Match: *",
                                         "If-Match: \"x\"",
                                         "User-Agent: \xe9",
                                         "A:\t b \t",
                                         "Upgrade: websocket",
                                         "If-Modified-Since: x",
                                         "If-Unmodified-Since: Wed, 01 Jan 2020 00:00:00 GMT"};
    static const char *const odd_fields[] = {
        "nonsense",    ": x",          "X Own: a",       "X-Own : a",        "X-Own: a\x01",
        "X-Own: a\rb", "X\x7f: a",     "Expect: wonder", "Content-Length:",  "Content-Length: +1",
        "X: a\n b",    "Trailer: all", "X-\xe9: a",      "Content-Length: 9"};

    add_line(chance, out, MOSTLY(chance, 25, hosts, odd_hosts));
    for (unsigned left = draw(chance, 4); left > 0; left--)
        add_line(chance, out, MOSTLY(chance, 25, fields, odd_fields));
}

static void add_counted_body(struct chance *chance, struct bytes *out)
{
    static const char *const lengths[] = {"Content-Length: 5", "content-length:\t5",
                                          "Content-Length: 00005 "};
    static const char *const odd_lengths[] = {"Content-Length: 4",
                                              "Content-Length: 6",
                                              "Content-Length: 5, 5",
                                              "Content-Length: 0x5",
                                              "Content-Length: -5",
                                              "Content-Length: 5\r\nContent-Length: 5",
                                              "Content-Length: 18446744073709551621",
                                              "Content-Length: 70000"};

    add_line(chance, out, MOSTLY(chance, 6, lengths, odd_lengths));
    end_head(chance, out);
    bytes_add_text(out, "hello");
}

static void add_chunks(struct chance *chance, struct bytes *out)
{
    static const char *const chunks[] = {"5\r\nhello\r\n", "00A\r\n0123456789\r\n",
                                         "1;x=\"y\"\r\na\r\n", "f\r\n0\r\n\r\nGET / HTTP\r\n"};
    static const char *const odd_chunks[] = {
        "5\nhello\r\n",        "4\r\nhello\r\n",        "6\r\nhello\r\n",
        "5\r\nhello",          "-5\r\nhello\r\n",       "0x5\r\nhello\r\n",
        " 5\r\nhello\r\n",     "5;a\rb\r\nhello\r\n",   "\r\n",
        "5;\x01\r\nhello\r\n", "FFFFFFFFFFFFFFFF\r\na", "20000\r\nhello\r\n"};
    static const char *const ends[] = {"0\r\n\r\n", "000;z\r\n\r\n", "0\r\nX-Sum: 1\r\nY:\r\n\r\n"};
    static const char *const odd_ends[] = {"0\r\n\n", "0\r\nX-Sum\r\n\r\n", "0\r\n x: y\r\n\r\n",
                                           "0\n\r\n", "0\r\nX : y\r\n\r\n", ""};

    for (unsigned left = draw(chance, 4); left > 0; left--)
        bytes_add_text(out, MOSTLY(chance, 12, chunks, odd_chunks));
    bytes_add_text(out, MOSTLY(chance, 12, ends, odd_ends));
}

static void add_chunked_body(struct chance *chance, struct bytes *out)
{
    static const char *const codings[] = {"Transfer-Encoding: chunked",
                                          "transfer-encoding:Chunked\t"};
    static const char *const odd_codings[] = {"Transfer-Encoding: chunked, identity",
                                              "Transfer-Encoding: xchunked",
                                              "Transfer-Encoding : chunked",
                                              "Transfer-Encoding: \vchunked",
                                              "Transfer-Encoding: \"chunked\"",
                                              "Transfer-Encoding: chunked\r\nContent-Length: 5",
                                              "Content-Length: 5\r\nTransfer-Encoding: chunked",
                                              "Transfer-Encoding: chunked\r\nTransfer-Encoding: x"};

    add_line(chance, out, MOSTLY(chance, 6, codings, odd_codings));
    end_head(chance, out);
    add_chunks(chance, out);
}

static void add_request(struct chance *chance, struct bytes *out)
{
    if (one_in(chance, 20))
        bytes_add_text(out, "\r\n");
    add_request_line(chance, out);
    add_fields(chance, out);
    switch (draw(chance, 5)) {
    case 0:
        add_counted_body(chance, out);
        break;
    case 1:
        add_chunked_body(chance, out);
        break;
    default:
        end_head(chance, out);
    }
}

/* --- what happens to good bytes --- */

static void change_byte(struct chance *chance, struct bytes *request, size_t at)
{
    static const char odd[] = {'\0', '\r', '\n', '\t', ' ',  ':',    ',',    '/',
                               '%',  '0',  'A',  ';',  '\v', '\x7f', '\x80', '\xff'};

    request->at[at] = PICK(chance, odd);
}

/* What stood behind `at` comes back behind `insert`. */
static void put_in(struct bytes *request, size_t at, const char *insert, size_t length)
{
    struct bytes rest = {0};

    bytes_add(&rest, request->at + at, request->length - at);
    request->length = at;
    bytes_add(request, insert, length);
    bytes_add(request, rest.at, rest.length);
    bytes_free(&rest);
}

static void repeat_some(struct chance *chance, struct bytes *request, size_t at)
{
    size_t left = request->length - at;
    size_t length = 1 + draw(chance, left < 40 ? left : 40);
    char copy[40];

    memcpy(copy, request->at + at, length);
    put_in(request, at, copy, length);
}

static void leave_out(struct bytes *request, size_t at)
{
    memmove(request->at + at, request->at + at + 1, request->length - at - 1);
    request->length--;
}

static void mutate(struct chance *chance, struct bytes *request)
{
    size_t at = draw(chance, request->length);

    switch (draw(chance, 5)) {
    case 0:
        change_byte(chance, request, at);
        break;
    case 1:
        repeat_some(chance, request, at);
        break;
    case 2:
        leave_out(request, at);
        break;
    case 3:
        request->length = at + 1;
        break;
    default:
        put_in(request, at, PICK(chance, ((const char *[]){"\r", "\n", " ", "\t", ":", "0"})), 1);
    }
}

/* One to three requests in a row; most of them stay as they are. */
static struct bytes make_request(struct chance *chance)
{
    struct bytes request = {0};

    for (unsigned left = 1 + draw(chance, 3); left > 0; left--)
        add_request(chance, &request);
    for (unsigned left = one_in(chance, 3) ? 1 + draw(chance, 2) : 0; left > 0; left--)
        if (request.length > 1)
            mutate(chance, &request);
    return request;
}

/* --- answers --- */

/* Sends all of it and ends our side, so that the server ends the other in any case. */
static struct wire ask(const struct server *server, const struct bytes *request)
{
    struct wire wire = wire_open(server->port);

    (void)wire_send(&wire, request->at, request->length);
    shutdown(wire.fd, SHUT_WR);
    return wire;
}

/* All bytes up to the server's end, and a word for that end. */
static struct bytes hear(struct wire *wire, int64_t end)
{
    struct bytes answer = {0};
    struct pollfd wait = {.fd = wire->fd, .events = POLLIN};
    const char *how = "\n-- silence\n";
    char piece[16384];

    for (int64_t left; (left = end - now_ms()) > 0 && poll(&wait, 1, (int)left) > 0;) {
        ssize_t got = recv(wire->fd, piece, sizeof(piece), 0);

        if (got > 0) {
            bytes_add(&answer, piece, (size_t)got);
            continue;
        }
        how = got == 0 ? "\n-- closed\n" : "\n-- reset\n";
        break;
    }
    bytes_add_text(&answer, how);
    wire_close(wire);
    return answer;
}

/* --- what may differ: the date, the boundary between parts, the request's id, and the length of
 * what holds the id --- */

/* True when `text` stands at `at`. */
static bool stands_at(const struct bytes *answer, size_t at, const char *text)
{
    return answer->length - at >= strlen(text) && memcmp(answer->at + at, text, strlen(text)) == 0;
}

/* Digits of a problem's Content-Length: the id counts for nothing in it.  An answer to HEAD does
 * not show the id, so that nothing can be said of its length. */
static size_t mask_length(const struct bytes *answer, size_t at, struct bytes *out)
{
    char *behind;
    unsigned long length = strtoul(answer->at + at, &behind, 10);
    const char *body = strstr(behind, "\r\n\r\n");
    const char *id = body ? strstr(body, "\"request\":\"") : NULL;
    bool has_body = id != NULL && body[4] == '{';

    if (has_body)
        bytes_addf(out, "%lu", length - strcspn(id + strlen("\"request\":\""), "\""));
    else
        bytes_add_text(out, "*");
    return (size_t)(behind - answer->at);
}

/* The answer as it is compared; takes the bytes over. */
static struct bytes mask(struct bytes *answer)
{
    static const char problem[] = "Content-Type: application/problem+json\r\nContent-Length: ";
    static const struct {
        const char *text, *end;
    } covers[] = {
        {"\r\nDate: ", "\r"}, {"; boundary=", "\r"}, {"\r\n--", "\r"}, {"\"request\":\"", "\""}};
    struct bytes out = {0};

    bytes_add_text(&out, "");
    for (size_t at = 0; at < answer->length;) {
        size_t from = at;

        for (size_t i = 0; i < sizeof(covers) / sizeof(covers[0]); i++)
            if (stands_at(answer, at, covers[i].text)) {
                bytes_add_text(&out, covers[i].text);
                at += strlen(covers[i].text);
                at += strcspn(answer->at + at, covers[i].end);
            }
        if (stands_at(answer, at, problem)) {
            bytes_add_text(&out, problem);
            at = mask_length(answer, at + strlen(problem), &out);
        }
        if (at == from)
            bytes_add(&out, answer->at + at++, 1);
    }
    bytes_free(answer);
    return out;
}

/* --- the comparison --- */

static struct server servers[SUBJECTS];

/* Thread alone can run under ThreadSanitizer: it is then compared with a second one of its kind. */
static int count_servers(void)
{
    return subject_count() > 1 ? subject_count() : 2;
}

static void start_all(void)
{
    for (int i = 0; i < count_servers(); i++)
        server_start(&servers[i], i < subject_count() ? i : THREAD,
                     OPTIONS("--enable-demo", "--max-body", "64k"));
}

static void stop_all(void)
{
    for (int i = 0; i < count_servers(); i++) {
        int code = server_stop(&servers[i]);
        struct bytes complaints = server_complaints(&servers[i]);

        if (code != 0 || complaints.length > 0)
            workshop_complain("%s: exit code %d; stderr: %s", servers[i].subject->name, code,
                              complaints.at);
        bytes_free(&complaints);
    }
}

static void add_escaped(struct bytes *out, const struct bytes *text)
{
    for (size_t i = 0; i < text->length; i++) {
        unsigned char byte = (unsigned char)text->at[i];

        if (byte == '\n')
            bytes_add_text(out, "\\n\n    ");
        else if (byte == '\r')
            bytes_add_text(out, "\\r");
        else if (byte < 0x20 || byte >= 0x7f || byte == '\\')
            bytes_addf(out, "\\x%02x", byte);
        else
            bytes_add(out, &byte, 1);
    }
}

static void report(uint32_t seed, const struct bytes *request, const struct server *other,
                   const struct bytes *first, const struct bytes *second)
{
    struct bytes text = {0};

    bytes_addf(&text, "seed %u\n  asked:\n    ", seed);
    add_escaped(&text, request);
    bytes_addf(&text, "\n  %s:\n    ", servers[0].subject->name);
    add_escaped(&text, first);
    bytes_addf(&text, "\n  %s:\n    ", other->subject->name);
    add_escaped(&text, second);
    ck_abort_msg("%s", text.at);
}

static void ask_all(const struct server *server, const struct bytes *requests,
                    struct bytes *answers)
{
    int64_t end = now_ms() + patience(ANSWER_MS);
    struct wire wires[AT_ONCE];

    for (int i = 0; i < AT_ONCE; i++)
        wires[i] = ask(server, &requests[i]);
    for (int i = 0; i < AT_ONCE; i++) {
        struct bytes answer = hear(&wires[i], end);

        answers[i] = mask(&answer);
    }
}

/* Answers by the first digit of their status; [0] are all. */
struct tally {
    unsigned classes[10];
};

static void count_answers(struct tally *tally, const struct bytes *answer)
{
    static const char start[] = "HTTP/1.1 ";

    for (size_t at = 0; at + sizeof(start) < answer->length; at++)
        if (stands_at(answer, at, start)) {
            tally->classes[(answer->at[at + strlen(start)] - '0') % 10]++;
            tally->classes[0]++;
        }
}

static void compare(uint32_t seed, const struct bytes *requests, int others, struct tally *tally)
{
    struct bytes first[AT_ONCE], second[AT_ONCE];

    ask_all(&servers[0], requests, first);
    for (int i = 0; i < AT_ONCE; i++)
        count_answers(tally, &first[i]);
    for (int other = 1; other <= others; other++) {
        ask_all(&servers[other], requests, second);
        for (int i = 0; i < AT_ONCE; i++) {
            if (first[i].length != second[i].length ||
                memcmp(first[i].at, second[i].at, first[i].length) != 0)
                report(seed, &requests[i], &servers[other], &first[i], &second[i]);
            bytes_free(&second[i]);
        }
    }
    for (int i = 0; i < AT_ONCE; i++)
        bytes_free(&first[i]);
}

/* Servers that refuse everything are alike, too, and so are servers that say nothing. */
static void check_shares(uint32_t seed, const struct tally *tally)
{
    const unsigned *classes = tally->classes;

    printf("seed %u: %u answers, %u of 2xx, %u of 4xx and 5xx\n", seed, classes[0], classes[2],
           classes[4] + classes[5]);
    ck_assert_msg(classes[2] * LEAST_SHARE >= classes[0], "seed %u: too few good answers", seed);
    ck_assert_msg((classes[4] + classes[5]) * LEAST_SHARE >= classes[0],
                  "seed %u: too few refusals", seed);
}

START_TEST(answers_are_alike)
{
    uint32_t seed = seeds[_i];
    struct chance chance = {.state = seed};
    struct tally tally = {0};
    int rounds = build_is_slow() && !long_run() ? SLOW_ROUNDS : ROUNDS;

    for (int round = 0, batch = 0; round < rounds; round += AT_ONCE, batch++) {
        struct bytes requests[AT_ONCE];

        for (int i = 0; i < AT_ONCE; i++)
            requests[i] = make_request(&chance);
        compare(seed, requests, batch % ALL_SUBJECTS == 0 ? count_servers() - 1 : 1, &tally);
        for (int i = 0; i < AT_ONCE; i++)
            bytes_free(&requests[i]);
    }
    ck_assert_uint_ge(tally.classes[0], (unsigned)rounds);
    check_shares(seed, &tally);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("differential");
    TCase *tcase = tcase_create("differential");

    tcase_add_unchecked_fixture(tcase, start_all, stop_all);
    tcase_add_loop_test(tcase, answers_are_alike, 0, sizeof(seeds) / sizeof(seeds[0]));
    tcase_set_timeout(tcase, case_limit(30));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
