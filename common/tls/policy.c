/*
 * policy.c — see policy.h.
 */
#include "policy.h"

#include <openssl/err.h>
#include <string.h>

enum { SECURITY_LEVEL = 2 /* 112 bits: RSA of 2048, no SHA-1; Debian's default */ };

static const char ciphers_13[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char ciphers_12[] = /* forward secrecy, AEAD */
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char signatures[] = /* no SHA-1 */
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:"
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";
static const char groups[] = "X25519:P-256:P-384";
static const char groups_35[] = "X25519MLKEM768:X25519:P-256:P-384"; /* from OpenSSL 3.5 on */

/* The server's order; but a client that puts ChaCha20 first has no fast AES. Renegotiation has been
 * a source of trouble for as long as it has existed. A FIN without close_notify is an end like
 * another: HTTP knows by itself whether a message is whole. */
static const uint64_t settings = SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF;

/* The chain that is sent is the one in the file, not one that --tls-client-ca happens to complete. */
static const long modes = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                          SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN;

/* RFC 7301 §3.2. Who asks for nothing gets what there is. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                           const unsigned char *in, unsigned in_length, void *unused)
{
    static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
    (void)ssl;
    (void)unused;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_length, ours, sizeof ours - 1, in, in_length) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_groups(SSL_CTX *ctx)
{
    if (SSL_CTX_set1_groups_list(ctx, groups_35) == 1)
        return true;
    ERR_clear_error();
    return SSL_CTX_set1_groups_list(ctx, groups) == 1;
}

bool policy_set(SSL_CTX *ctx, const struct options *o)
{
    SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
    SSL_CTX_set_options(ctx, settings);
    SSL_CTX_set_mode(ctx, modes);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(ctx, o->tls_only_13 ? TLS1_3_VERSION : TLS1_2_VERSION) ==
               1 &&
           SSL_CTX_set_ciphersuites(ctx, ciphers_13) == 1 &&
           SSL_CTX_set_cipher_list(ctx, ciphers_12) == 1 && set_groups(ctx) &&
           SSL_CTX_set1_sigalgs_list(ctx, signatures) == 1 &&
           SSL_CTX_set_max_early_data(ctx, 0) == 1;
}
