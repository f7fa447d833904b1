/*
 * reader.h — what has been read so far, and from where: shared by all that read or judge it.
 *
 *      flags ──> environment ──> file ──> sense.c ──> defaults
 *
 * Sources are read in this order, and the first that names an option has it: a flag wins even over a
 * variable or a line that could not be read. Whatever is wrong is said at once, each in a line of its
 * own that begins with the place, and reading goes on: whoever mends a configuration wants to hear all of it.
 * A value that was bad is as good as not given, and nothing that follows from it alone is said as well.
 *
 * For the process that reads the options, before it has a second thread.
 */
#ifndef TANDEM_OPTIONS_READER_H
#define TANDEM_OPTIONS_READER_H

#include "../options.h"
#include "table.h"

enum source { BY_DEFAULT, BY_FLAG, BY_VARIABLE, BY_FILE };

/* Of one option. */
struct found {
    enum source source;
    bool is_bad;                     /* something was said about it */
    unsigned line;                   /* BY_FILE: the first */
    bool in_section;                 /* BY_FILE: below [server-proc] or [server-thread] */
    size_t count;                    /* values taken: 0 or 1, or as many as a list has */
    const char *texts[LIMIT_TEXTS];  /* as typed; of a switch given as a flag: "on" */
    const char *places[LIMIT_TEXTS]; /* "--listen", "TANDEM_LISTEN", "/etc/tandem.conf:3: listen" */
};

struct reader {
    struct options *o;
    const char *program;
    bool with_isolation;
    bool is_again; /* what is there was looked up the first time, and may be gone by now */
    unsigned complaints;
    struct found found[OPTION_ROOM];
};

struct found *found_of(struct reader *r, const struct row *row);

/* Says what is wrong on stderr, in one line whatever the user typed; always false. */
bool complain(struct reader *r, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A source names an option that there is none of. The nearest name is proposed, as that source writes it. */
void complain_unknown(struct reader *r, const char *place, const char *name, size_t length,
                      enum source source);

/* A copy that lives until options are read anew; NULL without memory, which is said. */
char *keep(struct reader *r, const char *text);
void *keep_bytes(struct reader *r, const void *bytes, size_t size);
void forget_kept(void);

/* Where the option was given; "--name" where it was not. */
const char *place_of(struct reader *r, const char *name);

bool is_given(struct reader *r, const char *name);
bool is_bad(struct reader *r, const char *name);

#endif
