/*
 * echo.c — the body goes back as it came. One that waits in a descriptor is not copied: the
 * response takes a second name for the same file.
 */
#include "../handler.h"

#include <fcntl.h>
#include <string.h>

static void keep_type(const struct request *req, struct response *res)
{
    char type[256];
    size_t length;
    const char *value = request_header(req, "Content-Type", &length);
    if (!value || length == 0 || length >= sizeof type) {
        response_type(res, "application/octet-stream");
        return;
    }
    memcpy(type, value, length);
    type[length] = '\0';
    response_type(res, type);
}

static int echo(const struct request *req, struct response *res, void *state)
{
    (void)state;
    struct request_body body = request_body(req);
    keep_type(req, res);
    if (body.fd < 0)
        return response_write(res, body.data, (size_t)body.length) ? 0 : 500;
    int fd = fcntl(body.fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return 503; /* too many open files */
    response_file(res, fd, 0, body.length);
    return 0;
}

static const char *open_echo(const char *argument, void **state)
{
    (void)argument;
    *state = NULL;
    return NULL;
}

static const struct route routes[] = {{"POST", "/echo", echo}, {NULL, NULL, NULL}};

extern const struct module echo_module;
const struct module echo_module = {
    .abi = TANDEM_ABI, .name = "echo", .routes = routes, .open = open_echo, .close = NULL};
