/*
 * certs.c — see certs.h.
 */
#include "certs.h"

#include <check.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 64 };

static struct cert all[MANY];
static size_t count;

void certs_free(void)
{
    for (; count > 0; count--) {
        X509_free(all[count - 1].x509);
        EVP_PKEY_free(all[count - 1].key);
    }
}

static EVP_PKEY *make_key(const char *kind)
{
    EVP_PKEY *key = !kind                          ? EVP_EC_gen("P-256")
                    : strncmp(kind, "RSA", 3) == 0 ? EVP_RSA_gen((unsigned)atoi(kind + 3))
                    : strncmp(kind, "ED", 2) == 0  ? EVP_PKEY_Q_keygen(NULL, NULL, kind)
                                                   : EVP_EC_gen(kind);
    ck_assert_ptr_nonnull(key);
    return key;
}

static void extend(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void name_it(X509 *cert, const struct cert_spec *spec)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    if (spec->common)
        ck_assert_int_eq(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                                    (const unsigned char *)spec->common, -1, -1, 0),
                         1);
    X509_set_issuer_name(cert, spec->by ? X509_get_subject_name(spec->by->x509) : subject);
}

struct cert cert_make(const struct cert_spec *spec)
{
    static long serial = 1000;
    struct cert made = {.x509 = X509_new(), .key = make_key(spec->key)};
    EVP_PKEY *signer = spec->by ? spec->by->key : made.key;
    X509_set_version(made.x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.x509), spec->serial ? spec->serial : ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.x509), spec->from ? spec->from : -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.x509), spec->to ? spec->to : 3600);
    name_it(made.x509, spec);
    X509_set_pubkey(made.x509, made.key);
    extend(made.x509, NID_basic_constraints, spec->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (spec->is_client)
        extend(made.x509, NID_ext_key_usage, "clientAuth");
    if (spec->names)
        extend(made.x509, NID_subject_alt_name, spec->names);
    int kind = EVP_PKEY_get_base_id(signer);
    const EVP_MD *hash = kind == EVP_PKEY_ED25519 || kind == EVP_PKEY_ED448 ? NULL : EVP_sha256();
    ck_assert_int_gt(X509_sign(made.x509, signer, hash), 0);
    ck_assert_uint_lt(count, MANY);
    all[count++] = made;
    return made;
}

struct cert cert_for(const char *names)
{
    return cert_make(&(struct cert_spec){.names = names, .common = "a-test"});
}

static void add_bio(struct material *m, enum material_kind kind, const char *file, BIO *bio)
{
    char *bytes;
    long length = BIO_get_mem_data(bio, &bytes);
    ck_assert(material_add(m, kind, file, bytes, (size_t)length));
    BIO_free(bio);
}

void add_cert(struct material *m, const char *file, const struct cert *c)
{
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_X509(bio, c->x509), 1);
    add_bio(m, MATERIAL_CERT, file, bio);
}

void add_key(struct material *m, const char *file, const struct cert *c)
{
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, c->key, NULL, NULL, 0, NULL, NULL), 1);
    add_bio(m, MATERIAL_KEY, file, bio);
}

void add_pair(struct material *m, const char *name, const struct cert *c)
{
    char file[64];
    snprintf(file, sizeof file, "%s.pem", name);
    add_cert(m, file, c);
    snprintf(file, sizeof file, "%s.key", name);
    add_key(m, file, c);
}

void add_text(struct material *m, enum material_kind kind, const char *file, const char *text)
{
    ck_assert(material_add(m, kind, file, text, strlen(text)));
}

void add_chain(struct material *m, enum material_kind kind, const char *file,
               const struct cert *first, const struct cert *second)
{
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_X509(bio, first->x509), 1);
    if (second)
        ck_assert_int_eq(PEM_write_bio_X509(bio, second->x509), 1);
    add_bio(m, kind, file, bio);
}
