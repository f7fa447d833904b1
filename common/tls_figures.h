/*
 * tls_figures.h — what is counted about TLS, in memory shared by all who count: workers of
 * server-thread, gates of server-proc, the keeper. For /metrics. All but the last never fall while the
 * server lives.
 */
#ifndef TANDEM_TLS_FIGURES_H
#define TANDEM_TLS_FIGURES_H

#include <stdatomic.h>
#include <stdint.h>

struct tls_figures {
    _Atomic uint64_t full;        /* handshakes that were done from the beginning */
    _Atomic uint64_t resumed;     /* … that went on with an earlier session */
    _Atomic uint64_t failed;      /* … that came to nothing, those too late included */
    _Atomic uint64_t gate_deaths; /* gates that had to be replaced (server-proc) */
    _Atomic uint64_t connections; /* open now, their handshake done: as the keeper last saw them */
};

#endif
