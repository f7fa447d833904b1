/* A handler with a fixed amount of work: /spin?turns=N goes round a loop N times. Unlike /work,
 * which stops when its CPU time is used up, it is as exposed to a busy machine as real work is. */
#include "common/handler.h"

#include <stdint.h>
#include <stdio.h>

static int spin(const struct request *req, struct response *res, void *state)
{
    (void)state;
    long turns = request_query_number(req, "turns", 0, 1000000000);
    if (turns < 0)
        return 400;
    uint32_t sum = 1;
    for (long i = 0; i < turns; i++)
        sum = (sum ^ (sum >> 15)) * 0x2c1b3c6dU + 1;
    char text[32];
    int n = snprintf(text, sizeof text, "%08x\n", (unsigned)sum);
    return response_write(res, text, (size_t)n) ? 0 : 500;
}

static const struct route routes[] = {{"GET HEAD", "/spin", spin}, {NULL, NULL, NULL}};
const struct module tandem_module = {.abi = TANDEM_ABI, .name = "spin", .routes = routes};
