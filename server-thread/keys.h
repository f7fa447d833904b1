/*
 * keys.h — certificates and keys: who reads them here, who keeps them, who uses them, and how they
 * are exchanged without dropping a connection.
 *
 * The serving process has given up opening files, and dies with any crash. So it is the supervisor
 * that reads them (as whoever has started the server), and keeps what it has read in memory it
 * shares with each serving process it starts: a self-signed certificate, and with the ticket keys
 * all sessions, outlive a crash.
 *
 *      files ── HUP ──▶ supervisor ══ offer ══▶ serving process ══ answer ══▶ supervisor
 *                       reads into the half     opens a context:              good: this half is what
 *                       that is not in use      good: new sessions have it,   the next process starts
 *                                               bad: says why, and goes on    with; the other is wiped
 *                                               as before
 *
 * Offer and answer are two numbers in shared memory; the signal only wakes. An offer whose process
 * dies is answered by the next one, which starts from the half that was good before.
 *
 * All of it can be read by every handler of the serving process: that is the truth about threads.
 * (server-proc keeps its keys where no handler runs: gate.h there.)
 */
#ifndef SERVER_THREAD_KEYS_H
#define SERVER_THREAD_KEYS_H

#include <stdbool.h>

#include "common/options.h"
#include "common/tls/session.h"
#include "common/tls_figures.h"

/* --- in the supervisor; with --one, in the only process --- */

/* Gets the shared memory, and reads the files. False: logged. Before the first serving process. */
bool keys_read(const struct options *o);
/* Overwrites what was read, and gives the memory back. */
void keys_close(void);
/* What is counted about TLS: in the same memory, so that it outlives a crash, too. */
struct tls_figures *keys_figures(void);
/* HUP: reads the files again and offers them. What cannot be read is logged, and nothing changes. */
void keys_read_again(const struct options *o);
/* Takes note of the answer, if there is one by now. True: not yet, ask again soon. */
bool keys_await_answer(const struct options *o);

/* --- in the serving process --- */

/* From now on, this process cannot write to what was read. */
void keys_protect(void);
/* Opens the first context. False: logged. Before any worker. */
bool keys_use(const struct options *o);
/* Answers an offer, and has ticket keys rotate. By the first thread, every few hundred ms. */
void keys_tick(const struct options *o);
/* A session with what is in use now. NULL: no memory. By any worker. */
struct tls_session *keys_open_session(int fd);
/* No session is opened any more. */
void keys_drop(void);

#endif
