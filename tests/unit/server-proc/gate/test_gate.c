/*
 * gate: a whole gate in a child; its clients are OpenSSL's own, and the test is the workers: it takes
 * what is handed over, and ends it in order or not.
 */
#include "server-proc/gate/gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/signals.h"
#include "server-proc/gatehouse.h"
#include "server-proc/handover.h"
#include "tests/unit/common/tls/scene.h"
#include "unit.h"

static struct stage *stage;
static struct gate_board *board;
static int channel[2], board_fd, listener;
static struct sockaddr_in address;
static pid_t gate_pid;

static int listen_somewhere(void)
{
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fd, 512), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return fd;
}

static void prepare(void)
{
    struct cert c = cert_for("DNS:localhost");
    stage = stage_new();
    add_pair(&stage->material, "localhost", &c);
    stage_open(stage);
    stage->options.max_connections = 1000;
    stage->options.tls_listen.count = 1;
    stage->options.tls_handshake_timeout = 10000;
    stage->options.write_timeout = 10000;
    board_fd = gate_board_make(&stage->options);
    board = gate_board_map(board_fd, &stage->options);
    ck_assert_ptr_nonnull(board);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel), 0);
    listener = listen_somewhere();
    signal(SIGPIPE, SIG_IGN);
}

static int be_gate(void)
{
    struct gate gate;
    struct gate_charge charge = {.options = &stage->options,
                                 .board = board,
                                 .bench = 1,
                                 .channel = channel[1],
                                 .listener = listener,
                                 .signals = signals_open(),
                                 .context = stage->context};
    int code = gate_open(&gate, &charge) ? gate_serve(&gate) : EXIT_FAILURE;
    gate_close(&gate);
    return code;
}

static void start_gate(void)
{
    pid_t test = getpid();
    gate_pid = fork();
    if (gate_pid == 0) {
        signals_die_with(test);
        exit(be_gate()); /* a leak checker looks at it then */
    }
    while (!gate_board_await(board, 100))
        ck_assert_int_eq(waitpid(gate_pid, NULL, WNOHANG), 0);
}

static int end_of_gate(void)
{
    int status = -1;
    ck_assert_int_eq(waitpid(gate_pid, &status, 0), gate_pid);
    gate_pid = 0;
    return status;
}

static void tidy_up(void)
{
    if (gate_pid > 0) {
        kill(gate_pid, SIGKILL);
        end_of_gate();
    }
    gate_board_unmap(board, &stage->options);
    close(board_fd);
    close(channel[0]);
    close(channel[1]);
    close(listener);
    stage_free(stage);
}

/* --- a client --- */

struct client {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
};

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct timeval patient = {.tv_sec = 10};
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patient, sizeof patient);
    return fd;
}

static struct client connect_client(void)
{
    struct client c = {.fd = dial(), .ctx = SSL_CTX_new(TLS_client_method())};
    c.ssl = SSL_new(c.ctx);
    SSL_set_fd(c.ssl, c.fd);
    ck_assert_int_eq(SSL_connect(c.ssl), 1);
    return c;
}

static void drop_client(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    close(c->fd);
}

/* Reads until it ends; how it ends. Returns SSL_ERROR_ZERO_RETURN for a close_notify. */
static int how_it_ends(struct client *c, size_t *count)
{
    static char bytes[65536];
    int n;
    *count = 0;
    errno = 0;
    while ((n = SSL_read(c->ssl, bytes, sizeof bytes)) > 0)
        *count += (size_t)n;
    return SSL_get_error(c->ssl, n);
}

/* --- a worker --- */

static int take(struct handover *h)
{
    struct pollfd p = {.fd = channel[0], .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, 10000), 1);
    int fd = handover_receive(channel[0], h);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static bool becomes_ready(int fd, short events, int ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, ms) == 1;
}

static void expect(int fd, const char *text)
{
    char bytes[100] = "";
    ck_assert(becomes_ready(fd, POLLIN, 10000));
    ck_assert_int_eq(recv(fd, bytes, sizeof bytes - 1, 0), (ssize_t)strlen(text));
    ck_assert_str_eq(bytes, text);
}

static void say_it_is_over(const struct handover *h)
{
    ck_assert_uint_lt(h->seat, gate_board_seats(&stage->options));
    seat_end(&board->seats[h->seat], h->serial);
}

/* As much as goes. */
static size_t stuff(int fd)
{
    static const char bytes[65536];
    size_t count = 0;
    ssize_t n;
    for (int quiet = 0; quiet < 5;) {
        n = send(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        count += n > 0 ? (size_t)n : 0;
        quiet = n > 0 ? 0 : quiet + 1;
        if (n <= 0)
            usleep(10000);
    }
    return count;
}

/* --- ends --- */

START_TEST(test_an_end_in_order)
{
    struct handover h = {0};
    size_t count;
    start_gate();
    struct client c = connect_client();
    ck_assert_int_eq(SSL_write(c.ssl, "GET", 3), 3);
    int fd = take(&h);
    ck_assert_str_eq(h.facts.version, "TLSv1.3");
    ck_assert_int_eq(h.peer.sin6_family, AF_INET);
    expect(fd, "GET");
    ck_assert_int_eq(send(fd, "whole", 5, 0), 5);
    say_it_is_over(&h);
    close(fd);
    ck_assert_int_eq(how_it_ends(&c, &count), SSL_ERROR_ZERO_RETURN);
    ck_assert_uint_eq(count, 5);
    ck_assert_uint_eq(board->figures.full, 1);
    drop_client(&c);
}
END_TEST

START_TEST(test_an_abort)
{
    struct handover h = {0};
    size_t count;
    start_gate();
    struct client c = connect_client();
    int fd = take(&h);
    ck_assert_int_eq(send(fd, "half", 4, 0), 4);
    close(fd);
    ck_assert_int_eq(how_it_ends(&c, &count), SSL_ERROR_SYSCALL);
    ck_assert_int_eq(errno, ECONNRESET);
    drop_client(&c);
}
END_TEST

/* Half of it is out, and much more waits for a client who reads nothing: it need not wait on. */
START_TEST(test_an_abort_behind_much)
{
    struct handover h = {0};
    size_t count;
    start_gate();
    struct client c = connect_client();
    int fd = take(&h);
    size_t sent = stuff(fd);
    close(fd);
    ck_assert(becomes_ready(c.fd, POLLHUP, 10000));
    ck_assert_int_eq(how_it_ends(&c, &count), SSL_ERROR_SYSCALL);
    ck_assert_uint_lt(count, sent);
    drop_client(&c);
}
END_TEST

START_TEST(test_much_arrives_before_the_end)
{
    struct handover h = {0};
    size_t count;
    start_gate();
    struct client c = connect_client();
    int fd = take(&h);
    size_t sent = stuff(fd);
    say_it_is_over(&h);
    close(fd);
    ck_assert_int_eq(how_it_ends(&c, &count), SSL_ERROR_ZERO_RETURN);
    ck_assert_uint_eq(count, sent);
    drop_client(&c);
}
END_TEST

/* A worker that lingers still hears the client, and the client's end. */
START_TEST(test_a_worker_lingers)
{
    struct handover h = {0};
    size_t count;
    char byte;
    start_gate();
    struct client c = connect_client();
    int fd = take(&h);
    say_it_is_over(&h);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert_int_eq(how_it_ends(&c, &count), SSL_ERROR_ZERO_RETURN);
    ck_assert_int_eq(SSL_write(c.ssl, "surplus", 7), 7);
    expect(fd, "surplus");
    SSL_shutdown(c.ssl);
    ck_assert(becomes_ready(fd, POLLIN, 10000));
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
    close(fd);
    drop_client(&c);
}
END_TEST

START_TEST(test_a_client_resets)
{
    struct handover h = {0};
    char byte;
    const struct linger now = {1, 0};
    start_gate();
    struct client c = connect_client();
    int fd = take(&h);
    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    drop_client(&c);
    ck_assert(becomes_ready(fd, POLLIN, 10000));
    ck_assert_int_le(recv(fd, &byte, 1, 0), 0);
    close(fd);
}
END_TEST

/* --- handshakes that are none --- */

START_TEST(test_plain_http)
{
    struct handover h = {0};
    start_gate();
    int client = dial();
    ck_assert_int_eq(send(client, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
    int fd = take(&h);
    ck_assert(h.is_misspoken);
    ck_assert_int_eq(send(fd, "400", 3, 0), 3);
    close(fd);
    expect(client, "400");
    ck_assert_uint_eq(board->figures.failed, 1);
    close(client);
}
END_TEST

START_TEST(test_a_handshake_takes_too_long)
{
    char byte;
    stage->options.tls_handshake_timeout = 200;
    start_gate();
    int64_t began = clock_ms();
    int client = dial();
    ck_assert(becomes_ready(client, POLLIN, 10000));
    ck_assert_int_eq(recv(client, &byte, 1, 0), 0);
    ck_assert_int_ge(clock_ms() - began, 200);
    ck_assert_uint_eq(board->figures.failed, 1);
    close(client);
}
END_TEST

/* --- crowds --- */

/* Nobody takes them for a while: more than the channel holds. */
START_TEST(test_the_channel_is_full)
{
    enum { MANY = 300 };
    static struct client clients[MANY];
    static struct handover h;
    start_gate();
    for (int i = 0; i < MANY; i++)
        clients[i] = connect_client();
    for (int i = 0; i < MANY; i++) {
        struct sockaddr_in me;
        socklen_t size = sizeof me;
        int fd = take(&h);
        ck_assert_int_eq(getsockname(clients[i].fd, (struct sockaddr *)&me, &size), 0);
        ck_assert_int_eq(h.peer.sin6_port, me.sin_port); /* in their order */
        close(fd);
    }
    for (int i = 0; i < MANY; i++)
        drop_client(&clients[i]);
}
END_TEST

START_TEST(test_all_seats_are_taken)
{
    enum { SEATS = GATE_ROOM };
    static struct client clients[SEATS];
    static int fds[SEATS];
    struct handover h = {0};
    stage->options.max_connections = 0;
    start_gate();
    for (int i = 0; i < SEATS; i++) {
        clients[i] = connect_client();
        fds[i] = take(&h);
    }
    int next = dial();
    ck_assert_int_eq(send(next, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
    ck_assert(!becomes_ready(channel[0], POLLIN, 200));
    drop_client(&clients[0]);
    close(fds[0]);
    close(take(&h)); /* a seat is free, the one who waited has it */
    ck_assert(h.is_misspoken);
    for (int i = 1; i < SEATS; i++) {
        drop_client(&clients[i]);
        close(fds[i]);
    }
    close(next);
}
END_TEST

/* --- slow ones --- */

/* The kernel takes some for a client that takes nothing, until its buffers are full, and a busy gate
 * sees that late. After that nothing moves, for as long as the time-out lasts: half of it is asked for. */
START_TEST(test_a_client_takes_nothing)
{
    struct handover h = {0};
    char byte;
    stage->options.write_timeout = 1000;
    start_gate();
    struct client c = connect_client();
    int fd = take(&h);
    int64_t looked = clock_ms(), still = looked; /* nothing has moved since */
    stuff(fd);
    for (uint32_t moves = 0; !becomes_ready(fd, POLLIN, 5) && looked - still < 10000;) {
        int64_t now = clock_ms();
        uint32_t before = moves;
        moves = board->seats[h.seat].moves;
        if (moves != before)
            still = looked;
        looked = now;
    }
    ck_assert(becomes_ready(fd, POLLIN, 0));
    ck_assert_int_le(recv(fd, &byte, 1, 0), 0);
    ck_assert_int_ge(clock_ms() - still, stage->options.write_timeout / 2);
    close(fd);
    drop_client(&c);
}
END_TEST

/* It takes some, again and again, for longer than the time-out: it lives, and the worker sees why. */
START_TEST(test_a_client_takes_little)
{
    static char bytes[16384];
    struct handover h = {0};
    stage->options.write_timeout = 1000;
    start_gate();
    struct client c = connect_client();
    int fd = take(&h);
    stuff(fd);
    uint32_t moves = board->seats[h.seat].moves;
    for (int i = 0; i < 25; i++) {
        for (int k = 0; k < 8; k++)
            ck_assert_int_gt(SSL_read(c.ssl, bytes, sizeof bytes), 0);
        usleep(100000);
    }
    ck_assert_uint_gt(board->seats[h.seat].moves, moves + 2);
    ck_assert(!becomes_ready(fd, POLLIN, 0));
    close(fd);
    drop_client(&c);
}
END_TEST

/* … and talks all the time: too little is taken for epoll to tell of room, and each word of its is an
 * event. */
START_TEST(test_a_client_takes_little_and_talks)
{
    static char bytes[16384];
    struct handover h = {0};
    int64_t until;
    stage->options.write_timeout = 1000;
    start_gate();
    struct client c = connect_client();
    int fd = take(&h);
    stuff(fd);
    for (int i = 0; i < 25; i++) {
        ck_assert_int_gt(SSL_read(c.ssl, bytes, sizeof bytes), 0);
        for (until = clock_ms() + 100; clock_ms() < until; usleep(1000)) {
            ck_assert_int_eq(SSL_write(c.ssl, "x", 1), 1);
            recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        }
    }
    ck_assert_int_eq(SSL_write(c.ssl, "y", 1), 1);
    ck_assert(becomes_ready(fd, POLLIN, 10000));
    ck_assert_int_gt(recv(fd, bytes, sizeof bytes, 0), 0);
    close(fd);
    drop_client(&c);
}
END_TEST

/* The worker has long gone, having said all. */
START_TEST(test_a_client_takes_nothing_of_the_last)
{
    struct handover h = {0};
    size_t count;
    stage->options.write_timeout = 400;
    start_gate();
    struct client c = connect_client();
    int fd = take(&h);
    stuff(fd);
    say_it_is_over(&h);
    close(fd);
    ck_assert(becomes_ready(c.fd, POLLHUP, 10000));
    ck_assert_int_eq(how_it_ends(&c, &count), SSL_ERROR_SYSCALL);
    drop_client(&c);
}
END_TEST

/* --- the end of the gate --- */

START_TEST(test_it_drains)
{
    struct handover h = {0};
    size_t count;
    start_gate();
    struct client c = connect_client();
    int fd = take(&h), shaking = dial();
    usleep(50000); /* it is let in, and does not go on */
    kill(gate_pid, GATE_DRAIN);
    close(shaking);
    ck_assert_int_eq(send(fd, "last", 4, 0), 4);
    say_it_is_over(&h);
    close(fd);
    ck_assert_int_eq(how_it_ends(&c, &count), SSL_ERROR_ZERO_RETURN);
    ck_assert_uint_eq(count, 4);
    drop_client(&c);
    ck_assert_int_eq(end_of_gate(), 0);
}
END_TEST

/* Whoever stops a service tells each of its processes. */
START_TEST(test_it_is_for_the_gatehouse_to_say)
{
    struct handover h = {0};
    size_t count;
    start_gate();
    struct client c = connect_client();
    int fd = take(&h);
    for (int i = 0; i < 3; i++) {
        kill(gate_pid, SIGTERM);
        kill(gate_pid, SIGINT);
        kill(gate_pid, SIGHUP);
        usleep(50000); /* two that come at once are one */
    }
    say_it_is_over(&h);
    close(fd);
    ck_assert_int_eq(how_it_ends(&c, &count), SSL_ERROR_ZERO_RETURN);
    drop_client(&c);
    c = connect_client();
    close(take(&h));
    drop_client(&c);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *const *tests)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, prepare, tidy_up);
    for (; *tests; tests++)
        tcase_add_test(tcase, *tests);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("gate");
    add(suite, "ends",
        (const TTest *const[]){test_an_end_in_order, test_an_abort, test_an_abort_behind_much,
                               test_much_arrives_before_the_end, test_a_worker_lingers,
                               test_a_client_resets, NULL});
    add(suite, "no handshakes",
        (const TTest *const[]){test_plain_http, test_a_handshake_takes_too_long, NULL});
    add(suite, "crowds",
        (const TTest *const[]){test_the_channel_is_full, test_all_seats_are_taken, NULL});
    add(suite, "slow ones",
        (const TTest *const[]){test_a_client_takes_nothing, test_a_client_takes_little,
                               test_a_client_takes_little_and_talks,
                               test_a_client_takes_nothing_of_the_last, NULL});
    add(suite, "its end",
        (const TTest *const[]){test_it_drains, test_it_is_for_the_gatehouse_to_say, NULL});
    return unit_run(suite);
}
