/*
 * logger.c — from the rings to the files.
 */
#include "logger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "death.h"
#include "filter.h"
#include "log.h"
#include "log_ring.h"
#include "privileges.h"

_Static_assert(LOG_LINE <= PIPE_BUF, "a line goes into a pipe whole");

enum {
    NAP = 5,         /* ms: lines of so long are written together */
    SLEEP = 1000,    /* ms, should nobody wake us */
    PATIENCE = 1000, /* ms: how long a reader may take nothing */
    AT_ONCE = 16,    /* batches of one ring, before the others have their turn */
    FORK_PAUSE = 100,
    CLOSE_TIME = 3000 /* ms */
};

static struct log_rings rings;

/* === the logger === */

/* Where lines of one kind go. */
struct sink {
    int fd;        /* -1: nowhere */
    bool is_file;  /* a file of ours: a write to it does not wait */
    bool is_stuck; /* nobody has taken anything for PATIENCE */
    bool is_bad;   /* lines were lost, and that has been told */
};

static struct {
    const char *path; /* of the access log; NULL: it is not a file */
    pid_t supervisor;
    struct sink sinks[LOG_KINDS];
    char batch[64 << 10];
} self;

/* --- files --- */

/* A FIFO that nobody reads is an error, instead of a wait for somebody. */
static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

static const char *path_of(const struct options *o)
{
    bool is_file = strcmp(o->access_log, "off") != 0 && strcmp(o->access_log, "-") != 0;
    return is_file ? o->access_log : NULL;
}

static void use_access_log(int fd)
{
    struct stat st;
    self.sinks[LOG_ACCESS] =
        (struct sink){.fd = fd, .is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode)};
}

static void reopen(void)
{
    int old = self.sinks[LOG_ACCESS].fd, fd = self.path ? open_file(self.path) : -1;
    if (!self.path)
        return;
    if (fd >= 0)
        use_access_log(fd);
    if (fd < 0)
        log_line(LOG_ERROR, "--access-log %s cannot be opened again: %s%s", self.path,
                 strerror(errno),
                 old >= 0 ? "; the one that is open goes on" : "; its lines are dropped");
    else if (old >= 0)
        close(old);
}

/* A logger that has just been started has no old one to go on with: who reads the pipe may still be coming
 * back, from what was its end. */
static void open_in_the_end(void)
{
    static int64_t not_before;
    int64_t now = clock_ms();
    if (!self.path || self.sinks[LOG_ACCESS].fd >= 0 || now < not_before)
        return;
    not_before = now + SLEEP;
    int fd = open_file(self.path);
    if (fd >= 0)
        use_access_log(fd);
}

static uint64_t size_of(const struct sink *k)
{
    struct stat st;
    return fstat(k->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* --- writing --- */

/* One who takes nothing is not waited for again before he does. */
static bool await_room(struct sink *k)
{
    struct pollfd out = {.fd = k->fd, .events = POLLOUT};
    int ready;
    do
        ready = poll(&out, 1, k->is_stuck ? 0 : PATIENCE);
    while (ready < 0 && errno == EINTR);
    k->is_stuck = ready == 0;
    if (k->is_stuck)
        errno = EAGAIN;
    return ready > 0;
}

/* As many whole lines as a pipe takes at once. */
static size_t piece_of(const char *at, size_t n)
{
    if (n <= PIPE_BUF)
        return n;
    const char *end = memrchr(at, '\n', PIPE_BUF);
    return end ? (size_t)(end - at) + 1 : PIPE_BUF;
}

/* Returns how much of it is out; when that is not all, errno says why. */
static size_t write_out(struct sink *k, const char *at, size_t n)
{
    size_t done = 0;
    while (done < n) {
        size_t piece = k->is_file ? n - done : piece_of(at + done, n - done);
        if (!k->is_file && !await_room(k))
            break;
        ssize_t put = write(k->fd, at + done, piece);
        if (put > 0)
            done += (size_t)put;
        else if (put == 0 || (errno != EINTR && errno != EAGAIN))
            break;
    }
    return done;
}

static uint64_t lines_in(const char *at, size_t n)
{
    uint64_t lines = 0;
    for (const char *end = at + n; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
        lines++;
    return lines;
}

/* The disk is full, in the middle of a line: what is there of it is taken back. Returns how much
 * stays. */
static size_t cut_off_torn(const struct sink *k, const char *at, size_t done, uint64_t from)
{
    const char *end = done > 0 ? memrchr(at, '\n', done) : NULL;
    size_t whole = end ? (size_t)(end - at) + 1 : 0;
    if (whole < done && size_of(k) == from + done && ftruncate(k->fd, (off_t)(from + whole)) != 0)
        log_line(LOG_ERROR, "a line of the access log is torn: %s", strerror(errno));
    return whole;
}

static void lose(struct sink *k, enum log_kind kind, uint64_t lines, int error)
{
    static const char *const names[LOG_KINDS] = {
        [LOG_ACCESS] = "the access log", [LOG_NEWS] = "stdout", [LOG_TROUBLE] = "stderr"};
    log_count_dropped(&rings, kind, lines);
    if (!k->is_bad && kind != LOG_TROUBLE)
        log_line(LOG_ERROR, "%s cannot be written: %s; lines are dropped", names[kind],
                 error == EAGAIN ? "nobody reads it" : strerror(error));
    k->is_bad = true;
}

static void write_batch(const struct log_batch *b, const char *bytes, size_t length)
{
    struct sink *k = &self.sinks[b->kind];
    uint64_t from = k->is_file ? size_of(k) : 0;
    size_t done = k->fd >= 0 ? write_out(k, bytes, length) : 0;
    int error = k->fd >= 0 ? errno : EBADF;
    if (done == length) {
        k->is_bad = false;
        return;
    }
    if (k->is_file)
        done = cut_off_torn(k, bytes, done, from);
    lose(k, b->kind, lines_in(bytes + done, length - done), error);
}

/* --- where we are --- */

/* For the one who comes after us, should we be killed in the middle of a write. Pipes have none: they
 * have taken a piece, or they have not, and so a piece at a time is what they get. */
static void set_mark(size_t ring, const struct log_batch *b)
{
    struct log_mark *mark = log_rings_mark(&rings);
    if (!self.sinks[b->kind].is_file)
        return;
    atomic_store(&mark->from, size_of(&self.sinks[b->kind]));
    atomic_store(&mark->tail, b->tail);
    atomic_store(&mark->length, (uint32_t)b->length);
    atomic_store(&mark->ring, (uint32_t)ring + 1);
}

static void clear_mark(void)
{
    atomic_store(&log_rings_mark(&rings)->ring, 0);
}

/* True: there was something. */
static bool write_ring(size_t ring)
{
    struct log_batch b;
    size_t room = self.sinks[LOG_ACCESS].is_file ? sizeof self.batch : PIPE_BUF;
    int n = 0;
    while (n < AT_ONCE && log_ring_look(&rings, ring, self.batch, room, &b)) {
        set_mark(ring, &b);
        write_batch(&b, self.batch, b.length);
        log_ring_done(&rings, ring, &b);
        clear_mark();
        n++;
    }
    return n > 0;
}

/* The last one was killed while it wrote: by how much the file has grown tells what is still to be
 * written of its batch. */
static void resume(void)
{
    struct log_mark *mark = log_rings_mark(&rings);
    size_t ring = (size_t)atomic_load(&mark->ring) - 1, length = atomic_load(&mark->length);
    const struct sink *k = &self.sinks[LOG_ACCESS];
    struct log_batch b;
    bool is_known = ring < rings.count && k->is_file && length > 0 && length <= sizeof self.batch &&
                    log_ring_look(&rings, ring, self.batch, sizeof self.batch, &b) &&
                    b.tail == atomic_load(&mark->tail) && b.kind == LOG_ACCESS &&
                    b.length >= length;
    if (is_known) {
        uint64_t grown = size_of(k) - atomic_load(&mark->from);
        size_t done = grown <= length ? (size_t)grown : 0;
        write_batch(&b, self.batch + done, b.length - done);
        log_ring_done(&rings, ring, &b);
    }
    clear_mark();
}

static bool write_all(void)
{
    bool has_found = false;
    for (size_t i = 0; i < rings.count; i++)
        has_found = write_ring(i) || has_found;
    return has_found;
}

/* --- the process --- */

/* Nothing of the server is ours but `fd`, if it is one: neither the connections, whose end nobody would
 * see while we hold them, nor what stands in memory. Returns the number that `fd` has now. */
static int become_logger(struct server *s, int fd)
{
    pid_t supervisor = self.supervisor;
    unsigned from = STDERR_FILENO + 1;
    prctl(PR_SET_NAME, "logger");
    if (fd >= 0)
        fd = dup2(fd, (int)from++);
    close_range(from, UINT_MAX, 0);
    log_use(NULL); /* what we have to say we write ourselves */
    conn_table_close(&s->table);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGURG); /* wakes us, no more */
    if (getppid() != supervisor)
        _exit(EXIT_SUCCESS);
    return fd;
}

/* It can be done without, so that it fails is nothing to stop for. */
static void give_up_what_is_not_needed(const struct options *o)
{
    privileges_hide();
    if (!o->sandbox || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return;
    int error = filter_install(false);
    if (error != 0)
        log_line(LOG_DEBUG, "the logger has no filter: %s", strerror(error));
}

static void open_sinks(const struct options *o, int fd)
{
    self.sinks[LOG_NEWS] = (struct sink){.fd = STDOUT_FILENO};
    self.sinks[LOG_TROUBLE] = (struct sink){.fd = STDERR_FILENO};
    self.path = path_of(o);
    self.sinks[LOG_ACCESS] = (struct sink){.fd = self.path ? -1 : STDOUT_FILENO};
    if (fd >= 0)
        use_access_log(fd);
    else
        reopen();
}

static _Noreturn void logger_main(struct server *s, int fd)
{
    open_sinks(&s->options, become_logger(s, fd));
    give_up_what_is_not_needed(&s->options);
    resume();
    for (bool is_over = false;;) {
        unsigned orders = log_rings_ordered(&rings);
        bool is_last = orders & LOG_CLOSE || getppid() != self.supervisor;
        if (orders & LOG_REOPEN)
            reopen();
        open_in_the_end();
        bool has_found = write_all();
        if (is_over && !has_found)
            _exit(EXIT_SUCCESS);
        is_over = is_last; /* then what was just being written has its chance */
        if (has_found || is_last)
            log_rings_nap(&rings, NAP);
        else
            log_rings_sleep(&rings, SLEEP);
    }
}

/* === the supervisor === */

static struct {
    pid_t pid;          /* 0: none */
    int64_t not_before; /* monotonic ms */
} logger;

/* `fd`: the access log, when it is open; -1: the logger opens it. */
static bool start(struct server *s, int fd)
{
    self.supervisor = getpid();
    log_rings_forget_orders(&rings);
    logger.not_before = clock_ms() + FORK_PAUSE;
    logger.pid = fork();
    if (logger.pid == 0)
        logger_main(s, fd);
    if (logger.pid > 0)
        return true;
    log_line(LOG_ERROR, "no logger: %s", strerror(errno));
    logger.pid = 0;
    return false;
}

static const char *mend_open(int error)
{
    static char text[128];
    snprintf(text, sizeof text, "%s: name a file that this user may write to", strerror(error));
    return text;
}

/* The first logger gets it from us: so it is seen in time when it cannot be had, and who reads a pipe sees
 * it opened once. False: logged. */
static bool open_first(const char *path, int *fd)
{
    *fd = path ? open_file(path) : -1;
    if (path && *fd < 0)
        log_line(LOG_ERROR, "%s: \"%s\": %s", options_place("access-log", 0), path,
                 errno == ENXIO ? "nobody reads this pipe: start its reader first"
                                : mend_open(errno));
    return !path || *fd >= 0;
}

static bool map_rings(struct server *s)
{
    if (log_rings_open(&rings, SEAT_WORKERS + s->slots, &s->board->dropped))
        return true;
    log_line(LOG_ERROR, "no memory for the logs: %s", strerror(errno));
    return false;
}

bool logger_open(struct server *s)
{
    int fd;
    if (!open_first(path_of(&s->options), &fd))
        return false;
    bool is_open = map_rings(s) && start(s, fd);
    if (fd >= 0)
        close(fd);
    if (!is_open) {
        log_rings_close(&rings);
        return false;
    }
    log_use(&rings);
    log_sit(SEAT_SUPERVISOR);
    return true;
}

static void replace(struct server *s)
{
    if (logger.pid == 0 && clock_ms() >= logger.not_before)
        start(s, -1);
}

bool logger_reaped(struct server *s, pid_t pid, int status)
{
    const struct death d = {.status = status};
    char cause[DEATH_CAUSE_SIZE];
    if (pid != logger.pid)
        return false;
    logger.pid = 0;
    log_line(LOG_WARN, "the logger has ended by %s: starting another", death_cause(&d, cause));
    replace(s);
    return true;
}

void logger_tend(struct server *s, bool is_to_reap)
{
    int status = 0; /* when whoever reaps orphans was first, too */
    if (is_to_reap && logger.pid > 0 && waitpid(logger.pid, &status, WNOHANG) != 0)
        logger_reaped(s, logger.pid, status);
    replace(s);
}

void logger_reopen(void)
{
    log_rings_order(&rings, LOG_REOPEN);
}

void logger_forget(void)
{
    log_use(NULL);
    log_rings_close(&rings);
}

/* Lines that nobody will write any more: of each ring what fits into it, for something that a handler has
 * left behind may write on and on. */
static void count_rest(void)
{
    struct log_batch b;
    for (size_t i = 0; i < rings.count; i++)
        for (size_t seen = 0;
             seen < rings.size && log_ring_look(&rings, i, self.batch, sizeof self.batch, &b);
             seen += b.length) {
            log_count_dropped(&rings, b.kind, lines_in(self.batch, b.length));
            log_ring_done(&rings, i, &b);
        }
}

static void await_end(void)
{
    int64_t until = clock_ms() + CLOSE_TIME;
    while (waitpid(logger.pid, NULL, WNOHANG) == 0) {
        if (clock_ms() >= until)
            kill(logger.pid, SIGKILL);
        usleep(1000);
    }
    logger.pid = 0;
}

void logger_close(struct server *s)
{
    if (logger.pid == 0)
        start(s, -1);
    log_rings_order(&rings, LOG_CLOSE);
    if (logger.pid > 0)
        await_end();
    count_rest();
    log_use(NULL);
    log_rings_close(&rings);
    uint64_t access = atomic_load(&s->board->dropped.access),
             error = atomic_load(&s->board->dropped.error);
    if (access + error > 0)
        log_line(
            LOG_WARN,
            "the logs lack %llu lines of the access log and %llu of the error log, which nobody "
            "was quick enough to read",
            (unsigned long long)access, (unsigned long long)error);
}
