/*
 * Runs a suite that needs no servers and no folder; those that do go through workshop.c.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

int unit_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    setvbuf(stdout, NULL, _IOLBF, 0);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
