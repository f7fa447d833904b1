/* Tells what request_client() tells. */
#include "common/handler.h"

#include <string.h>

static int tell(const struct request *req, struct response *res, void *state)
{
    char text[TANDEM_CLIENT_SIZE];
    (void)state;
    request_client(req, text);
    return response_write(res, text, strlen(text)) ? 0 : 500;
}

static const struct route routes[] = {{"GET", "/client", tell}, {NULL, NULL, NULL}};
const struct module tandem_module = {.abi = TANDEM_ABI, .name = "client", .routes = routes};
