/*
 * worker.c — birth and memory of a worker, and the call it all exists for.
 */
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "footprint.h"
#include "model.h"
#include "router.h"
#include "signals.h"
#include "stream.h"

/* Half of what --worker-memory allows: what leaks slowly is then replaced between two requests, and
 * what needs much at once still gets it. Threads have no memory of their own. */
static uint64_t data_limit(const struct options *o)
{
    bool is_bounded = model_isolates && o->worker_memory > 0;
    return is_bounded ? footprint_data() + o->worker_memory / 2 : 0;
}

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
                         .pid = model_isolates ? getpid() : 0,
                         .in_size = s->table.stash_size,
                         .limit = jittered(s->options.max_requests, me),
                         .data_limit = data_limit(&s->options)};
    signals_wakeable(&w->wakeable);
    teller_open(&w->teller, s, me);
    w->teller.response.flush = stream_flush;
    w->teller.response.flush_to = w;
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

static size_t worker_descriptors; /* 0: as many as the process may have */

void worker_bound_descriptors(size_t limit)
{
    worker_descriptors = limit;
}

static bool is_to_bound(const struct route_match *match)
{
    return worker_descriptors > 0 && match->module->is_foreign;
}

/* A foreign handler must not take the last descriptors of the table that all workers share: what it
 * opens lies below the limit, the core's own reserve above it. */
static int call_bounded(const struct route_match *match, const struct request *req,
                        struct response *res)
{
    struct rlimit all, few;
    getrlimit(RLIMIT_NOFILE, &all);
    few = (struct rlimit){.rlim_cur = worker_descriptors, .rlim_max = all.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    int status = match->route->handle(req, res, match->state);
    setrlimit(RLIMIT_NOFILE, &all);
    return status;
}

/* Returns 0, or the status of an error that is still to be described. */
static int call_handler(const struct route_match *match, const struct request *req,
                        struct response *res)
{
    response_reset(res);
    errno = 0; /* should it crash, its last error is told from that of an earlier request */
    int status = !match->route        ? no_route(req, res, match->allow)
                 : is_to_bound(match) ? call_bounded(match, req, res)
                                      : match->route->handle(req, res, match->state);
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

static void fail(const struct route_match *match, int status, const struct request *req,
                 struct response *res, const char *id)
{
    if (res->has_begun)
        res->failed = true; /* too late to say so: the client gets a reset */
    else
        describe_error(match, status, req, res, id);
}

void run_handler(const struct route_match *match, const struct request *req, struct response *res,
                 const char *id)
{
    int status = call_handler(match, req, res);
    if (status)
        fail(match, status, req, res, id);
}

void run_inline(struct worker *w)
{
    int status = call_handler(&w->match, &w->request, &w->teller.response);
    w->has_returned = true;
    if (status)
        fail(&w->match, status, &w->request, &w->teller.response, w->request.id);
}
