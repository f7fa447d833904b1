/*
 * workshop.h — a folder that exists for the length of a demonstration: what its servers serve, and
 * where they write what they have to say.
 *
 * Main thread.
 */
#ifndef LOADTEST_WORKSHOP_H
#define LOADTEST_WORKSHOP_H

#include <stdbool.h>

#include "../complaint.h"

enum { WORKSHOP_PATH = 4096 };

struct workshop {
    char folder[WORKSHOP_PATH / 4];
    char root[WORKSHOP_PATH / 2]; /* the servers' --root */
    char file[WORKSHOP_PATH];     /* one.txt, 1 KiB */
    char log[WORKSHOP_PATH];      /* the running server's stderr */
};

/* Makes it in $TMPDIR, or /tmp. False: one line in `why`. */
bool workshop_open(struct workshop *w, struct complaint *why);
/* Removes it, and what is in it. */
void workshop_close(const struct workshop *w);

#endif
