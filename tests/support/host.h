/*
 * A host for one module: what the servers offer in common/handler.h, over plain memory.
 *
 * The shared object is loaded as a server loads it, and asked as a server asks it, but within the
 * test, which may fork children that ask at the same time. The program must be linked with its
 * symbols exported, and without the core, which has the same functions. Test programs only.
 */
#ifndef TANDEM_TESTS_HOST_H
#define TANDEM_TESTS_HOST_H

#include <stddef.h>

#include "bytes.h"

struct host {
    void *library;
    const struct module *module;
    void *state;
    const char *refusal; /* what `open` has said; NULL when it was content */
};

/* Loads NAME.so from the folder of the built modules (TANDEM_EXAMPLES) and opens it. Ends the test
 * when it cannot be loaded; a refusal is for the caller to judge. */
struct host host_open(const char *name, const char *argument);
void host_close(struct host *host);

/* One request. What is not set is absent. */
struct question {
    const char *method;
    const char *target; /* not decoded: what stands in it is what the handler sees */
    const char *type;
    const void *body;
    size_t length;
    int fd; /* 0: the body is at `body` */
};

struct reply_of_module {
    int status; /* 404 also when no route is for this method and path */
    char type[128];
    char name[64], value[64]; /* the last header the handler has set */
    struct bytes body;        /* the caller's, see bytes_free */
};

struct reply_of_module host_ask(const struct host *host, const struct question *question);
/* A GET, most often. */
struct reply_of_module host_get(const struct host *host, const char *target);

/* What request_time_left() says from here on, in ms. */
void host_set_time_left(long ms);

#endif
