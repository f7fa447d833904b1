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
    const struct media_file
        *media; /* asked for types by extension; NULL: the built-in ones serve */
};

/* For the first process, before files_module is opened. The strings stay the caller's. */
void files_configure(const struct files_options *options);

struct media_types;

/* The file of media types may have been read again: requests from now on see what it says. What they saw
 * before is returned, for media_types_close once no request uses it any more; NULL: there is none. By
 * whoever has opened files_module, one thread. */
struct media_types *files_renew_types(void);

struct server;

/* Likewise, before admin_module is opened. The server stays the caller's, and is read, with its
 * board, at each request. */
void admin_configure(const struct server *s);

#endif
