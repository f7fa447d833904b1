/*
 * table.h — the table of options: one row each, which flags, environment, file, --help, --print-config,
 * the manual pages and the checks all go by. An option that has no row does not exist, and one that has
 * is known everywhere.
 *
 * Constant data and functions without a memory: whoever likes may call them.
 */
#ifndef TANDEM_OPTIONS_TABLE_H
#define TANDEM_OPTIONS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* How the value is read (value.c), and what it is called. */
enum kind {
    NUMBER,
    SIZE,
    DURATION,
    WORD,
    TEXT,
    VALUE,
    DOCUMENT,
    FOLDER,
    DESCRIPTOR,
    ADDRESS,
    ADMIN,
    MODULE,
    FILES,
    FILE_NAME,
    PROXY,
    RATE,
    USER,
    SWITCH,
    QUESTION
};

enum trait {
    OF_PROC = 1,  /* server-proc has it, its twin has not */
    OF_TLS = 2,   /* has no effect without --tls-listen */
    OF_FILES = 4, /* … without --root */
    OF_LINE = 8,  /* says what is to be done now, not how to serve: no setting for a file */
};

struct row {
    const char *name;
    enum kind kind;
    const char *standard; /* the default, as typed; NULL: computed, or none */
    size_t at, width;     /* of the field in struct options */
    const char *low;      /* the range, as typed; WORD: the words, in the order of the enum */
    const char *high;
    const char *help;
    unsigned traits;
};

enum { OPTION_ROOM = 80 /* rows, at most */, NAME_ROOM = 64 /* bytes for a name in any form */ };

/* `listen` comes first; behind the last one comes a row without a name. */
extern const struct row option_rows[];

/* NULL: there is none. `name` need not end behind its `length` bytes. */
const struct row *find_row(const char *name, size_t length);

/* What was probably meant by a name that is none; NULL: nothing of ours. */
const struct row *nearest_row(const char *name, size_t length);

/* Whether each use adds a value (struct texts), instead of taking the place of the one before. */
bool is_list(const struct row *row);

/* What stands for the value: "SIZE", "pool|fresh"; "" for none. */
const char *placeholder(const struct row *row);

/* The title above this row; NULL: it belongs to the group of the one before. */
const char *group_title(const struct row *row);

/* "max-body" as "TANDEM_MAX_BODY". Returns `out`. */
const char *variable_name(const struct row *row, char out[NAME_ROOM]);

#endif
