/*
 * pair.c — most of what can be wrong with TLS is wrong with these files, so there is a message for
 * each of the usual mistakes.
 */
#include "pair.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "../log.h"
#include "../options.h"
#include "library.h"
#include "self_signed.h"

/* --- certificates --- */

/* Nobody is there to be asked for a passphrase. */
static int ask_nobody(char *to, int size, int is_writing, void *was_asked)
{
    (void)to;
    (void)size;
    (void)is_writing;
    *(bool *)was_asked = true;
    return -1;
}

static bool holds(const struct material_item *item, const char *text)
{
    return memmem(item->bytes, item->length, text, strlen(text)) != NULL;
}

static bool no_certificate(const struct material_item *item, char *why, size_t size)
{
    if (holds(item, "-----BEGIN CERTIFICATE-----"))
        return tls_refuse(why, size, "%s %s: its first certificate is damaged: copy the file again",
                          options_place_of("tls-cert", item->name), item->name);
    return tls_refuse(
        why, size, "%s %s has no certificate in it: %s", options_place_of("tls-cert", item->name),
        item->name,
        holds(item, "PRIVATE KEY-----")
            ? "it is a key: --tls-cert and --tls-key may have been mixed up"
            : "give a PEM file (`openssl x509 -inform DER -in FILE` makes one of DER)");
}

/* False: there is an error other than the end. */
static bool read_chain(BIO *from, STACK_OF(X509) * chain)
{
    bool was_asked;
    X509 *next;
    while ((next = PEM_read_bio_X509(from, NULL, ask_nobody, &was_asked)))
        if (sk_X509_push(chain, next) <= 0) {
            X509_free(next);
            return false;
        }
    unsigned long error = ERR_peek_last_error();
    ERR_clear_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* Each has to be the issuer of the one before (RFC 5246 §7.4.2; clients of TLS 1.3 may put up with
 * more, but need not). */
static bool is_in_order(const struct tls_pair *p, const char *file, char *why, size_t size)
{
    X509 *below = p->cert;
    for (int i = 0; i < sk_X509_num(p->chain); i++) {
        X509 *above = sk_X509_value(p->chain, i);
        if (X509_check_issued(above, below) != X509_V_OK)
            return tls_refuse(why, size,
                              "%s %s: certificate %d in it has not signed the one before: "
                              "put the server's first, then the one that signed it, and so on",
                              options_place_of("tls-cert", file), file, i + 2);
        below = above;
    }
    return true;
}

static bool read_certificates(struct tls_pair *p, const struct material_item *item, char *why,
                              size_t size)
{
    bool was_asked, ok = false;
    BIO *from = BIO_new_mem_buf(item->bytes, (int)item->length);
    p->chain = sk_X509_new_null();
    p->cert = from && p->chain ? PEM_read_bio_X509(from, NULL, ask_nobody, &was_asked) : NULL;
    if (!from || !p->chain)
        tls_refuse(why, size, "out of memory");
    else if (!p->cert)
        no_certificate(item, why, size);
    else if (!read_chain(from, p->chain))
        tls_refuse(why, size, "%s %s: certificate %d in it is damaged: copy the file again",
                   options_place_of("tls-cert", item->name), item->name, sk_X509_num(p->chain) + 2);
    else
        ok = true;
    BIO_free(from);
    return ok;
}

/* --- keys --- */

static bool no_key(const struct material_item *item, bool is_encrypted, char *why, size_t size)
{
    if (is_encrypted)
        return tls_refuse(why, size,
                          "%s %s is encrypted, and there is nobody to ask for its passphrase: "
                          "`openssl pkey -in FILE` decrypts it",
                          options_place_of("tls-key", item->name), item->name);
    if (holds(item, "PRIVATE KEY-----"))
        return tls_refuse(why, size,
                          "%s %s: the key is damaged, or of an unknown kind: copy the file again",
                          options_place_of("tls-key", item->name), item->name);
    return tls_refuse(
        why, size, "%s %s has no private key in it: %s", options_place_of("tls-key", item->name),
        item->name,
        holds(item, "-----BEGIN CERTIFICATE-----")
            ? "it is a certificate: --tls-cert and --tls-key may have been mixed up"
            : "give a PEM file (`openssl pkey -inform DER -in FILE` makes one of DER)");
}

static bool read_key(struct tls_pair *p, const struct material_item *item, char *why, size_t size)
{
    bool was_asked = false;
    BIO *from = BIO_new_mem_buf(item->bytes, (int)item->length);
    p->key = from ? PEM_read_bio_PrivateKey(from, NULL, ask_nobody, &was_asked) : NULL;
    BIO_free(from);
    ERR_clear_error();
    return p->key || no_key(item, was_asked, why, size);
}

/* --- both --- */

static bool is_of_chain(const struct tls_pair *p)
{
    for (int i = 0; i < sk_X509_num(p->chain); i++)
        if (X509_check_private_key(sk_X509_value(p->chain, i), p->key) == 1)
            return true;
    return false;
}

static bool belong_together(const struct tls_pair *p, const char *cert, const char *key, char *why,
                            size_t size)
{
    bool ok = X509_check_private_key(p->cert, p->key) == 1;
    if (!ok && is_of_chain(p))
        tls_refuse(why, size,
                   "%s %s: the server's certificate, whose key is %s, is not the first in it: "
                   "put it before those that signed it",
                   options_place_of("tls-cert", cert), cert, key);
    else if (!ok)
        tls_refuse(why, size,
                   "%s %s is not the key of the certificate in %s: give each --tls-cert its "
                   "own --tls-key, in the same order",
                   options_place_of("tls-key", key), key, cert);
    ERR_clear_error();
    return ok;
}

/* Curves that all clients know; others would be refused by nearly everybody. */
static bool is_usual(const struct tls_pair *p, const char *file, char *why, size_t size)
{
    char curve[64] = "?";
    switch (EVP_PKEY_get_base_id(p->key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
    case EVP_PKEY_ED25519:
        return true;
    case EVP_PKEY_EC:
        EVP_PKEY_get_group_name(p->key, curve, sizeof curve, NULL);
        return strcmp(curve, "prime256v1") == 0 || strcmp(curve, "secp384r1") == 0 ||
               tls_refuse(why, size,
                          "%s %s: its key is on the curve %s, which few clients know: use "
                          "P-256 or P-384",
                          options_place_of("tls-cert", file), file, curve);
    default:
        return tls_refuse(why, size,
                          "%s %s: its key is of a kind that few clients know (%s): use ECDSA "
                          "or RSA",
                          options_place_of("tls-cert", file), file,
                          OBJ_nid2sn(EVP_PKEY_get_base_id(p->key)));
    }
}

static void warn_of_dates(const struct tls_pair *p, const char *file)
{
    if (X509_cmp_current_time(X509_get0_notAfter(p->cert)) < 0)
        log_line(LOG_WARN, "%s %s: the certificate has expired: clients will refuse it",
                 options_place_of("tls-cert", file), file);
    else if (X509_cmp_current_time(X509_get0_notBefore(p->cert)) > 0)
        log_line(LOG_WARN, "%s %s: the certificate is not good yet: clients will refuse it",
                 options_place_of("tls-cert", file), file);
}

bool pair_read(struct tls_pair *p, const struct material_item *cert,
               const struct material_item *key, char *why, size_t size)
{
    *p = (struct tls_pair){.is_self_signed = strcmp(cert->name, SELF_SIGNED_NAME) == 0};
    if (read_certificates(p, cert, why, size) && read_key(p, key, why, size) &&
        belong_together(p, cert->name, key->name, why, size) &&
        is_in_order(p, cert->name, why, size) && is_usual(p, cert->name, why, size)) {
        if (names_of(&p->names, p->cert)) {
            warn_of_dates(p, cert->name);
            return true;
        }
        tls_refuse(why, size, "out of memory");
    }
    ERR_clear_error();
    pair_free(p);
    return false;
}

void pair_free(struct tls_pair *p)
{
    X509_free(p->cert);
    sk_X509_pop_free(p->chain, X509_free);
    EVP_PKEY_free(p->key);
    names_free(&p->names);
    staple_free(&p->staple);
    *p = (struct tls_pair){0};
}

const char *pair_kind(const struct tls_pair *p)
{
    switch (EVP_PKEY_get_base_id(p->key)) {
    case EVP_PKEY_EC:
        return "ECDSA";
    case EVP_PKEY_ED25519:
        return "Ed25519";
    case EVP_PKEY_RSA_PSS:
        return "RSA-PSS";
    default:
        return "RSA";
    }
}

/* What else could be wrong is too weak for the security level (policy.c). */
bool pair_use(const struct tls_pair *p, SSL_CTX *ctx, const char *file, char *why, size_t size)
{
    if (SSL_CTX_use_cert_and_key(ctx, p->cert, p->key, p->chain, 0) == 1)
        return true;
    switch (ERR_GET_REASON(ERR_peek_error())) {
    case SSL_R_EE_KEY_TOO_SMALL:
    case SSL_R_CA_KEY_TOO_SMALL:
        tls_refuse(why, size,
                   "%s %s: a key of %d bits is too weak: make one of ECDSA P-256, or of RSA "
                   "with 2048 bits or more",
                   options_place_of("tls-cert", file), file, EVP_PKEY_get_bits(p->key));
        break;
    case SSL_R_CA_MD_TOO_WEAK:
        tls_refuse(why, size,
                   "%s %s: it is signed with a hash that is too weak: have it signed with "
                   "SHA-256",
                   options_place_of("tls-cert", file), file);
        break;
    default:
        return tls_refuse(why, size, "%s %s cannot be used: %s", options_place_of("tls-cert", file),
                          file, tls_library_error());
    }
    ERR_clear_error();
    return false;
}
