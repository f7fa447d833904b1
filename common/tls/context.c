/*
 * context.c — from the bytes of files to what sessions are opened from; and who gets which
 * certificate.
 *
 * The certificate is chosen in the client hello callback, the first thing that happens to a
 * connection: before a ticket is looked at, so that all rules are those of its site already.
 */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"
#include "clients.h"
#include "inside.h"
#include "library.h"
#include "policy.h"
#include "resume.h"
#include "socket_bio.h"

/* --- who is served by which site --- */

static const struct tls_site *site_by(const struct tls_context *c, const char *host,
                                      bool (*rule)(const struct names *, const char *))
{
    for (size_t i = 0; i < c->site_count; i++)
        if (rule(&c->sites[i].pairs[0]->names, host))
            return &c->sites[i];
    return NULL;
}

/* SSL_CTX_set_client_hello_cb(3). */
static int choose_site(SSL *ssl, int *alert, void *context)
{
    const struct tls_context *c = context;
    struct tls_hello *hello = SSL_get_app_data(ssl);
    const struct tls_site *site = NULL;
    names_asked_for(ssl, hello->server_name, sizeof hello->server_name);
    if (hello->server_name[0] != '\0')
        site = site_by(c, hello->server_name, names_have);
    if (!site && hello->server_name[0] != '\0')
        site = site_by(c, hello->server_name, names_cover);
    hello->is_known = site != NULL;
    if (SSL_set_SSL_CTX(ssl, site ? site->ctx : c->sites[0].ctx))
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_INTERNAL_ERROR; /* out of memory */
    return SSL_CLIENT_HELLO_ERROR;
}

/* A name that has been acted upon is acknowledged (RFC 6066 §3). */
static int acknowledge(SSL *ssl, int *alert, void *unused)
{
    const struct tls_hello *hello = SSL_get_app_data(ssl);
    (void)alert;
    (void)unused;
    return hello->is_known ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* --- staples --- */

static const struct staple *staple_of(const struct tls_context *c, const X509 *cert)
{
    for (size_t i = 0; i < c->pair_count; i++)
        if (c->pairs[i].cert == cert)
            return &c->pairs[i].staple;
    return NULL;
}

/* SSL_CTX_set_tlsext_status_cb(3): of two certificates that a site has, one has been chosen by now. */
static int add_staple(SSL *ssl, void *unused)
{
    (void)unused;
    const struct staple *s = staple_of(inside_of(ssl), SSL_get_certificate(ssl));
    unsigned char *copy =
        s && staple_is_good(s, time(NULL)) ? OPENSSL_memdup(s->bytes, s->length) : NULL;
    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)s->length); /* frees it */
    return SSL_TLSEXT_ERR_OK;
}

static bool read_staple(struct tls_context *c, const struct material_item *item, char *why,
                        size_t size)
{
    for (size_t i = 0; i < c->pair_count; i++)
        if (staple_read(&c->pairs[i].staple, item, c->pairs[i].cert, why, size))
            return true;
        else if (*why)
            return false;
    return tls_refuse(why, size,
                      "%s %s is about none of the certificates: fetch one for a --tls-cert "
                      "of this server, or leave it out",
                      options_place_of("tls-ocsp", item->name), item->name);
}

/* --- opening --- */

/* While it is being opened. */
struct opening {
    struct tls_context *c;
    const struct options *options;
    struct material_item ca;  /* bytes NULL: none */
    struct believed believed; /* what it holds, for all sites */
    char *why;
    size_t size;
};

static bool no_memory(struct opening *o)
{
    return tls_refuse(o->why, o->size, "TLS cannot be prepared: %s", tls_library_error());
}

static SSL_CTX *new_ctx(struct opening *o, const struct names *names)
{
    const struct material_item *ca = o->ca.bytes ? &o->ca : NULL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx || !policy_set(ctx, o->options) || !resume_set(ctx, o->options, ca, names) ||
        (ca && !clients_ask(ctx, o->options, &o->believed))) {
        no_memory(o);
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_app_data(ctx, o->c);
    SSL_CTX_set_client_hello_cb(ctx, choose_site, o->c);
    SSL_CTX_set_tlsext_servername_callback(ctx, acknowledge);
    SSL_CTX_set_tlsext_status_cb(ctx, add_staple);
    return ctx;
}

static bool has_kind(const struct tls_site *site, const char *kind)
{
    for (size_t i = 0; i < site->count; i++)
        if (strcmp(pair_kind(site->pairs[i]), kind) == 0)
            return true;
    return false;
}

/* For the same names, and another kind of key: then it is the client who chooses. */
static struct tls_site *site_to_join(struct tls_context *c, const struct tls_pair *p)
{
    for (size_t i = 0; i < c->site_count; i++)
        if (names_are_the_same(&c->sites[i].pairs[0]->names, &p->names) &&
            !has_kind(&c->sites[i], pair_kind(p)))
            return &c->sites[i];
    return NULL;
}

/* Nothing is wrong with it; but it cannot be what was meant. */
static void warn_of_idle(const struct tls_context *c, const struct tls_pair *p, const char *file)
{
    for (size_t i = 0; i < c->site_count; i++)
        if (names_are_the_same(&c->sites[i].pairs[0]->names, &p->names))
            log_line(LOG_WARN,
                     "%s %s is never shown: one before it has the same names and the same "
                     "kind of key (%s)",
                     options_place_of("tls-cert", file), file, pair_kind(p));
}

static bool place(struct opening *o, const struct tls_pair *p, const char *file)
{
    struct tls_context *c = o->c;
    struct tls_site *site = site_to_join(c, p);
    if (!site) {
        warn_of_idle(c, p, file);
        site = &c->sites[c->site_count];
        site->ctx = new_ctx(o, &p->names);
        if (!site->ctx)
            return false;
        c->site_count++;
    }
    site->pairs[site->count++] = p;
    return pair_use(p, site->ctx, file, o->why, o->size);
}

static bool add_pair(struct opening *o, const struct material_item *cert,
                     const struct material_item *key)
{
    struct tls_context *c = o->c;
    if (c->pair_count == CONTEXT_PAIRS)
        return tls_refuse(o->why, o->size, "too many certificates: leave some out");
    struct tls_pair *p = &c->pairs[c->pair_count];
    if (!pair_read(p, cert, key, o->why, o->size))
        return false;
    c->pair_count++;
    return place(o, p, cert->name);
}

/* They rule over all sites, so they are looked for first. */
static bool read_ca(struct opening *o, const struct material *m)
{
    struct material_item item;
    for (size_t at = 0; material_next(m, &at, &item);)
        if (item.kind == MATERIAL_CLIENT_CA)
            o->ca = item;
    return !o->ca.bytes || clients_read(&o->believed, &o->ca, o->why, o->size);
}

static bool read_pairs(struct opening *o, const struct material *m)
{
    struct material_item item, cert = {.bytes = NULL};
    for (size_t at = 0; material_next(m, &at, &item);) {
        if (item.kind == MATERIAL_CERT)
            cert = item;
        else if (item.kind == MATERIAL_KEY && cert.bytes && !add_pair(o, &cert, &item))
            return false;
    }
    return o->c->pair_count > 0 || tls_refuse(o->why, o->size, "TLS has no certificate");
}

static bool read_staples(struct opening *o, const struct material *m)
{
    struct material_item item;
    for (size_t at = 0; material_next(m, &at, &item);)
        if (item.kind == MATERIAL_OCSP && !read_staple(o->c, &item, o->why, o->size))
            return false;
    return true;
}

static bool fill(struct opening *o, const struct material *m)
{
    struct tls_context *c = o->c;
    c->ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    c->socket_method = socket_bio_method();
    if (!c->ticket_cipher || !c->socket_method)
        return no_memory(o);
    return read_ca(o, m) && read_pairs(o, m) && read_staples(o, m);
}

struct tls_context *tls_context_open(const struct material *m, const struct options *options,
                                     struct tls_tickets *tickets, char *why, size_t size)
{
    struct tls_context *c = tls_library_wake() ? calloc(1, sizeof *c) : NULL;
    struct opening o = {.c = c, .options = options, .why = why, .size = size};
    if (!c) {
        no_memory(&o);
        return NULL;
    }
    c->users = 1;
    c->tickets = tickets;
    c->ticket_time = options->tls_ticket_time;
    bool is_good = fill(&o, m);
    clients_free(&o.believed);
    if (is_good)
        return c;
    tls_context_close(c);
    return NULL;
}

/* --- closing --- */

static void destroy(struct tls_context *c)
{
    for (size_t i = 0; i < c->site_count; i++)
        SSL_CTX_free(c->sites[i].ctx);
    for (size_t i = 0; i < c->pair_count; i++)
        pair_free(&c->pairs[i]);
    EVP_CIPHER_free(c->ticket_cipher);
    BIO_meth_free(c->socket_method);
    free(c);
}

const struct tls_context *inside_of(const SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

struct tls_context *tls_context_keep(struct tls_context *c)
{
    atomic_fetch_add_explicit(&c->users, 1, memory_order_relaxed);
    return c;
}

void tls_context_close(struct tls_context *c)
{
    if (c && atomic_fetch_sub_explicit(&c->users, 1, memory_order_acq_rel) == 1)
        destroy(c);
}
