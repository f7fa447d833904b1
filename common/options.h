/*
 * options.h — the command line, the environment and the file of --config, read once, before anything
 * else happens.
 *
 * Both servers take the same options with the same meaning; where a model cannot honour one, its
 * start-up log says so (model.h). A flag wins over TANDEM_<NAME>, that over a line of the file, that over
 * the default. options/table.c has them all; options/sources.h says what each source looks like.
 */
#ifndef TANDEM_OPTIONS_H
#define TANDEM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"
#include "log.h"
#include "quarantine.h"
#include "trust.h"

enum isolation { ISOLATION_POOL, ISOLATION_FRESH };
enum log_format { FORMAT_COMBINED, FORMAT_JSON };

/* The values of an option that may be given more than once, as typed, in this order. */
struct texts {
    const char *all[LIMIT_TEXTS];
    size_t count;
};

struct options {
    struct texts listen;     /* "127.0.0.1:8080", "[::1]:0", "unix:/path" */
    struct texts tls_listen; /* the same; after options_read the two have at least one together */
    const char *admin;       /* address for /metrics and the like; NULL: none */
    const char *root;        /* NULL: no files are served */
    struct texts modules;    /* "FILE.so" or "FILE.so=ARGUMENT" */
    unsigned workers;        /* 1 … LIMIT_WORKERS; by default 4 a CPU, at least 8 */
    unsigned max_connections;
    uint64_t max_requests; /* per worker; 0 = no end */
    enum isolation isolation;
    unsigned spares; /* fresh: children kept ready; by default 2 a CPU, at least 4 */

    int64_t header_timeout; /* all time-outs in milliseconds, at least 1 */
    int64_t body_timeout;
    int64_t body_total_timeout;
    int64_t idle_timeout;
    int64_t write_timeout;
    int64_t request_timeout;
    int64_t drain_timeout;
    int64_t drain_delay; /* may be 0 */

    int64_t worker_cpu;   /* ms of CPU time for one request; 0: as much as it takes */
    size_t worker_memory; /* bytes a worker may add to what it was born with; 0: no bound */
    struct quarantine_rule quarantine; /* deaths 0: never */
    const char *user; /* whom the workers run as when the server was started by root; NULL:
                              nobody */
    bool sandbox;

    size_t max_header; /* bytes */
    unsigned max_headers;
    size_t max_uri;
    uint64_t max_body;
    uint64_t body_rate; /* bytes that earn a body one more second */
    uint64_t max_spool; /* bytes of all bodies that wait in descriptors, together */

    /* All of these only with tls_listen. */
    struct texts tls_certs;        /* PEM files: a certificate, and its chain behind it */
    struct texts tls_keys;         /* PEM files: the key of the certificate of the same index */
    struct texts tls_ocsp;         /* DER files: what an OCSP responder says of one of them */
    const char *tls_client_ca;     /* PEM file; NULL: clients are not asked for a certificate */
    bool tls_client_required;      /* … and without one, they are refused */
    bool tls_self_signed;          /* a certificate made at start, in memory */
    bool tls_only_13;              /* --tls-min 1.3 */
    unsigned tls_gates;            /* server-proc; by default one a CPU */
    int64_t tls_ticket_time;       /* ms; a session can be resumed, from its whole handshake */
    int64_t tls_handshake_timeout; /* ms */
    const char *hsts;              /* value of Strict-Transport-Security; NULL: none is sent */

    struct texts trusted_proxies; /* "ADDR", "ADDR/BITS" or "unix" … */
    struct trust trust;           /* … and what they come to */
    bool proxy_protocol;          /* only with some of them */

    const char *media_types;   /* a file like /etc/mime.types; there need not be one */
    bool listing;              /* folders without an index show what is in them */
    const char *not_found;     /* path below root of the page for 404; NULL: none */
    const char *cache_control; /* value of the field for files; NULL: none is sent */
    bool hide_server;          /* no Server field */

    const char *access_log; /* a path, "-" for stdout, or "off" */
    enum log_format log_format;
    enum log_level log_level;
    bool enable_demo;
    bool enable_faults;
    const char *config;  /* the file that was read, too; NULL: none */
    bool print_config;   /* --print-config: write what all of it comes to, start nothing */
    bool health;         /* --health: ask the running server, start nothing */
    bool one;            /* --one: serve in this process alone, for the debugger */
    bool check;          /* --check: read everything, start nothing */
    int ready_fd;        /* -1: nobody waits */
    char **argv;         /* as it was given to options_read */
    char **command_line; /* what all of it comes to, for a program of ours that is to read the same
                            without environment or file, which may have changed by then */
};

enum options_result {
    OPTIONS_RUN,  /* go on */
    OPTIONS_DONE, /* --help, --version or --print-config was answered on stdout: exit 0 */
    OPTIONS_BAD /* a line on stderr for each mistake has said what, where and how to mend it: exit 2;
                     *o holds whatever was right, and defaults */
};

/* Strings in *o live until options are read again, and argv and the environment they point into must, too.
 * `program` is "server-proc" or "server-thread"; `with_isolation` says whether --isolation and
 * --spare exist in this one. Called once, by the first process, before any other thread. */
enum options_result options_read(struct options *o, const char *program, bool with_isolation,
                                 int argc, char **argv);

/* The same, for a program that server-proc has started with its command_line: neither environment nor file
 * is read, and what is only looked up is not looked up again (is that a folder, is this descriptor open). */
enum options_result options_read_again(struct options *o, const char *program, int argc,
                                       char **argv);

/* Where a value was given, for a line that finds fault with it: "--listen", "TANDEM_LISTEN" or
 * "/etc/tandem.conf:3: listen". `index` counts the values of a list, from 0. For `name` there must be such
 * an option. The same text until the next call; by the process that has read them, one thread. */
const char *options_place(const char *name, size_t index);
/* The same, of the value that was typed so; of the first where none was. */
const char *options_place_of(const char *name, const char *typed);

#endif
