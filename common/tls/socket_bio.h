/*
 * socket_bio.h — what lies below OpenSSL: the socket, and what is known of it.
 *
 * OpenSSL's own would ask a socket once more after each message whether there is another; this one
 * knows from a short read that there is none. And it says MSG_MORE, raises no SIGPIPE, remembers
 * how the connection has ended, and bounds what a handshake may take.
 */
#ifndef TANDEM_TLS_SOCKET_BIO_H
#define TANDEM_TLS_SOCKET_BIO_H

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>

enum { SOCKET_FIRST = 5 /* bytes: the head of a record */ };

struct socket_end {
    int fd;
    bool is_drained; /* nothing to be had until the next event */
    bool is_wary;    /* a short read does not mean so: an end may stand behind it */
    bool is_ended;   /* FIN */
    bool has_more;   /* more is sent at once */
    unsigned reads;  /* times that bytes have come; for the caller to reset */
    int error;       /* errno of what has broken it, and it stays broken; 0 */
    size_t allowed;  /* bytes it may still read; SIZE_MAX: no bound */
    size_t got;      /* bytes of `first` */
    unsigned char first[SOCKET_FIRST];
};

/* NULL: out of memory. For BIO_meth_free. */
BIO_METHOD *socket_bio_method(void);
/* `end` stays the caller's, and must outlive the BIO. NULL: out of memory. */
BIO *socket_bio_open(const BIO_METHOD *method, struct socket_end *end);

#endif
