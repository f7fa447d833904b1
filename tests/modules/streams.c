/*
 * Answers piece by piece: /stream?bytes=&piece=&pause=&fail=.  The byte at `at` is what
 * (at * 2654435761 >> 24) leaves of it, so that each has its place.  ?fail=1 returns an error when
 * all is out.  /streamed tells how many streams have come to their end, and how many clients have
 * gone before: "3 1".
 */
#include "common/handler.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct account {
    _Atomic long ended, gone;
};

enum { PIECE_MOST = 1 << 20 };

static void fill(unsigned char *piece, uint64_t at, size_t length)
{
    for (size_t i = 0; i < length; i++)
        piece[i] = (unsigned char)((uint32_t)(at + i) * 2654435761u >> 24);
}

static void rest(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static int stream(const struct request *req, struct response *res, void *state)
{
    struct account *account = state;
    long bytes = request_query_number(req, "bytes", 1 << 20, 1L << 40);
    long piece = request_query_number(req, "piece", 65536, PIECE_MOST);
    long pause = request_query_number(req, "pause", 0, 60000);
    if (bytes < 0 || piece <= 0 || pause < 0)
        return 400;
    unsigned char *buffer = malloc((size_t)piece);
    bool is_there = buffer != NULL;
    for (long at = 0; is_there && at < bytes; at += piece) {
        size_t length = (size_t)(bytes - at < piece ? bytes - at : piece);
        fill(buffer, (uint64_t)at, length);
        is_there = response_write(res, buffer, length) && response_flush(res);
        if (pause > 0)
            rest(pause);
    }
    free(buffer);
    atomic_fetch_add(is_there ? &account->ended : &account->gone, 1);
    return request_query_number(req, "fail", 0, 1) == 1 ? 500 : 0;
}

static int streamed(const struct request *req, struct response *res, void *state)
{
    struct account *account = state;
    char text[64];
    (void)req;
    int n = snprintf(text, sizeof text, "%ld %ld\n", atomic_load(&account->ended),
                     atomic_load(&account->gone));
    return response_write(res, text, (size_t)n) ? 0 : 500;
}

static const char *open_streams(const char *argument, void **state)
{
    (void)argument;
    *state = module_share(sizeof(struct account));
    return *state ? NULL : "no memory: free some";
}

static const struct route routes[] = {
    {"GET HEAD", "/stream", stream}, {"GET", "/streamed", streamed}, {NULL, NULL, NULL}};
const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "streams", .routes = routes, .open = open_streams};
