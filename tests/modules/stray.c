/* Does to descriptors and files what a handler that has been taken over might. */
#include "common/handler.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBERS = 1024 };

static int say(struct response *res, const char *text)
{
    return response_write(res, text, strlen(text)) ? 0 : 500;
}

/* All numbers of the file that has number `fd`: no second one is left. */
static int close_all_of(const struct request *req, struct response *res, void *state)
{
    struct stat this, other;
    (void)state;
    if (fstat((int)request_query_number(req, "fd", -1, NUMBERS), &this) != 0)
        return 404;
    for (int fd = 0; fd < NUMBERS; fd++)
        if (fstat(fd, &other) == 0 && other.st_dev == this.st_dev && other.st_ino == this.st_ino)
            close(fd);
    return say(res, "closed");
}

static int open_it(const struct request *req, struct response *res, void *state)
{
    char path[512];
    (void)state;
    if (!request_query(req, "path", path, sizeof path))
        return 400;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return say(res, strerror(errno));
    close(fd);
    return say(res, "opened");
}

static const struct route routes[] = {
    {"GET", "/close", close_all_of}, {"GET", "/open", open_it}, {NULL, NULL, NULL}};
const struct module tandem_module = {.abi = TANDEM_ABI, .name = "stray", .routes = routes};
