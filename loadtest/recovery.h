/*
 * recovery.h — what a fault cost: how long until the service was itself again, and how many answers
 * were lost meanwhile.
 *
 * The run is looked at in steps: the shortest (10 ms or more) in which a steady run has a hundred
 * answers, one second at most. A step is *in band* when
 *
 *   answered   innocent answers that were good came in at half the steady rate at least (a closed
 *              loop swings, so a narrower band would be left without a fault)
 *   success    of the innocent requests that ended in it, the share that was answered well is at
 *              least 99 % of the steady share
 *   p99        not more than one in a hundred of its good answers took longer than twice the steady
 *              p99 (or than the steady p99 and 1 ms, if that is more: less than that is the
 *              scheduler's noise)
 *
 * The service is *back* after a mark at the beginning of the first three steps in a row that are
 * all in band, if four in five steps of the second that begins there are, too (as far as it reaches
 * before the next mark or the end of the run). Not all of them: a steady run has its hiccups, and
 * one of 20 ms puts two steps out of band, and a whole second's p99. *Recovery time* is from the mark to there, 0 when it
 * never left the band. *Goodput lost* is the sum over the steps between the two of the good innocent
 * answers by which each fell short of the steady rate.
 *
 * With faults by share there is no undisturbed time to come back to: no recovery time then, and the
 * goodput lost is that of the whole run.
 */
#ifndef LOADTEST_RECOVERY_H
#define LOADTEST_RECOVERY_H

#include "result.h"

/* Fills in r->recovery and each mark's back_ns from the timeline, the marks and the steady run. */
void recovery_conclude(struct result *r);

#endif
