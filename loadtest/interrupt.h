/*
 * interrupt.h — ^C and TERM end a run early, with the results so far; a second one ends at once.
 */
#ifndef LOADTEST_INTERRUPT_H
#define LOADTEST_INTERRUPT_H

#include <stdbool.h>

/* Installs the handlers for INT, TERM and HUP. Once, by the main thread. */
void interrupt_watch(void);
/* Whether one of them has come. Any thread. */
bool interrupted(void);

#endif
