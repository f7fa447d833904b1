/*
 * outbox.c — send, then sendfile, and what is in between.
 */
#include "outbox.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limits.h"
#include "wire.h"

enum { LAST_PIECE = 64 * 1024 };

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

bool outbox_is_empty(const struct conn *c)
{
    return c->out[0].fd < 0 && c->out[1].fd < 0;
}

int64_t outbox_promise(int fd, uint64_t end)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || (uint64_t)st.st_size < end)
        return OUTBOX_NO_PROMISE;
    return (int64_t)((uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec);
}

static void drop_part(struct conn_part *part)
{
    int fd = part->fd;
    *part = (struct conn_part){.fd = -1}; /* first: see conn_close_body */
    if (fd >= 0)
        close(fd);
}

void outbox_drop(struct conn *c)
{
    drop_part(&c->out[0]);
    drop_part(&c->out[1]);
}

/* Bytes in memory become a part; false when there is no descriptor or memory for them. */
static bool keep_bytes(struct conn_part *part, const char *bytes, size_t n)
{
    int fd = memfd_create("answer", MFD_CLOEXEC);
    if (fd < 0)
        return false;
    for (size_t at = 0; at < n;) {
        ssize_t put = write(fd, bytes + at, n - at);
        if (put <= 0) {
            close(fd);
            return false;
        }
        at += (size_t)put;
    }
    *part = (struct conn_part){.fd = fd, .left = n};
    return true;
}

static bool is_as_promised(const struct conn_part *part)
{
    return outbox_promise(part->fd, part->offset + part->left) == part->promised;
}

/* How much of it goes out next. Of a file, the last piece is kept back until all else is sent: if it
 * was changed meanwhile, the answer must not come to its promised end. 0: it was changed. */
static size_t next_piece(const struct conn_part *part, size_t turn)
{
    if (part->promised ==
        0) /* ours alone; and it may have been offered whole already, see wire.h */
        return part->left < turn ? (size_t)part->left : turn;
    if (part->left <= LAST_PIECE)
        return is_as_promised(part) ? (size_t)part->left : 0;
    uint64_t all_but_last = part->left - LAST_PIECE;
    return all_but_last < turn ? (size_t)all_but_last : turn;
}

static enum outbox_result send_part(const struct conn *c, struct conn_part *part, int fd,
                                    size_t *turn)
{
    while (part->left > 0) {
        if (*turn == 0)
            return OUTBOX_TURN;
        size_t want = next_piece(part, *turn);
        if (want == 0)
            return OUTBOX_BROKEN;
        off_t offset = (off_t)part->offset;
        ssize_t put = wire_sendfile(c, fd, part->fd, &offset, want);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return would_block() ? OUTBOX_FULL : OUTBOX_BROKEN;
        if (put == 0)
            return OUTBOX_BROKEN; /* the file has been cut short */
        part->offset += (uint64_t)put;
        part->left -= (uint64_t)put;
        *turn -= (size_t)put < *turn ? (size_t)put : *turn;
    }
    drop_part(part);
    return OUTBOX_SENT;
}

enum outbox_result outbox_continue(struct conn *c, int fd)
{
    size_t turn = LIMIT_TURN;
    for (int i = 0; i < 2; i++) {
        if (c->out[i].fd < 0)
            continue;
        enum outbox_result result = send_part(c, &c->out[i], fd, &turn);
        if (result != OUTBOX_SENT)
            return result;
    }
    return OUTBOX_SENT;
}

enum outbox_result outbox_send(struct conn *c, int fd, const void *bytes, size_t n,
                               struct conn_part part)
{
    c->out[1] = part; /* from here on the slot knows it: nothing leaks when we die */
    const char *at = bytes;
    size_t left = n;
    while (left > 0) {
        ssize_t put = wire_send(c, fd, at, left, part.fd >= 0);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && !would_block())
            return OUTBOX_BROKEN;
        if (put < 0)
            return keep_bytes(&c->out[0], at, left) ? OUTBOX_FULL : OUTBOX_BROKEN;
        at += put;
        left -= (size_t)put;
    }
    return part.fd >= 0 ? outbox_continue(c, fd) : OUTBOX_SENT;
}
