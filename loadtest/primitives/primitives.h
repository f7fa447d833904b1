/*
 * primitives.h — `loadtest primitives`: the textbook on threads and processes, with this machine's
 * figures.
 */
#ifndef LOADTEST_PRIMITIVES_PRIMITIVES_H
#define LOADTEST_PRIMITIVES_PRIMITIVES_H

/* With the arguments after "primitives"; returns the exit status (run.h). The caller has one
 * thread. `command` is the whole command line, for the record. */
int primitives_main(int argc, char *const *argv, const char *command);

#endif
