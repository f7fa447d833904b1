/*
 * scene.c — see scene.h.
 */
#include "scene.h"

#include <check.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS = 1000 };

struct stage *stage_new(void)
{
    static struct stage stage;
    stage.material.used = 0;
    stage.options = (struct options){.tls_ticket_time = 3600 * 1000};
    stage.tickets = tls_tickets_open(stage.options.tls_ticket_time);
    stage.context = NULL;
    ck_assert_ptr_nonnull(stage.tickets);
    return &stage;
}

void stage_open(struct stage *s)
{
    snprintf(s->why, sizeof s->why, "nothing was said");
    s->context = tls_context_open(&s->material, &s->options, s->tickets, s->why, sizeof s->why);
    ck_assert_msg(s->context, "%s", s->why);
}

void stage_free(struct stage *s)
{
    tls_context_close(s->context);
    tls_tickets_close(s->tickets);
    certs_free();
}

static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct visit *v = SSL_get_app_data(ssl);
    SSL_SESSION_free(v->ticket);
    v->ticket = session;
    v->tickets++;
    return 1;
}

static SSL_CTX *client_ctx(const struct client_spec *spec)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_ticket);
    if (spec->version) {
        SSL_CTX_set_min_proto_version(ctx, spec->version);
        SSL_CTX_set_max_proto_version(ctx, spec->version);
    }
    if (spec->version && spec->version < TLS1_2_VERSION)
        SSL_CTX_set_cipher_list(ctx, "ALL@SECLEVEL=0");
    if (spec->signatures)
        ck_assert_int_eq(SSL_CTX_set1_sigalgs_list(ctx, spec->signatures), 1);
    if (spec->groups)
        ck_assert_int_eq(SSL_CTX_set1_groups_list(ctx, spec->groups), 1);
    if (spec->cert)
        ck_assert_int_eq(SSL_CTX_use_cert_and_key(ctx, spec->cert->x509, spec->cert->key, NULL, 1),
                         1);
    return ctx;
}

struct visit *visit_open(struct tls_context *c, const struct client_spec *spec)
{
    struct visit *v = calloc(1, sizeof *v);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, v->ends),
                     0);
    v->ctx = client_ctx(spec);
    v->client = SSL_new(v->ctx);
    SSL_set_app_data(v->client, v);
    SSL_set_fd(v->client, v->ends[1]);
    SSL_set_connect_state(v->client);
    if (spec->name)
        SSL_set_tlsext_host_name(v->client, spec->name);
    if (spec->alpn)
        SSL_set_alpn_protos(v->client, (const unsigned char *)spec->alpn,
                            (unsigned)strlen(spec->alpn));
    if (spec->resume)
        ck_assert_int_eq(SSL_set_session(v->client, spec->resume), 1);
    if (spec->wants_staple)
        SSL_set_tlsext_status_type(v->client, TLSEXT_STATUSTYPE_ocsp);
    v->server = tls_open(c, v->ends[0]);
    ck_assert_ptr_nonnull(v->server);
    v->step = TLS_AGAIN;
    return v;
}

static bool client_waits(struct visit *v, int result)
{
    int error = SSL_get_error(v->client, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return true;
    v->client_error = ERR_GET_REASON(ERR_peek_error());
    return false;
}

void visit_shake(struct visit *v)
{
    for (int i = 0; i < ROUNDS; i++) {
        ERR_clear_error();
        v->client_result = SSL_do_handshake(v->client);
        bool is_waiting = v->client_result != 1 && client_waits(v, v->client_result);
        ERR_clear_error();
        if (v->step == TLS_AGAIN) {
            tls_refresh(v->server, false);
            v->step = tls_handshake(v->server);
        } else if (!is_waiting) {
            break;
        }
    }
    char byte; /* tickets come behind the handshake */
    if (v->client_result == 1) {
        ERR_clear_error();
        int n = SSL_read(v->client, &byte, 1);
        v->client_result = n <= 0 && client_waits(v, n) ? 1 : -1;
    }
    ERR_clear_error();
}

struct visit *visit_good(struct tls_context *c, const struct client_spec *spec)
{
    struct visit *v = visit_open(c, spec);
    visit_shake(v);
    ck_assert_msg(v->step == TLS_DONE, "%s",
                  v->step == TLS_AGAIN ? "it never ends" : tls_failure(v->server));
    ck_assert_int_eq(v->client_result, 1);
    return v;
}

struct visit *visit_bad(struct tls_context *c, const struct client_spec *spec)
{
    struct visit *v = visit_open(c, spec);
    visit_shake(v);
    ck_assert_int_eq(v->step, TLS_FAILED);
    ck_assert_int_ne(v->client_result, 1);
    return v;
}

void visit_close(struct visit *v)
{
    tls_close(v->server);
    SSL_SESSION_free(v->ticket);
    SSL_set_shutdown(v->client, SSL_SENT_SHUTDOWN); /* what was cut off is not resumed */
    SSL_free(v->client);
    SSL_CTX_free(v->ctx);
    for (int i = 0; i < 2; i++)
        if (v->ends[i] >= 0)
            close(v->ends[i]);
    free(v);
}

void visit_echo(struct visit *v, const char *text)
{
    char bytes[256];
    int n = (int)strlen(text);
    ck_assert_int_eq(SSL_write(v->client, text, n), n);
    tls_refresh(v->server, false);
    ck_assert_int_eq(tls_recv(v->server, bytes, sizeof bytes), n);
    ck_assert_int_eq(memcmp(bytes, text, (size_t)n), 0);
    ck_assert_int_eq(tls_recv(v->server, bytes, sizeof bytes), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(tls_send(v->server, text, (size_t)n, false), n);
    ck_assert_int_eq(SSL_read(v->client, bytes, sizeof bytes), n);
    ck_assert_int_eq(memcmp(bytes, text, (size_t)n), 0);
}

SSL_SESSION *visit_for_ticket(struct tls_context *c, const struct client_spec *spec)
{
    struct visit *v = visit_good(c, spec);
    SSL_SESSION *ticket = v->ticket;
    v->ticket = NULL;
    if (!ticket) /* one that is renewed in TLS 1.2 is not announced */
        ticket = SSL_get1_session(v->client);
    ck_assert(SSL_SESSION_has_ticket(ticket));
    visit_close(v);
    return ticket;
}

struct tls_facts visit_facts(const struct visit *v)
{
    struct tls_facts facts;
    tls_facts_of(v->server, &facts);
    return facts;
}
