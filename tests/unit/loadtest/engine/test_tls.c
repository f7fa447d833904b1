/*
 * TLS against a server of the test's own, with certificates made for the occasion: who is trusted,
 * what is resumed, and how each way of ending looks.
 */
#include <check.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../one_run.h"
#include "patience.h"
#include "peer.h"
#include "unit.h"

enum ending { KEEPS, ENDS_PROPERLY, CUTS_OFF };

/* A server that speaks TLS. */
struct gate {
    struct peer peer;
    SSL_CTX *ctx;
    const char *answer;
    enum ending ending;
    X509 *client;    /* whom it lets in */
    char cacert[64]; /* "--cacert=FILE", the certificate it shows */
    char url[64];
    atomic_uint named;   /* connections that said they look for "localhost" (SNI) */
    atomic_uint http_11; /* … that offered this, and only this, by ALPN */
    atomic_uint full, resumed;
    atomic_uint introduced; /* showed a certificate, that of the right client */
};

static struct gate gate = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"};

static bool read_request(SSL *ssl, char *request, size_t room)
{
    size_t n = 0;
    while (n + 1 < room && SSL_read(ssl, request + n, 1) == 1) {
        request[++n] = '\0';
        if (n >= 4 && strcmp(request + n - 4, "\r\n\r\n") == 0)
            return true;
    }
    return false;
}

static void skip_body(SSL *ssl, const char *request)
{
    static const char field[] = "Content-Length: ";
    const char *found = strstr(request, field);
    char bytes[4096];
    for (long left = found ? atol(found + sizeof field - 1) : 0; left > 0;) {
        int n = SSL_read(ssl, bytes, left < 4096 ? (int)left : 4096);
        if (n <= 0)
            return;
        left -= n;
    }
}

static void visit(int fd, void *context)
{
    struct gate *g = context;
    SSL *ssl = SSL_new(g->ctx);
    char request[2048];
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        const X509 *client = SSL_get0_peer_certificate(ssl);
        g->named += name && strcmp(name, "localhost") == 0;
        g->introduced += client && X509_cmp(client, g->client) == 0;
        if (SSL_session_reused(ssl))
            g->resumed++;
        else
            g->full++;
        while (read_request(ssl, request, sizeof request)) {
            skip_body(ssl, request);
            if (SSL_write(ssl, g->answer, (int)strlen(g->answer)) <= 0 || g->ending != KEEPS)
                break;
        }
        if (g->ending == ENDS_PROPERLY)
            SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    OPENSSL_thread_stop(); /* nothing shall lie about when the process ends */
}

static int choose_http11(SSL *ssl, const unsigned char **out, unsigned char *length,
                         const unsigned char *offered, unsigned offered_length, void *context)
{
    struct gate *g = context;
    (void)ssl;
    g->http_11 += offered_length == 9 && memcmp(offered, "\x08http/1.1", 9) == 0;
    *out = offered + 1;
    *length = offered[0];
    return SSL_TLSEXT_ERR_OK;
}

static X509 *make_certificate(EVP_PKEY *key, const char *names)
{
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_EXTENSION *alternatives = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"a test", -1, -1,
                               0);
    X509_set_issuer_name(cert, subject);
    X509_add_ext(cert, alternatives, -1);
    X509_EXTENSION_free(alternatives);
    X509_set_pubkey(cert, key);
    ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
    return cert;
}

static FILE *make_file(char *path)
{
    FILE *out = fdopen(mkstemp(path), "w");
    ck_assert_ptr_nonnull(out);
    return out;
}

static void show(struct gate *g, const char *names)
{
    char path[] = "/tmp/tandem-tls-XXXXXX";
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_certificate(key, names);
    FILE *out = make_file(path);
    ck_assert_int_eq(PEM_write_X509(out, cert), 1);
    fclose(out);
    snprintf(g->cacert, sizeof g->cacert, "--cacert=%s", path);
    ck_assert_int_eq(SSL_CTX_use_certificate(g->ctx, cert), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(g->ctx, key), 1);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* The rest of a case goes on with `url` as --cacert's server. */
static void start(const char *host, int family, const char *names)
{
    gate.ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_session_id_context(gate.ctx, (const unsigned char *)"test", 4);
    SSL_CTX_set_alpn_select_cb(gate.ctx, choose_http11, &gate);
    show(&gate, names);
    gate.peer = (struct peer){.visit = visit, .context = &gate};
    peer_start(&gate.peer, family);
    snprintf(gate.url, sizeof gate.url, "https://%s:%u/", host, gate.peer.port);
}

static void start_here(void)
{
    start("localhost", AF_INET, "DNS:localhost,IP:127.0.0.1,IP:::1");
}

static void finish(struct result *r)
{
    unlink(strchr(gate.cacert, '=') + 1);
    peer_see_off(&gate.peer);
    result_free(r);
}

START_TEST(who_is_named_in_the_certificate_is_trusted)
{
    static const struct {
        const char *host;
        int family;
        bool named;
    } cases[] = {
        {"localhost", AF_INET, true}, {"127.0.0.1", AF_INET, false}, {"[::1]", AF_INET6, false}};
    start(cases[_i].host, cases[_i].family, "DNS:localhost,IP:127.0.0.1,IP:::1");
    struct result r = MEASURE(gate.cacert, "-c4", "-t2", "-n100", gate.url);
    expect_all(&r, 100, OUTCOME_OK, gate.url);
    ck_assert_uint_eq(r.tally->full.took.total, 4);
    ck_assert_uint_eq(r.tally->resumed.took.total, 0);
    ck_assert_ptr_nonnull(strstr(r.tally->tls.agreed, "EC certificate (256 bits)"));
    ck_assert_uint_eq(r.tally->connect.total, 4);
    ck_assert_uint_eq(gate.named, cases[_i].named ? 4 : 0);
    ck_assert_uint_eq(gate.http_11, 4);
    finish(&r);
}
END_TEST

START_TEST(others_are_not)
{
    static const struct {
        const char *names;
        bool known;
        const char *reason;
    } cases[] = {{"DNS:localhost", false, "self-signed"}, {"DNS:other.example", true, "mismatch"}};
    start("localhost", AF_INET, cases[_i].names);
    const char *choice = cases[_i].known ? gate.cacert : "-c2";
    struct result r = MEASURE(choice, "-c2", "-t1", "-n4", gate.url);
    expect_all(&r, 4, OUTCOME_TLS, cases[_i].names);
    ck_assert_msg(strstr(r.tally->tls.first_failure, cases[_i].reason) != NULL, "%s",
                  r.tally->tls.first_failure);
    ck_assert_uint_eq(r.tally->connections, 0);
    result_free(&r);
    r = MEASURE("--insecure", "-c2", "-t1", "-n4", gate.url);
    expect_all(&r, 4, OUTCOME_OK, "--insecure");
    finish(&r);
}
END_TEST

/* Each of four connections has one full handshake, and then resumes: when it is told to. */
START_TEST(sessions_are_resumed_on_demand)
{
    static const struct {
        int version;
        const char *option;
        bool resumed;
        const char *name;
    } cases[] = {{TLS1_2_VERSION, "--tls-resume", true, "TLSv1.2"},
                 {TLS1_3_VERSION, "--tls-resume", true, "TLSv1.3"},
                 {TLS1_2_VERSION, "-t1", false, "TLSv1.2"},
                 {TLS1_3_VERSION, "-t1", false, "TLSv1.3"}};
    start_here();
    SSL_CTX_set_min_proto_version(gate.ctx, cases[_i].version);
    SSL_CTX_set_max_proto_version(gate.ctx, cases[_i].version);
    struct result r =
        MEASURE(gate.cacert, "-c4", "-t1", "-n40", "--no-keepalive", cases[_i].option, gate.url);
    uint64_t all = tally_handshakes(r.tally), resumed = r.tally->resumed.took.total;
    expect_all(&r, 40, OUTCOME_OK, cases[_i].name);
    ck_assert_ptr_nonnull(strstr(r.tally->tls.agreed, cases[_i].name));
    ck_assert_uint_ge(all, 40);
    ck_assert_uint_eq(resumed, cases[_i].resumed ? all - 4 : 0);
    ck_assert_uint_eq(gate.full + gate.resumed, all); /* and so says the server */
    ck_assert_uint_eq(gate.resumed, resumed);
    /* The first four were made ahead of the run. */
    ck_assert_uint_le(r.tally->full.in_time + r.tally->resumed.in_time, all);
    ck_assert_uint_ge(r.tally->full.in_time + r.tally->resumed.in_time, all - 4);
    ck_assert(r.full_rate + r.resumed_rate > 0);
    ck_assert_int_gt(r.tally->full.took.max_us, 0);
    ck_assert_int_le(r.tally->full.took.max_us, r.tally->connect.max_us);
    finish(&r);
}
END_TEST

/* Both sides speak both versions, so it is the option that decides. */
START_TEST(a_version_can_be_asked_for)
{
    static const char *const options[] = {"--tls-version=1.2", "--tls-version=1.3"};
    static const char *const names[] = {"TLSv1.2, ", "TLSv1.3, "};
    start_here();
    struct result r = MEASURE(gate.cacert, options[_i], "-c2", "-t1", "-n4", gate.url);
    expect_all(&r, 4, OUTCOME_OK, options[_i]);
    ck_assert_ptr_nonnull(strstr(r.tally->tls.agreed, names[_i]));
    finish(&r);
}
END_TEST

/* ── Who we are ────────────────────────────────────────────────────────────────────────────────*/

/* A client's certificate and its key, each in a file, and the two in one. */
struct client {
    char cert[32], key[32], both[32];
    X509 *x509;
    EVP_PKEY *pkey;
};

static void make_client(struct client *c)
{
    strcpy(c->cert, "/tmp/tandem-tls-XXXXXX");
    strcpy(c->key, c->cert);
    strcpy(c->both, c->cert);
    c->pkey = EVP_EC_gen("P-256");
    c->x509 = make_certificate(c->pkey, "DNS:client");
    FILE *files[] = {make_file(c->cert), make_file(c->key), make_file(c->both)};
    for (size_t i = 0; i < 3; i++) {
        ck_assert(i == 1 || PEM_write_X509(files[i], c->x509) == 1);
        ck_assert(i == 0 ||
                  PEM_write_PrivateKey(files[i], c->pkey, NULL, NULL, 0, NULL, NULL) == 1);
        fclose(files[i]);
    }
}

static void discard_client(struct client *c)
{
    unlink(c->cert);
    unlink(c->key);
    unlink(c->both);
    X509_free(c->x509);
    EVP_PKEY_free(c->pkey);
}

START_TEST(a_server_that_asks_is_shown_a_certificate)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct client client;
    char cert[64], key[64], both[64];
    make_client(&client);
    start_here();
    SSL_CTX_set_max_proto_version(gate.ctx, versions[_i]);
    SSL_CTX_set_verify(gate.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(gate.ctx), client.x509);
    gate.client = client.x509;
    snprintf(cert, sizeof cert, "--cert=%s", client.cert);
    snprintf(key, sizeof key, "--key=%s", client.key);
    snprintf(both, sizeof both, "--cert=%s", client.both);
    struct result r = MEASURE(gate.cacert, cert, key, "-c2", "-t1", "-n8", gate.url);
    expect_all(&r, 8, OUTCOME_OK, cert);
    ck_assert_uint_eq(gate.introduced, 2);
    result_free(&r);
    r = MEASURE(gate.cacert, both, "-c2", "-t1", "-n8", gate.url);
    expect_all(&r, 8, OUTCOME_OK, both);
    ck_assert_uint_eq(gate.introduced, 4);
    result_free(&r);
    r = MEASURE(gate.cacert, "-c1", "-t1", "-n4", gate.url);
    ck_assert_uint_eq(r.tally->ledger.ended[INNOCENT][OUTCOME_OK], 0);
    ck_assert_uint_eq(gate.introduced, 4);
    discard_client(&client);
    finish(&r);
}
END_TEST

static void expect_refused(const char *cert, const char *key, const char *reason)
{
    struct tls_choice choice = {.insecure = true, .cert = cert, .key = key};
    struct complaint why = {""};
    ck_assert_ptr_null(tls_context_new(&choice, &why));
    ck_assert_msg(strstr(why.text, reason) != NULL, "%s", why.text);
}

START_TEST(a_certificate_and_its_key_fit_together)
{
    struct client client, other;
    char encrypted[] = "/tmp/tandem-tls-XXXXXX";
    make_client(&client);
    make_client(&other);
    FILE *out = make_file(encrypted);
    ck_assert_int_eq(
        PEM_write_PKCS8PrivateKey(out, client.pkey, EVP_aes_128_cbc(), "x", 1, NULL, NULL), 1);
    fclose(out);
    expect_refused("/nonexistent", NULL, "--cert /nonexistent: No such file");
    expect_refused("/etc/hostname", NULL, "--cert /etc/hostname: ");
    expect_refused(client.cert, NULL, "no private key is in it");
    expect_refused(client.cert, "/nonexistent", "--key /nonexistent: No such file");
    expect_refused(client.cert, client.cert, "no private key is in it");
    expect_refused(client.cert, other.key, "not the key of the certificate");
    expect_refused(client.cert, encrypted, "is encrypted");
    unlink(encrypted);
    discard_client(&client);
    discard_client(&other);
}
END_TEST

/* Only close_notify can say that an answer without a length was whole. */
START_TEST(an_end_that_was_not_announced)
{
    static const struct {
        const char *answer;
        enum ending ending;
        enum outcome outcome;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\nhello", ENDS_PROPERLY, OUTCOME_OK},
        {"HTTP/1.1 200 OK\r\n\r\nhello", CUTS_OFF, OUTCOME_TRUNCATED},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", CUTS_OFF,
         OUTCOME_OK},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", ENDS_PROPERLY, OUTCOME_TRUNCATED},
        {"HTTP/1.1 100 Continue\r\n\r\n", CUTS_OFF, OUTCOME_CLOSED},
    };
    gate.answer = cases[_i].answer;
    gate.ending = cases[_i].ending;
    start_here();
    struct result r = MEASURE(gate.cacert, "-c2", "-t1", "-n6", gate.url);
    expect_all(&r, 6, cases[_i].outcome, gate.answer);
    finish(&r);
}
END_TEST

START_TEST(large_and_many)
{
    enum { SIZE = 1 << 20 };
    static char answer[SIZE + 128], body[SIZE + 16] = "--body=";
    int n = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
    memset(answer + n, 'x', SIZE);
    memset(body + strlen(body), 'y', SIZE);
    gate.answer = answer;
    start_here();
    struct result r = MEASURE(gate.cacert, "-c2", "-t1", "-n8", body, gate.url);
    expect_all(&r, 8, OUTCOME_OK, "1 MiB there and back");
    ck_assert_uint_ge(r.tally->bytes, 8 * SIZE);
    result_free(&r);
    gate.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    r = MEASURE(gate.cacert, "-c2", "-t1", "-n2000", "--pipeline=32", gate.url);
    expect_all(&r, 2000, OUTCOME_OK, "pipelined");
    finish(&r);
}
END_TEST

/* ── What is no TLS ────────────────────────────────────────────────────────────────────────────*/

static void says_nothing(int fd, void *context)
{
    char bytes[256];
    (void)context;
    while (read(fd, bytes, sizeof bytes) > 0)
        continue;
}

static void speaks_plain(int fd, void *context)
{
    char bytes[256];
    (void)context;
    if (read(fd, bytes, sizeof bytes) > 0)
        peer_send(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
}

static void hangs_up(int fd, void *context)
{
    (void)fd;
    (void)context;
}

static void resets(int fd, void *context)
{
    char bytes[16];
    (void)context;
    if (read(fd, bytes, sizeof bytes) > 0)
        peer_will_reset(fd);
}

START_TEST(what_is_no_tls_fails_in_the_handshake)
{
    static const struct {
        void (*visit)(int fd, void *context);
        enum outcome outcome;
        const char *reason;
    } cases[] = {{says_nothing, OUTCOME_CONNECT_TIMEOUT, ""},
                 {speaks_plain, OUTCOME_TLS, "wrong version number"},
                 {hangs_up, OUTCOME_TLS, ""}, /* closed or reset, as it happens */
                 {resets, OUTCOME_TLS, "reset"}};
    struct peer peer = {.visit = cases[_i].visit};
    char url[64];
    peer_start(&peer, AF_INET);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", peer.port);
    struct result r = MEASURE("--timeout=200ms", "-c2", "-t1", "-n4", url);
    expect_all(&r, 4, cases[_i].outcome, cases[_i].reason);
    ck_assert_msg(strstr(r.tally->tls.first_failure, cases[_i].reason) != NULL, "%s",
                  r.tally->tls.first_failure);
    result_free(&r);
}
END_TEST

START_TEST(a_file_of_no_certificates_is_named)
{
    struct tls_choice choice = {.cacert = "/etc/hostname"};
    struct complaint why = {""};
    ck_assert_ptr_null(tls_context_new(&choice, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "--cacert /etc/hostname"));
    choice.cacert = "/nonexistent";
    ck_assert_ptr_null(tls_context_new(&choice, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "/nonexistent: No such file"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls");
    TCase *tests = tcase_create("tls");
    tcase_set_timeout(tests, case_limit(10));
    tcase_add_loop_test(tests, who_is_named_in_the_certificate_is_trusted, 0, 3);
    tcase_add_loop_test(tests, others_are_not, 0, 2);
    tcase_add_loop_test(tests, sessions_are_resumed_on_demand, 0, 4);
    tcase_add_loop_test(tests, a_version_can_be_asked_for, 0, 2);
    tcase_add_loop_test(tests, a_server_that_asks_is_shown_a_certificate, 0, 2);
    tcase_add_test(tests, a_certificate_and_its_key_fit_together);
    tcase_add_loop_test(tests, an_end_that_was_not_announced, 0, 5);
    tcase_add_test(tests, large_and_many);
    tcase_add_loop_test(tests, what_is_no_tls_fails_in_the_handshake, 0, 4);
    tcase_add_test(tests, a_file_of_no_certificates_is_named);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
