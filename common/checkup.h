/*
 * checkup.h — --check: what a start would find fault with, without starting.
 */
#ifndef TANDEM_CHECKUP_H
#define TANDEM_CHECKUP_H

#include <stdbool.h>

#include "options.h"

/* Looks at the files that the options name: modules (which are not loaded), media types, the page of
 * --not-found, certificates and keys, the log to be written. Each fault is a line in the log. A port in use
 * is none: the server that runs has it. By the first process. */
bool checkup(const struct options *o);

#endif
