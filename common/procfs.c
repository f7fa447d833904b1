/*
 * procfs.c — open, read to the end, close. Long files come in pieces of a page.
 */
#include "procfs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool procfs_read(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t length = 0;
    ssize_t n;
    while ((n = read(fd, text + length, size - 1 - length)) > 0)
        length += (size_t)n;
    close(fd);
    text[length] = '\0';
    return n == 0 && length < size - 1;
}

long procfs_status(const char *name, int base)
{
    char text[8192];
    const char *at =
        procfs_read("/proc/self/status", text, sizeof text) ? strstr(text, name) : NULL;
    return at ? strtol(at + strlen(name), NULL, base) : -1;
}
