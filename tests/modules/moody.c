/* Kills when it is asked to, /moody?die=1, and is well otherwise: a route that can recover. */
#include "common/handler.h"

#include <stdlib.h>

static int moody(const struct request *req, struct response *res, void *state)
{
    (void)state;
    if (request_query_number(req, "die", 0, 1) == 1)
        abort();
    return response_write(res, "well\n", 5) ? 0 : 500;
}

static const struct route routes[] = {{"GET", "/moody", moody}, {NULL, NULL, NULL}};
const struct module tandem_module = {.abi = TANDEM_ABI, .name = "moody", .routes = routes};
