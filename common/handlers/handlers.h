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
extern const struct module admin_module;   /* --admin, on that address alone */

struct files_options {
    bool listing;              /* a folder without an index shows its files */
    const char *not_found;     /* page for 404, relative to the root; NULL: none */
    const char *cache_control; /* value of the field; NULL: none */
};

/* For the first process, before files_module is opened. The strings stay the caller's. */
void files_configure(const struct files_options *options);

struct server;

/* Likewise, before admin_module is opened. The server stays the caller's, and is read, with its
 * board, at each request. */
void admin_configure(const struct server *s);

#endif
