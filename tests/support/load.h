/*
 * Innocent traffic: a process that asks for one.txt on a few kept connections, without pause, and
 * keeps account of what a server owes it.
 *
 * It is there to be a victim. A request is one when it fails (the end of its connection, another
 * status than 200, other bytes), or when its answer comes later than any healthy server's would.
 */
#ifndef TANDEM_TESTS_LOAD_H
#define TANDEM_TESTS_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct load {
    pid_t pid;
    struct load_sheet *sheet; /* in memory shared with the process */
};

enum { LOAD_CONNECTIONS = 4, LOAD_MOST = 64, LOAD_WORDS = 320 };

/* All since load_mark. */
struct load_account {
    long requests; /* sent */
    long failed;
    long late;
    int64_t away; /* ms: the longest time between two good answers */
    int64_t half, p99,
        worst;              /* µs, of the good answers: as late as one in two, in a hundred, any */
    char first[LOAD_WORDS]; /* what the first failure was; "" */
};

/* Traffic of another kind. */
struct load_plan {
    int connections; /* up to LOAD_MOST; 0: LOAD_CONNECTIONS */
    int late;        /* ms after which an answer is late */
    int rate;        /* requests a second, timed from when they were due; 0: without pause */
    bool is_mixed;   /* bodies are sent to /echo, too, short ones and such that are spooled */
};

/*
 * Starts it and returns when all connections have been served; fails the test when they are not.
 * An answer is late after `late` ms. Call it before other connections are opened, or it holds them
 * open, too.
 */
struct load load_start(uint16_t port, int late);
struct load load_start_as(uint16_t port, struct load_plan plan);

/* What is counted begins here. */
void load_mark(struct load *load);

/* Returns when so many more answers have come; false when they do not come within the time. */
bool load_await(struct load *load, long answers, int ms);

/* Waits for the answers that are still owed, ends the process, and tells. */
struct load_account load_stop(struct load *load);

#endif
