/*
 * one.c — the worker's loop and the keeper's, by turns.
 */
#include "one.h"

#include <sys/wait.h>
#include <unistd.h>

#include "attendants.h"
#include "handlers/handlers.h"
#include "keeper.h"
#include "model.h"
#include "serve.h"
#include "signals.h"

enum { TURN_TIME = 20 /* ms */ };

/* The worker is at rest. */
static void reload(struct server *s)
{
    media_file_read(s->media, s->options.media_types);
    media_types_close(files_renew_types());
}

/* What comes to us as process 1; after those who reap their own have had their turn, and can do without what it
 * ended with. */
static void reap_orphans(void)
{
    while (getpid() == 1 && waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

static void loop(struct server *s, struct keeper *k, struct worker *w)
{
    bool has_tls = s->options.tls_listen.count > 0;
    struct drain drain = {0};
    int64_t next_tick = 0;
    while (drain.order != DRAIN_NOW && !keeper_is_drained(k)) {
        serve_once(w, TURN_TIME);
        unsigned came = attendants_tend(s, signals_wait(s->signals, 0));
        if (came & SIGNAL_RELOAD)
            reload(s);
        keeper_drain(k, drain_take(&drain, came, clock_ms(), s->options.drain_delay));
        if (has_tls && drain.order < DRAIN_LEAVE)
            model_tend_tls(s, &k->guard, came & SIGNAL_RELOAD);
        reap_orphans();
        if (clock_ms() < next_tick)
            continue;
        keeper_tick(k);
        next_tick = clock_ms() + TURN_TIME;
    }
}

int one_run(struct server *s)
{
    struct keeper keeper;
    struct worker worker;
    int code = 1;
    bool has_tls = s->options.tls_listen.count > 0;
    if (has_tls && !model_open_tls(s))
        return code;
    if (!server_open_epoll(s)) {
        if (has_tls)
            model_close_tls(s);
        return code;
    }
    bool has_keeper = keeper_open(&keeper, s);
    bool has_modules = has_keeper && server_open_modules(s);
    if (has_modules && worker_open(&worker, s, 1)) {
        keeper_learn_modules(&keeper);
        scoreboard_birth(s->board, 0, 0);
        server_announce(s);
        loop(s, &keeper, &worker);
        worker_close(&worker);
        code = 0;
    }
    if (has_modules)
        server_close_modules(s);
    if (has_keeper)
        keeper_close(&keeper);
    if (has_tls)
        model_close_tls(s);
    server_close_epoll(s);
    return code;
}
