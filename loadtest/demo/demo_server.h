/*
 * demo_server.h — one of the three subjects of the demonstration, up and running.
 *
 * Started with ports that the kernel picks; when it is started again it is found at the same ones.
 * Main thread.
 */
#ifndef LOADTEST_DEMO_SERVER_H
#define LOADTEST_DEMO_SERVER_H

#include "../server/subject.h"
#include "demo_result.h"
#include "workshop.h"

enum { DEMO_ARGUMENTS = 32 };

/* It points into itself, so it must not be moved. */
struct demo_server {
    struct subject subject;
    char metrics[SUBJECT_ADDRESS_MAX + 32]; /* the URL that tells what it has counted */
    /* The command, and the texts in it that are made for it. */
    char binary[2 * WORKSHOP_PATH], ready[16], connections[16];
    char listen[SUBJECT_ADDRESS_MAX], admin[SUBJECT_ADDRESS_MAX];
    const char *argv[DEMO_ARGUMENTS];
};

/* What a load asks of it beyond what all need. */
struct demo_needs {
    unsigned connections;
    const char *request_timeout; /* NULL: its default */
};

/* "thread", "pool", "fresh". */
const char *demo_server_name(size_t index);
/* Starts subject number `index`, or with --against only notes where it is: then it has no pid. False:
 * one line in `why`, and nothing is running. */
bool demo_server_start(struct demo_server *s, const struct demo *d, size_t index,
                       const struct demo_needs *needs, const struct workshop *w,
                       struct complaint *why);
void demo_server_stop(struct demo_server *s);

/* The servers get the first CPU for themselves, the client the others, so that neither takes the
 * other's time and "per core" means one core. Returns the servers' CPU, or -1 when there are not
 * two. */
int demo_divide_cpus(void);

#endif
