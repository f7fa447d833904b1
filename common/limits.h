/*
 * limits.h — every limit and time-out in one column, with what happens when it is passed.
 * The ones that are options stand here with their default as text, as one would type it.
 */
#ifndef TANDEM_LIMITS_H
#define TANDEM_LIMITS_H

/*      name                    default        when it is passed */
#define LIMIT_CONNECTIONS "10000" /* 503 with Retry-After, then close                           */
#define LIMIT_HEADER "16k"        /* 431: request line and headers together                     */
#define LIMIT_HEADERS "100"       /* 431: number of header lines                                */
#define LIMIT_URI "8k"            /* 414                                                        */
#define LIMIT_BODY "16m"          /* 413                                                        */
#define LIMIT_SPOOL "1g"          /* 503: all bodies that wait in descriptors, together         */
#define LIMIT_HEADER_TIME "20s"   /* 408 when a head has begun, else a silent close             */
#define LIMIT_BODY_TIME "20s"     /* 408: a whole body; what arrives earns more, see the rate    */
#define LIMIT_BODY_RATE "1k"      /* … one more second for each so many bytes                   */
#define LIMIT_BODY_TOTAL "1h"     /* 408: a whole body, at whatever rate                        */
#define LIMIT_IDLE_TIME "60s"     /* silent close of a connection that asks for nothing         */
#define LIMIT_WRITE_TIME "30s"    /* RST: the client has taken nothing for so long              */
#define LIMIT_REQUEST_TIME "30s"  /* 504: the handler has run for so long                       */
#define LIMIT_DRAIN_TIME "30s"    /* after TERM: what is left is cut off                        */
#define LIMIT_SHAKE_TIME "10s"    /* silent close: a TLS handshake takes longer                 */
#define LIMIT_TICKET_TIME "1h"    /* a TLS session can be resumed for so long                   */
#define LIMIT_REQUESTS "0"        /* requests a worker serves before it is replaced; 0 = no end */

enum {
    LIMIT_BODY_MEMORY = 32 * 1024, /* a longer body is spooled to a descriptor */
    LIMIT_CHUNK_OVERHEAD = 16384, /* 400: chunk extensions and trailers of one request, in bytes  */
    LIMIT_INLINE_FILE = 32 * 1024, /* a longer file goes by sendfile */
    LIMIT_TURN = 4 * 1024 * 1024, /* bytes sent on one connection before others get their turn    */
    LIMIT_RESPONSE = 64 << 20,    /* bytes of a body that a handler makes in memory               */
    LIMIT_DRAIN_IDLE_TIME =
        1000,                 /* ms, silent close: while draining, what asks for nothing so long */
    LIMIT_LINGER_TIME = 2000, /* ms: how long a refused client may go on sending              */
    LIMIT_SPARE_WAIT = 5000,  /* ms, 503: fresh: how long a request waits for a free child    */
    LIMIT_WORKERS = 1024,     /* --workers                                                    */
    LIMIT_SPARES = 256,       /* --spare                                                      */
    LIMIT_TEXTS = 64,         /* --module, --tls-cert, --trusted-proxy and the like, each     */
    LIMIT_LISTENERS = 16,     /* --listen and --tls-listen together                             */
    LIMIT_MODULES = 16,       /* --module, and those built in                                 */
    LIMIT_HOPS = 32,          /* proxies in a row whose word on the client is looked at       */
    LIMIT_GATES = 64,         /* --tls-gates                                                  */
    LIMIT_ROUTES = 128,       /* of all modules together                                      */
    LIMIT_REQUEST_ID = 64,    /* bytes of an X-Request-Id: a longer one is not taken           */
    LIMIT_RESERVED_FDS = 256, /* descriptors that are not connections                         */
    LIMIT_CORE_FDS = 64,      /* of these, the ones that no handler can use up                */
};

#endif
