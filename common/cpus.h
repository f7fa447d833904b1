/*
 * cpus.h — how many CPUs this process may keep busy, which is seldom what the machine has.
 */
#ifndef TANDEM_CPUS_H
#define TANDEM_CPUS_H

/* The affinity mask, less what a cgroup v2 or v1 quota takes away, rounded up. At least 1. */
unsigned usable_cpus(void);

/* The quota part of it: `membership` is written like /proc/self/cgroup, `mount` laid out like
 * /sys/fs/cgroup. The smallest quota on the way up, in whole CPUs rounded up; 0: there is none. */
unsigned cpu_quota(const char *membership, const char *mount);

#endif
