/*
 * demo.h — `loadtest demo`: the pair, started, loaded, poisoned and compared by one command.
 */
#ifndef LOADTEST_DEMO_H
#define LOADTEST_DEMO_H

/* Takes the arguments after "demo"; returns the exit status. */
int demo_main(int argc, char *const *argv, const char *command);

#endif
