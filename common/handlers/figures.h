/*
 * figures.h — what /metrics and /status tell, copied once from shared memory, bounded and cleaned.
 *
 *      board, tallies, … ──▶ figures ──▶ text, page, JSON
 *
 * All of it comes from memory that a wild worker may have scribbled over. So nothing in it says how
 * far to read, what is no name of ours becomes printable ASCII before it is compared or told, and a
 * route that stands there twice is told once: a scrape with two equal lines is refused as a whole.
 */
#ifndef TANDEM_HANDLERS_FIGURES_H
#define TANDEM_HANDLERS_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../scoreboard.h"
#include "../tally.h"

struct route_figures {
    char name[ROUTE_NAME];
    uint64_t killed[CAUSES];
    uint64_t codes[TALLY_CODES];
    bool has_killed;
    bool is_aside;
};

struct worker_figures {
    size_t number;
    enum worker_state state;
    bool is_running; /* a handler runs */
    int64_t age;     /* µs since it was called, when one does */
    uint64_t requests;
    uint64_t pss; /* bytes; 0: not known */
    char method[SCORE_METHOD];
    char target[SCORE_TARGET]; /* of the request it has, or had last; "": none yet */
};

struct figures {
    unsigned by_state[WORKER_LOST + 1];
    unsigned running; /* workers whose handler runs */
    unsigned connections;
    unsigned conns[CONN_STATES];
    uint64_t pss;
    uint64_t answered, refused, rate;
    uint64_t deaths, recycled;
    bool knows_cpu;
    uint64_t cpu;     /* ms */
    int64_t uptime;   /* ms */
    struct tally sum; /* of all tallies; its codes stand with the routes */
    struct route_figures routes[TALLY_ROWS];
    size_t route_count;
    struct obituary obituaries[OBITUARIES]; /* the newest first */
    size_t obituary_count;
    size_t worker_count;
    struct worker_figures workers[]; /* those that are there */
};

/* NULL: no memory. To be freed with free(). */
struct figures *figures_take(void);

/* "waiting", "accepting", "turn", "lost"; "idle", "reading", … Static. */
const char *worker_state_word(enum worker_state state);
const char *conn_state_word(enum conn_state state);

#endif
