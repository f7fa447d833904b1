/* Opens as many descriptors as it gets, /greedy, closes none, and then ?then=dies, returns, or
 * sleeps for ?ms=. Answers with how many it got. */
#include "common/handler.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int greedy(const struct request *req, struct response *res, void *state)
{
    char then[16] = "returns", text[32];
    long got = 0, ms = request_query_number(req, "ms", 100, 60000);
    (void)state;
    request_query(req, "then", then, sizeof then);
    while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
        got++;
    if (strcmp(then, "dies") == 0)
        abort();
    struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    if (strcmp(then, "sleeps") == 0)
        while (nanosleep(&rest, &rest) != 0)
            ;
    int n = snprintf(text, sizeof text, "%ld\n", got);
    return response_write(res, text, (size_t)n) ? 0 : 500;
}

static const struct route routes[] = {{"GET", "/greedy", greedy}, {NULL, NULL, NULL}};
const struct module tandem_module = {.abi = TANDEM_ABI, .name = "greedy", .routes = routes};
