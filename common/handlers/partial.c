/*
 * partial.c — one range is the file itself from an offset on; several are copied, part by part.
 */
#include "partial.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../digits.h"

enum { CHUNK = 16 * 1024, BOUNDARY_SIZE = 33 };

uint64_t partial_length(const struct ranges *ranges)
{
    uint64_t length = 0;
    for (unsigned i = 0; i < ranges->count; i++)
        length += ranges->range[i].length;
    return length;
}

static int one_range(struct response *res, int fd, uint64_t size, const char *type,
                     const struct range *range)
{
    char content[RANGE_CONTENT_SIZE];
    range_content(content, range, size);
    response_type(res, type);
    response_file(res, fd, range->first, range->length);
    return response_header(res, "Content-Range", content) ? 0 : 500;
}

static bool copy_range(struct response *res, int fd, const struct range *range)
{
    char chunk[CHUNK];
    for (uint64_t at = 0; at < range->length;) {
        uint64_t left = range->length - at;
        size_t want = left < sizeof chunk ? (size_t)left : sizeof chunk;
        ssize_t n = pread(fd, chunk, want, (off_t)(range->first + at));
        if (n <= 0 || !response_write(res, chunk, (size_t)n))
            return false; /* the file has been cut short, or there is no memory */
        at += (uint64_t)n;
    }
    return true;
}

static bool write_part(struct response *res, int fd, uint64_t size, const char *type,
                       const char *boundary, const struct range *range)
{
    char head[512], content[RANGE_CONTENT_SIZE];
    range_content(content, range, size);
    int n = snprintf(head, sizeof head, "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n",
                     boundary, type, content);
    return n > 0 && (size_t)n < sizeof head && response_write(res, head, (size_t)n) &&
           copy_range(res, fd, range);
}

/* What nobody knows beforehand cannot have been put into the file (RFC 2046 §5.1.1). */
static bool make_boundary(char boundary[BOUNDARY_SIZE])
{
    unsigned long long random[2];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return false;
    *put_hex(put_hex(boundary, random[0], 16), random[1], 16) = '\0';
    return true;
}

static bool is_unchanged(int fd, const struct stat *before)
{
    struct stat now;
    return fstat(fd, &now) == 0 && now.st_size == before->st_size &&
           now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

static bool several_ranges(struct response *res, int fd, const struct stat *st, const char *type,
                           const struct ranges *ranges)
{
    char boundary[BOUNDARY_SIZE], line[BOUNDARY_SIZE + 40];
    if (!make_boundary(boundary))
        return false;
    for (unsigned i = 0; i < ranges->count; i++)
        if (!write_part(res, fd, (uint64_t)st->st_size, type, boundary, &ranges->range[i]))
            return false;
    snprintf(line, sizeof line, "multipart/byteranges; boundary=%s", boundary);
    response_type(res, line);
    snprintf(line, sizeof line, "\r\n--%s--\r\n", boundary);
    return response_write(res, line, strlen(line)) && is_unchanged(fd, st);
}

int partial_answer(struct response *res, int fd, const struct stat *st, const char *type,
                   const struct ranges *ranges)
{
    response_status(res, 206);
    if (ranges->count == 1)
        return one_range(res, fd, (uint64_t)st->st_size, type, &ranges->range[0]);
    bool ok = several_ranges(res, fd, st, type, ranges);
    close(fd);
    return ok ? 0 : 500;
}
