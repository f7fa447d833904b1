/*
 * staple: the right one goes out with the right certificate, while it is good.
 */
#include <check.h>
#include <openssl/ocsp.h>
#include <string.h>

#include "common/tls/staple.h"
#include "scene.h"
#include "unit.h"

static struct stage *stage;
static struct cert ca, ecdsa, rsa;
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void new_stage(void)
{
    ca = cert_make(&(struct cert_spec){.common = "ca", .is_ca = true});
    ecdsa = cert_make(&(struct cert_spec){.names = "DNS:localhost", .by = &ca});
    rsa = cert_make(&(struct cert_spec){.names = "DNS:localhost", .by = &ca, .key = "RSA2048"});
    stage = stage_new();
    add_pair(&stage->material, "ecdsa", &ecdsa);
    add_pair(&stage->material, "rsa", &rsa);
}

static void close_stage(void)
{
    stage_free(stage);
}

struct answer {
    const struct cert *about;
    const EVP_MD *md; /* of the issuer's name; NULL: SHA-1 */
    int status;
    long from, to; /* seconds from now; to 0: without end */
};

static void add_answer(const struct answer *a, const char *file)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(a->md, a->about->x509, ca.x509);
    ASN1_TIME *from = X509_gmtime_adj(NULL, a->from), *to = X509_gmtime_adj(NULL, a->to);
    unsigned char *der = NULL;
    ck_assert_ptr_nonnull(OCSP_basic_add1_status(
        basic, id, a->status, 0, a->status == V_OCSP_CERTSTATUS_REVOKED ? from : NULL, from,
        a->to ? to : NULL));
    ck_assert_int_eq(OCSP_basic_sign(basic, ca.x509, ca.key, EVP_sha256(), NULL, 0), 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int n = i2d_OCSP_RESPONSE(response, &der);
    ck_assert_int_gt(n, 0);
    ck_assert(material_add(&stage->material, MATERIAL_OCSP, file, der, (size_t)n));
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
}

static struct answer good_answer(const struct cert *about)
{
    return (struct answer){
        .about = about, .status = V_OCSP_CERTSTATUS_GOOD, .from = -3600, .to = 3600};
}

/* Whether the staple that a client gets with a certificate of this kind is about it. */
static bool is_stapled(const struct cert *cert, const char *signatures, int version)
{
    struct client_spec spec = {
        .name = "localhost", .signatures = signatures, .wants_staple = true, .version = version};
    struct visit *v = visit_good(stage->context, &spec);
    const unsigned char *der;
    long n = SSL_get_tlsext_status_ocsp_resp(v->client, &der);
    bool is_right = n > 0;
    if (is_right) {
        OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, n);
        OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
        OCSP_CERTID *id = OCSP_cert_to_id(NULL, cert->x509, ca.x509);
        is_right = OCSP_resp_find(basic, id, -1) == 0;
        ck_assert(is_right);
        OCSP_CERTID_free(id);
        OCSP_BASICRESP_free(basic);
        OCSP_RESPONSE_free(response);
    }
    ck_assert_int_eq(X509_cmp(SSL_get0_peer_certificate(v->client), cert->x509), 0);
    visit_close(v);
    return is_right;
}

static const char by_ecdsa[] = "ECDSA+SHA256", by_rsa[] = "RSA-PSS+SHA256:RSA+SHA256";

START_TEST(test_each_its_own)
{
    struct answer first = good_answer(&rsa), second = good_answer(&ecdsa);
    add_answer(&first, "rsa.ocsp");
    add_answer(&second, "ecdsa.ocsp");
    stage_open(stage);
    ck_assert(is_stapled(&ecdsa, by_ecdsa, versions[_i]));
    ck_assert(is_stapled(&rsa, by_rsa, versions[_i]));
}
END_TEST

START_TEST(test_only_one_has_one)
{
    struct answer answer = good_answer(&rsa);
    add_answer(&answer, "rsa.ocsp");
    stage_open(stage);
    ck_assert(!is_stapled(&ecdsa, by_ecdsa, versions[_i]));
    ck_assert(is_stapled(&rsa, by_rsa, versions[_i]));
}
END_TEST

START_TEST(test_not_asked_for)
{
    const unsigned char *der;
    struct answer answer = good_answer(&ecdsa);
    add_answer(&answer, "x.ocsp");
    stage_open(stage);
    struct visit *v = visit_good(stage->context, &(struct client_spec){.name = "localhost"});
    ck_assert_int_eq(SSL_get_tlsext_status_ocsp_resp(v->client, &der), -1);
    visit_close(v);
}
END_TEST

/* Responders may name issuers by another hash. */
START_TEST(test_sha256)
{
    struct answer answer = good_answer(&ecdsa);
    answer.md = EVP_sha256();
    add_answer(&answer, "x.ocsp");
    stage_open(stage);
    const unsigned char *der;
    struct client_spec spec = {.signatures = by_ecdsa, .wants_staple = true};
    struct visit *v = visit_good(stage->context, &spec);
    ck_assert_int_gt(SSL_get_tlsext_status_ocsp_resp(v->client, &der), 0);
    visit_close(v);
}
END_TEST

START_TEST(test_without_end)
{
    struct answer answer = good_answer(&ecdsa);
    answer.to = 0;
    add_answer(&answer, "x.ocsp");
    stage_open(stage);
    ck_assert(is_stapled(&ecdsa, by_ecdsa, 0));
}
END_TEST

/* A warning, and no staple: expired, not yet good, revoked, unknown. */
START_TEST(test_not_fit)
{
    struct answer answers[] = {good_answer(&ecdsa), good_answer(&ecdsa), good_answer(&ecdsa),
                               good_answer(&ecdsa)};
    answers[0].from = -7200;
    answers[0].to = -3600;
    answers[1].from = 3600;
    answers[1].to = 7200;
    answers[2].status = V_OCSP_CERTSTATUS_REVOKED;
    answers[3].status = V_OCSP_CERTSTATUS_UNKNOWN;
    add_answer(&answers[_i], "x.ocsp");
    stage_open(stage);
    ck_assert(!is_stapled(&ecdsa, by_ecdsa, 0));
}
END_TEST

/* Its time runs out while it is served. */
START_TEST(test_until_its_end)
{
    struct staple staple = {.bytes = (unsigned char *)"x", .length = 1, .until = 1000000};
    ck_assert(staple_is_good(&staple, 1000000));
    ck_assert(!staple_is_good(&staple, 1000000 + 301));
    staple.bytes = NULL;
    ck_assert(!staple_is_good(&staple, 1000000));
}
END_TEST

START_TEST(test_of_nobody)
{
    struct cert other = cert_make(&(struct cert_spec){.names = "DNS:localhost", .by = &ca});
    struct answer answer = good_answer(&other);
    add_answer(&answer, "x.ocsp");
    ck_assert_ptr_null(tls_context_open(&stage->material, &stage->options, stage->tickets,
                                        stage->why, sizeof stage->why));
    ck_assert_ptr_nonnull(
        strstr(stage->why, "--tls-ocsp x.ocsp is about none of the certificates"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("staple");
    TCase *all = tcase_create("staple");
    tcase_add_checked_fixture(all, new_stage, close_stage);
    tcase_add_loop_test(all, test_each_its_own, 0, 2);
    tcase_add_loop_test(all, test_only_one_has_one, 0, 2);
    tcase_add_test(all, test_not_asked_for);
    tcase_add_test(all, test_sha256);
    tcase_add_test(all, test_without_end);
    tcase_add_loop_test(all, test_not_fit, 0, 4);
    tcase_add_test(all, test_until_its_end);
    tcase_add_test(all, test_of_nobody);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
