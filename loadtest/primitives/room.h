/*
 * room.h — how much memory may be taken before somebody gets hurt.
 */
#ifndef LOADTEST_PRIMITIVES_ROOM_H
#define LOADTEST_PRIMITIVES_ROOM_H

#include <stdint.h>

/* Bytes: the least of what /proc/meminfo calls available and of what the limits of our control
 * groups (version 2 or 1, and all above us that can be seen) leave; 0 when not even the first can
 * be read. Any thread. */
uint64_t memory_room(void);

#endif
