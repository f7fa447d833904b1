/* Calls all that handler.h declares, so it can only be loaded where all of that is exported. What
 * it is asked is what it answers, and then the body, once in memory and once from a descriptor. */
#include "common/handler.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int tell(const struct request *req, struct response *res, void *state)
{
    char value[64] = "-", text[512], client[TANDEM_CLIENT_SIZE];
    size_t length = 0;
    (void)state;
    request_query(req, "name", value, sizeof value);
    const char *agent = request_header(req, "User-Agent", &length);
    struct request_body body = request_body(req);
    response_status(res, 201);
    response_type(res, "text/x-told");
    if (!response_header(res, "X-Told", value))
        return 500;
    int n = snprintf(text, sizeof text, "%s %s %s %ld %.*s %s %s ", request_method(req),
                     request_path(req), value, request_query_number(req, "number", 7, 1000),
                     (int)length, agent ? agent : "", request_time_left(req) > 0 ? "early" : "late",
                     request_client(req, client));
    if (!response_write(res, text, (size_t)n) || !response_flush(res))
        return 500;
    return body.fd >= 0 || response_write(res, body.data, (size_t)body.length) ? 0 : 500;
}

static int give(const struct request *req, struct response *res, void *state)
{
    struct request_body body = request_body(req);
    (void)state;
    if (body.fd < 0)
        return 400;
    int fd = dup(body.fd);
    if (fd < 0)
        return 503;
    response_file(res, fd, 0, body.length);
    return 0;
}

static const char *open_everything(const char *argument, void **state)
{
    (void)argument;
    *state = module_share(1);
    return *state ? NULL : "no memory: free some";
}

static const struct route routes[] = {
    {"GET POST", "/tell", tell}, {"POST", "/give", give}, {NULL, NULL, NULL}};
const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "everything", .routes = routes, .open = open_everything};
