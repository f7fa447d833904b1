/*
 * What main of a unit test returns: runs the suite; success when every test passed.
 */
#ifndef TANDEM_TESTS_UNIT_H
#define TANDEM_TESTS_UNIT_H

#include <check.h>

int unit_run(Suite *suite);

#endif
