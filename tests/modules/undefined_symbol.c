/* Calls what nobody has. */
#include "common/handler.h"

int defined_nowhere(struct response *res);

static int call(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    return defined_nowhere(res);
}

static const struct route routes[] = {{"GET", "/sound", call}, {NULL, NULL, NULL}};
const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "undefined_symbol", .routes = routes};
