/*
 * clients: who shows a certificate, who need not, and who is believed.
 */
#include <check.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scene.h"
#include "unit.h"

static struct stage *stage;
static struct cert ca, foreign_ca;
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void new_stage(void)
{
    struct cert first = cert_for("DNS:localhost"), second = cert_for("DNS:other.example");
    ca = cert_make(&(struct cert_spec){.common = "clients", .is_ca = true});
    foreign_ca = cert_make(&(struct cert_spec){.common = "foreign", .is_ca = true});
    stage = stage_new();
    add_pair(&stage->material, "first", &first);
    add_pair(&stage->material, "second", &second);
    add_chain(&stage->material, MATERIAL_CLIENT_CA, "ca.pem", &ca, NULL);
}

static void open_stage(bool is_required)
{
    stage->options.tls_client_ca = "ca.pem";
    stage->options.tls_client_required = is_required;
    stage_open(stage);
}

static void close_stage(void)
{
    stage_free(stage);
}

static struct cert client_cert(const char *common)
{
    return cert_make(&(struct cert_spec){.common = common, .by = &ca, .is_client = true});
}

/* Both of the certificates of the server ask alike. */
START_TEST(test_good)
{
    static const char *const names[] = {"localhost", "other.example"};
    struct cert cert = client_cert("Älice, \"the\" <first>");
    open_stage(true);
    for (int i = 0; i < 2; i++) {
        struct client_spec spec = {.name = names[i], .version = versions[_i], .cert = &cert};
        struct visit *v = visit_good(stage->context, &spec);
        ck_assert_str_eq(visit_facts(v).subject, "CN=\\C3\\84lice\\, \\\"the\\\" \\<first\\>");
        ck_assert_int_eq(sk_X509_NAME_num(SSL_get0_peer_CA_list(v->client)), 1);
        visit_echo(v, "hello");
        visit_close(v);
    }
}
END_TEST

START_TEST(test_none)
{
    struct client_spec spec = {.version = versions[_i]};
    open_stage(false);
    struct visit *v = visit_good(stage->context, &spec);
    ck_assert_str_eq(visit_facts(v).subject, "");
    visit_close(v);
    tls_context_close(stage->context);
    open_stage(true);
    v = visit_bad(stage->context, &spec);
    ck_assert_ptr_nonnull(strstr(tls_failure(v->server), "did not return a certificate"));
    visit_close(v);
}
END_TEST

/* More names than a handshake can hold: none is told, and whoever is believed is so all the same. */
START_TEST(test_too_many_names)
{
    enum { MANY = 900 };
    static const char common[] = "sixty-four bytes, and all of them in the name of an authority: a";
    struct cert one = cert_make(&(struct cert_spec){.common = common, .is_ca = true}), cert;
    BIO *all = BIO_new(BIO_s_mem());
    char *text;
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(PEM_write_bio_X509(all, one.x509), 1);
    long length = BIO_get_mem_data(all, &text);
    ck_assert(material_add(&stage->material, MATERIAL_CLIENT_CA, "many.pem", text, (size_t)length));
    BIO_free(all);
    open_stage(true);
    cert = cert_make(&(struct cert_spec){.common = "a client", .by = &one, .is_client = true});
    struct client_spec spec = {.version = versions[_i], .cert = &cert};
    struct visit *v = visit_good(stage->context, &spec);
    ck_assert_str_eq(visit_facts(v).subject, "CN=a client");
    ck_assert_int_le(sk_X509_NAME_num(SSL_get0_peer_CA_list(v->client)), 0);
    visit_close(v);
}
END_TEST

/* Refused, and told so, even where none is required. */
static void check_refused(const struct cert *cert, int version, const char *why)
{
    for (int required = 0; required < 2; required++) {
        struct client_spec spec = {.version = version, .cert = cert};
        open_stage(required);
        struct visit *v = visit_bad(stage->context, &spec);
        ck_assert_msg(strstr(tls_failure(v->server), why), "%s", tls_failure(v->server));
        ck_assert_int_gt(v->client_error, SSL_AD_REASON_OFFSET);
        visit_close(v);
        tls_context_close(stage->context);
    }
    stage->context = NULL;
}

START_TEST(test_foreign)
{
    struct cert cert =
        cert_make(&(struct cert_spec){.common = "eve", .by = &foreign_ca, .is_client = true});
    check_refused(&cert, versions[_i], "unable to get local issuer certificate");
}
END_TEST

START_TEST(test_expired)
{
    struct cert cert = cert_make(&(struct cert_spec){
        .common = "old", .by = &ca, .is_client = true, .from = -7200, .to = -3600});
    check_refused(&cert, versions[_i], "expired");
}
END_TEST

/* What handlers could not be told whole is not believed. */
START_TEST(test_long_subject)
{
    char common[65];
    struct cert cert = client_cert("x");
    X509_NAME *subject = X509_get_subject_name(cert.x509);
    memset(common, 'x', sizeof common - 1);
    common[sizeof common - 1] = '\0';
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(X509_NAME_add_entry_by_txt(subject, "OU", MBSTRING_ASC,
                                                    (const unsigned char *)common, -1, -1, 0),
                         1);
    X509_sign(cert.x509, ca.key, EVP_sha256());
    check_refused(&cert, versions[_i], "subject");
}
END_TEST

START_TEST(test_no_subject)
{
    struct cert cert =
        cert_make(&(struct cert_spec){.names = "DNS:nobody", .by = &ca, .is_client = true});
    check_refused(&cert, versions[_i], "subject");
}
END_TEST

/* What stands in the file is believed, root or not. */
START_TEST(test_below_the_root)
{
    struct cert middle = cert_make(
                    &(struct cert_spec){.common = "middle", .is_ca = true, .by = &foreign_ca}),
                leaf = cert_make(
                    &(struct cert_spec){.common = "alice", .by = &middle, .is_client = true});
    struct client_spec spec = {.version = versions[_i], .cert = &leaf};
    stage->material.used = 0;
    struct cert server = cert_for("DNS:localhost");
    add_pair(&stage->material, "x", &server);
    add_chain(&stage->material, MATERIAL_CLIENT_CA, "ca.pem", &ca, &middle);
    open_stage(true);
    struct visit *v = visit_good(stage->context, &spec);
    ck_assert_str_eq(visit_facts(v).subject, "CN=alice");
    visit_close(v);
}
END_TEST

static bool goes_on(const struct client_spec *spec, SSL_SESSION *ticket, const char *subject)
{
    struct client_spec again = *spec;
    again.resume = ticket;
    struct visit *v = visit_good(stage->context, &again);
    struct tls_facts facts = visit_facts(v);
    ck_assert_str_eq(facts.subject, subject);
    visit_close(v);
    return facts.is_resumed;
}

/* The subject goes on with the session, and the session ends with the rules it began under. */
START_TEST(test_resumption)
{
    struct cert cert = client_cert("alice");
    struct client_spec spec = {.version = versions[_i], .cert = &cert};
    open_stage(true);
    SSL_SESSION *ticket = visit_for_ticket(stage->context, &spec);
    ck_assert(goes_on(&spec, ticket, "CN=alice"));
    tls_context_close(stage->context);
    add_chain(&stage->material, MATERIAL_CLIENT_CA, "ca.pem", &foreign_ca, &ca);
    open_stage(true);
    ck_assert(!goes_on(&spec, ticket, "CN=alice"));
    SSL_SESSION_free(ticket);
}
END_TEST

START_TEST(test_required_from_now_on)
{
    struct client_spec spec = {.version = versions[_i]};
    open_stage(false);
    spec.resume = visit_for_ticket(stage->context, &spec);
    tls_context_close(stage->context);
    open_stage(true);
    visit_close(visit_bad(stage->context, &spec));
    SSL_SESSION_free(spec.resume);
}
END_TEST

/* A session does not outlive the certificate of its client. */
START_TEST(test_certificate_expires)
{
    struct cert cert =
        cert_make(&(struct cert_spec){.common = "brief", .by = &ca, .is_client = true, .to = 2});
    struct client_spec spec = {.version = versions[_i], .cert = &cert};
    open_stage(false);
    SSL_SESSION *ticket = visit_for_ticket(stage->context, &spec);
    struct cert other = client_cert("other");
    spec.cert = &other;
    while (X509_cmp_current_time(X509_get0_notAfter(cert.x509)) > 0)
        usleep(50000);
    ck_assert(!goes_on(&spec, ticket, "CN=other"));
    SSL_SESSION_free(ticket);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clients");
    TCase *all = tcase_create("clients");
    tcase_add_checked_fixture(all, new_stage, close_stage);
    tcase_add_loop_test(all, test_good, 0, 2);
    tcase_add_loop_test(all, test_none, 0, 2);
    tcase_add_loop_test(all, test_too_many_names, 0, 2);
    tcase_add_loop_test(all, test_foreign, 0, 2);
    tcase_add_loop_test(all, test_expired, 0, 2);
    tcase_add_loop_test(all, test_long_subject, 0, 2);
    tcase_add_loop_test(all, test_no_subject, 0, 2);
    tcase_add_loop_test(all, test_below_the_root, 0, 2);
    tcase_add_loop_test(all, test_resumption, 0, 2);
    tcase_add_loop_test(all, test_required_from_now_on, 0, 2);
    tcase_add_loop_test(all, test_certificate_expires, 0, 2);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
