/*
 * overread.c — Heartbleed took 64 KiB of what happened to lie behind a buffer; this takes the lot.
 *
 *      pages of the process ─▶ memfd ─▶ a buffer that is not looked at ─▶ digits ─▶ memfd ─▶ answer
 *
 * What it finds must have been there without it. So its own copies are kept where it does not look
 * (a mapping that is skipped, files in memory), and are gone when it returns; and the prefix is
 * never written in front of digits. The first memfd is there because a system call that reads
 * foreign memory fails where a load would crash: other threads unmap while we look.
 */
#include "overread.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pages.h"

enum { PAGE = 4096, LIMIT_PREFIX = 63, LEAST_DIGITS = 8, LIMIT_DIGITS = 64, LIMIT_FOUND = 64 };
/* At the end of a piece, or of a mapping, a find may be cut; so much is kept for the next. */
enum { CHUNK = 256 * 1024, OVERLAP = LIMIT_PREFIX + LIMIT_DIGITS + 1 };

struct scan {
    int through;      /* memfd */
    const char *next; /* the address behind the last piece, */
    size_t kept;      /* of which so many bytes begin the next one, if it is the neighbour */
    size_t prefix_length;
    char prefix[LIMIT_PREFIX + 1];
    size_t count;
    char found[LIMIT_FOUND][LIMIT_DIGITS + 1];
    char piece[OVERLAP + CHUNK];
};

static const char hex_digits[] = "0123456789abcdefABCDEF";

static size_t count_digits(const char *at, const char *end)
{
    size_t n = 0;
    while (n < LIMIT_DIGITS && at + n < end && at[n] && strchr(hex_digits, at[n]))
        n++;
    return n;
}

static void note(struct scan *s, const char *digits, size_t length)
{
    for (size_t i = 0; i < s->count; i++)
        if (strlen(s->found[i]) == length && memcmp(s->found[i], digits, length) == 0)
            return;
    if (s->count == LIMIT_FOUND)
        return;
    memcpy(s->found[s->count], digits, length);
    s->found[s->count++][length] = '\0';
}

/* Looks at a piece; a find that begins behind `last` is left to the next piece. */
static void search(struct scan *s, const char *piece, size_t length, size_t last)
{
    const char *end = piece + length, *at = piece;
    while ((at = memmem(at, (size_t)(end - at), s->prefix, s->prefix_length)) &&
           at < piece + last) {
        const char *digits = at + s->prefix_length;
        size_t count = count_digits(digits, end);
        if (count >= LEAST_DIGITS)
            note(s, digits, count);
        at = digits;
    }
}

/* Copies foreign memory; the bytes it got. Sanitizers see neither call, and are not asked. */
static size_t copy_foreign(const struct scan *s, char *to, const char *from, size_t length)
{
    long n = syscall(SYS_pwrite64, s->through, from, length, 0L);
    if (n > 0)
        n = syscall(SYS_pread64, s->through, to, (size_t)n, 0L);
    return n > 0 ? (size_t)n : 0;
}

/* What is left of the last piece is all there is of it. */
static void finish_piece(struct scan *s)
{
    search(s, s->piece, s->kept, s->kept);
    s->kept = 0;
}

/* Looks at the memory from `from` on, with what was kept of the memory just before it. Returns how
 * much of it there was: 0 when it has been unmapped meanwhile. */
static size_t scan_piece(struct scan *s, const char *from, size_t length)
{
    if (from != s->next)
        finish_piece(s);
    size_t got = copy_foreign(s, s->piece + s->kept, from, length < CHUNK ? length : CHUNK);
    size_t all = s->kept + got, keep = all < OVERLAP ? all : OVERLAP;
    search(s, s->piece, all, all - keep);
    memmove(s->piece, s->piece + all - keep, keep);
    s->kept = keep;
    s->next = from + got;
    return got;
}

/* One's own memory is passed by. */
static bool scan_run(const struct run *run, void *context)
{
    struct scan *s = context;
    const char *at = run->start, *end = at + run->length, *own = (const char *)s;
    while (at < end && s->count < LIMIT_FOUND) {
        if (at >= own && at < own + sizeof *s) {
            at += PAGE;
            continue;
        }
        size_t got = scan_piece(s, at, (size_t)((at < own && own < end ? own : end) - at));
        if (got == 0)
            break;
        at += got;
    }
    return s->count < LIMIT_FOUND;
}

static int answer(struct response *res, const struct scan *s)
{
    uint64_t length = 0;
    int fd = memfd_create("overread", MFD_CLOEXEC);
    if (fd < 0)
        return 503;
    for (size_t i = 0; i < s->count; i++) {
        int n = dprintf(fd, "%s\n", s->found[i]);
        if (n < 0) {
            close(fd);
            return 503;
        }
        length += (uint64_t)n;
    }
    response_file(res, fd, 0, length);
    return 0;
}

static bool read_prefix(const struct request *req, struct scan *s)
{
    if (!request_query(req, "find", s->prefix, sizeof s->prefix))
        return false;
    s->prefix_length = strlen(s->prefix);
    return s->prefix_length > 0;
}

int overread(const struct request *req, struct response *res, void *state)
{
    (void)state;
    struct scan *s =
        mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        return 503;
    int status = 400;
    s->through = -1;
    if (read_prefix(req, s)) {
        s->through = memfd_create("overread", MFD_CLOEXEC);
        bool could_look = s->through >= 0 && pages_walk(scan_run, s);
        finish_piece(s);
        status = could_look ? answer(res, s) : 503;
    }
    if (s->through >= 0)
        close(s->through);
    munmap(s, sizeof *s);
    return status;
}
