/*
 * tls_facts.h — what TLS has found out about a connection, for those who see its plain bytes only.
 *
 * Written once, when the handshake is over, by whoever has done it: a thread of server-thread, a
 * gate of server-proc, which sends it along with the connection (server-proc/handover.h). It lies
 * beside the connection's slot in shared memory, and handlers see it as request_tls() (handler.h).
 * It holds no pointer, so it can be sent and shared as it is.
 */
#ifndef TANDEM_TLS_FACTS_H
#define TANDEM_TLS_FACTS_H

#include <stdbool.h>

enum { TLS_VERSION_SIZE = 16, TLS_CIPHER_SIZE = 48, TLS_NAME_SIZE = 256, TLS_SUBJECT_SIZE = 448 };

struct tls_facts {
    char version[TLS_VERSION_SIZE];  /* "TLSv1.3" */
    char cipher[TLS_CIPHER_SIZE];    /* "TLS_AES_128_GCM_SHA256" */
    char server_name[TLS_NAME_SIZE]; /* whom the client has asked for (RFC 6066 §3); "": nobody */
    char subject[TLS_SUBJECT_SIZE];  /* of the client's verified certificate (RFC 4514); "": none */
    bool is_resumed;                 /* an earlier session goes on: no certificate was sent */
};

#endif
