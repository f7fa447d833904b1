/*
 * media_file.c — read by one, parsed by another.
 */
#include "media_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "options.h"

/* --- the supervisor --- */

/* Up to `size` bytes; fewer when the file became shorter. -1: errno. */
static ssize_t read_fully(int fd, char *to, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t n = read(fd, to + length, size - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        length += (size_t)n;
    }
    return (ssize_t)length;
}

/* EINVAL: it is no file; EFBIG. O_NONBLOCK: a fifo must not hold us. */
static ssize_t read_file(const char *path, char *to)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = -1;
    if (fstat(fd, &st) == 0) {
        errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
        if (S_ISREG(st.st_mode) && st.st_size <= MEDIA_TYPES_MAX)
            n = read_fully(fd, to, (size_t)st.st_size);
    }
    int error = errno;
    close(fd);
    errno = error;
    return n;
}

static void complain(const char *path)
{
    log_line(LOG_ERROR,
             "%s: \"%.300s\": %s: types stay as they are; name a readable file of at most %d bytes",
             options_place("media-types", 0), path,
             errno == EINVAL ? "it is no plain file" : strerror(errno), MEDIA_TYPES_MAX);
}

/* Likewise; that the usual one is not there is as good as an empty one. */
static ssize_t read_or_complain(const char *path, char *to)
{
    ssize_t n = to ? read_file(path, to) : -1;
    if (to && n < 0 && errno == ENOENT && strcmp(path, MEDIA_TYPES_PATH) == 0)
        return 0;
    if (n < 0)
        complain(path);
    return n;
}

static void publish(struct media_file *f, const char *bytes, size_t length)
{
    atomic_fetch_add(&f->version, 1);
    atomic_thread_fence(memory_order_seq_cst);
    memcpy(f->bytes, bytes, length);
    atomic_store(&f->length, (uint32_t)length);
    atomic_fetch_add(&f->version, 1);
}

void media_file_read(struct media_file *f, const char *path)
{
    char *bytes = malloc(MEDIA_TYPES_MAX);
    ssize_t n = read_or_complain(path, bytes);
    if (n >= 0)
        publish(f, bytes, (size_t)n);
    free(bytes);
}

bool media_file_check(const char *path)
{
    char *bytes = malloc(MEDIA_TYPES_MAX);
    bool is_fine = read_or_complain(path, bytes) >= 0;
    free(bytes);
    return is_fine;
}

struct media_file *media_file_open(const char *path)
{
    struct media_file *f =
        mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (f == MAP_FAILED)
        return NULL;
    media_file_read(f, path);
    return f;
}

void media_file_close(struct media_file *f)
{
    munmap(f, sizeof *f);
}

void media_file_keep_to_ourselves(struct media_file *f)
{
    madvise(f, sizeof *f, MADV_DONTFORK);
}

/* --- whoever serves --- */

/* The bytes may change under our hands; if they have, the copy is thrown away. */
__attribute__((no_sanitize("thread"))) static void
copy_volatile(char *to, const volatile char *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i];
}

bool media_file_take(const struct media_file *f, uint32_t *version, struct media_types **types)
{
    uint32_t before = atomic_load(&f->version), length = atomic_load(&f->length);
    if (before == *version || before & 1 || length > MEDIA_TYPES_MAX)
        return false;
    char *copy = malloc(length + 1);
    if (!copy)
        return false;
    copy_volatile(copy, f->bytes, length);
    atomic_thread_fence(memory_order_seq_cst);
    bool is_whole = atomic_load(&f->version) == before;
    if (is_whole) {
        *version = before;
        *types = media_types_parse(copy, length);
    }
    free(copy);
    return is_whole;
}
