/*
 * clients.c — see clients.h.
 */
#include "clients.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "../log.h"
#include "../tls_facts.h"
#include "library.h"

enum {
    LONGEST_CHAIN = 8,
    NAMES_ROOM = 65000 /* bytes of all names in what asks for a certificate: less than 64 KiB */
};

bool clients_subject(const X509 *cert, char *text, size_t size)
{
    BIO *to = BIO_new(BIO_s_mem());
    const char *line = NULL;
    *text = '\0';
    long length = to && X509_NAME_print_ex(to, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0
                      ? BIO_get_mem_data(to, &line)
                      : 0;
    bool fits = length > 0 && (size_t)length < size;
    if (fits) {
        memcpy(text, line, (size_t)length);
        text[length] = '\0';
    }
    BIO_free(to);
    return fits;
}

/* A subject that handlers could not be told whole is not half believed. */
static int look_closer(int is_good, X509_STORE_CTX *store)
{
    char subject[TLS_SUBJECT_SIZE];
    if (!is_good || X509_STORE_CTX_get_error_depth(store) > 0 ||
        clients_subject(X509_STORE_CTX_get_current_cert(store), subject, sizeof subject))
        return is_good;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

const char *clients_verdict(long verdict)
{
    return verdict == X509_V_ERR_APPLICATION_VERIFICATION
               ? "its subject is empty, or longer than handlers can be told"
               : X509_verify_cert_error_string(verdict);
}

/* Each is believed, and named to clients, so that they can choose which one to show. */
static bool add(struct believed *b, X509 *ca)
{
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(ca));
    if (name && X509_STORE_add_cert(b->store, ca) == 1 && sk_X509_NAME_push(b->names, name) > 0)
        return true;
    X509_NAME_free(name);
    return false;
}

/* How many there were; -1: out of memory, or one is damaged. */
static int add_all(struct believed *b, const struct material_item *file)
{
    static char nobody[] = ""; /* to be asked for a passphrase */
    BIO *from = BIO_new_mem_buf(file->bytes, (int)file->length);
    X509 *ca = NULL;
    int count = 0;
    bool ok = from != NULL;
    while (ok && (ca = PEM_read_bio_X509(from, NULL, NULL, nobody))) {
        ok = add(b, ca);
        count += ok;
        X509_free(ca);
    }
    unsigned long error = ERR_peek_last_error();
    ok = ok && ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    BIO_free(from);
    ERR_clear_error();
    return ok ? count : -1;
}

/* Their lengths have two bytes, and so has that of the whole list (RFC 8446 §4.2.4). */
static bool fit(STACK_OF(X509_NAME) * names)
{
    int bytes = 0;
    for (int i = 0; i < sk_X509_NAME_num(names) && bytes <= NAMES_ROOM; i++)
        bytes += 2 + i2d_X509_NAME(sk_X509_NAME_value(names, i), NULL);
    return bytes <= NAMES_ROOM;
}

static void name_none(struct believed *b, const char *file)
{
    log_line(LOG_WARN,
             "%s %s has too many names for a handshake: clients are told none, and "
             "choose by themselves which certificate to show",
             options_place_of("tls-client-ca", file), file);
    sk_X509_NAME_pop_free(b->names, X509_NAME_free);
    b->names = NULL;
}

bool clients_read(struct believed *b, const struct material_item *ca, char *why, size_t size)
{
    *b = (struct believed){.store = X509_STORE_new(), .names = sk_X509_NAME_new_null()};
    int count = b->store && b->names ? add_all(b, ca) : -1;
    if (count < 0)
        return tls_refuse(why, size, "%s %s: a certificate in it is damaged: copy the file again",
                          options_place_of("tls-client-ca", ca->name), ca->name);
    if (count == 0)
        return tls_refuse(why, size,
                          "%s %s has no certificate in it: give a PEM file with those "
                          "that have signed the clients'",
                          options_place_of("tls-client-ca", ca->name), ca->name);
    X509_STORE_set_flags(b->store, X509_V_FLAG_PARTIAL_CHAIN);
    if (!fit(b->names))
        name_none(b, ca->name);
    return true;
}

void clients_free(struct believed *b)
{
    X509_STORE_free(b->store);
    sk_X509_NAME_pop_free(b->names, X509_NAME_free);
}

bool clients_ask(SSL_CTX *ctx, const struct options *o, const struct believed *b)
{
    STACK_OF(X509_NAME) *names = b->names ? SSL_dup_CA_list(b->names) : NULL;
    if (b->names && !names)
        return false;
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set1_cert_store(ctx, b->store);
    SSL_CTX_set_verify_depth(ctx, LONGEST_CHAIN);
    SSL_CTX_set_verify(
        ctx, SSL_VERIFY_PEER | (o->tls_client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        look_closer);
    return true;
}
