/*
 * The servers under test.  One case runs against all three by way of check's loop tests: the number
 * behind a failing test's name is the row here (0 thread, 1 pool, 2 fresh).
 */
#ifndef TANDEM_TESTS_SUBJECTS_H
#define TANDEM_TESTS_SUBJECTS_H

#include <check.h>

enum subject_id { THREAD, POOL, FRESH, SUBJECTS };

struct subject {
    const char *name;
    const char *binary;    /* the environment variable that holds the program's path */
    const char *isolation; /* the value of --isolation, or NULL */
};

extern const struct subject subjects[SUBJECTS]; /* defined in server.c */

/*
 * How many of them this build can run, counted from the first: ThreadSanitizer knows threads only,
 * and processes that share memory look to it like one without locks.
 */
int subject_count(void);

/* Adds a test that runs once per subject; it finds the subject's row in _i. */
#define add_for_each_subject(tcase, test) tcase_add_loop_test(tcase, test, 0, subject_count())

/* The same for those whose workers are processes of their own; none when the build has none. */
#define add_for_each_isolated(tcase, test)                           \
    do {                                                             \
        if (subject_count() > POOL)                                  \
            tcase_add_loop_test(tcase, test, POOL, subject_count()); \
    } while (0)

#endif
