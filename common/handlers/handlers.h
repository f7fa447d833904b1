/*
 * handlers.h — the modules that are built in; server.c decides which of them are there.
 */
#ifndef TANDEM_HANDLERS_H
#define TANDEM_HANDLERS_H

#include "../handler.h"

extern const struct module files_module;   /* argument: the document root */
extern const struct module echo_module;    /* --enable-demo */
extern const struct module work_module;    /* --enable-demo */
extern const struct module counter_module; /* --enable-demo */
extern const struct module fault_module;   /* --enable-faults */

#endif
