/*
 * One connection from its first byte to its end, through the core's own loop.
 *
 * This program is a server of a third kind: no processes, no threads, no listener.  Its one worker
 * is the servers' (serve_once), its connection one end of a socket pair.  An input is what a client
 * sends before it ends its side.  It is sent twice: at once, and in three pieces whose borders come
 * from the input.  Either way
 *
 *   - the server comes to rest, and ends the connection, and gives everything back;
 *   - it has answered with whole responses, one for each request it ran, in order;
 *   - at most one refusal is among them, as the last; and nothing follows a response that says
 *     "Connection: close";
 *   - the answers are the same both times.
 */
#include "fuzz.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/handlers/handlers.h"
#include "common/lifecycle.h"
#include "common/model.h"
#include "common/module.h"
#include "common/serve.h"

enum {
    ME = 1,
    DESCRIPTORS = 128,  /* more than that are open: some are not given back */
    MAX_ANSWERS = 4096, /* of one input */
    MAX_TURNS = 4096,   /* events that one piece may take */
    PIECE = 65536,      /* what a socket surely takes */
    MAX_OUTPUT = 8 << 20
};

/* --- the model: a single worker, which nobody can rob --- */

const char model_program[] = "fuzz_request";
const bool model_isolates = false;
const char model_promises[] = "";

size_t model_slots(const struct options *o)
{
    (void)o;
    return 1;
}

int model_run(struct server *s)
{
    (void)s;
    return 1;
}

bool model_disowned(struct worker *w)
{
    (void)w;
    return false;
}

/* --- the server, made once --- */

static struct server server = {.epoll = -1, .handover = -1, .retire = -1, .signals = -1};
static struct worker worker;

/* What has run for the input at hand. */
static struct {
    size_t count;
    bool is_head[MAX_ANSWERS];
} runs;

static void run_counted(struct worker *w)
{
    REQUIRE(runs.count < MAX_ANSWERS);
    runs.is_head[runs.count++] = w->request.is_head;
    run_inline(w);
}

/* /work is left out: it would sleep for as long as the input says. */
static void open_server(void)
{
    static const char *arguments[] = {
        "fuzz_request", "--root",    FUZZ_ROOT, "--max-header", "2k",  "--max-headers",
        "20",           "--max-uri", "512",     "--max-body",   "64k", "--access-log",
        "/dev/null",    NULL};
    struct options *o = &server.options;
    char why[512];
    int count = sizeof(arguments) / sizeof(arguments[0]) - 1;

    signal(SIGPIPE, SIG_IGN);
    REQUIRE(options_read(o, model_program, model_isolates, count, (char **)arguments) ==
            OPTIONS_RUN);
    log_open(model_program, LOG_ERROR);
    REQUIRE(module_open(&server.router, &files_module, o->root, false, why, sizeof(why)));
    REQUIRE(module_open(&server.router, &echo_module, NULL, false, why, sizeof(why)));
    access_log_open(&server.access_log, o->access_log, o->log_format);
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    server.board = scoreboard_open(model_slots(o));
    server.tallies = tallies_open(model_slots(o));
    REQUIRE(server.epoll >= 0 && server.board != NULL && server.tallies != NULL);
    REQUIRE(conn_table_open(&server.table, DESCRIPTORS, o->max_header + LIMIT_BODY_MEMORY));
    REQUIRE(worker_open(&worker, &server, ME));
    worker.run = run_counted;
    scoreboard_birth(server.board, 0, 0);
}

/* --- the client --- */

struct client {
    int fd;
    int server_fd;
    char *heard;
    size_t length, room;
    bool has_ended;
};

/* As after accept: the slot is taken, and the worker finds an event for it. */
static struct client connect_client(void)
{
    struct client client = {0};
    struct conn *c;
    int pair[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    REQUIRE(pair[0] < DESCRIPTORS && pair[1] < DESCRIPTORS);
    client.fd = pair[0];
    client.server_fd = pair[1];
    c = conn_open(&server.table, client.server_fd, ME);
    REQUIRE(c != NULL);
    atomic_fetch_add(&server.board->connections, 1);
    conn_hand_on(&server, c, ME);
    return client;
}

static void hear(struct client *client)
{
    for (;;) {
        ssize_t got;

        if (client->room - client->length < PIECE) {
            client->room += 2 * PIECE;
            client->heard = realloc(client->heard, client->room);
            REQUIRE(client->heard != NULL && client->room < MAX_OUTPUT);
        }
        got = recv(client->fd, client->heard + client->length, PIECE, 0);
        if (got > 0) {
            client->length += (size_t)got;
            continue;
        }
        client->has_ended = got == 0 || errno != EAGAIN;
        return;
    }
}

static bool has_event(void)
{
    struct pollfd wait = {.fd = server.epoll, .events = POLLIN};

    return poll(&wait, 1, 0) == 1;
}

static void let_serve(struct client *client)
{
    for (int turns = 0; has_event(); turns++) {
        REQUIRE(turns < MAX_TURNS);
        REQUIRE(serve_once(&worker, 0));
        hear(client);
    }
}

static void say(struct client *client, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t piece = size < PIECE ? size : PIECE;
        ssize_t sent = send(client->fd, data, piece, MSG_NOSIGNAL);

        if (sent <= 0) { /* refused and ended, or refused and about to read what is still there */
            REQUIRE(errno == EPIPE || errno == ECONNRESET);
            return;
        }
        let_serve(client);
        data += sent;
        size -= (size_t)sent;
    }
}

/* The client ends its side; so must the server, and keep nothing. */
static void end(struct client *client)
{
    const struct conn *c = conn_at(&server.table, client->server_fd);

    shutdown(client->fd, SHUT_WR);
    let_serve(client);
    hear(client);
    REQUIRE(client->has_ended);
    REQUIRE(conn_phase(conn_word(c)) == CONN_FREE);
    REQUIRE(atomic_load(&server.board->connections) == 0);
    REQUIRE(atomic_load(&server.board->spooled) == 0);
    close(client->fd);
}

/* --- what was heard --- */

struct answer {
    int status;
    const char *head; /* head_length bytes, with the empty line */
    size_t head_length;
    const char *body;
    size_t length;
    bool is_last; /* it says that the connection ends */
};

static const char *find_field(const struct answer *answer, const char *name)
{
    return memmem(answer->head, answer->head_length, name, strlen(name));
}

/* A response begins at `at`.  `is_head`: 1 it has no body, 0 it has one, -1 nobody knows. */
static size_t read_answer(const char *at, size_t left, int is_head, struct answer *answer)
{
    static const char start[] = "HTTP/1.1 ";
    const char *empty = memmem(at, left, "\r\n\r\n", 4);
    const char *length;

    REQUIRE(left > sizeof(start) + 3 && memcmp(at, start, strlen(start)) == 0);
    REQUIRE(empty != NULL);
    *answer = (struct answer){.head = at, .head_length = (size_t)(empty - at) + 4};
    answer->status = atoi(at + strlen(start));
    REQUIRE(answer->status >= 100 && answer->status <= 599);
    answer->is_last = find_field(answer, "\r\nConnection: close\r\n") != NULL;
    answer->body = at + answer->head_length;
    left -= answer->head_length;
    length = find_field(answer, "\r\nContent-Length: ");
    REQUIRE((length == NULL) ==
            (answer->status == 100 || answer->status == 204 || answer->status == 304));
    if (length != NULL && is_head != 1)
        answer->length = strtoul(length + strlen("\r\nContent-Length: "), NULL, 10);
    if (is_head == -1 && left == 0)
        answer->length = 0;
    REQUIRE(answer->length <= left);
    return answer->head_length + answer->length;
}

struct answers {
    size_t count; /* without 100 */
    struct answer all[MAX_ANSWERS];
};

static void read_answers(const struct client *client, struct answers *answers)
{
    size_t at = 0;

    answers->count = 0;
    while (at < client->length) {
        size_t count = answers->count;
        struct answer *answer = &answers->all[count];
        int is_head = count < runs.count ? runs.is_head[count] : -1;

        REQUIRE(count < MAX_ANSWERS && count <= runs.count);
        REQUIRE(count == 0 || !answers->all[count - 1].is_last);
        at += read_answer(client->heard + at, client->length - at, is_head, answer);
        if (answer->status == 100)
            continue;
        if (count == runs.count) /* refused before it ran */
            REQUIRE(answer->status >= 400 && answer->is_last);
        answers->count++;
    }
    REQUIRE(answers->count >= runs.count);
}

static void compare_one(const struct answer *one, const struct answer *other)
{
    REQUIRE(one->status == other->status && one->is_last == other->is_last);
    if (one->status >= 400)
        return; /* it names its request */
    REQUIRE(one->length == other->length);
    if (find_field(one, "multipart/byteranges") == NULL) /* its boundary is drawn by lot */
        REQUIRE(memcmp(one->body, other->body, one->length) == 0);
}

/* Answers in front of a refusal for the head's size; all of them when there is none. */
static size_t before_size(const struct answers *answers)
{
    size_t count = answers->count;
    int last = count > 0 ? answers->all[count - 1].status : 0;

    return last == 414 || last == 431 ? count - 1 : count;
}

/* What stands behind the common answers is a refusal, if anything. */
static void check_rest(const struct answers *answers, size_t common)
{
    REQUIRE(answers->count <= common + 1);
    if (answers->count > common)
        REQUIRE(answers->all[common].status >= 400 && answers->all[common].is_last);
}

/* Of a head that is too large it depends on how much of it has come whether it is too large
 * already, or bad, or not yet whole when the client ends.  All else is the same. */
static void compare(const struct answers *whole, const struct answers *pieces)
{
    size_t one = before_size(whole), other = before_size(pieces);
    size_t common = one < other ? one : other;

    if (one == whole->count && other == pieces->count)
        REQUIRE(one == other);
    for (size_t i = 0; i < common; i++)
        compare_one(&whole->all[i], &pieces->all[i]);
    check_rest(whole, common);
    check_rest(pieces, common);
}

/* --- one input --- */

static void serve_pieces(const uint8_t *data, const size_t borders[4], struct client *client,
                         struct answers *answers)
{
    runs.count = 0;
    *client = connect_client();
    let_serve(client);
    for (int i = 0; i < 3; i++)
        say(client, data + borders[i], borders[i + 1] - borders[i]);
    end(client);
    read_answers(client, answers);
}

/* FNV-1a: the borders follow from the input, and differ with its every byte. */
static uint64_t hash(const uint8_t *data, size_t size)
{
    uint64_t sum = 0xcbf29ce484222325;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ data[i]) * 0x100000001b3;
    return sum ^ sum >> 32;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct answers whole, pieces;
    struct client first, second;
    uint64_t chance = hash(data, size);
    size_t one = (size_t)((chance & 0xffff) % (size + 1));
    size_t other = (size_t)((chance >> 16 & 0xffff) % (size + 1));
    size_t low = one < other ? one : other, high = one < other ? other : one;

    if (server.board == NULL)
        open_server();
    serve_pieces(data, (size_t[]){0, size, size, size}, &first, &whole);
    serve_pieces(data, (size_t[]){0, low, high, size}, &second, &pieces);
    compare(&whole, &pieces);
    free(first.heard);
    free(second.heard);
    return 0;
}
