/*
 * seldom.h — a line that strangers can cause as often as they like, written now and then.
 *
 * One of these for each such line, static, all zeros. Each process counts for itself. Any thread may
 * call; nobody waits.
 */
#ifndef TANDEM_SELDOM_H
#define TANDEM_SELDOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct seldom {
    _Atomic int64_t again; /* monotonic ms: not before */
    _Atomic unsigned held_back;
};

/* True: write it now; *held_back such lines were not written since the last one. At most once in
 * `pause` ms. */
bool seldom_may(struct seldom *s, int64_t pause, unsigned *held_back);

#endif
