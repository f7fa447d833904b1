/*
 * cpu_time.h — the CPU time of a process and everything below it, the dead included.
 */
#ifndef TANDEM_CPU_TIME_H
#define TANDEM_CPU_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* User and system time, in ms, of `root`, its living descendants (down to LEVELS, see cpu_time.c),
 * and all dead ones that have been waited for: a server that forks for each request must not look
 * cheap because its children took their time to the grave. While some of them die it may tell less
 * than the time before: whoever makes a counter of it keeps the most (figures.c). False, *ms untouched,
 * when /proc does not tell, or so many are dying that no honest sum can be made. Any thread or
 * process. */
bool cpu_time(pid_t root, uint64_t *ms);

#endif
