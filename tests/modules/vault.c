/* Holds what stands behind its '=' in memory of its own, between a text and its end: so whoever
 * looks through all memory for "TEXT" must find it. /vault says nothing of it; /hold says "held",
 * and has a request in its hands until the server is stopped. */
#include "common/handler.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int vault(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    return response_write(res, "shut\n", 5) ? 0 : 500;
}

static int hold(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    if (!response_write(res, "held\n", 5) || !response_flush(res))
        return 500;
    sleep(60);
    return 0;
}

static const char *open_vault(const char *argument, void **state)
{
    enum { ROOM = 256 };
    char *kept = malloc(ROOM);
    *state = kept;
    if (!argument || !kept)
        return "vault.so=PREFIX:DIGITS is wanted";
    /* PREFIX:DIGITS becomes PREFIXDIGITS only here: the command line has it with the colon. */
    const char *colon = argument;
    while (*colon && *colon != ':')
        colon++;
    if (!*colon)
        return "vault.so=PREFIX:DIGITS is wanted";
    snprintf(kept, ROOM, "%.*s%s;", (int)(colon - argument), argument, colon + 1);
    return NULL;
}

static const struct route routes[] = {
    {"GET", "/vault", vault}, {"POST", "/hold", hold}, {NULL, NULL, NULL}};
const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "vault", .routes = routes, .open = open_vault, .close = free};
