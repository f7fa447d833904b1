/*
 * faults.c — handlers that fail for real: what the isolation of a server is worth is seen here.
 *
 * Nothing is simulated: the store through NULL is executed, the stack does run out, the lock is
 * held. So the compiler must not see through them (volatile), nor a sanitizer stop them politely.
 *
 * One row of KINDS is one kind: a route of its own, so that the servers count and put aside each by
 * itself. It is compiled twice: into the servers, for --enable-faults, and as faults.so.
 */
#include "../handler.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "overread.h"
#include "pages.h"

#define UNCHECKED                                                              \
    __attribute__((noinline, no_sanitize("address"), no_sanitize("undefined"), \
                   no_sanitize("thread")))

enum { PAGE = 4096, ABSENT = -2 /* a number that was not in the query */ };

/* What `open` makes, and what some kinds break. */
static struct {
    char *block;             /* 64 bytes */
    struct note *neighbour;  /* 64 more, next to them or nearly */
    pthread_mutex_t *shared; /* one for all workers */
} faults;

static const volatile bool forever = true;

static int say(struct response *res, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int say(struct response *res, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return response_write(res, text, (size_t)length) ? 0 : 500;
}

/* Is ?name= one of two words? 0: the first, or absent; 1: the second; -1: neither. */
static int choice(const struct request *req, const char *name, const char *first,
                  const char *second)
{
    char value[1024];
    if (!request_query(req, name, value, sizeof value) || strcmp(value, first) == 0)
        return 0;
    return strcmp(value, second) == 0 ? 1 : -1;
}

/* Random numbers that can be had again, with ?seed=; false when that is no number. */
static bool read_seed(const struct request *req, unsigned *seed)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long number = request_query_number(req, "seed", ABSENT, 1L << 31);
    *seed = (unsigned)(number == ABSENT ? now.tv_nsec ^ getpid() << 10 : number);
    return number != -1;
}

/* --- deaths ----------------------------------------------------------------------------------- */

UNCHECKED static void store_through_null(void)
{
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
}

static int segv(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)res, (void)state;
    store_through_null();
    return 500;
}

static int abort_now(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)res, (void)state;
    abort();
}

static int exit_now(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)res, (void)state;
    exit(3);
}

/* The condition never holds, but only we know; the sum keeps the call from becoming a loop. */
UNCHECKED static int deeper(const volatile char *above)
{
    volatile char room[1024];
    room[0] = 0;
    if (*above)
        return 0;
    return deeper(room) + room[0];
}

static int stack_overflow(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)res, (void)state;
    char start = 0;
    return deeper(&start);
}

/* Half of the answer is out when it dies: it must not look complete to anybody. */
static int partial_write(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    char block[16 * 1024];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 4; i++)
        if (!response_write(res, block, sizeof block))
            return 500;
    response_flush(res);
    abort();
}

/* --- heap ------------------------------------------------------------------------------------- */

struct note {
    unsigned sum;
    char text[60];
};

static unsigned sum_up(const struct note *note)
{
    unsigned sum = 1;
    for (size_t i = 0; i < sizeof note->text; i++)
        sum = sum * 31 + (unsigned char)note->text[i];
    return sum;
}

/* An index that is wrong by so much that it misses the allocator's own words: nobody notices, until
 * somebody reads the neighbour. */
UNCHECKED static void write_beside_the_block(void)
{
    volatile char *block = faults.block;
    ptrdiff_t index = (char *)faults.neighbour->text - faults.block;
    for (ptrdiff_t i = 0; i < 16; i++)
        block[index + i] = '!';
}

/* The allocator notices the second free, and aborts; ThreadSanitizer's does not care. */
UNCHECKED static int free_twice(void)
{
    void *volatile block = malloc(64);
    free(block);
    free(block);
    abort();
}

static int heap_corruption(const struct request *req, struct response *res, void *state)
{
    (void)state;
    int how = choice(req, "how", "double-free", "stray-write");
    if (how < 0)
        return 400;
    if (how == 0)
        return free_twice();
    write_beside_the_block();
    return say(res, "written beside the block\n");
}

static int intact(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    bool is_intact = faults.neighbour->sum == sum_up(faults.neighbour);
    response_status(res, is_intact ? 200 : 500);
    return say(res, is_intact ? "intact\n" : "damaged\n");
}

/* Chained up, so that a leak checker at exit speaks of other leaks only. */
static void *_Atomic leaked;

static int leak(const struct request *req, struct response *res, void *state)
{
    (void)state;
    long bytes = request_query_number(req, "bytes", 1 << 20, 1 << 30);
    if (bytes < (long)sizeof(void *))
        return 400;
    void *block = malloc((size_t)bytes);
    if (!block)
        return 503;
    memset(block, 0xa5, (size_t)bytes); /* memory counts when it is touched */
    void *before = atomic_exchange(&leaked, block);
    memcpy(block, &before, sizeof before);
    return say(res, "leaked %ld bytes\n", bytes);
}

/* When malloc says no it does what most programs do. The limit is for machines where malloc never
 * says so. */
static int oom(const struct request *req, struct response *res, void *state)
{
    (void)res, (void)state;
    enum { PIECE = 1 << 20 };
    long limit = request_query_number(req, "limit", 4L << 30, 1L << 40);
    if (limit < 0)
        return 400;
    void *last = NULL;
    for (long got = 0; got < limit; got += PIECE) {
        void **piece = malloc(PIECE);
        if (!piece)
            store_through_null();
        memset(piece, 0xa5, PIECE);
        *piece = last;
        last = piece;
    }
    while (last) {
        void *before = *(void **)last;
        free(last);
        last = before;
    }
    return 507;
}

/* --- time ------------------------------------------------------------------------------------- */

static int hang(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)res, (void)state;
    while (forever)
        pause();
    return 500;
}

static int spin(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)res, (void)state;
    while (forever)
        ;
    return 500;
}

static long in_ms(const struct timespec *time)
{
    return time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

static int slow(const struct request *req, struct response *res, void *state)
{
    (void)state;
    long ms = request_query_number(req, "ms", 1000, 600000);
    int polite = choice(req, "polite", "0", "1");
    if (ms < 0 || polite < 0)
        return 400;
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        if (polite && request_time_left(req) < in_ms(&left))
            return say(res, "cut short\n");
    return say(res, "slow\n");
}

/* --- locks ------------------------------------------------------------------------------------ */

/* Of this request alone, so nobody else waits. */
static int deadlock(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&lock);
    return say(res, "a lock was given twice\n");
}

static pthread_mutex_t lock_of_this_process = PTHREAD_MUTEX_INITIALIZER;

/* The lock that ?shared= asks for; NULL when that is neither 0 nor 1. */
static pthread_mutex_t *choose_lock(const struct request *req)
{
    int shared = choice(req, "shared", "0", "1");
    if (shared < 0)
        return NULL;
    return shared ? faults.shared : &lock_of_this_process;
}

static int exit_holding_lock(const struct request *req, struct response *res, void *state)
{
    (void)res, (void)state;
    pthread_mutex_t *lock = choose_lock(req);
    if (!lock)
        return 400;
    pthread_mutex_lock(lock);
    exit(3);
}

static int take_lock(const struct request *req, struct response *res, void *state)
{
    (void)state;
    pthread_mutex_t *lock = choose_lock(req);
    if (!lock)
        return 400;
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return say(res, "got it\n");
}

/* Read, add, write, with time for others in between; and beside it the truth. */
static volatile long counted;
static _Atomic long expected;

UNCHECKED static int race(const struct request *req, struct response *res, void *state)
{
    (void)state;
    long n = request_query_number(req, "n", 100000, 100000000);
    if (n < 0)
        return 400;
    for (long i = 0; i < n; i++) {
        long seen = counted;
        for (volatile int others = 0; others < 8; others++)
            ;
        counted = seen + 1;
        atomic_fetch_add(&expected, 1);
    }
    long truth = expected, claim = counted;
    response_type(res, "application/json");
    return say(res, "{\"expected\":%ld,\"counted\":%ld,\"lost\":%ld}\n", truth, claim,
               truth - claim);
}

/* --- descriptors ------------------------------------------------------------------------------ */

static int fd_leak(const struct request *req, struct response *res, void *state)
{
    (void)state;
    long n = request_query_number(req, "n", 100, 1000000), opened = 0;
    int then = choice(req, "then", "die", "live");
    if (n < 0 || then < 0)
        return 400;
    while (opened < n && open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
        opened++;
    int error = errno;
    if (then == 0)
        store_through_null();
    return say(res, "opened %ld%s%s\n", opened, opened < n ? ": " : "",
               opened < n ? strerror(error) : "");
}

/* One of those that are open, each as likely; -1 when there is none. */
static int pick_descriptor(unsigned seed)
{
    enum { FIRST = 3, LAST = 1 << 16 };
    int picked = -1, seen = 0;
    for (int fd = FIRST; fd < LAST; fd++)
        if (fcntl(fd, F_GETFD) >= 0 && rand_r(&seed) % ++seen == 0)
            picked = fd;
    return picked;
}

static int fd_stray_close(const struct request *req, struct response *res, void *state)
{
    (void)state;
    unsigned seed;
    long fd = request_query_number(req, "fd", ABSENT, 1 << 30);
    if (fd == -1 || !read_seed(req, &seed))
        return 400;
    if (fd == ABSENT)
        fd = pick_descriptor(seed);
    if (close((int)fd) == 0)
        return say(res, "closed %ld\n", fd);
    return say(res, "not closed %ld: %s\n", fd, strerror(errno));
}

/* --- memory that all workers see -------------------------------------------------------------- */

/* Counts the pages that workers share, or finds one of them by its number. */
struct shared_pages {
    size_t count, wanted;
    char *found;
};

static bool visit_shared(const struct run *run, void *context)
{
    struct shared_pages *p = context;
    const char *own = (const char *)faults.shared; /* whoever shares nothing else, shares nothing */
    for (size_t at = 0; run->is_shared && run->is_writable && at < run->length; at += PAGE) {
        char *page = run->start + at;
        if (own >= page && own < page + PAGE)
            continue;
        if (p->count++ == p->wanted)
            p->found = page;
    }
    return !p->found;
}

UNCHECKED static void scribble(volatile char *at, size_t length)
{
    for (size_t i = 0; i < length; i++)
        at[i] = 0x5a;
}

/* Only pages in use: a gigabyte of table is mostly air, and a wild store into it harms nobody. */
static int scribble_shared(const struct request *req, struct response *res, void *state)
{
    (void)state;
    enum { LENGTH = 64 };
    unsigned seed;
    if (!read_seed(req, &seed))
        return 400;
    struct shared_pages all = {.wanted = (size_t)-1};
    if (!pages_walk(visit_shared, &all) || all.count == 0)
        return 503;
    struct shared_pages one = {.wanted = (size_t)rand_r(&seed) % all.count};
    if (!pages_walk(visit_shared, &one) || !one.found)
        return 503;
    char *at = one.found + (size_t)rand_r(&seed) % (PAGE / LENGTH) * LENGTH;
    scribble(at, LENGTH);
    return say(res, "scribbled over %d bytes at %p, in page %zu of %zu\n", LENGTH, (void *)at,
               one.wanted, all.count);
}

/* --- what a process has one of ---------------------------------------------------------------- */

/* Printable, and nothing JSON would have to escape. */
static void make_plain(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text == '"' || *text == '\\')
            *text = '?';
}

static int env_pollution(const struct request *req, struct response *res, void *state)
{
    (void)state;
    char cwd[256], locale[128];
    sigset_t blocked;
    int look = choice(req, "look", "0", "1");
    if (look < 0)
        return 400;
    mode_t mask = umask(0);
    snprintf(locale, sizeof locale, "%s", setlocale(LC_ALL, NULL));
    if (!getcwd(cwd, sizeof cwd))
        strcpy(cwd, "?");
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    bool is_blocked = sigismember(&blocked, SIGUSR2);
    if (look)
        umask(mask);
    else {
        setlocale(LC_ALL, "C.UTF-8");
        sigaddset(&blocked, SIGUSR2);
        pthread_sigmask(SIG_SETMASK, &blocked, NULL);
        if (chdir(strcmp(cwd, "/") == 0 ? "/usr" : "/") != 0)
            return 500;
    }
    make_plain(cwd);
    response_type(res, "application/json");
    return say(res,
               "{\"umask\":\"%03o\",\"cwd\":\"%s\",\"locale\":\"%s\",\"sigusr2_blocked\":%s}\n",
               (unsigned)mask, cwd, locale, is_blocked ? "true" : "false");
}

/* --- the table -------------------------------------------------------------------------------- */

/* clang-format off */
#define KINDS(KIND)                                             \
    KIND("segv",              segv,              "")                             \
    KIND("abort",             abort_now,         "")                             \
    KIND("exit",              exit_now,          "")                             \
    KIND("stack-overflow",    stack_overflow,    "")                             \
    KIND("heap-corruption",   heap_corruption,   "?how=double-free|stray-write") \
    KIND("intact",            intact,            "")                             \
    KIND("shared",            scribble_shared,   "?seed=")                       \
    KIND("overread",          overread,          "?find=PREFIX")                 \
    KIND("hang",              hang,              "")                             \
    KIND("spin",              spin,              "")                             \
    KIND("slow",              slow,              "?ms=1000&polite=0|1")          \
    KIND("deadlock",          deadlock,          "")                             \
    KIND("exit-holding-lock", exit_holding_lock, "?shared=0|1")                  \
    KIND("lock",              take_lock,         "?shared=0|1")                  \
    KIND("race",              race,              "?n=100000")                    \
    KIND("leak",              leak,              "?bytes=1048576")               \
    KIND("oom",               oom,               "?limit=4294967296")            \
    KIND("fd-leak",           fd_leak,           "?n=100&then=die|live")         \
    KIND("fd-stray-close",    fd_stray_close,    "?fd=&seed=")                   \
    KIND("env-pollution",     env_pollution,     "?look=0|1")                    \
    KIND("partial-write",     partial_write,     "")
/* clang-format on */

#define PREFIX "/fault/"
#define ROUTE(name, function, parameters) {"GET", PREFIX name, function},
#define LINE(name, function, parameters) PREFIX name parameters "\n"

static int list(const struct request *req, struct response *res, void *state)
{
    (void)state;
    static const char text[] = KINDS(LINE);
    if (strcmp(request_path(req), PREFIX) != 0)
        return 404;
    return response_write(res, text, sizeof text - 1) ? 0 : 500;
}

static const struct route routes[] = {KINDS(ROUTE){"GET", PREFIX, list}, {NULL, NULL, NULL}};

/* --- the module ------------------------------------------------------------------------------- */

static bool open_lock(void)
{
    pthread_mutexattr_t attributes;
    faults.shared = module_share(PAGE);
    if (!faults.shared || pthread_mutexattr_init(&attributes) != 0)
        return false;
    bool ok = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
              pthread_mutex_init(faults.shared, &attributes) == 0;
    pthread_mutexattr_destroy(&attributes);
    return ok;
}

static const char *open_faults(const char *argument, void **state)
{
    (void)argument;
    *state = NULL;
    faults.block = malloc(sizeof(struct note));
    faults.neighbour = malloc(sizeof(struct note));
    if (!faults.block || !faults.neighbour || !open_lock())
        return "no memory for what the faults break: free some";
    memset(faults.block, 0, sizeof(struct note));
    memset(faults.neighbour, 0, sizeof(struct note));
    strcpy(faults.neighbour->text, "whoever wrote here had no business to");
    faults.neighbour->sum = sum_up(faults.neighbour);
    return NULL;
}

static void close_faults(void *state)
{
    (void)state;
    free(faults.block);
    free(faults.neighbour);
}

extern const struct module fault_module;
const struct module fault_module = {.abi = TANDEM_ABI,
                                    .name = "fault",
                                    .routes = routes,
                                    .open = open_faults,
                                    .close = close_faults};
