/*
 * context: who gets which certificate, and what is said of files that are no good.
 */
#include "common/tls/context.h"

#include <check.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scene.h"
#include "unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct stage *stage;

/* That of the C library, and how much later it is. */
static long later;

time_t time(time_t *to)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to)
        *to = now.tv_sec + later;
    return now.tv_sec + later;
}

static void new_stage(void)
{
    stage = stage_new();
}

static void close_stage(void)
{
    stage_free(stage);
}

/* --- by name --- */

/* A visit of somebody who asks for `name` is shown `cert`. */
static void check_shown(const char *name, const struct cert *cert, const char *signatures)
{
    struct client_spec spec = {.name = name, .signatures = signatures};
    struct visit *v = visit_good(stage->context, &spec);
    X509 *shown = SSL_get0_peer_certificate(v->client);
    ck_assert_msg(X509_cmp(shown, cert->x509) == 0, "%s was shown another certificate",
                  name ? name : "nobody");
    ck_assert_str_eq(visit_facts(v).server_name, name ? name : "");
    visit_close(v);
}

START_TEST(test_chosen_by_name)
{
    struct cert first = cert_for("DNS:first.example"), wild = cert_for("DNS:*.example.org"),
                exact = cert_for("DNS:www.example.org,IP:127.0.0.1"),
                named = cert_make(&(struct cert_spec){.common = "by-common-name.example"});
    add_pair(&stage->material, "first", &first);
    add_pair(&stage->material, "wild", &wild);
    add_pair(&stage->material, "exact", &exact);
    add_pair(&stage->material, "named", &named);
    stage_open(stage);
    const struct {
        const char *name;
        const struct cert *cert;
    } cases[] = {{NULL, &first},
                 {"first.example", &first},
                 {"FIRST.example", &first},
                 {"www.example.org", &exact},
                 {"mail.example.org", &wild},
                 {"Mail.Example.ORG", &wild},
                 {"a.b.example.org", &first},
                 {"example.org", &first},
                 {".example.org", &first},
                 {"by-common-name.example", &named},
                 {"a-test", &first}, /* common names beside alternative ones mean nothing */
                 {"127.0.0.1", &first},
                 {"nobody.example", &first}};
    for (int i = 0; i < COUNT(cases); i++)
        check_shown(cases[i].name, cases[i].cert, NULL);
}
END_TEST

/* By the client's abilities, for the default and for another name. */
START_TEST(test_rsa_and_ecdsa_side_by_side)
{
    static const char ecdsa[] = "ECDSA+SHA256", rsa[] = "RSA-PSS+SHA256:RSA+SHA256";
    struct cert certs[2][2];
    const char *names[] = {"DNS:one.example,DNS:*.one.example", "DNS:two.example"};
    for (int i = 0; i < 2; i++) {
        certs[i][0] = cert_make(&(struct cert_spec){.names = names[i], .key = "RSA2048"});
        certs[i][1] = cert_make(&(struct cert_spec){.names = names[i]});
        add_pair(&stage->material, i == 0 ? "one-rsa" : "two-rsa", &certs[i][0]);
        add_pair(&stage->material, i == 0 ? "one" : "two", &certs[i][1]);
    }
    stage_open(stage);
    check_shown("one.example", &certs[0][1], ecdsa);
    check_shown("one.example", &certs[0][0], rsa);
    check_shown(NULL, &certs[0][0], rsa);
    check_shown("x.one.example", &certs[0][1], ecdsa);
    check_shown("two.example", &certs[1][1], ecdsa);
    check_shown("two.example", &certs[1][0], rsa);
}
END_TEST

/* The order in a certificate does not matter; a third of the same kind stands behind the first. */
START_TEST(test_the_same_names_twice)
{
    struct cert ecdsa = cert_for("DNS:a.example,DNS:b.example"),
                again = cert_for("DNS:b.example,DNS:a.example"),
                ed = cert_make(
                    &(struct cert_spec){.names = "DNS:B.example,DNS:a.example", .key = "ED25519"}),
                part = cert_make(&(struct cert_spec){.names = "DNS:a.example", .key = "RSA2048"});
    add_pair(&stage->material, "ecdsa", &ecdsa);
    add_pair(&stage->material, "again", &again);
    add_pair(&stage->material, "ed", &ed);
    add_pair(&stage->material, "part", &part);
    stage_open(stage);
    check_shown("a.example", &ecdsa, "ECDSA+SHA256");
    check_shown("b.example", &ed, "ed25519");
    char line[512];
    tls_context_describe(stage->context, line, sizeof line);
    ck_assert_ptr_nonnull(strstr(line, "a.example b.example (ECDSA, until "));
    ck_assert_ptr_nonnull(strstr(line, "; Ed25519, until "));
    ck_assert_ptr_nonnull(strstr(line, "); a.example (RSA, until "));
}
END_TEST

/* A client that has to begin again with another group is asked for the name twice. */
START_TEST(test_hello_retry)
{
    struct cert first = cert_for("DNS:first.example"), second = cert_for("DNS:second.example");
    struct client_spec spec = {
        .name = "second.example", .groups = "P-521:P-256", .version = TLS1_3_VERSION};
    add_pair(&stage->material, "first", &first);
    add_pair(&stage->material, "second", &second);
    stage_open(stage);
    struct visit *v = visit_good(stage->context, &spec);
    ck_assert_int_eq(X509_cmp(SSL_get0_peer_certificate(v->client), second.x509), 0);
    ck_assert_str_eq(visit_facts(v).server_name, "second.example");
    visit_close(v);
    spec.groups = "P-521";
    visit_close(visit_bad(stage->context, &spec));
}
END_TEST

START_TEST(test_chain_is_sent)
{
    struct cert root = cert_make(&(struct cert_spec){.common = "root", .is_ca = true}),
                middle =
                    cert_make(&(struct cert_spec){.common = "middle", .is_ca = true, .by = &root}),
                leaf = cert_make(&(struct cert_spec){.names = "DNS:localhost", .by = &middle});
    add_chain(&stage->material, MATERIAL_CERT, "chain.pem", &leaf, &middle);
    add_key(&stage->material, "chain.key", &leaf);
    stage_open(stage);
    struct visit *v = visit_good(stage->context, &(struct client_spec){.name = "localhost"});
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(v->client);
    ck_assert_int_eq(sk_X509_num(sent), 2);
    ck_assert_int_eq(X509_cmp(sk_X509_value(sent, 1), middle.x509), 0);
    visit_close(v);
}
END_TEST

START_TEST(test_description_is_cut_within_bounds)
{
    char line[64], all[1024];
    struct cert c = cert_for("DNS:a-long-name-of-a-host.example.org,DNS:b.example.org");
    add_pair(&stage->material, "a", &c);
    stage_open(stage);
    tls_context_describe(stage->context, all, sizeof all);
    for (size_t size = 1; size <= sizeof line; size++) {
        memset(line, 'x', sizeof line);
        tls_context_describe(stage->context, line, size);
        ck_assert_uint_eq(strlen(line), strlen(all) < size ? strlen(all) : size - 1);
        ck_assert_int_eq(strncmp(line, all, strlen(line)), 0);
    }
}
END_TEST

/* --- what is no good --- */

static struct cert good, other, root;

static void add_middle_chain(struct material *m, bool is_backwards)
{
    static struct cert leaf;
    leaf = cert_make(&(struct cert_spec){.names = "DNS:localhost", .by = &root});
    if (is_backwards)
        add_chain(m, MATERIAL_CERT, "x.pem", &root, &leaf);
    else
        add_chain(m, MATERIAL_CERT, "x.pem", &leaf, &other);
    add_key(m, "x.key", &leaf);
}

static void backwards(struct material *m)
{
    add_middle_chain(m, true);
}

static void unrelated(struct material *m)
{
    add_middle_chain(m, false);
}

static void no_pem(struct material *m)
{
    add_text(m, MATERIAL_CERT, "x.pem", "nothing of the kind\n");
    add_key(m, "x.key", &good);
}

static void der(struct material *m)
{
    unsigned char *bytes = NULL;
    int n = i2d_X509(good.x509, &bytes);
    ck_assert(material_add(m, MATERIAL_CERT, "x.pem", bytes, (size_t)n));
    OPENSSL_free(bytes);
    add_key(m, "x.key", &good);
}

static void damaged(struct material *m)
{
    add_text(m, MATERIAL_CERT, "x.pem",
             "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    add_key(m, "x.key", &good);
}

static void damaged_chain(struct material *m)
{
    char text[8192];
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, good.x509);
    int n = BIO_read(bio, text, sizeof text / 2);
    snprintf(text + n, sizeof text - (size_t)n,
             "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    add_text(m, MATERIAL_CERT, "x.pem", text);
    add_key(m, "x.key", &good);
    BIO_free(bio);
}

static void mixed_up(struct material *m)
{
    struct material_item item;
    size_t at = 0;
    static struct material other_way;
    other_way.used = 0;
    add_pair(&other_way, "y", &good);
    ck_assert(material_next(&other_way, &at, &item));
    ck_assert(material_next(&other_way, &at, &item));
    ck_assert(material_add(m, MATERIAL_CERT, "x.pem", item.bytes, item.length));
    add_key(m, "x.key", &good);
}

static void certificate_for_a_key(struct material *m)
{
    add_cert(m, "x.pem", &good);
    add_chain(m, MATERIAL_KEY, "x.key", &good, NULL);
}

static void no_key(struct material *m)
{
    add_cert(m, "x.pem", &good);
    add_text(m, MATERIAL_KEY, "x.key", "\n");
}

static void damaged_key(struct material *m)
{
    add_cert(m, "x.pem", &good);
    add_text(m, MATERIAL_KEY, "x.key",
             "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n");
}

static void add_encrypted(struct material *m, bool is_old)
{
    static char word[] = "secret";
    char *bytes;
    BIO *bio = BIO_new(BIO_s_mem());
    add_cert(m, "x.pem", &good);
    if (is_old)
        PEM_write_bio_PrivateKey_traditional(bio, good.key, EVP_aes_128_cbc(),
                                             (unsigned char *)word, 6, NULL, NULL);
    else
        PEM_write_bio_PKCS8PrivateKey(bio, good.key, EVP_aes_128_cbc(), word, 6, NULL, NULL);
    long n = BIO_get_mem_data(bio, &bytes);
    ck_assert(material_add(m, MATERIAL_KEY, "x.key", bytes, (size_t)n));
    BIO_free(bio);
}

static void encrypted(struct material *m)
{
    add_encrypted(m, false);
}

static void encrypted_as_of_old(struct material *m)
{
    add_encrypted(m, true);
}

static void foreign_key(struct material *m)
{
    add_cert(m, "x.pem", &good);
    add_key(m, "x.key", &other);
}

static void add_made(struct material *m, const char *key)
{
    struct cert c = cert_make(&(struct cert_spec){.names = "DNS:localhost", .key = key});
    add_pair(m, "x", &c);
}

static void weak(struct material *m)
{
    add_made(m, "RSA1024");
}

static void rare_curve(struct material *m)
{
    add_made(m, "P-521");
}

static void rare_kind(struct material *m)
{
    add_made(m, "ED448");
}

static void ca_without_pem(struct material *m)
{
    add_pair(m, "x", &good);
    add_text(m, MATERIAL_CLIENT_CA, "ca.pem", "nothing\n");
}

static void damaged_ca(struct material *m)
{
    add_pair(m, "x", &good);
    add_text(m, MATERIAL_CLIENT_CA, "ca.pem",
             "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
}

static void no_ocsp(struct material *m)
{
    add_pair(m, "x", &good);
    add_text(m, MATERIAL_OCSP, "x.ocsp", "nothing\n");
}

/* "try later", RFC 6960 §4.2.1 */
static void ocsp_refusal(struct material *m)
{
    add_pair(m, "x", &good);
    add_text(m, MATERIAL_OCSP, "x.ocsp", "\x30\x03\x0a\x01\x03");
}

static void nothing(struct material *m)
{
    (void)m;
}

static const struct {
    void (*make)(struct material *);
    const char *wants[3]; /* all of these stand in the line */
} bad[] = {
    {no_pem, {"--tls-cert x.pem", "no certificate in it", "PEM"}},
    {der, {"--tls-cert x.pem", "no certificate in it", "-inform DER"}},
    {damaged, {"--tls-cert x.pem", "first certificate is damaged", "copy"}},
    {damaged_chain, {"--tls-cert x.pem", "certificate 2 in it is damaged", "copy"}},
    {mixed_up, {"--tls-cert x.pem", "it is a key", "mixed up"}},
    {certificate_for_a_key, {"--tls-key x.key", "it is a certificate", "mixed up"}},
    {no_key, {"--tls-key x.key", "no private key in it", "PEM"}},
    {damaged_key, {"--tls-key x.key", "damaged", "copy"}},
    {encrypted, {"--tls-key x.key", "is encrypted", "openssl pkey"}},
    {encrypted_as_of_old, {"--tls-key x.key", "is encrypted", "openssl pkey"}},
    {foreign_key, {"--tls-key x.key", "not the key of the certificate in x.pem", "same order"}},
    {backwards, {"--tls-cert x.pem", "is not the first in it", "put it before"}},
    {unrelated,
     {"--tls-cert x.pem", "certificate 2 in it has not signed", "put the server's first"}},
    {weak, {"--tls-cert x.pem", "1024 bits", "2048"}},
    {rare_curve, {"--tls-cert x.pem", "secp521r1", "P-256"}},
    {rare_kind, {"--tls-cert x.pem", "ED448", "ECDSA"}},
    {ca_without_pem, {"--tls-client-ca ca.pem", "no certificate in it", "PEM"}},
    {damaged_ca, {"--tls-client-ca ca.pem", "damaged", "copy"}},
    {no_ocsp, {"--tls-ocsp x.ocsp", "no OCSP response", "DER"}},
    {ocsp_refusal, {"--tls-ocsp x.ocsp", "trylater", "fetch another"}},
    {nothing, {"TLS has no certificate", "", ""}},
};

START_TEST(test_bad_material)
{
    good = cert_for("DNS:localhost");
    other = cert_for("DNS:other.example");
    root = cert_make(&(struct cert_spec){.common = "root", .is_ca = true});
    bad[_i].make(&stage->material);
    stage->context = tls_context_open(&stage->material, &stage->options, stage->tickets, stage->why,
                                      sizeof stage->why);
    ck_assert_ptr_null(stage->context);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(strstr(stage->why, bad[_i].wants[i]), "\"%s\" has no \"%s\"", stage->why,
                      bad[_i].wants[i]);
    ck_assert_ptr_null(strchr(stage->why, '\n'));
    ck_assert_ptr_null(strstr(stage->why, "BEGIN"));
}
END_TEST

/* What was good before is good after. */
START_TEST(test_one_file_for_both)
{
    struct material_item item;
    static struct material apart;
    char both[16384];
    size_t n = 0;
    good = cert_for("DNS:localhost");
    apart.used = 0;
    add_pair(&apart, "x", &good);
    for (size_t at = 0; material_next(&apart, &at, &item); n += item.length)
        memcpy(both + n, item.bytes, item.length);
    ck_assert(material_add(&stage->material, MATERIAL_CERT, "both.pem", both, n));
    ck_assert(material_add(&stage->material, MATERIAL_KEY, "both.pem", both, n));
    stage_open(stage);
    check_shown("localhost", &good, NULL);
}
END_TEST

/* --- --tls-self-signed --- */

static bool is_for(const X509 *cert, const char *host)
{
    return X509_check_host((X509 *)(uintptr_t)cert, host, 0, 0, NULL) == 1;
}

static bool is_for_ip(const X509 *cert, const char *ip)
{
    return X509_check_ip_asc((X509 *)(uintptr_t)cert, ip, 0) == 1;
}

START_TEST(test_self_signed)
{
    stage->options.tls_self_signed = true;
    stage->options.tls_listen =
        (struct texts){{"0.0.0.0:8443", "*:1", "unix:/tmp/x", "[::]:2", "10.1.2.3:4",
                        "[fe80::7%lo]:5", "www.example.org:443", "localhost:1", "127.0.0.1:9"},
                       9};
    ck_assert(material_read(&stage->material, &stage->options, stage->why, sizeof stage->why));
    stage_open(stage);
    struct visit *v = visit_good(stage->context, &(struct client_spec){.name = "localhost"});
    X509 *cert = SSL_get0_peer_certificate(v->client);
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    ck_assert(is_for(cert, "localhost") && is_for(cert, "www.example.org"));
    ck_assert(is_for(cert, host));
    ck_assert(is_for_ip(cert, "127.0.0.1") && is_for_ip(cert, "::1"));
    ck_assert(is_for_ip(cert, "10.1.2.3") && is_for_ip(cert, "fe80::7"));
    ck_assert(!is_for_ip(cert, "0.0.0.0") && !is_for_ip(cert, "::"));
    int days, seconds;
    ck_assert_int_eq(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)), 1);
    ck_assert_int_ge(days, 89);
    ck_assert_int_le(days, 90);
    ck_assert_int_lt(X509_cmp_current_time(X509_get0_notBefore(cert)), 0);
    visit_close(v);
}
END_TEST

/* Clients have accepted one certificate: a reload shows the same, as long as half of its time is
 * left. */
START_TEST(test_self_signed_stays)
{
    static struct material first, second;
    stage->options.tls_self_signed = true;
    for (int days = 0; days <= 46; days += 23) {
        later = days * 24L * 60 * 60;
        struct material *m = days == 0 ? &first : &second;
        ck_assert(material_read(m, &stage->options, stage->why, sizeof stage->why));
        bool is_same = m->used == first.used && memcmp(m->items, first.items, m->used) == 0;
        ck_assert_int_eq(is_same, days < 45);
    }
}
END_TEST

/* Whoever has it as a CA, believes it. */
START_TEST(test_self_signed_can_be_trusted)
{
    stage->options.tls_self_signed = true;
    ck_assert(material_read(&stage->material, &stage->options, stage->why, sizeof stage->why));
    stage_open(stage);
    struct visit *first = visit_good(stage->context, &(struct client_spec){.name = "localhost"});
    struct visit *v = visit_open(stage->context, &(struct client_spec){.name = "localhost"});
    X509_STORE_add_cert(SSL_CTX_get_cert_store(v->ctx), SSL_get0_peer_certificate(first->client));
    SSL_set_verify(v->client, SSL_VERIFY_PEER, NULL);
    SSL_set1_host(v->client, "localhost");
    visit_shake(v);
    ck_assert_int_eq(v->step, TLS_DONE);
    ck_assert_int_eq(v->client_result, 1);
    visit_close(v);
    visit_close(first);
}
END_TEST

START_TEST(test_self_signed_fingerprint)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char line[1024], hex[8];
    stage->options.tls_self_signed = true;
    ck_assert(material_read(&stage->material, &stage->options, stage->why, sizeof stage->why));
    stage_open(stage);
    struct visit *v = visit_good(stage->context, &(struct client_spec){.name = NULL});
    X509_digest(SSL_get0_peer_certificate(v->client), EVP_sha256(), digest, NULL);
    tls_context_describe(stage->context, line, sizeof line);
    ck_assert_int_eq(strncmp(line, "localhost ", 10), 0);
    const char *at = strstr(line, "SHA-256 ");
    ck_assert_ptr_nonnull(at);
    at += strlen("SHA-256 ");
    for (int i = 0; i < 32; i++, at += 3) {
        snprintf(hex, sizeof hex, "%02X%c", digest[i], i < 31 ? ':' : ')');
        ck_assert_int_eq(strncmp(at, hex, 3), 0);
    }
    visit_close(v);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("context");
    TCase *all = tcase_create("context");
    tcase_add_checked_fixture(all, new_stage, close_stage);
    tcase_add_test(all, test_chosen_by_name);
    tcase_add_test(all, test_rsa_and_ecdsa_side_by_side);
    tcase_add_test(all, test_the_same_names_twice);
    tcase_add_test(all, test_hello_retry);
    tcase_add_test(all, test_chain_is_sent);
    tcase_add_test(all, test_description_is_cut_within_bounds);
    tcase_add_loop_test(all, test_bad_material, 0, COUNT(bad));
    tcase_add_test(all, test_one_file_for_both);
    tcase_add_test(all, test_self_signed);
    tcase_add_test(all, test_self_signed_stays);
    tcase_add_test(all, test_self_signed_can_be_trusted);
    tcase_add_test(all, test_self_signed_fingerprint);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
