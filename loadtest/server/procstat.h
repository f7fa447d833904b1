/*
 * procstat.h — a process and everything below it, from /proc: CPU, memory, and who works there.
 *
 * Any thread; each call reads /proc afresh.
 */
#ifndef LOADTEST_PROCSTAT_H
#define LOADTEST_PROCSTAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_usage {
    double cpu_s; /* user + system, of the living and of all their dead children: a server
                     that forks for each request must not look cheap because its children
                     took their CPU time to the grave */
    unsigned processes;
    uint64_t pss_kib;    /* memory, each shared page counted by share */
    unsigned unreadable; /* processes whose memory may not be read (undumpable, and we not root) */
};

/* CPU and number of processes; false when `root` is gone. */
bool tree_cpu(pid_t root, struct tree_usage *usage);
/* The same and PSS, which costs the kernel a walk through every page table. */
bool tree_cpu_and_memory(pid_t root, struct tree_usage *usage);

/* The living processes from `root` down, itself included; fills up to `room`, returns how many. */
size_t tree_list(pid_t root, pid_t *found, size_t room);
/* Those of them that serve: processes below `root` that have no children of their own. When some
 * call themselves worker (nginx and server-proc do, and have helpers beside them), only those. A logger
 * does not. */
size_t tree_workers(pid_t root, pid_t *found, size_t room);

#endif
