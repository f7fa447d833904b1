/*
 * template.h — text with names in it, which stands in a file of its own and goes into the program as
 * bytes.
 *
 *      {{name}}                     what the word of this name writes
 *      {{#name}} … {{/name}}        as often as the section of this name says, none included
 *
 * The text is ours and is trusted: a name that nobody knows, or a section without an end, fails the
 * buffer. What words write they escape themselves. Any thread, each with a buffer of its own.
 */
#ifndef TANDEM_HANDLERS_TEMPLATE_H
#define TANDEM_HANDLERS_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "../buf.h"

struct template_word {
    const char *name; /* NULL: the end of the table */
    void (*write)(struct buf *out, const void *about);
};

struct template_section {
    const char *name; /* likewise */
    /* Makes `about` speak of item `i`, beginning with 0. False: there are no more. */
    bool (*choose)(void *about, size_t i);
};

/* Appends the text to `out`. False: as buf_add(), or the text is not in order. */
bool template_write(struct buf *out, const char *text, const struct template_word *words,
                    const struct template_section *sections, void *about);

#endif
