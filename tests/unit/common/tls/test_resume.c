/*
 * resume: sessions go on by ticket, in whichever context and process, for as long as they should.
 */
#include <check.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "scene.h"
#include "unit.h"

static struct stage *stage;
static struct cert cert;
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void open_stage(void)
{
    cert = cert_for("DNS:localhost,DNS:*.example.org");
    stage = stage_new();
    add_pair(&stage->material, "localhost", &cert);
    stage_open(stage);
}

static void close_stage(void)
{
    stage_free(stage);
}

static bool goes_on(struct tls_context *c, struct client_spec spec, SSL_SESSION *ticket)
{
    spec.resume = ticket;
    struct visit *v = visit_good(c, &spec);
    struct tls_facts facts = visit_facts(v);
    ck_assert_int_eq(facts.is_resumed, SSL_session_reused(v->client));
    visit_echo(v, "still here");
    visit_close(v);
    return facts.is_resumed;
}

START_TEST(test_same_context)
{
    struct client_spec spec = {.name = "localhost", .version = versions[_i]};
    SSL_SESSION *ticket = visit_for_ticket(stage->context, &spec);
    ck_assert(goes_on(stage->context, spec, ticket));
    SSL_SESSION_free(ticket);
}
END_TEST

START_TEST(test_after_a_reload)
{
    struct client_spec spec = {.name = "localhost", .version = versions[_i]};
    SSL_SESSION *ticket = visit_for_ticket(stage->context, &spec);
    tls_context_close(stage->context);
    stage_open(stage);
    ck_assert(goes_on(stage->context, spec, ticket));
    SSL_SESSION_free(ticket);
}
END_TEST

START_TEST(test_for_one_turn_of_the_keys_and_no_longer)
{
    struct client_spec spec = {.name = "localhost", .version = versions[_i]};
    int64_t now = clock_ms(), period = stage->options.tls_ticket_time;
    SSL_SESSION *ticket = visit_for_ticket(stage->context, &spec);
    tls_tickets_rotate(stage->tickets, now + period + 1000);
    ck_assert(goes_on(stage->context, spec, ticket));
    tls_tickets_rotate(stage->tickets, now + 2 * period + 2000);
    ck_assert(!goes_on(stage->context, spec, ticket));
    SSL_SESSION_free(ticket);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resume");
    TCase *all = tcase_create("resume");
    tcase_add_checked_fixture(all, open_stage, close_stage);
    tcase_add_loop_test(all, test_same_context, 0, 2);
    tcase_add_loop_test(all, test_after_a_reload, 0, 2);
    tcase_add_loop_test(all, test_for_one_turn_of_the_keys_and_no_longer, 0, 2);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
