/*
 * futex.h — sleep until a word changes, and wake who sleeps on it (futex(2)).
 *
 * Not the private kind: the same call serves threads and processes, so that neither has an
 * advantage.
 */
#ifndef LOADTEST_PRIMITIVES_FUTEX_H
#define LOADTEST_PRIMITIVES_FUTEX_H

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sleeps while *word is `value`; may return early, so look again. */
static inline void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static inline void futex_wake_all(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

#endif
