/*
 * session: a handshake, bytes, an end, and all that can happen in between.
 */
#include "common/tls/session.h"

#include <check.h>

#include "scene.h"
#include "unit.h"

static struct stage *stage;

static void open_stage(void)
{
    struct cert c = cert_for("DNS:localhost");
    stage = stage_new();
    add_pair(&stage->material, "localhost", &c);
    stage_open(stage);
}

static void close_stage(void)
{
    stage_free(stage);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

START_TEST(test_bytes_go_both_ways)
{
    struct client_spec spec = {.name = "localhost", .version = versions[_i]};
    struct visit *v = visit_good(stage->context, &spec);
    struct tls_facts facts = visit_facts(v);
    ck_assert_str_eq(facts.version, _i == 0 ? "TLSv1.2" : "TLSv1.3");
    ck_assert_str_eq(facts.cipher,
                     _i == 0 ? "ECDHE-ECDSA-AES128-GCM-SHA256" : "TLS_AES_128_GCM_SHA256");
    ck_assert_str_eq(facts.server_name, "localhost");
    ck_assert_str_eq(facts.subject, "");
    ck_assert(!facts.is_resumed);
    visit_echo(v, "hello");
    visit_echo(v, "again");
    visit_close(v);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("session");
    TCase *bytes = tcase_create("bytes");
    tcase_add_checked_fixture(bytes, open_stage, close_stage);
    tcase_add_loop_test(bytes, test_bytes_go_both_ways, 0, 2);
    suite_add_tcase(suite, bytes);
    return unit_run(suite);
}
