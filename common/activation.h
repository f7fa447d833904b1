/*
 * activation.h — listening sockets that were open before this program was: systemd's, or those of the
 * generation that it is to replace (upgrade.h). Both hand them over in the same way, by sd_listen_fds(3):
 *
 *      LISTEN_PID      who is meant: us, or nobody has handed us anything
 *      LISTEN_FDS      how many; their numbers are 3, 4, …
 *      LISTEN_FDNAMES  what each is for, between colons; any other name says nothing
 *
 * The options say what is served; a socket takes the place of an option, in this order:
 *
 *      by its address     that of --listen, --tls-listen or --admin; port 0 is any port of our own
 *      by its name        http, https, admin (FileDescriptorName=): the first option of the kind that no
 *                         socket has by its address; a socket with no such name is http
 *      not at all         one more of its kind; but what the generation before had and the options ask
 *                         for no longer, is closed
 *
 * "http/own" is a socket that no service manager, but a generation of this server has opened: it is
 * sought by its address alone, and the last generation removes the file of a unix socket.
 *
 * Supervisor only, before anything else is started.
 */
#ifndef TANDEM_ACTIVATION_H
#define TANDEM_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

#include "listener.h"
#include "options.h"

/* The variables are taken out of the environment in any case, and the sockets are made close-on-exec
 * and non-blocking. False: logged, one line for each that is no listening stream socket. Once. */
bool activation_read(void);

/* Fills *ls with what the options ask for: sockets that were handed over first, others are opened.
 * False: logged; what is open by then is in *ls, and the rest is closed by activation_drop. */
bool activation_open(struct listeners *ls, const struct options *o);
/* Closes what nothing asked for. */
void activation_drop(void);

/* The name under which the next generation is handed this one; static memory. */
const char *activation_name(const struct listener *l);

#endif
