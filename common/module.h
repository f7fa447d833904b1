/*
 * module.h — how a module gets into the router: built in, or from a shared object.
 *
 *      FILE.so ──▶ dlopen ──▶ tandem_module ──▶ its ABI ──▶ name, routes ──▶ open ──▶ router
 *                     └── watched: what handler.h forbids is seen, and refused ──┘
 *
 * A module that is built in begins at its ABI. Each refusal is one line that names the module, what
 * is wrong with it and how to mend it. Its code runs in the process that calls this: where a crash
 * or a module that never returns does harm is the caller's choice.
 *
 * An object that was loaded is never unloaded. The router and the answers under way point into it,
 * a thread that was robbed of its request may still run in it, and a backtrace or a leak report
 * could not name what is no longer there; with the process it goes by itself.
 */
#ifndef TANDEM_MODULE_H
#define TANDEM_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#include "router.h"

/* Checks and opens a module that is built in. `is_foreign`: its handlers are not to be trusted, see
 * router.h. False: the line is in `why`. Before the first worker, by the thread that makes them. */
bool module_open(struct router *r, const struct module *module, const char *argument,
                 bool is_foreign, char *why, size_t size);
/* Likewise, from "FILE" or "FILE=ARGUMENT": the first '=' ends the file's name. A name without a
 * slash is a file in the working directory, never one of the system's libraries. `text` stays the
 * caller's for as long as the module is open. */
bool module_load(struct router *r, const char *text, char *why, size_t size);
/* Closes them in reverse order, and then the memory they share. After the last worker. */
void module_close_all(struct router *r);

#endif
