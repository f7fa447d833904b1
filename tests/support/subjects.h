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

/* Adds a test that runs once per subject; it finds the subject's row in _i. */
#define add_for_each_subject(tcase, test) tcase_add_loop_test(tcase, test, 0, SUBJECTS)

#endif
