/*
 * spare.c — the pool worker reads the whole request, as ever; a spare runs its handler and is gone.
 */
#include "spare.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/death.h"
#include "nest.h"
#include "nursery.h"

/*
 * A nest hatches what the nursery was when it was made. To renew it there are two: workers that are born from
 * then on call the spares of the new one, the old one goes with the last worker that calls its.
 */
static struct breed {
    struct nest nest;
    int ends[NEST_PLACES]; /* the workers' ends, in the shared descriptor table */
    int signals;           /* struct nest_signal is written here */
    pid_t pid;             /* of the nest; -1: there is none now */
    int64_t again_at;      /* monotonic ms: when to try again */
    unsigned callers;      /* workers that live */
} breeds[SPARE_BREEDS];

/* Worker: the one it calls. Supervisor: the one that those who are born next will call. */
static struct breed *fresh = &breeds[0];
static struct breed *breed_of[LIMIT_WORKERS + 1]; /* supervisor: by owner; NULL: it does not live */

/* Headers and body of one answer; a worker has one at a time. */
static char payload[NEST_PAYLOAD];
static size_t payload_size;

enum { FORK_PAUSE = 100, QUEUE_MARGIN = 50 /* ms */ };

static bool is_fresh(const struct server *s)
{
    return s->options.isolation == ISOLATION_FRESH;
}

/* === the worker === */

static bool try_take(unsigned owner, size_t *place, uint32_t *serial)
{
    struct nest_shared *shared = fresh->nest.shared;
    for (size_t i = 0; i < fresh->nest.server->options.spares; i++) {
        uint64_t word = atomic_load(&shared->places[i]);
        if (!place_is_ready(word) || place_owner(word) != 0)
            continue;
        *serial = place_serial(word) + 1;
        *place = i;
        if (atomic_compare_exchange_strong(&shared->places[i], &word,
                                           place_make(*serial, owner, false)))
            return true;
    }
    return false;
}

/* When requests come faster than children can be made, they queue here, for a while. */
static bool take_place(unsigned owner, int64_t deadline, size_t *place, uint32_t *serial)
{
    struct nest_shared *shared = fresh->nest.shared;
    const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
    int64_t now = clock_ms(), until = now + LIMIT_SPARE_WAIT;
    if (until > deadline - QUEUE_MARGIN) /* the handler is not late: it has not begun */
        until = deadline - QUEUE_MARGIN;
    for (;;) {
        uint32_t changes = atomic_load(&shared->changes);
        if (try_take(owner, place, serial))
            return true;
        if (clock_ms() >= until)
            return false;
        syscall(SYS_futex, &shared->changes, FUTEX_WAIT, changes, &pause, NULL, 0);
    }
}

/* Who waits is woken for a place that can be had, and keeps its turn meanwhile: mostly it is hatch()
 * that says so. */
static void leave_place(const struct breed *f, size_t place)
{
    struct nest_shared *shared = f->nest.shared;
    uint64_t word = atomic_load(&shared->places[place]);
    while (!atomic_compare_exchange_weak(&shared->places[place], &word,
                                         place_make(place_serial(word), 0, place_is_ready(word))))
        ;
    if (place_is_ready(word))
        nest_changed(shared);
}

/* Errors of sendmsg that mean: nobody is at the other end, nothing was read. */
static bool is_deserted(void)
{
    return errno == EPIPE || errno == ECONNRESET || errno == ECONNREFUSED;
}

static bool send_call(int fd, const struct worker *w, struct spare_call *call)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    const struct request *r = &w->request;
    const struct request_body *body = &r->body;
    call->head_len = (uint32_t)r->head_len;
    call->body_len = body->length;
    call->has_fd = body->fd >= 0;
    call->is_secure = r->is_secure;
    struct iovec parts[] = {{call, sizeof *call},
                            {(void *)(uintptr_t)r->head, r->head_len},
                            {(void *)(uintptr_t)body->data, call->has_fd ? 0 : body->length},
                            {(void *)(uintptr_t)&w->facts, r->is_secure ? sizeof w->facts : 0}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 4};
    if (call->has_fd) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        *c = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(c), &body->fd, sizeof body->fd);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

enum call_result {
    CALL_ANSWERED, /* by the spare, or by the nest in its place */
    CALL_UNREAD,   /* nobody has seen it: call another */
    CALL_LOST,     /* it was read, and then spare and nest were gone */
    CALL_QUEUED    /* no child was free in time */
};

/* One message; *passed is the descriptor that came along, or -1. */
static enum call_result receive_reply(int fd, struct spare_reply *reply, int *passed)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec parts[] = {{reply, sizeof *reply}, {payload, sizeof payload}};
    struct msghdr message = {.msg_iov = parts,
                             .msg_iovlen = 2,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == ECONNRESET)
        return CALL_UNREAD; /* unix(7): the far end was closed with our message still in it */
    if (n < (ssize_t)sizeof *reply)
        return CALL_LOST;
    payload_size = (size_t)n - sizeof *reply;
    *passed = -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c && c->cmsg_type == SCM_RIGHTS)
        memcpy(passed, CMSG_DATA(c), sizeof *passed);
    return CALL_ANSWERED;
}

/* Answers to those who held this place before us, and are dead, may still lie there. */
static enum call_result await_reply(int fd, uint32_t serial, struct spare_reply *reply, int *passed)
{
    for (;;) {
        enum call_result result = receive_reply(fd, reply, passed);
        if (result != CALL_ANSWERED || reply->serial == serial)
            return result;
        if (*passed >= 0)
            close(*passed);
    }
}

static void take_head(struct response *r, const struct spare_reply *reply)
{
    response_status(r, reply->status);
    memcpy(r->type, reply->type, sizeof r->type);
    r->type[sizeof r->type - 1] = '\0';
    buf_add(&r->headers, payload, reply->headers_len);
}

static void ask_to_signal(const struct breed *f, size_t place, uint32_t serial, int number)
{
    struct nest_signal ask = {.place = (uint32_t)place, .serial = serial, .number = number};
    ssize_t put = write(f->signals, &ask, sizeof ask);
    (void)put; /* full: whoever asks does so again in a moment */
}

/* A piece of a stream goes on to the client at once. Should it have gone, the handler is told. */
static void pass_on(struct worker *w, const struct spare_reply *reply, size_t place)
{
    struct response *r = &w->teller.response;
    if (reply->headers_len + (size_t)reply->body_len != payload_size)
        r->failed = true;
    if (!r->failed) {
        if (!r->has_begun)
            take_head(r, reply);
        response_write(r, payload + reply->headers_len, reply->body_len);
    }
    if (r->failed || !response_flush(r))
        ask_to_signal(fresh, place, reply->serial, NEST_CLIENT_GONE);
}

/* What came before the end: pieces of the answer, and how it crashed. */
static enum call_result await_end(struct worker *w, int fd, size_t place, uint32_t serial,
                                  struct spare_reply *reply, int *passed)
{
    for (;;) {
        enum call_result result = await_reply(fd, serial, reply, passed);
        if (result != CALL_ANSWERED)
            return result;
        if (reply->kind == REPLY_PART)
            pass_on(w, reply, place);
        else if (reply->kind == REPLY_CRASH && payload_size == sizeof(struct crash))
            memcpy(&w->slot->crash, payload, sizeof(struct crash));
        else
            return CALL_ANSWERED;
    }
}

static void take_answer(struct response *r, const struct spare_reply *reply, int passed)
{
    if (reply->headers_len + (size_t)reply->body_len != payload_size ||
        reply->has_fd != (passed >= 0)) {
        r->failed = true;
        if (passed >= 0)
            close(passed);
        return;
    }
    if (!r->has_begun)
        take_head(r, reply);
    buf_add(&r->body, payload + reply->headers_len, reply->body_len);
    if (reply->has_fd)
        response_file(r, passed, reply->offset, reply->length);
    r->failed = r->failed || reply->failed || r->headers.failed || r->body.failed;
}

/* Killed past its deadline, or by the clock that start_cpu_clock() has set. */
static enum budget budget_of(const struct server *s, const struct worker *w, int status)
{
    int64_t left = w->request.deadline - clock_ms();
    if (!WIFSIGNALED(status))
        return BUDGET_NONE;
    if (WTERMSIG(status) == SIGPROF && s->options.worker_cpu > 0)
        return BUDGET_CPU;
    return WTERMSIG(status) == SIGKILL && left <= 1 ? BUDGET_TIME : BUDGET_NONE;
}

static void say_sorry(struct worker *w, int status, const char *detail, const char *id)
{
    struct response *r = &w->teller.response;
    response_problem(r, request_problem_form(&w->request), status, detail, id);
    if (status == 503)
        response_header(r, "Retry-After", "1");
}

static int64_t microseconds(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static void take_death(struct worker *w, const struct spare_reply *reply, const char *id)
{
    struct server *s = w->teller.server;
    struct response *r = &w->teller.response;
    struct death d = {.status = reply->wait_status,
                      .over = budget_of(s, w, reply->wait_status),
                      .usage = reply->usage,
                      .crash = &w->slot->crash};
    char detail[2 * DEATH_CAUSE_SIZE];
    death_log(s->board, w->slot, "the child of worker", &d,
              r->has_begun ? "in the handler, half of its answer sent" : "in the handler", true);
    death_count(s->board, w->slot, &d, &s->options.quarantine);
    death_cause(&d, w->cause);
    w->cpu = microseconds(d.usage.ru_utime) + microseconds(d.usage.ru_stime);
    atomic_fetch_add(&s->board->deaths, 1);
    if (r->has_begun)
        r->failed = true;
    else
        say_sorry(w, death_status(&d), death_detail(&d, detail), id);
    crash_clear(&w->slot->crash); /* the next request's child may leave none */
}

/* The end of a place is another's when another nest has come, and that may be between a call and the
 * end of its answer. So a number of its own is taken for the pair that is called: when its nest dies,
 * that one ends, while the other would wait with us. */
static enum call_result call_spare(struct worker *w, struct spare_call *call,
                                   struct spare_reply *reply, int *passed)
{
    enum call_result result;
    size_t place;
    int64_t before = clock_us();
    bool has_place = take_place(w->teller.me, call->deadline, &place, &call->serial);
    count_alone(&w->teller.tally->spare_waits, 1);
    count_alone(&w->teller.tally->spare_wait, (uint64_t)(clock_us() - before));
    if (!has_place)
        return CALL_QUEUED;
    int fd = fcntl(fresh->ends[place], F_DUPFD_CLOEXEC, 0);
    if (fd >= 0 && send_call(fd, w, call))
        result = await_end(w, fd, place, call->serial, reply, passed);
    else if (fd >= 0 && is_deserted())
        result = CALL_UNREAD;
    else { /* no number is free, or no memory: the spare still waits to be called */
        result = CALL_LOST;
        atomic_fetch_or(&fresh->nest.shared->places[place], 1);
    }
    if (fd >= 0)
        close(fd);
    leave_place(fresh, place);
    return result;
}

void spare_run(struct worker *w)
{
    struct response *r = &w->teller.response;
    struct spare_call call = {.deadline = w->request.deadline, .client = w->request.client};
    struct spare_reply reply;
    enum call_result result;
    int passed = -1;
    memcpy(call.id, w->request.id, sizeof call.id);
    response_reset(r);
    do
        result = call_spare(w, &call, &reply, &passed);
    while (result == CALL_UNREAD);
    if (result == CALL_QUEUED) {
        say_sorry(w, 503, "no child was free to run the handler: see --spare", call.id);
        return;
    }
    if (result == CALL_LOST)
        r->failed = true;
    else if (reply.kind == REPLY_DEATH)
        take_death(w, &reply, call.id);
    else {
        w->has_returned = true;
        w->cpu = reply.cpu;
        take_answer(r, &reply, passed);
    }
    if (r->failed && !r->has_begun)
        say_sorry(w, 500, "the child that ran the handler could not answer", call.id);
}

/* === the supervisor === */

/* Workers know their end by its number, so a new one takes the place of the old. The numbers are
 * taken at the start, as long as nobody else can have them. */
static bool reserve(int *known)
{
    *known = open("/dev/null", O_RDWR | O_CLOEXEC);
    return *known >= 0;
}

static bool place_end(int known, int end)
{
    bool ok = dup3(end, known, O_CLOEXEC) >= 0;
    close(end);
    return ok;
}

static bool make_pair(struct breed *f, size_t i)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    f->nest.ends[i] = f->nest.shared->ends[i] = pair[1];
    return place_end(f->ends[i], pair[0]);
}

static bool make_pipe(struct breed *f)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    f->nest.signals = f->nest.shared->signals = ends[0];
    return place_end(f->signals, ends[1]);
}

static void forget(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The nest's ends are its own: the shared table does not keep them. What is closed is what has been
 * opened, whatever a worker has written there meanwhile. */
static bool start_nest(struct breed *f)
{
    struct nest_shared *shared = f->nest.shared;
    size_t count = f->nest.server->options.spares;
    bool ok = make_pipe(f);
    for (size_t i = 0; ok && i < count; i++) {
        atomic_fetch_and(&shared->places[i], ~(uint64_t)1);
        ok = make_pair(f, i);
    }
    f->pid = ok ? nursery_make(ORDER_NEST, (size_t)(f - breeds)) : -1;
    if (f->pid < 0 && errno != ECHILD)
        log_line(LOG_ERROR, "no nest for --isolation fresh: %s", strerror(errno));
    for (size_t i = 0; i < count; i++)
        forget(&f->nest.ends[i]);
    forget(&f->nest.signals);
    return f->pid > 0;
}

static bool open_breed(struct breed *f, struct server *s, bool *is_of_modules)
{
    struct nest *n = &f->nest;
    *n = (struct nest){.server = s, .is_of_modules = is_of_modules};
    n->shared =
        mmap(NULL, sizeof *n->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (n->shared == MAP_FAILED || !is_of_modules) {
        log_line(LOG_ERROR, "no memory for --isolation fresh: %s", strerror(errno));
        return false;
    }
    bool ok = reserve(&f->signals);
    f->pid = n->signals = -1;
    for (size_t i = 0; i < NEST_PLACES; i++)
        f->ends[i] = n->ends[i] = -1;
    for (size_t i = 0; ok && i < s->options.spares; i++)
        ok = reserve(&f->ends[i]);
    if (!ok)
        log_line(LOG_ERROR, "no descriptors for --isolation fresh: %s", strerror(errno));
    return ok;
}

bool spare_open(struct server *s)
{
    if (!is_fresh(s))
        return true;
    bool *is_of_modules = calloc(s->table.size, sizeof *is_of_modules);
    s->spares =
        mmap(NULL, sizeof *s->spares, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->spares == MAP_FAILED) {
        s->spares = NULL;
        free(is_of_modules);
        log_line(LOG_ERROR, "no memory for --isolation fresh: %s", strerror(errno));
        return false;
    }
    for (size_t i = 0; i < SPARE_BREEDS; i++)
        if (!open_breed(&breeds[i], s, is_of_modules))
            return false;
    return true;
}

/* Its spares die with it. */
static void end_nest(struct breed *f)
{
    if (f->pid <= 0)
        return;
    kill(f->pid, SIGKILL);
    waitpid(f->pid, NULL, 0);
    f->pid = -1;
}

void spare_close(struct server *s)
{
    for (size_t i = 0; is_fresh(s) && i < SPARE_BREEDS; i++)
        end_nest(&breeds[i]);
}

/* === the nursery === */

void spare_use(size_t breed)
{
    fresh = &breeds[breed];
}

static bool is_open(size_t fd)
{
    return fcntl((int)fd, F_GETFD) >= 0;
}

void spare_before_modules(void)
{
    struct nest *n = &fresh->nest;
    for (size_t fd = 0; n->server && fd < n->server->table.size; fd++)
        n->is_of_modules[fd] = is_open(fd);
}

void spare_after_modules(void)
{
    struct nest *n = &fresh->nest;
    for (size_t fd = 0; n->server && fd < n->server->table.size; fd++)
        n->is_of_modules[fd] = is_open(fd) && !n->is_of_modules[fd];
}

void spare_before_nest(void)
{
    struct nest *n = &fresh->nest;
    memcpy(n->ends, n->shared->ends, sizeof n->ends);
    n->signals = n->shared->signals;
}

/* What goes on in the other nest is nothing that its children may see, or write to. */
_Noreturn void spare_nest(pid_t supervisor)
{
    const struct breed *other = fresh == &breeds[0] ? &breeds[1] : &breeds[0];
    munmap(other->nest.shared, sizeof *other->nest.shared);
    nest_main(&fresh->nest, supervisor);
}

/* === the supervisor, for a worker === */

/* A worker holds one place at most. NULL: none. */
static const struct breed *find_place(unsigned owner, size_t *place, uint32_t *serial)
{
    const struct breed *f = owner <= LIMIT_WORKERS ? breed_of[owner] : NULL;
    for (size_t i = 0; f && i < f->nest.server->options.spares; i++) {
        uint64_t word = atomic_load(&f->nest.shared->places[i]);
        if (place_owner(word) != owner)
            continue;
        *place = i;
        *serial = place_serial(word);
        return f;
    }
    return NULL;
}

bool spare_kill(struct server *s, unsigned owner, const struct conn *c, uint64_t word)
{
    size_t place;
    uint32_t serial;
    const struct breed *f = is_fresh(s) ? find_place(owner, &place, &serial) : NULL;
    if (f && conn_word(c) == word) /* else it has come to its end by itself */
        ask_to_signal(f, place, serial, SIGKILL);
    return f;
}

bool spare_signal(struct server *s, unsigned owner, int number)
{
    size_t place;
    uint32_t serial;
    const struct breed *f = is_fresh(s) ? find_place(owner, &place, &serial) : NULL;
    if (f)
        ask_to_signal(f, place, serial, number);
    return f;
}

void spare_born(struct server *s, unsigned owner)
{
    if (!is_fresh(s))
        return;
    breed_of[owner] = fresh;
    fresh->callers++;
}

void spare_release(struct server *s, unsigned owner)
{
    size_t place;
    uint32_t serial;
    const struct breed *f;
    if (!is_fresh(s) || !breed_of[owner])
        return;
    while ((f = find_place(owner, &place, &serial))) {
        ask_to_signal(f, place, serial, SIGKILL);
        leave_place(f, place);
    }
    breed_of[owner]->callers--;
    breed_of[owner] = NULL;
}

void spare_reaped(struct server *s, pid_t pid)
{
    for (size_t i = 0; is_fresh(s) && i < SPARE_BREEDS; i++) {
        if (pid != breeds[i].pid)
            continue;
        breeds[i].pid = -1;
        if (!atomic_load(&s->board->draining))
            log_line(LOG_ERROR, "the nest of --isolation fresh (pid %d) has died: starting another",
                     pid);
    }
}

static void tend(struct breed *f)
{
    bool is_needed = f == fresh || f->callers > 0;
    if (!is_needed)
        end_nest(f);
    if (!is_needed || f->pid > 0 || clock_ms() < f->again_at)
        return;
    f->again_at = clock_ms() + FORK_PAUSE;
    start_nest(f);
}

/* For the figures: of a place that nobody holds, the child is ready or about to be. */
static void count_places(struct server *s)
{
    unsigned ready = 0, busy = 0;
    for (size_t i = 0; i < SPARE_BREEDS * s->options.spares; i++) {
        const struct breed *f = &breeds[i % SPARE_BREEDS];
        uint64_t word = atomic_load(&f->nest.shared->places[i / SPARE_BREEDS]);
        ready += f->pid > 0 && place_is_ready(word) && place_owner(word) == 0;
        busy += place_owner(word) != 0;
    }
    atomic_store_explicit(&s->spares->ready, ready, memory_order_relaxed);
    atomic_store_explicit(&s->spares->busy, busy, memory_order_relaxed);
}

void spare_tend(struct server *s)
{
    if (is_fresh(s))
        count_places(s);
    for (size_t i = 0; is_fresh(s) && i < SPARE_BREEDS; i++)
        tend(&breeds[i]);
}

size_t spare_breed(void)
{
    return (size_t)(fresh - breeds);
}

bool spare_can_renew(const struct server *s)
{
    const struct breed *other = &breeds[1 - spare_breed()];
    return !is_fresh(s) || (other->pid <= 0 && other->callers == 0);
}

void spare_renew(const struct server *s)
{
    if (!is_fresh(s))
        return;
    fresh = &breeds[1 - spare_breed()];
    tend(fresh);
}
