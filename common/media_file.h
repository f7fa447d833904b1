/*
 * media_file.h — the file of --media-types, in memory that those who serve share with those who may read
 * it: whoever serves is in a sandbox, perhaps another user, and could not open it again.
 *
 *      supervisor: start, HUP ── reads the bytes, parses none ──▶ version, length, bytes
 *                                                                     │
 *      whoever serves: is the version another one? ── copies ── parses ◀┘ (media_type.h)
 *
 * The version is odd while bytes are being written: who has copied meanwhile copies again. Nobody waits.
 */
#ifndef TANDEM_MEDIA_FILE_H
#define TANDEM_MEDIA_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "media_type.h"

struct media_file {
    _Atomic uint32_t version;
    _Atomic uint32_t length;
    char bytes[MEDIA_TYPES_MAX]; /* pages beyond the file take no memory */
};

/* Supervisor, before it starts anything: maps it, and reads the file at `path`. That there is none is no
 * error for the usual one (MEDIA_TYPES_PATH), for another it is logged. NULL: no memory. */
struct media_file *media_file_open(const char *path);
void media_file_close(struct media_file *f);
/* Supervisor: reads it again. Where that fails, one line is logged and what was read before stays. */
void media_file_read(struct media_file *f, const char *path);
/* --check: whether it could be read. False: logged. By the first process. */
bool media_file_check(const char *path);
/* A process that makes others: they shall not have it. */
void media_file_keep_to_ourselves(struct media_file *f);

/* Whoever serves. False: it is what it was at *version. Else *types is what it says now, the caller's, for
 * media_types_close(); NULL: the built-in tables serve. */
bool media_file_take(const struct media_file *f, uint32_t *version, struct media_types **types);

#endif
