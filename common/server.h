/*
 * server.h — all that one server consists of, in the process that reads this. What has to be the
 * same for all workers lies behind its pointers, in shared memory.
 */
#ifndef TANDEM_SERVER_H
#define TANDEM_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access_log.h"
#include "conn.h"
#include "death.h"
#include "listener.h"
#include "media_file.h"
#include "options.h"
#include "router.h"
#include "scoreboard.h"
#include "spare_figures.h"
#include "tally.h"
#include "tls_figures.h"

struct server {
    struct options options;
    struct listeners listeners;
    struct router router;
    struct router admin; /* what --admin serves */
    struct conn_table table;
    struct scoreboard *board;
    struct tally *tallies; /* the keeper's, and one for each slot */
    size_t slots;       /* of workers on the board; what the board says of itself is not believed */
    size_t handler_fds; /* descriptor numbers that handlers of modules may use: those below this */
    int most_unshaken; /* connections that may be open when another begins its handshake: as many as
                         * leave numbers for those that are told at once that they are too many */
    struct access_log access_log;
    struct media_file *media;     /* --media-types, as it was last read */
    struct tls_figures *tls;      /* in shared memory; NULL: no TLS is spoken */
    struct spare_figures *spares; /* likewise; NULL: no child is kept ready for each request */
    int epoll;                    /* the one all workers wait on */
    int handover; /* in it, too: where connections come from that TLS was spoken on elsewhere; -1 */
    int retire;   /* eventfd in it: readable once all workers are to go */
    int signals;  /* signalfd of the process that keeps the workers */
    /* What this model does about a request that has used up a budget; called by the keeper. */
    void (*overdue)(struct server *s, struct conn *c, uint64_t word, enum budget over);
};

/* main() of both servers. Returns the exit code: 0 drained, 1 run-time failure, 2 usage. */
int server_main(int argc, char **argv);

/* Has the shared epoll watch a descriptor that is no connection, level-triggered. False: errno. */
bool server_watch(struct server *s, int fd, uint64_t tag);

/* Opens the modules: their code runs in the process that calls this, and so does what closes them.
 * False: logged. Before the first worker. */
bool server_open_modules(struct server *s);
void server_close_modules(struct server *s);
/* The process that opened the modules has ended like this: if it was in the code of one, logs of
 * which. */
void server_tell_opening(const struct server *s, int status);
/* Opens the shared epoll, with the listeners in it. False: logged. By a process whose descriptor
 * table the workers will share, before the first of them. */
bool server_open_epoll(struct server *s);
void server_close_epoll(struct server *s);
/* Has crashes recorded (crash.h) and gives up what serving does not need (sandbox.h), for the
 * calling process and all that come of it.
 * False: logged. When all modules are open, before the first worker. */
bool server_enter_sandbox(struct server *s);
/* Bounds the memory of the calling process, and of those that come of it, to `workers` times
 * --worker-memory more than it has now. Returns the footprint_data() that is half of the way there,
 * 0 when there is no bound. */
uint64_t server_bound_memory(const struct server *s, unsigned workers);
/* Tells whoever waits (--ready-fd, the log) that requests are answered now. */
void server_announce(struct server *s);
/* Makes every worker that waits or will wait return from serve(). */
void server_retire_workers(struct server *s);

#endif
