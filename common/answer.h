/*
 * answer.h — telling a client something: a worker its handler's answer, the keeper an obituary.
 *
 * For the owner of the connection. Every answer of this server, whoever gives it, goes through
 * answer_send(), so that they cannot differ in framing.
 */
#ifndef TANDEM_ANSWER_H
#define TANDEM_ANSWER_H

#include <stdbool.h>
#include <time.h>

#include "buf.h"
#include "clock.h"
#include "conn.h"
#include "response.h"
#include "server.h"

/* Who tells: one per worker, one for the keeper. */
struct teller {
    struct server *server;
    unsigned me;         /* the owner number it signs with */
    struct tally *tally; /* where it counts */
    struct response response;
    struct buf out;
    time_t date_at;
    char date[HTTP_DATE_SIZE];
    const char *id; /* that the client has given to what is answered next, sent back; NULL: none */
};

/* What its owner does with a connection next. */
enum next {
    NEXT_AGAIN, /* look for a further request at once */
    NEXT_WAIT,  /* let go: an event will come */
    NEXT_YIELD, /* let go, but others first: make an event */
    NEXT_GONE   /* it is not ours any more */
};

/* The form in which errors go to the client of c. */
enum problem_form conn_problem_form(const struct conn *c);

void teller_open(struct teller *t, struct server *s, unsigned me);
void teller_close(struct teller *t);

/* Sends t->response as the answer to the request whose facts stand in c->flags. Before it, c is in
 * phase SEND or READ, owned by t->me, nothing of this answer is out and the outbox is empty.
 * `is_quiet`: the client has nothing under way that a close could collide with. */
enum next answer_send(struct teller *t, struct conn *c, bool is_quiet);
/* Fills t->out with the head of an answer whose length is not known: in chunks, or up to the close.
 * False: it cannot be had. */
bool answer_head(struct teller *t, struct conn *c, bool is_chunked);
/* All of an answer is out, by other means: what is next. */
enum next answer_sent(struct teller *t, struct conn *c, bool is_quiet);
/* Goes on with an answer that waits in the outbox. */
enum next answer_continue(struct teller *t, struct conn *c);
/* Refuses what was read with `status` and ends the connection gently. `detail` may be NULL. */
enum next answer_refuse(struct teller *t, struct conn *c, int status, const char *detail,
                        const char *id);
/* The row of the tally in which an answer on `c` is counted; `route` as on the board, or -1. */
unsigned answer_row(const struct conn *c, int route);
/* Reads and forgets what a refused client still sends (RFC 9112 §9.6). */
enum next answer_linger(struct teller *t, struct conn *c);

#endif
