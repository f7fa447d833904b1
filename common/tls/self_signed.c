/*
 * self_signed.c — see self_signed.h.
 */
#include "self_signed.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include "library.h"

enum { EARLIER = 60 * 60, DAYS = 90, HOST_SIZE = 256 };

/* --- whom it is for --- */

static bool add_name(GENERAL_NAMES *names, int type, const void *bytes, size_t length)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value =
        ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
    if (!name || !value || !ASN1_STRING_set(value, bytes, (int)length)) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(names, i), name) == 0) {
            GENERAL_NAME_free(name);
            return true;
        }
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

/* An address or a name; one that no certificate can hold is left out. */
static bool add_host(GENERAL_NAMES *names, const char *host)
{
    static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    unsigned char binary[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host, binary) == 1)
        return add_name(names, GEN_IPADD, binary, sizeof(struct in_addr));
    if (inet_pton(AF_INET6, host, binary) == 1)
        return add_name(names, GEN_IPADD, binary, sizeof(struct in6_addr));
    if (!*host || strspn(host, fit) != strlen(host))
        return true;
    return add_name(names, GEN_DNS, host, strlen(host));
}

/* What is typed for "all addresses" is no host. */
static bool stands_for_all(const char *host)
{
    return !*host || strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0 ||
           strcmp(host, "::") == 0;
}

/* "host:port" or "[address%link]:port"; options_read has seen to it that it is one (listener.h). */
static bool add_listener(GENERAL_NAMES *names, const char *address)
{
    char host[HOST_SIZE];
    const char *colon = strrchr(address, ':');
    if (strncmp(address, "unix:", 5) == 0 || !colon)
        return true;
    size_t length = (size_t)(colon - address);
    if (length >= 2 && *address == '[') {
        address++;
        length = strcspn(address, "%]");
    }
    if (length >= sizeof host)
        return true;
    memcpy(host, address, length);
    host[length] = '\0';
    return stands_for_all(host) || add_host(names, host);
}

static bool add_hosts(GENERAL_NAMES *names, const struct options *o)
{
    char host[HOST_SIZE] = "";
    if (!add_host(names, "localhost") || !add_host(names, "127.0.0.1") || !add_host(names, "::1"))
        return false;
    if (gethostname(host, sizeof host - 1) == 0 && !add_host(names, host))
        return false;
    for (size_t i = 0; i < o->tls_listen.count; i++)
        if (!add_listener(names, o->tls_listen.all[i]))
            return false;
    return true;
}

/* --- the certificate --- */

static bool set_serial(X509 *cert)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] &= 0x7f; /* positive */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return ok;
}

static bool set_extensions(X509 *cert, const struct options *o)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new(); /* no CA */
    EXTENDED_KEY_USAGE *usage = EXTENDED_KEY_USAGE_new();
    bool ok = names && basic && usage && add_hosts(names, o) &&
              sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(NID_server_auth)) > 0 &&
              X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
              X509_add1_ext_i2d(cert, NID_basic_constraints, basic, 1, X509V3_ADD_DEFAULT) == 1 &&
              X509_add1_ext_i2d(cert, NID_ext_key_usage, usage, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(names);
    BASIC_CONSTRAINTS_free(basic);
    EXTENDED_KEY_USAGE_free(usage);
    return ok;
}

static X509 *make_certificate(EVP_PKEY *key, const struct options *o)
{
    static const unsigned char subject[] = "tandem, self-signed";
    X509 *cert = X509_new();
    X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
    if (name && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
        X509_gmtime_adj(X509_getm_notBefore(cert), -EARLIER) &&
        X509_time_adj_ex(X509_getm_notAfter(cert), DAYS, 0, NULL) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, subject, -1, -1, 0) == 1 &&
        X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
        set_extensions(cert, o) && X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

/* What a memory BIO frees, it overwrites before. */
static bool keep(struct material *m, X509 *cert, EVP_PKEY *key)
{
    BIO *text[2] = {BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())};
    bool ok = text[0] && text[1] && PEM_write_bio_X509(text[0], cert) == 1 &&
              PEM_write_bio_PrivateKey(text[1], key, NULL, NULL, 0, NULL, NULL) == 1;
    for (int i = 0; i < 2 && ok; i++) {
        char *bytes;
        long length = BIO_get_mem_data(text[i], &bytes);
        ok = material_add(m, i == 0 ? MATERIAL_CERT : MATERIAL_KEY, SELF_SIGNED_NAME, bytes,
                          (size_t)length);
    }
    BIO_free(text[0]);
    BIO_free(text[1]);
    return ok;
}

/* What this process has made; with neither, nothing yet. */
static struct {
    X509 *cert;
    EVP_PKEY *key;
} made;

static bool is_fresh(void)
{
    time_t late = time(NULL) + (time_t)(DAYS / 2) * 24 * 60 * 60;
    return made.cert && X509_cmp_time(X509_get0_notAfter(made.cert), &late) > 0;
}

static bool make(const struct options *o)
{
    EVP_PKEY *key = tls_library_wake() ? EVP_EC_gen("P-256") : NULL;
    X509 *cert = key ? make_certificate(key, o) : NULL;
    if (!cert) {
        EVP_PKEY_free(key);
        return false;
    }
    X509_free(made.cert);
    EVP_PKEY_free(made.key);
    made.cert = cert;
    made.key = key;
    return true;
}

bool self_signed_make(struct material *m, const struct options *o, char *why, size_t size)
{
    return ((is_fresh() || make(o)) && keep(m, made.cert, made.key)) ||
           tls_refuse(why, size, SELF_SIGNED_NAME ": no certificate could be made: %s",
                      tls_library_error());
}
