/*
 * relay PORT READY-FD — lets clients that speak plainly talk to a server that speaks TLS, so that the
 * tests of plain HTTP are tests of HTTPS, too.
 *
 *      test ── plain ──▶ relay ── TLS ──▶ 127.0.0.1:PORT
 *
 * It listens on a free port of 127.0.0.1, which it writes to READY-FD, and translates ends as well:
 *
 *      client:  FIN            ──▶  close_notify, FIN         RST  ──▶  RST
 *      server:  close_notify   ──▶  FIN                       RST, or FIN without close_notify  ──▶  RST
 *
 * So an answer that TLS has cut off is one that was reset.  Every other connection speaks TLS 1.2
 * instead of 1.3.  Each is served on a thread of its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 16384, ROOM = 64 * 1024 /* what it holds back at most, in each socket */ };

enum end { END_NONE, END_ORDERLY, END_RESET };

/* Bytes on their way from one side to the other. */
struct flow {
    char bytes[PIECE];
    size_t at, length;
    enum end end; /* of where they come from */
    bool is_told; /* … which the other side knows */
};

struct pair {
    int plain, secret;
    SSL *ssl;
    bool wants_room; /* TLS does, whatever was asked of it */
    struct flow up, down;
};

static SSL_CTX *context;
static struct sockaddr_in server = {.sin_family = AF_INET};
static atomic_uint served;

static bool is_empty(const struct flow *f)
{
    return f->at == f->length;
}

/* --- TLS --- */

/* What a call of OpenSSL has come to, other than bytes. */
static enum end end_of(struct pair *p, int result)
{
    int error = SSL_get_error(p->ssl, result);
    ERR_clear_error();
    p->wants_room = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return END_NONE;
    return error == SSL_ERROR_ZERO_RETURN ? END_ORDERLY : END_RESET;
}

static void read_secret(struct pair *p)
{
    int n = SSL_read(p->ssl, p->down.bytes, PIECE);
    p->down.at = 0;
    p->down.length = n > 0 ? (size_t)n : 0;
    if (n <= 0)
        p->down.end = end_of(p, n);
}

static void write_secret(struct pair *p)
{
    struct flow *f = &p->up;
    int n = SSL_write(p->ssl, f->bytes + f->at, (int)(f->length - f->at));
    if (n > 0)
        f->at += (size_t)n;
    else if (end_of(p, n) != END_NONE)
        p->down.end = END_RESET;
}

/* --- plain --- */

static void read_plain(struct pair *p)
{
    ssize_t n = recv(p->plain, p->up.bytes, PIECE, MSG_DONTWAIT);
    p->up.at = 0;
    p->up.length = n > 0 ? (size_t)n : 0;
    if (n == 0)
        p->up.end = END_ORDERLY;
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        p->up.end = END_RESET;
}

static void write_plain(struct pair *p)
{
    struct flow *f = &p->down;
    ssize_t n = send(p->plain, f->bytes + f->at, f->length - f->at, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0)
        f->at += (size_t)n;
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        p->up.end = END_RESET;
}

/* --- one connection --- */

static void tell_ends(struct pair *p)
{
    if (p->up.end == END_ORDERLY && is_empty(&p->up) && !p->up.is_told) {
        SSL_shutdown(p->ssl);
        ERR_clear_error();
        shutdown(p->secret, SHUT_WR);
        p->up.is_told = true;
    }
    if (p->down.end == END_ORDERLY && is_empty(&p->down) && !p->down.is_told) {
        shutdown(p->plain, SHUT_WR);
        p->down.is_told = true;
    }
}

static bool is_over(const struct pair *p)
{
    bool are_told = p->up.is_told && p->down.is_told;
    bool is_cut = p->down.end == END_RESET && is_empty(&p->down);
    return are_told || is_cut || p->up.end == END_RESET;
}

/* Waits until something can be done. */
static void wait_for_either(const struct pair *p)
{
    bool reads_plain = is_empty(&p->up) && p->up.end == END_NONE;
    bool reads_secret = is_empty(&p->down) && p->down.end == END_NONE;
    bool is_pending = reads_secret && SSL_pending(p->ssl) > 0;
    bool writes_secret = !is_empty(&p->up) || (p->wants_room && reads_secret);
    short plain = (short)((reads_plain ? POLLIN : 0) | (is_empty(&p->down) ? 0 : POLLOUT));
    short secret = (short)((reads_secret ? POLLIN : 0) | (writes_secret ? POLLOUT : 0));
    struct pollfd waits[] = {{.fd = plain ? p->plain : -1, .events = plain},
                             {.fd = secret ? p->secret : -1, .events = secret}};
    poll(waits, 2, is_pending ? 0 : -1);
}

static void pump(struct pair *p)
{
    while (!is_over(p)) {
        wait_for_either(p);
        if (is_empty(&p->up) && p->up.end == END_NONE)
            read_plain(p);
        if (!is_empty(&p->up) && p->down.end != END_RESET)
            write_secret(p);
        if (is_empty(&p->down) && p->down.end == END_NONE)
            read_secret(p);
        if (!is_empty(&p->down))
            write_plain(p);
        tell_ends(p);
    }
}

static void close_by_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void end_pair(struct pair *p)
{
    bool is_orderly = p->up.end != END_RESET && p->down.end != END_RESET;
    SSL_free(p->ssl);
    if (is_orderly) {
        close(p->secret);
        close(p->plain);
        return;
    }
    close_by_reset(p->secret);
    close_by_reset(p->plain);
}

/* Blocks: a server that does not answer a handshake is one that does not answer. */
static bool join(struct pair *p)
{
    int room = ROOM, one = 1;
    p->secret = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(p->secret, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    setsockopt(p->plain, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    setsockopt(p->secret, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(p->plain, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    p->ssl = SSL_new(context);
    if (!p->ssl || connect(p->secret, (struct sockaddr *)&server, sizeof server) != 0)
        return false;
    if (atomic_fetch_add(&served, 1) % 2)
        SSL_set_max_proto_version(p->ssl, TLS1_2_VERSION);
    SSL_set_fd(p->ssl, p->secret);
    return SSL_connect(p->ssl) == 1;
}

static void *relay(void *argument)
{
    struct pair *p = argument;
    if (join(p) && fcntl(p->secret, F_SETFL, O_NONBLOCK) == 0)
        pump(p);
    else
        p->down.end = END_RESET;
    end_pair(p);
    free(p);
    return NULL;
}

/* --- the whole --- */

static int listen_somewhere(struct sockaddr_in *own)
{
    socklen_t size = sizeof *own;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *own = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)own, size) == 0 && listen(fd, 1024) == 0 &&
              getsockname(fd, (struct sockaddr *)own, &size) == 0;
    return ok ? fd : -1;
}

static bool open_context(void)
{
    context = SSL_CTX_new(TLS_client_method());
    if (!context)
        return false;
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE,
                       NULL); /* others test what a certificate is worth */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return true;
}

static void accept_all(int listener)
{
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&detached, 256 * 1024);
    for (;;) {
        pthread_t thread;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        struct pair *p = fd < 0 ? NULL : calloc(1, sizeof *p);
        if (!p)
            exit(EXIT_FAILURE);
        p->plain = fd;
        if (pthread_create(&thread, &detached, relay, p) != 0)
            exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in own;
    signal(SIGPIPE, SIG_IGN);
    if (argc != 3 || !open_context())
        return EXIT_FAILURE;
    server.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = listen_somewhere(&own), ready = (int)strtol(argv[2], NULL, 10);
    if (listener < 0 || dprintf(ready, "ready 127.0.0.1:%d\n", ntohs(own.sin_port)) < 0)
        return EXIT_FAILURE;
    close(ready);
    accept_all(listener);
}
