/* Tells what request_tls() tells, a line each; "plain" where there was no TLS. */
#include "common/handler.h"

#include <stdio.h>

static int tell(const struct request *req, struct response *res, void *state)
{
    const struct request_tls *tls = request_tls(req);
    char text[2048];
    (void)state;
    if (!tls)
        return response_write(res, "plain\n", 6) ? 0 : 500;
    int n = snprintf(text, sizeof text,
                     "version: %s\ncipher: %s\nserver name: %s\nclient: %s\nresumed: %s\n",
                     tls->version, tls->cipher, tls->server_name ? tls->server_name : "",
                     tls->client ? tls->client : "", tls->is_resumed ? "yes" : "no");
    return response_write(res, text, (size_t)n) ? 0 : 500;
}

static const struct route routes[] = {{"GET", "/tls-facts", tell}, {NULL, NULL, NULL}};
const struct module tandem_module = {.abi = TANDEM_ABI, .name = "tls_facts", .routes = routes};
