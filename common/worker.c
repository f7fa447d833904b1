/*
 * worker.c — birth and memory of a worker, and the call it all exists for.
 */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router.h"

/* Up to a tenth earlier than asked: workers born together must not all be replaced together. */
static uint64_t jittered(uint64_t limit, unsigned me)
{
    uint64_t spread = limit / 10 + 1;
    return limit == 0 ? 0 : limit - ((uint64_t)me * 2654435761u + (uint64_t)clock_us()) % spread;
}

bool worker_open(struct worker *w, struct server *s, unsigned me)
{
    *w = (struct worker){.slot = &s->board->slots[me - 1],
                         .run = run_inline,
                         .in_size = s->table.stash_size,
                         .limit = jittered(s->options.max_requests, me)};
    teller_open(&w->teller, s, me);
    w->in = malloc(w->in_size);
    w->kept = malloc(w->in_size);
    if (w->in && w->kept && request_open(&w->request, s->options.max_headers, s->options.max_uri))
        return true;
    worker_close(w);
    return false;
}

void worker_close(struct worker *w)
{
    teller_close(&w->teller);
    request_close(&w->request);
    free(w->in);
    free(w->kept);
    w->in = w->kept = NULL;
}

/* "GET HEAD" as Allow wants it: "GET, HEAD". */
static void add_allow(struct response *res, const char *methods)
{
    char list[128];
    size_t to = 0;
    for (; *methods && to + 2 < sizeof list; methods++) {
        if (*methods == ' ')
            list[to++] = ',';
        list[to++] = *methods;
    }
    list[to] = '\0';
    response_header(res, "Allow", list);
}

static int no_route(const struct request *req, struct response *res, const char *allow)
{
    if (!router_knows_method(req->method))
        return 501;
    bool asks = strcmp(req->method, "OPTIONS") == 0;
    if (asks && (allow || strcmp(req->path, "*") == 0)) {
        add_allow(res, allow ? allow : "GET HEAD POST OPTIONS");
        response_status(res, 204);
        return 0;
    }
    return allow ? 405 : 404;
}

/* Returns 0, or the status of an error that is still to be described. */
static int call_handler(const struct route_match *match, const struct request *req,
                        struct response *res)
{
    response_reset(res);
    int status = match->route ? match->route->handle(req, res, match->state)
                              : no_route(req, res, match->allow);
    return status == 0 && res->failed ? 500 : status;
}

static void describe_error(const struct route_match *match, int status, const struct request *req,
                           struct response *res, const char *id)
{
    response_problem(res, request_problem_form(req), status, NULL, id);
    if (status == 405)
        add_allow(res, match->allow);
    if (status == 503)
        response_header(res, "Retry-After", "1");
}

void run_handler(const struct router *router, const struct request *req, struct response *res,
                 const char *id)
{
    struct route_match match = router_find(router, req->method, req->path);
    int status = call_handler(&match, req, res);
    if (status)
        describe_error(&match, status, req, res, id);
}

/* Only an error needs the id as text. */
void run_inline(struct worker *w)
{
    struct response *res = &w->teller.response;
    struct route_match match =
        router_find(&w->teller.server->router, w->request.method, w->request.path);
    int status = call_handler(&match, &w->request, res);
    char id[REQUEST_ID_SIZE];
    if (status == 0)
        return;
    request_id(w->teller.server->board, w->slot, id);
    describe_error(&match, status, &w->request, res, id);
}
