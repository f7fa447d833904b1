/*
 * channel.h — how generations talk (upgrade.h, caretaker.h): messages of text, one descriptor with a
 * message at most, and the kernel says who has sent it. Workers of server-proc share the descriptor, so
 * nothing is believed that another process than the expected one has sent.
 */
#ifndef TANDEM_CHANNEL_H
#define TANDEM_CHANNEL_H

#include <stdbool.h>
#include <sys/types.h>

enum { CHANNEL_MESSAGE = 1024 /* bytes, with the 0 behind it */ };

struct message {
    char text[CHANNEL_MESSAGE];
    pid_t sender;
    int passed; /* a descriptor, the receiver's to close; -1: none */
};

/* ends[0] receives: reading it wakes the loop of the calling process (signals.h). False: errno. */
bool channel_open(int ends[2]);
/* Of an end that was opened elsewhere. */
bool channel_listen(int fd);
/* It wakes nobody any more: somebody else will read it. */
void channel_leave(int fd);

/* `passed` -1: none. Never waits. False: errno. */
bool channel_send(int fd, const char *text, int passed);
/* Never waits. False: there is none. */
bool channel_receive(int fd, struct message *m);

/* The number behind `field` ("WARD=") at the beginning of a line of the message; `otherwise` when there
 * is none. */
long channel_number(const char *text, const char *field, long otherwise);

#endif
