/*
 * resume.c — see resume.h.
 *
 *      whole handshake at time T ──▶ ticket (T) ── resumed ──▶ ticket (T) ── resumed ──▶ …
 *
 * T is sealed into each ticket as its application data; OpenSSL hands it on from a session to the
 * next. Its own date of a session does not do: TLS 1.3 sets it anew with each ticket.
 */
#include "resume.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>
#include <time.h>

#include "inside.h"

enum { NO_TICKET = 0, GOOD = 1, GOOD_BUT_RENEW = 2, BROKEN = -1 };

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    static char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int seal(const struct tls_context *c, struct ticket_key *key,
                unsigned char name[TICKET_NAME_SIZE], unsigned char *iv, EVP_CIPHER_CTX *cipher,
                EVP_MAC_CTX *mac)
{
    if (!tls_tickets_sealing(c->tickets, key))
        return BROKEN;
    memcpy(name, key->name, sizeof key->name);
    bool ok = RAND_bytes(iv, EVP_CIPHER_get_iv_length(c->ticket_cipher)) == 1 &&
              EVP_EncryptInit_ex2(cipher, c->ticket_cipher, key->cipher, iv, NULL) == 1 &&
              set_mac(mac, key);
    return ok ? GOOD : BROKEN;
}

static int open_sealed(const struct tls_context *c, struct ticket_key *key,
                       const unsigned char name[TICKET_NAME_SIZE], const unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    enum ticket_age age = tls_tickets_find(c->tickets, name, key);
    if (age == TICKET_UNKNOWN)
        return NO_TICKET;
    if (EVP_DecryptInit_ex2(cipher, c->ticket_cipher, key->cipher, iv, NULL) != 1 ||
        !set_mac(mac, key))
        return BROKEN;
    return age == TICKET_CURRENT ? GOOD : GOOD_BUT_RENEW;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3). */
static int with_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                    EVP_MAC_CTX *mac, int is_sealing)
{
    struct ticket_key key;
    const struct tls_context *c = inside_of(ssl);
    int result = is_sealing ? seal(c, &key, name, iv, cipher, mac)
                            : open_sealed(c, &key, name, iv, cipher, mac);
    OPENSSL_cleanse(&key, sizeof key);
    return result;
}

/* ms, the same in all processes of a host. Ticket keys outlive no boot, so nor do tickets; and this
 * clock goes on while the machine sleeps, and is not set. */
static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* SSL_CTX_set_session_ticket_cb(3). A session that goes on has the time of its whole handshake. */
static int add_time(SSL *ssl, void *unused)
{
    SSL_SESSION *session = SSL_get_session(ssl);
    int64_t now = now_ms();
    void *had;
    size_t length;
    (void)unused;
    if (SSL_SESSION_get0_ticket_appdata(session, &had, &length) == 1 && length == sizeof now)
        return 1;
    return SSL_SESSION_set1_ticket_appdata(session, &now, sizeof now);
}

static bool is_over(SSL *ssl, SSL_SESSION *session)
{
    int64_t began;
    void *had;
    size_t length;
    if (SSL_SESSION_get0_ticket_appdata(session, &had, &length) != 1 || length != sizeof began)
        return true;
    memcpy(&began, had, sizeof began);
    return now_ms() - began > inside_of(ssl)->ticket_time;
}

/* Whoever goes on does not show his certificate again: its own time must not be over. */
static bool is_peer_over(SSL_SESSION *session)
{
    const X509 *peer = SSL_SESSION_get0_peer(session);
    return peer && X509_cmp_current_time(X509_get0_notAfter(peer)) < 0;
}

/* A client of TLS 1.3 uses a ticket once (RFC 8446 §C.4): with none in return it would have to begin
 * anew each second time. */
static SSL_TICKET_RETURN judge(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                               size_t name_length, SSL_TICKET_STATUS status, void *unused)
{
    (void)name;
    (void)name_length;
    (void)unused;
    bool is_open = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
    if (!is_open || is_over(ssl, session) || is_peer_over(session))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS_RENEW || SSL_version(ssl) >= TLS1_3_VERSION
               ? SSL_TICKET_RETURN_USE_RENEW
               : SSL_TICKET_RETURN_USE;
}

/* In a fixed order, whatever the order in the certificate. */
static bool digest_names(EVP_MD_CTX *md, const struct names *names)
{
    unsigned char sum[32] = {0};
    for (size_t i = 0; i < names->count; i++) {
        unsigned char one[EVP_MAX_MD_SIZE];
        if (EVP_Digest(names->all[i], strlen(names->all[i]), one, NULL, EVP_sha256(), NULL) != 1)
            return false;
        for (size_t k = 0; k < sizeof sum; k++)
            sum[k] ^= one[k];
    }
    return EVP_DigestUpdate(md, sum, sizeof sum) == 1;
}

/* What has to be the same: it fits SSL_MAX_SID_CTX_LENGTH just so. */
static bool set_identity(SSL_CTX *ctx, const struct options *o, const struct material_item *ca,
                         const struct names *names)
{
    unsigned char identity[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    unsigned char rule = !ca ? 0 : o->tls_client_required ? 2 : 1;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(md, &rule, sizeof rule) == 1 && digest_names(md, names) &&
              (!ca || EVP_DigestUpdate(md, ca->bytes, ca->length) == 1) &&
              EVP_DigestFinal_ex(md, identity, &length) == 1 &&
              SSL_CTX_set_session_id_context(ctx, identity, length) == 1;
    EVP_MD_CTX_free(md);
    return ok;
}

bool resume_set(SSL_CTX *ctx, const struct options *o, const struct material_item *ca,
                const struct names *names)
{
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ctx, (long)(o->tls_ticket_time / 1000));
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, with_key) == 1 &&
           SSL_CTX_set_session_ticket_cb(ctx, add_time, judge, NULL) == 1 &&
           set_identity(ctx, o, ca, names);
}
