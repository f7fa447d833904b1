/*
 * server.h — all that one server consists of, in the process that reads this. What has to be the
 * same for all workers lies behind its pointers, in shared memory.
 */
#ifndef TANDEM_SERVER_H
#define TANDEM_SERVER_H

#include "access_log.h"
#include "conn.h"
#include "listener.h"
#include "options.h"
#include "router.h"
#include "scoreboard.h"

struct server {
    struct options options;
    struct listeners listeners;
    struct router router;
    struct conn_table table;
    struct scoreboard *board;
    size_t slot_count; /* of the board: what it says itself could have been scribbled over */
    struct access_log access_log;
    int epoll;   /* the one all workers wait on */
    int retire;  /* eventfd in it: readable once all workers are to go */
    int signals; /* signalfd of the process that keeps the workers */
    /* What this model does about a request that runs past its deadline; called by the keeper. */
    void (*overdue)(struct server *s, struct conn *c, uint64_t word);
};

/* main() of both servers. Returns the exit code: 0 drained, 1 run-time failure, 2 usage. */
int server_main(int argc, char **argv);

/* Opens the modules and the shared epoll, with the listeners in it. False: logged. By the process
 * whose descriptor table the workers will share, before the first of them. */
bool server_open_service(struct server *s);
void server_close_service(struct server *s);
/* Tells whoever waits (--ready-fd, the log) that requests are answered now. */
void server_announce(struct server *s);
/* Makes every worker that waits or will wait return from serve(). */
void server_retire_workers(struct server *s);

#endif
