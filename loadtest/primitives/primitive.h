/*
 * primitive.h — what one line of the table is: a way to do one thing, and nothing about how it is
 * timed, repeated or told.
 *
 * Each line is measured in a process of its own (host.h), so a primitive may do to its process what
 * it likes: fill it with a GiB, pin it, leave a partner running. The end of the process cleans up.
 */
#ifndef LOADTEST_PRIMITIVES_PRIMITIVE_H
#define LOADTEST_PRIMITIVES_PRIMITIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../complaint.h"

/* What one batch came to. */
struct lap {
    uint64_t done;   /* operations */
    int64_t wall_ns; /* for all of them */
    int64_t cpu_ns;  /* of everybody who took part */
    double bytes;    /* in groups that measure memory */
    uint64_t lost;   /* operations that left no trace (counters) */
};

/* The measuring process, as its primitive sees it. One thread uses it, the one that got it. */
struct bench {
    const void *with;     /* the line's own parameters, as in its struct primitive */
    void *state;          /* what open() has made for run() */
    pid_t runner;         /* the process above all measuring ones */
    pid_t partner;        /* a process that takes part: its CPU time counts too; 0: none */
    struct lap lap;       /* filled in by run(), with the clock below or by itself */
    struct complaint why; /* filled in before open() or run() return false */
    int64_t wall_ns, cpu_ns;
};

struct primitive {
    const char *name;  /* within its group; fixed, as JSON shows it */
    const char *title; /* for people */
    const void *with;
    bool heavy; /* takes seconds to prepare: --quick leaves it out */
    /* Once, at the start of the process. False: cannot be done here, b->why says why. */
    bool (*open)(struct bench *b);
    /* Does the thing `count` times or a few more, and leaves in b->lap how many and how long. */
    bool (*run)(struct bench *b, uint64_t count);
};

/* What the lines of a group are compared by. CPU time where all take turns on one CPU: it is the work
 * they make, and leaves out what other programs took of that CPU meanwhile. */
enum measure { CPU_TIME, ELAPSED_TIME, MEMORY };

/* A sentence of the textbook, and what must be found for it to hold. */
enum claim_kind {
    CHEAPER,      /* less is better: a below b in three quarters of the rounds */
    ALIKE,        /* a and b within a quarter of each other, in the median round */
    LOSES,        /* updates of a were lost */
    LOSES_NOTHING /* none was */
};

struct claim {
    const char *sentence;
    enum claim_kind kind;
    const char *a, *b; /* names of lines; b NULL where there is but one */
};

/* Lines that are measured in turns, and may be compared. */
struct group {
    const char *name;
    const char *title;
    const char *method; /* what is and is not in the figure */
    enum measure measure;
    const char *barred; /* why builds with a sanitizer leave it out; NULL: they do not */
    const struct primitive *lines;
    size_t count;
    const struct claim *claims;
    size_t claim_count;
};

extern const struct group create_group, switch_group, ask_group, stream_group, counter_group,
    memory_group, cow_group;

/* --- what primitives use --- */

/* Between these two the clock runs; several pairs add up. CPU time is that of this process, its
 * partner and its reaped children, so children are to be reaped between them or outside, not half
 * and half. */
void bench_clock_start(struct bench *b);
void bench_clock_stop(struct bench *b);

/* Keeps the calling thread, and whatever it will start, on the CPU of that number among those it
 * may use, counted from the last and modulo their number (so it works when there is only one). */
void bench_pin(unsigned index);

/* Zeroed memory that children share; it is never given back. NULL, and b->why, when there is
 * none. */
void *bench_shared(struct bench *b, size_t size);

/* `size` bytes of private memory, each page of `page` bytes written to, so that it is resident.
 * Not in huge pages. NULL, and b->why, when the machine cannot spare that much (room.h). */
unsigned char *bench_resident(struct bench *b, size_t size);
size_t bench_page(void);

#endif
