/*
 * tls.c — OpenSSL over a socket of ours.
 *
 * OpenSSL reads and writes through a BIO of our own (struct wire_end), for three reasons: it knows
 * whether the last recv drained the socket, which saves one in two reads; a send to a peer that has
 * gone raises no SIGPIPE; and what ended the connection, FIN or RST, is remembered as it was.
 */
#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../units.h"

enum { RECORD_MAX = 16384 }; /* plain bytes in one record, RFC 8446 §5.1 */

struct tls_context {
    SSL_CTX *ctx;
    BIO_METHOD *method;
};

/* What lies below OpenSSL. */
struct wire_end {
    int fd;
    bool drained; /* the last recv found less than it had room for */
    bool ended;   /* FIN */
    int error;    /* errno of what ended it otherwise; 0 */
};

struct tls {
    struct tls_context *context;
    struct tls_facts *facts;
    const char *host;
    struct wire_end wire;
    int64_t begun_ns;
    struct handshake shaken;
    SSL *ssl;             /* NULL between connections */
    SSL_SESSION *session; /* to resume; NULL: none */
};

/* ── The BIO ───────────────────────────────────────────────────────────────────────────────────*/

static int wire_read(BIO *bio, char *to, size_t room, size_t *got)
{
    struct wire_end *wire = BIO_get_data(bio);
    ssize_t n = recv(wire->fd, to, room, 0);
    BIO_clear_retry_flags(bio);
    wire->drained = n < (ssize_t)room;
    *got = n > 0 ? (size_t)n : 0;
    if (n > 0)
        return 1;
    if (n == 0)
        wire->ended = true;
    else if (errno == EAGAIN || errno == EINTR)
        BIO_set_retry_read(bio);
    else
        wire->error = errno;
    return 0;
}

static int wire_write(BIO *bio, const char *from, size_t length, size_t *gone)
{
    struct wire_end *wire = BIO_get_data(bio);
    ssize_t n = send(wire->fd, from, length, MSG_NOSIGNAL);
    BIO_clear_retry_flags(bio);
    *gone = n > 0 ? (size_t)n : 0;
    if (n >= 0)
        return 1;
    if (errno == EAGAIN || errno == EINTR)
        BIO_set_retry_write(bio);
    else
        wire->error = errno;
    return 0;
}

static long wire_control(BIO *bio, int command, long number, void *pointer)
{
    const struct wire_end *wire = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return wire->ended;
    return command == BIO_CTRL_FLUSH; /* nothing is held back here */
}

static BIO_METHOD *make_method(void)
{
    BIO_METHOD *method =
        BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket"); /* no type: none looks for it */
    if (!method)
        return NULL;
    BIO_meth_set_read_ex(method, wire_read);
    BIO_meth_set_write_ex(method, wire_write);
    BIO_meth_set_ctrl(method, wire_control);
    return method;
}

/* ── The context ───────────────────────────────────────────────────────────────────────────────*/

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls *t = SSL_get_app_data(ssl);
    SSL_SESSION_free(t->session);
    t->session = session;
    return 1; /* it is ours now */
}

/* In words; errors of system calls have no reason of their own. */
static const char *reason_of(unsigned long error)
{
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    if (reason)
        return reason;
    return ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : "an unknown error";
}

static bool trust(SSL_CTX *ctx, const struct tls_choice *choice, struct complaint *why)
{
    SSL_CTX_set_verify(ctx, choice->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (choice->cacert) {
        if (SSL_CTX_load_verify_file(ctx, choice->cacert) == 1)
            return true;
        return complain(why, "--cacert %s: %s: give a PEM file of certificates", choice->cacert,
                        reason_of(ERR_peek_error()));
    }
    return choice->insecure || SSL_CTX_set_default_verify_paths(ctx) == 1 ||
           complain(why, "the system's certificates cannot be read: install ca-certificates, or "
                         "give --cacert FILE");
}

/* Nobody is there to be asked for a password. */
static int no_password(char *to, int room, int writing, void *asked)
{
    (void)to;
    (void)room;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static EVP_PKEY *read_key(const char *path, struct complaint *why)
{
    bool encrypted = false;
    FILE *in = fopen(path, "r");
    if (!in) {
        complain(why, "--key %s: %s", path, strerror(errno));
        return NULL;
    }
    EVP_PKEY *key = PEM_read_PrivateKey(in, NULL, no_password, &encrypted);
    fclose(in);
    if (!key)
        complain(why,
                 encrypted ? "--key %s: it is encrypted: \"openssl pkey -in FILE -out NEW\" makes "
                             "one that is not"
                           : "--key %s: no private key is in it: give a PEM file of one",
                 path);
    return key;
}

/* Who we are, for servers that ask. */
static bool introduce(SSL_CTX *ctx, const struct tls_choice *choice, struct complaint *why)
{
    if (!choice->cert)
        return true;
    if (SSL_CTX_use_certificate_chain_file(ctx, choice->cert) != 1)
        return complain(why, "--cert %s: %s: give a PEM file of a certificate", choice->cert,
                        reason_of(ERR_peek_error()));
    EVP_PKEY *key = read_key(choice->key ? choice->key : choice->cert, why);
    bool good = key && X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) == 1;
    if (key && !good)
        complain(why, "--key %s: it is not the key of the certificate in %s",
                 choice->key ? choice->key : choice->cert, choice->cert);
    good = good && (SSL_CTX_use_PrivateKey(ctx, key) == 1 || complain(why, "out of memory"));
    EVP_PKEY_free(key);
    return good;
}

static void set_up(SSL_CTX *ctx, const struct tls_choice *choice)
{
    static const unsigned char http11[] = "\x08http/1.1"; /* ALPN, RFC 7301 */
    bool resume = choice->resume;
    SSL_CTX_set_min_proto_version(ctx, choice->only_13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(ctx, choice->only_12 ? TLS1_2_VERSION : 0); /* 0: the latest */
    SSL_CTX_set_alpn_protos(ctx, http11, sizeof http11 - 1);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, resume ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
                                               : SSL_SESS_CACHE_OFF);
    if (resume)
        SSL_CTX_sess_set_new_cb(ctx, keep_session);
}

struct tls_context *tls_context_new(const struct tls_choice *choice, struct complaint *why)
{
    ERR_clear_error();
    struct tls_context *context = calloc(1, sizeof *context);
    if (context) {
        context->ctx = SSL_CTX_new(TLS_client_method());
        context->method = make_method();
    }
    if (!context || !context->ctx || !context->method) {
        complain(why, "out of memory while preparing TLS");
        tls_context_free(context);
        return NULL;
    }
    set_up(context->ctx, choice);
    if (trust(context->ctx, choice, why) && introduce(context->ctx, choice, why))
        return context;
    tls_context_free(context);
    return NULL;
}

void tls_context_free(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ctx);
    BIO_meth_free(context->method);
    free(context);
}

/* ── A session ─────────────────────────────────────────────────────────────────────────────────*/

struct tls *tls_new(struct tls_context *context, const char *host, struct tls_facts *facts)
{
    struct tls *t = calloc(1, sizeof *t);
    if (t)
        *t = (struct tls){.context = context, .facts = facts, .host = host};
    return t;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    SSL_SESSION_free(t->session);
    free(t);
}

static bool is_address(const char *host)
{
    unsigned char binary[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, binary) == 1 || inet_pton(AF_INET6, host, binary) == 1;
}

/* Whom we expect there. */
static bool name_peer(const struct tls *t)
{
    if (is_address(t->host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), t->host) == 1;
    return SSL_set_tlsext_host_name(t->ssl, t->host) == 1 && SSL_set1_host(t->ssl, t->host) == 1;
}

bool tls_begin(struct tls *t, int fd)
{
    ERR_clear_error();
    t->wire = (struct wire_end){.fd = fd};
    t->begun_ns = now_ns();
    t->ssl = SSL_new(t->context->ctx);
    BIO *bio = t->ssl ? BIO_new(t->context->method) : NULL;
    if (!bio) {
        tls_end(t, false);
        return false;
    }
    BIO_set_data(bio, &t->wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, t);
    SSL_set_connect_state(t->ssl);
    if (t->session)
        SSL_set_session(t->ssl, t->session);
    if (name_peer(t))
        return true;
    tls_end(t, false);
    return false;
}

/* In words, and with what to do about it where there is something. `when`: "in the handshake". */
static void note_failure(struct tls *t, const char *when)
{
    struct tls_facts *facts = t->facts;
    if (facts->first_failure[0] != '\0')
        return;
    long verdict = SSL_get_verify_result(t->ssl);
    char *text = facts->first_failure;
    size_t room = sizeof facts->first_failure;
    if (verdict != X509_V_OK && SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE)
        snprintf(text, room,
                 "certificate of %.60s: %s (--cacert FILE trusts, --insecure does not look)",
                 t->host, X509_verify_cert_error_string(verdict));
    else if (t->wire.error)
        snprintf(text, room, "%s: %s", when, strerror(t->wire.error));
    else if (t->wire.ended)
        snprintf(text, room, "%s: the connection was closed", when);
    else
        snprintf(text, room, "%s: %s", when, reason_of(ERR_peek_error()));
}

/* What decides how much work a handshake is. */
static void note_agreement(const struct tls *t)
{
    struct tls_facts *facts = t->facts;
    const char *group = SSL_group_to_name(t->ssl, (int)SSL_get_negotiated_group(t->ssl));
    const EVP_PKEY *key = X509_get0_pubkey(SSL_get0_peer_certificate(t->ssl));
    const char *kind = key ? EVP_PKEY_get0_type_name(key) : NULL;
    snprintf(facts->agreed, sizeof facts->agreed,
             "%.10s, %.40s, %.20s, %.16s certificate (%d bits)", SSL_get_version(t->ssl),
             SSL_get_cipher_name(t->ssl), group ? group : "no group", kind ? kind : "no",
             key ? EVP_PKEY_get_bits(key) : 0);
}

static void note_success(struct tls *t)
{
    int64_t now = now_ns();
    t->shaken = (struct handshake){
        .resumed = SSL_session_reused(t->ssl), .took_ns = now - t->begun_ns, .done_ns = now};
    if (t->facts->agreed[0] == '\0')
        note_agreement(t);
}

const struct handshake *tls_shaken(const struct tls *t)
{
    return &t->shaken;
}

enum tls_step tls_handshake(struct tls *t)
{
    ERR_clear_error();
    int result = SSL_do_handshake(t->ssl);
    if (result == 1) {
        note_success(t);
        return TLS_DONE;
    }
    int error = SSL_get_error(t->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return TLS_WAIT;
    note_failure(t, "in the handshake");
    return TLS_FAILED;
}

/* What SSL_read or SSL_write could not do, as errno has it. */
static ssize_t failed(struct tls *t, int result)
{
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        if (!t->wire.error && !t->wire.ended)
            note_failure(t, "after the handshake");
        errno = t->wire.error ? t->wire.error : t->wire.ended ? ECONNABORTED : EPROTO;
        return -1;
    }
}

ssize_t tls_recv(struct tls *t, void *to, size_t room)
{
    size_t n;
    ERR_clear_error();
    int result = SSL_read_ex(t->ssl, to, room, &n);
    return result == 1 ? (ssize_t)n : failed(t, result);
}

/* Several pieces go into one record, as far as they fit: a record is a system call. When the socket
 * is full, OpenSSL wants the same bytes again, and at least as many: they are still the first. */
static size_t gather(char *to, const struct iovec *pieces, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count && used < RECORD_MAX; i++) {
        size_t n = pieces[i].iov_len;
        if (n > RECORD_MAX - used)
            n = RECORD_MAX - used;
        memcpy(to + used, pieces[i].iov_base, n);
        used += n;
    }
    return used;
}

ssize_t tls_send(struct tls *t, const struct iovec *pieces, size_t count)
{
    char record[RECORD_MAX];
    const void *from = pieces[0].iov_base;
    size_t length = pieces[0].iov_len;
    size_t n;
    if (count > 1) {
        length = gather(record, pieces, count);
        from = record;
    }
    ERR_clear_error();
    int result = SSL_write_ex(t->ssl, from, length, &n);
    return result == 1 ? (ssize_t)n : failed(t, result);
}

bool tls_holds_back(const struct tls *t)
{
    return SSL_has_pending(t->ssl);
}

bool tls_drained(const struct tls *t)
{
    return t->wire.drained && !tls_holds_back(t);
}

void tls_end_sending(struct tls *t)
{
    ERR_clear_error();
    SSL_shutdown(t->ssl);
}

void tls_end(struct tls *t, bool politely)
{
    if (!t->ssl)
        return;
    ERR_clear_error();
    if (!politely) /* a session that was cut off may still be resumed */
        SSL_set_quiet_shutdown(t->ssl, 1);
    if (!SSL_in_init(t->ssl))
        SSL_shutdown(t->ssl);
    ERR_clear_error();
    SSL_free(t->ssl);
    t->ssl = NULL;
}

void tls_facts_merge(struct tls_facts *into, const struct tls_facts *from)
{
    if (into->agreed[0] == '\0')
        memcpy(into->agreed, from->agreed, sizeof into->agreed);
    if (into->first_failure[0] == '\0')
        memcpy(into->first_failure, from->first_failure, sizeof into->first_failure);
}
