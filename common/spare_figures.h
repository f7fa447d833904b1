/*
 * spare_figures.h — what is counted about the children of --isolation fresh, in memory that the nest, which
 * makes them, shares with the workers. For /metrics and /status. While HUP has one nest follow another both
 * of them add.
 */
#ifndef TANDEM_SPARE_FIGURES_H
#define TANDEM_SPARE_FIGURES_H

#include <stdatomic.h>
#include <stdint.h>

#include "histogram.h"

struct spare_figures {
    struct histogram births; /* by the nest: what it took to fork one */
    _Atomic uint64_t faults; /* by the nest: minor page faults of those that have ended */
    _Atomic unsigned ready;  /* children that wait for a request, as the supervisor last saw them */
    _Atomic unsigned busy;   /* … that have one */
};

#endif
