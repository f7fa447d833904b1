/*
 * nest.c — forks a spare for each place, and another when it has ended.
 *
 * It is forked before there are connections, and closes what it inherits of them when it has to be
 * forked again; it unmaps the connection table and the scoreboard. So a spare can read no other
 * request's bytes and holds no other client's connection open.
 */
#include "nest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crash.h"
#include "common/http1.h"
#include "common/logger.h"
#include "common/worker.h"
#include "gatehouse.h"

enum {
    SPARE_DONE = 113,  /* exit code: the answer has been sent */
    PIECE = 64 * 1024, /* of a body, in one message beside the headers */
    FORK_PAUSE = 50    /* ms */
};
_Static_assert(PIECE + 64 * 1024 <= NEST_PAYLOAD, "a piece and the headers fit a message");

static struct brood {
    struct nest *nest;
    pid_t pids[NEST_PLACES];               /* 0: nobody sits in this place */
    struct spare_reply *news[NEST_PLACES]; /* of a death, as long as the worker's queue is full */
    int64_t not_before;                    /* monotonic ms: no fork before then */
    struct request request;                /* memory made once here is ready in every child */
    struct tls_facts facts;                /* what its request_tls() points into */
    struct response response;
    struct crash crash;
    int fd; /* in a spare: its end of the pair */
    uint32_t serial;
    char *inbox;
    size_t inbox_size;
} self;

/* --- the word of a place --- */

uint64_t place_make(uint32_t serial, unsigned owner, bool is_ready)
{
    return (uint64_t)serial << 32 | (uint64_t)(owner & 0xffff) << 8 | is_ready;
}

uint32_t place_serial(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

unsigned place_owner(uint64_t word)
{
    return (unsigned)(word >> 8 & 0xffff);
}

bool place_is_ready(uint64_t word)
{
    return word & 1;
}

void nest_changed(struct nest_shared *shared)
{
    atomic_fetch_add(&shared->changes, 1);
    syscall(SYS_futex, &shared->changes, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* --- messages with a descriptor --- */

static int passed_descriptor(struct msghdr *message)
{
    int fd = -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

static bool send_reply(int fd, struct spare_reply *reply, const struct response *r, int passed,
                       int flags)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec parts[] = {{reply, sizeof *reply},
                            {r ? r->headers.data : NULL, reply->headers_len},
                            {r ? r->body.data : NULL, reply->body_len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
    if (passed >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        *c = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(c), &passed, sizeof passed);
    }
    ssize_t sent;
    do
        sent = sendmsg(fd, &message, MSG_NOSIGNAL | flags);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* --- the spare: one call, one answer --- */

static void leave_at_once(int status, void *unused)
{
    (void)unused;
    _exit(status == SPARE_DONE ? EXIT_FAILURE : status);
}

/* A body too large for a message becomes a descriptor. */
static void move_body_to_descriptor(struct response *r)
{
    size_t n = r->body.len;
    int fd = memfd_create("answer", MFD_CLOEXEC);
    for (size_t at = 0; fd >= 0 && at < n;) {
        ssize_t put = write(fd, r->body.data + at, n - at);
        if (put <= 0)
            _exit(EXIT_FAILURE);
        at += (size_t)put;
    }
    if (fd < 0)
        _exit(EXIT_FAILURE);
    response_file(r, fd, 0, n);
    r->body.len = 0;
}

/* The worker reads at its client's pace, so this may wait; the nest watches over us. */
static bool send_part(const char *body, size_t n)
{
    struct response *r = &self.response;
    struct response part = *r;
    struct spare_reply reply = {.serial = self.serial,
                                .kind = REPLY_PART,
                                .status = r->status,
                                .headers_len = r->has_begun ? 0 : (uint32_t)r->headers.len,
                                .body_len = (uint32_t)n};
    memcpy(reply.type, r->type, sizeof reply.type);
    part.body.data = (char *)(uintptr_t)body;
    int64_t began = clock_ms();
    if (!send_reply(self.fd, &reply, &part, -1, 0))
        return false;
    self.request.deadline += clock_ms() - began; /* the client's time, not the handler's */
    r->has_begun = true;
    return true;
}

static bool has_client_gone(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, NEST_CLIENT_GONE);
}

/* For response_flush(): in pieces that a message can hold. */
static bool flush_parts(struct response *r, void *unused)
{
    (void)unused;
    size_t at = 0;
    if (has_client_gone())
        return false;
    do {
        size_t n = r->body.len - at < PIECE ? r->body.len - at : PIECE;
        if (!send_part(r->body.data + at, n))
            return false;
        at += n;
    } while (at < r->body.len);
    r->body.len = 0;
    return true;
}

static int64_t cpu_used(void)
{
    bool is_asked_for = access_log_tells_cpu(&self.nest->server->access_log);
    return is_asked_for ? clock_cpu(CLOCK_PROCESS_CPUTIME_ID) / 1000 : -1;
}

static void answer_call(const struct spare_call *call)
{
    struct response *r = &self.response;
    struct route_match match =
        router_find(&self.nest->server->router, self.request.method, self.request.path);
    run_handler(&match, &self.request, r, call->id);
    if (r->has_begun && !r->failed)
        response_flush(r);
    if (r->fd < 0 && r->body.len > PIECE)
        move_body_to_descriptor(r);
    struct spare_reply reply = {.serial = call->serial,
                                .kind = REPLY_ANSWER,
                                .status = r->status,
                                .headers_len = r->has_begun ? 0 : (uint32_t)r->headers.len,
                                .body_len = r->fd < 0 ? (uint32_t)r->body.len : 0,
                                .failed = r->failed,
                                .has_fd = r->fd >= 0,
                                .offset = r->offset,
                                .length = r->length,
                                .cpu = cpu_used()};
    memcpy(reply.type, r->type, sizeof reply.type);
    if (!send_reply(self.fd, &reply, r, r->fd, 0))
        _exit(EXIT_FAILURE);
}

/* In the signal handler of a spare that dies: its last words, as a message like any other. */
static void tell_crash(const struct crash *crash)
{
    struct spare_reply reply = {.serial = self.serial, .kind = REPLY_CRASH};
    struct iovec parts[] = {{&reply, sizeof reply}, {(void *)(uintptr_t)crash, sizeof *crash}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = sendmsg(self.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* then the news of the death comes alone */
}

/* The signal that the kernel sends at its end has no other meaning here: see take_death(). */
static void start_cpu_clock(int64_t ms)
{
    struct itimerval time = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};
    if (ms > 0)
        setitimer(ITIMER_PROF, &time, NULL);
}

/* Of the head and what follows it, up to the facts. */
static size_t request_size(const struct spare_call *call)
{
    return call->head_len + (call->has_fd ? 0 : (size_t)call->body_len);
}

static size_t call_size(const struct spare_call *call)
{
    return sizeof *call + request_size(call) + (call->is_secure ? sizeof self.facts : 0);
}

static void take_facts(const struct spare_call *call)
{
    if (!call->is_secure)
        return;
    memcpy(&self.facts, self.inbox + request_size(call), sizeof self.facts);
    request_secure(&self.request, &self.facts);
}

/* A call and the news of the nest's death may arrive together, and then it is taken by one that will
 * not run another line. So it is looked at first and taken in a second step: until then it is unread,
 * and its worker calls another spare. */
static ssize_t take_call(int fd, struct msghdr *message)
{
    char byte;
    ssize_t n = recvmsg(fd, message, MSG_PEEK | MSG_CMSG_CLOEXEC);
    return n > 0 && recv(fd, &byte, sizeof byte, 0) > 0 ? n : -1;
}

/* It keeps nothing but its own end of its own pair. */
static void become_spare(size_t place, pid_t nest)
{
    prctl(PR_SET_NAME, "spare");
    signals_die_with(nest);
    on_exit(leave_at_once, NULL);
    for (size_t i = 0; i < self.nest->server->options.spares; i++)
        if (i != place)
            close(self.nest->ends[i]);
    close(self.nest->signals);
    munmap(self.nest->shared, sizeof *self.nest->shared);
    munmap(self.nest->server->spares, sizeof *self.nest->server->spares);
    crash_arm(&self.crash, tell_crash);
}

static _Noreturn void spare_main(size_t place, pid_t nest)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct spare_call call;
    struct iovec parts[] = {{&call, sizeof call}, {self.inbox, self.inbox_size}};
    struct msghdr message = {.msg_iov = parts,
                             .msg_iovlen = 2,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    self.fd = self.nest->ends[place];
    become_spare(place, nest);
    ssize_t n = take_call(self.fd, &message);
    if (n < (ssize_t)sizeof call || (size_t)n != call_size(&call))
        _exit(EXIT_FAILURE);
    if (http1_parse(&self.nest->server->options, self.inbox, call.head_len, &self.request) != 0)
        _exit(EXIT_FAILURE);
    self.serial = call.serial;
    self.request.deadline = call.deadline;
    memcpy(self.request.id, call.id, sizeof self.request.id);
    self.request.client = call.client;
    self.request.body = (struct request_body){.data = self.inbox + call.head_len,
                                              .fd = passed_descriptor(&message),
                                              .length = call.body_len};
    if (call.has_fd)
        self.request.body.data = NULL;
    take_facts(&call);
    start_cpu_clock(self.nest->server->options.worker_cpu);
    answer_call(&call);
    _exit(SPARE_DONE);
}

/* --- the nest --- */

/* Was a worker quicker than the news that the spare it called had died before it listened? The next
 * spare answers then; unless the worker has died, too, and the call is nobody's any more. */
static bool has_unread_call(size_t place)
{
    char byte;
    uint64_t word = atomic_load(&self.nest->shared->places[place]);
    while (recv(self.nest->ends[place], &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
        if (place_owner(word) != 0)
            return true;
        recv(self.nest->ends[place], &byte, 1, MSG_DONTWAIT);
    }
    return false;
}

static bool hatch(size_t place)
{
    pid_t nest = getpid();
    int64_t before = clock_us();
    bool is_called = has_unread_call(place); /* then this one answers it, and is not free */
    pid_t pid = fork();
    if (pid == 0)
        spare_main(place, nest);
    if (pid < 0)
        return false;
    histogram_add_shared(&self.nest->server->spares->births, clock_us() - before);
    self.pids[place] = pid;
    if (is_called)
        return true;
    if (place_owner(atomic_fetch_or(&self.nest->shared->places[place], 1)) == 0)
        nest_changed(self.nest->shared); /* else its worker says so, when it leaves */
    return true;
}

/* The queue may be full of what the dead has said, which its worker is still passing on. False: it
 * is, and the news waits. */
static bool break_news(size_t place)
{
    struct spare_reply *news = self.news[place];
    if (!news)
        return true;
    uint64_t word = atomic_load(&self.nest->shared->places[place]);
    bool is_awaited = place_owner(word) != 0 && place_serial(word) == news->serial;
    if (is_awaited && !send_reply(self.nest->ends[place], news, NULL, -1, MSG_DONTWAIT) &&
        errno == EAGAIN)
        return false;
    free(news);
    self.news[place] = NULL;
    return true;
}

static bool fill(void)
{
    bool is_full = true;
    if (clock_ms() < self.not_before)
        return false;
    for (size_t i = 0; i < self.nest->server->options.spares; i++)
        if (self.pids[i] == 0 && (!break_news(i) || !hatch(i)))
            is_full = false;
    return is_full;
}

/* One that dies before it is called will not be the last to: no storm of forks. */
static bool was_uncalled(place_word *slot)
{
    uint64_t word = atomic_load(slot);
    while (place_is_ready(word)) {
        if (!atomic_compare_exchange_weak(slot, &word, word & ~(uint64_t)1))
            continue;
        self.not_before = clock_ms() + FORK_PAUSE;
        return true;
    }
    return false;
}

/* For one that ended without an answer: its worker, if it has been called, waits at the other
 * end. */
static void speak_for_the_dead(size_t place, int status, const struct rusage *usage)
{
    place_word *slot = &self.nest->shared->places[place];
    if (was_uncalled(slot) || has_unread_call(place))
        return;
    struct spare_reply *news = calloc(1, sizeof *news);
    if (!news)
        return; /* its deadline will end the wait */
    news->serial = place_serial(atomic_load(slot));
    news->kind = REPLY_DEATH;
    news->wait_status = status;
    news->usage = *usage;
    self.news[place] = news;
}

static void reap(void)
{
    int status;
    struct rusage usage;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        for (size_t i = 0; i < self.nest->server->options.spares; i++) {
            if (self.pids[i] != pid)
                continue;
            self.pids[i] = 0;
            atomic_fetch_add(&self.nest->server->spares->faults, (uint64_t)usage.ru_minflt);
            if (!WIFEXITED(status) || WEXITSTATUS(status) != SPARE_DONE)
                speak_for_the_dead(i, status, &usage);
        }
    }
}

/* Only the nest signals spares: it alone knows that a pid still is the one that was meant. */
static void signal_as_asked(void)
{
    struct nest_signal ask;
    while (read(self.nest->signals, &ask, sizeof ask) == sizeof ask) {
        if (ask.place >= self.nest->server->options.spares)
            continue;
        uint64_t word = atomic_load(&self.nest->shared->places[ask.place]);
        if (place_serial(word) == ask.serial && !place_is_ready(word) && self.pids[ask.place] > 0)
            kill(self.pids[ask.place], ask.number);
    }
}

/* Its table is a copy of the one all share. What modules have opened is needed; connections, listeners
 * and the like would be held open by it. */
static void close_what_is_not_ours(const struct nest *n)
{
    struct server *s = n->server;
    bool *keep = n->is_of_modules;
    for (size_t i = 0; i < s->options.spares; i++)
        keep[n->ends[i]] = true;
    keep[n->signals] = true;
    unsigned from = STDERR_FILENO + 1;
    for (unsigned fd = from; fd < s->table.size; fd++) {
        if (!keep[fd])
            continue;
        if (fd > from)
            close_range(from, fd - 1, 0);
        from = fd + 1;
    }
    close_range(from, UINT_MAX, 0);
}

static void become_nest(struct nest *n, pid_t supervisor)
{
    struct server *s = n->server;
    prctl(PR_SET_NAME, "nest");
    signals_die_with(supervisor);
    close_what_is_not_ours(n);
    size_t facts = s->table.facts ? sizeof self.facts : 0;
    self = (struct brood){.nest = n, .inbox_size = s->table.stash_size + facts}; /* as a worker's */
    conn_table_close(&s->table);
    scoreboard_close(s->board, s->slots);
    tallies_close(s->tallies, s->slots);
    s->board = NULL;
    s->tallies = NULL;
    gatehouse_forget(s);
    logger_forget();
    self.inbox = malloc(self.inbox_size);
    response_open(&self.response);
    self.response.flush = flush_parts;
    crash_arm(&self.crash, NULL);
    if (!self.inbox || !request_open(&self.request, s->options.max_headers, s->options.max_uri))
        _exit(EXIT_FAILURE);
}

_Noreturn void nest_main(struct nest *n, pid_t supervisor)
{
    sigset_t children;
    become_nest(n, supervisor);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    struct pollfd waits[] = {
        {.fd = signalfd(-1, &children, SFD_NONBLOCK | SFD_CLOEXEC), .events = POLLIN},
        {.fd = n->signals, .events = POLLIN}};
    for (;;) {
        bool is_full = fill();
        struct signalfd_siginfo info;
        poll(waits, 2, is_full ? -1 : FORK_PAUSE);
        while (read(waits[0].fd, &info, sizeof info) == sizeof info)
            ;
        signal_as_asked();
        reap();
    }
}
