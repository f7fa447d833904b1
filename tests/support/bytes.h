/*
 * A growing string of bytes that may hold NULs.
 *
 * Requests and responses are built and kept in it.  A byte of value 0 always stands behind the last
 * one, so that text functions may be used on what is known to be text.  Test programs only.
 */
#ifndef TANDEM_TESTS_BYTES_H
#define TANDEM_TESTS_BYTES_H

#include <stddef.h>

struct bytes {
    char *at; /* NULL until something was added */
    size_t length;
    size_t room;
};

/* Appends; the memory is the struct's own until bytes_free.  Ends the program when memory is
 * out. */
void bytes_add(struct bytes *b, const void *from, size_t length);
void bytes_add_text(struct bytes *b, const char *text);
void bytes_addf(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes the first `length` bytes away. */
void bytes_drop(struct bytes *b, size_t length);

/* Forgets the content and keeps the memory. */
void bytes_clear(struct bytes *b);

/* Gives the memory back; the struct is empty and usable afterwards. */
void bytes_free(struct bytes *b);

/* The whole content of a file, never NULL in .at; empty when it cannot be read. */
struct bytes bytes_of_file(const char *path);

#endif
