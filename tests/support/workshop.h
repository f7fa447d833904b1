/*
 * The folder a test program works in, and the documents it serves from there.
 *
 * Made once per program, before any case runs, and taken away when all cases passed; after a
 * failure it stays, with the logs of the servers in it, and its name is printed.
 */
#ifndef TANDEM_TESTS_WORKSHOP_H
#define TANDEM_TESTS_WORKSHOP_H

#include <check.h>
#include <stddef.h>

/*
 * The documents below the root (`workshop_root()`):
 *   index.html  a page             one.txt    1,024 bytes: 'a' to 'z' over and over
 *   empty.txt   nothing            big.bin    10 MiB from a fixed seed
 *   .hidden     never served       sub/index.html, sub/deep.txt    "with space.txt"
 *   bare/       a folder without an index
 *   coded.txt   with siblings .br .zst .gz; stale.txt with a .gz that is older than itself
 * one.txt and coded.txt were last modified when the year 2020 began; so their ETags are known.
 * Beside the root, never to be served: secret.txt, which holds SECRET.
 */
#define ONE_SIZE 1024
#define BIG_SIZE (10u << 20)
#define SECRET "not for anyone"

const char *workshop_root(void);

/* A path in the folder, built as printf builds it. */
void workshop_path(char *path, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What main of a test program returns: runs the suite inside a fresh workshop. */
int workshop_run(Suite *suite);

/* Makes workshop_run fail although every case passed; for what is known only after the last
 * case. */
void workshop_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
