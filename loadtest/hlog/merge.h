/*
 * merge.h — `loadtest merge`: the logs of several runs, machines or tools as if they were one.
 */
#ifndef LOADTEST_MERGE_H
#define LOADTEST_MERGE_H

/* `loadtest merge`, with the arguments after "merge"; returns the exit status. `command` is the
 * whole command line, for the record. */
int merge_main(int argc, char *const *argv, const char *command);

#endif
