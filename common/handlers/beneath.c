/*
 * beneath.c — openat2() with RESOLVE_BENEATH, or one component after the other.
 */
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_resolved(int root, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)flags,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd;
    int tries = 8; /* EAGAIN: something was renamed on the way, the kernel could not be sure */
    do
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    return (int)fd;
}

/* Without openat2: one component after the other, and no symlinks at all. */
static int open_stepwise(int root, const char *path, int flags)
{
    int folder = root;
    for (;;) {
        char name[NAME_MAX + 1];
        size_t length = strcspn(path, "/");
        bool last = path[length] == '\0';
        int fd = -1;
        if (length > NAME_MAX)
            errno = ENAMETOOLONG;
        else if (length == 2 && path[0] == '.' && path[1] == '.')
            errno = EXDEV;
        else {
            memcpy(name, length ? path : ".", length ? length : 1); /* "folder/" is itself */
            name[length ? length : 1] = '\0';
            int here = last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC;
            fd = openat(folder, name, here | O_NOFOLLOW);
        }
        if (folder != root) {
            int error = errno;
            close(folder);
            errno = error;
        }
        if (fd < 0 || last)
            return fd;
        folder = fd;
        path += length + 1;
    }
}

bool beneath_open_root(struct beneath *b, const char *folder)
{
    b->root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (b->root < 0)
        return false;
    int probe = open_resolved(b->root, ".", O_PATH | O_CLOEXEC);
    b->has_openat2 = probe >= 0;
    if (probe >= 0)
        close(probe);
    return true;
}

void beneath_close_root(struct beneath *b)
{
    close(b->root);
    b->root = -1;
}

/* O_NONBLOCK: a fifo in the folder must not hold a worker. */
int beneath_open(const struct beneath *b, const char *path, int flags)
{
    flags |= flags & O_PATH ? O_CLOEXEC : O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    return b->has_openat2 ? open_resolved(b->root, path, flags)
                          : open_stepwise(b->root, path, flags);
}

int beneath_status(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EXDEV: /* out of the root */
    case ENXIO: /* a socket, or a device without a driver */
    case ENODEV:
    case EINVAL:
    case ESTALE:
        return 404;
    case EACCES:
    case EPERM:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
        return 503;
    default:
        return 500;
    }
}
