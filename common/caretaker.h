/*
 * caretaker.h — what the first process of a service becomes once its binary has been replaced: it keeps
 * the pid that everybody knows, PID 1 of a container perhaps, and the next generation is its child.
 *
 *      supervisor ── USR2 ──▶ next generation              the caretaker of it, in the same process: it
 *      pid 100                pid 200, ready               has become the program that pid 200 runs
 *        │ drained                                              │
 *        └── exec ──▶ caretaker, pid 100 ── TERM INT HUP USR1 USR2 ──▶ pid 200
 *                        ▲   ▲ └── exits as pid 200 does               │ USR2
 *                        │   └──── the ward is pid 300 from now on ────┤
 *                        └──────── is its parent, too ──▶ pid 300 ◀────┘ pid 200 drains and ends
 *
 * It reaps whatever ends, and passes on what its ward tells the service manager. It opens nothing, parses
 * nothing of a client, and knows none of the options. When it dies, so does all that it has started.
 *
 * It is exec'ed with the state it needs in the environment, and with the arguments of the server behind
 * its own name, so that ps shows what it keeps. What the state looks like may be another thing in the next
 * version: a ward says which it knows (CARETAKER_FIELD), and if that is not ours, the program that is
 * running stays.
 */
#ifndef TANDEM_CARETAKER_H
#define TANDEM_CARETAKER_H

#include <stdbool.h>
#include <sys/types.h>

#define CARETAKER_FIELD "CARETAKER=" /* in a message of its ward: which version that could be */
#define CARETAKER_WARD \
    "WARD="                      /* …: this child of the caretaker is its ward from now on; with
                                      * the number, CARETAKER_FIELD, and the channel as SCM_RIGHTS */
#define CARETAKER_ENDED "ENDED=" /* to its ward: a child that is not, and its wait status */

enum { CARETAKER_VERSION = 1 };

struct caretaker {
    pid_t ward;
    pid_t leaving;    /* the generation before, still at what it has begun; 0: none */
    int channel;      /* to the ward, SOCK_SEQPACKET; the sender of each message is known */
    unsigned version; /* that the ward's program knows */
};

/* True: this process was made to be a caretaker: caretaker_main returns its exit code. First thing in
 * main(). */
bool caretaker_is_wanted(void);
int caretaker_main(char **argv);

/* The calling process becomes the caretaker and returns the exit code of the last ward, if it returns.
 * `argv` is that of the server. All that this process had to do is done; all its descriptors but the
 * channel are closed. */
int caretaker_become(const struct caretaker *c, char **argv);

#endif
