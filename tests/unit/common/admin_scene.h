/*
 * What the tests of --admin's handlers share: a server that is nothing but its shared memory, and a
 * way to ask it.
 */
#ifndef TANDEM_TESTS_ADMIN_SCENE_H
#define TANDEM_TESTS_ADMIN_SCENE_H

#include "common/response.h"
#include "common/server.h"

enum { SLOTS = 5 };

extern struct server server;
extern struct response response; /* the last answer */

void set_up(void);
void tear_down(void);

/* The body of the answer; valid until the next call. `accept` NULL: no such field. */
const char *get_as(const char *path, const char *query, const char *accept);
const char *get(const char *path);
/* There is such a line. */
void expect(const char *text, const char *line);
void name_route(unsigned index, const char *path);
/* All shared memory at random, or all bytes alike: as a wild worker may leave it. */
void scribble(unsigned *seed);
void fill_with(int byte);

#endif
