/*
 * stage.h — what --start puts up for the length of one run: free ports, a log, a server.
 *
 * `{port}`, `{tls-port}` and `{admin-port}` in the command, in the URLs and in --server-metrics
 * stand for three ports of 127.0.0.1 that were free when the run began. They are chosen once, so that
 * a server that is started again is found at the same address; another program may in theory take
 * one in between.
 *
 * Owned by the main thread.
 */
#ifndef LOADTEST_STAGE_H
#define LOADTEST_STAGE_H

#include <stdbool.h>
#include <wordexp.h>

#include "../complaint.h"
#include "../options.h"
#include "subject.h"

enum stage_port { PORT, TLS_PORT, ADMIN_PORT, STAGE_PORTS };

struct stage {
    char ports[STAGE_PORTS][6]; /* "": not asked for yet */
    char **texts;               /* owned: texts of the options with their ports filled in */
    size_t text_count;
    wordexp_t words; /* the command */
    char log[64];
    struct address address;
    struct subject subject;
};

/* Fills in the ports, in `o` as well, and starts the server of o->start, if there is one (then
 * o->subject is it). The command is split into words as a shell does it, quotes and variables
 * included, but without running commands. On failure nothing is left. */
bool stage_open(struct stage *s, struct run_options *o, struct complaint *why);
/* Stops the server. */
void stage_stop(struct stage *s);
/* That, and removes what was made; the options must not be used any more. After a successful
 * stage_open(). */
void stage_close(struct stage *s);

#endif
