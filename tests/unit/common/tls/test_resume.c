/*
 * resume: sessions go on by ticket, in whichever context and process, for as long as they should.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "scene.h"
#include "unit.h"

static struct stage *stage;
static struct cert cert;
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* That of the C library, and how much later it is by the clock that sessions go by. */
static _Atomic long later;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_BOOTTIME)
        now->tv_sec += later;
    return result;
}

static void open_stage(void)
{
    later = 0;
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

/* Gates take over from each other: a ticket of one is good for another. */
START_TEST(test_in_another_process)
{
    struct client_spec spec = {.name = "localhost", .version = versions[_i]};
    int status;
    SSL_SESSION *ticket = visit_for_ticket(stage->context, &spec);
    pid_t pid = fork();
    if (pid == 0) {
        tls_context_close(stage->context);
        stage_open(stage);
        bool went_on = goes_on(stage->context, spec, ticket);
        SSL_SESSION_free(ticket);
        _exit(went_on ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    SSL_SESSION_free(ticket);
}
END_TEST

/* What was sealed with the previous key is sealed again, with the current one. */
START_TEST(test_renewal)
{
    struct client_spec spec = {.name = "localhost", .version = versions[_i]};
    int64_t now = clock_ms(), period = stage->options.tls_ticket_time;
    spec.resume = visit_for_ticket(stage->context, &spec);
    tls_tickets_rotate(stage->tickets, now + period + 1000);
    SSL_SESSION *renewed = visit_for_ticket(stage->context, &spec);
    tls_tickets_rotate(stage->tickets, now + 2 * period + 2000);
    ck_assert(!goes_on(stage->context, spec, spec.resume));
    ck_assert(goes_on(stage->context, spec, renewed));
    SSL_SESSION_free(spec.resume);
    SSL_SESSION_free(renewed);
}
END_TEST

/* It goes on with this ticket, and there comes another, or the same is good once more. */
static SSL_SESSION *next_ticket(struct client_spec spec, SSL_SESSION *ticket)
{
    spec.resume = ticket;
    struct visit *v = visit_good(stage->context, &spec);
    ck_assert(visit_facts(v).is_resumed);
    SSL_SESSION *next = v->ticket ? v->ticket : SSL_get1_session(v->client);
    v->ticket = NULL;
    visit_close(v);
    SSL_SESSION_free(ticket);
    return next;
}

/* New tickets do not make a session younger: its time is that of the whole handshake. */
START_TEST(test_not_for_ever)
{
    struct client_spec spec = {.name = "localhost", .version = versions[_i]};
    long time = stage->options.tls_ticket_time / 1000;
    for (int k = 0; k < 2; k++) { /* what begins anew goes on for as long */
        SSL_SESSION *ticket = visit_for_ticket(stage->context, &spec);
        for (int i = 0; i < 4; i++) {
            ticket = next_ticket(spec, ticket);
            later += time / 4 + (i == 3);
        }
        ck_assert(!goes_on(stage->context, spec, ticket));
        SSL_SESSION_free(ticket);
    }
}
END_TEST

/* A client of TLS 1.3 uses each ticket once: whoever goes on is given the next. */
START_TEST(test_a_ticket_for_a_ticket)
{
    struct client_spec spec = {.name = "localhost", .version = TLS1_3_VERSION};
    spec.resume = visit_for_ticket(stage->context, &spec);
    struct visit *v = visit_good(stage->context, &spec);
    ck_assert(visit_facts(v).is_resumed);
    ck_assert_int_ge(v->tickets, 1);
    visit_close(v);
    SSL_SESSION_free(spec.resume);
}
END_TEST

/* A session goes on for all names of a certificate, and for no others; which name it is now is known. */
START_TEST(test_by_name)
{
    struct cert other = cert_for("DNS:other.example");
    struct client_spec spec = {.name = "a.example.org", .version = versions[_i]};
    tls_context_close(stage->context);
    add_pair(&stage->material, "other", &other);
    stage_open(stage);
    spec.resume = visit_for_ticket(stage->context, &spec);
    spec.name = "b.example.org";
    struct visit *v = visit_good(stage->context, &spec);
    ck_assert(visit_facts(v).is_resumed);
    ck_assert_str_eq(visit_facts(v).server_name, "b.example.org");
    visit_close(v);
    spec.name = "other.example";
    v = visit_good(stage->context, &spec);
    ck_assert(!visit_facts(v).is_resumed);
    ck_assert_int_eq(X509_cmp(SSL_get0_peer_certificate(v->client), other.x509), 0);
    visit_close(v);
    SSL_SESSION_free(spec.resume);
}
END_TEST

/* New tickets, sealed with keys nobody has any more. */
START_TEST(test_after_a_restart)
{
    struct client_spec spec = {.name = "localhost", .version = versions[_i]};
    SSL_SESSION *ticket = visit_for_ticket(stage->context, &spec);
    tls_context_close(stage->context);
    tls_tickets_close(stage->tickets);
    stage->tickets = tls_tickets_open(stage->options.tls_ticket_time);
    stage_open(stage);
    ck_assert(!goes_on(stage->context, spec, ticket));
    SSL_SESSION_free(ticket);
}
END_TEST

enum { THREADS = 3, VISITS = 30 };

static atomic_int finished;

static void *visit_often(void *unused)
{
    struct client_spec spec = {.name = "a.example.org"};
    for (int i = 0; i < VISITS; i++) {
        SSL_SESSION *next = visit_for_ticket(stage->context, &spec);
        SSL_SESSION_free(spec.resume);
        spec.resume = next;
    }
    SSL_SESSION_free(spec.resume);
    finished++;
    return unused;
}

/* Sessions of many threads from one context, while another thread rotates the keys. */
START_TEST(test_many_threads)
{
    pthread_t threads[THREADS];
    int64_t now = clock_ms();
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, visit_often, NULL), 0);
    while (finished < THREADS) {
        now += stage->options.tls_ticket_time + 1000;
        tls_tickets_rotate(stage->tickets, now);
        usleep(1000);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

START_TEST(test_early_data_is_not_offered)
{
    size_t written;
    struct client_spec spec = {.name = "localhost", .version = TLS1_3_VERSION};
    spec.resume = visit_for_ticket(stage->context, &spec);
    ck_assert_uint_eq(SSL_SESSION_get_max_early_data(spec.resume), 0);
    struct visit *v = visit_open(stage->context, &spec);
    ck_assert_int_eq(SSL_write_early_data(v->client, "GET / HTTP/1.1\r\n\r\n", 18, &written), 0);
    visit_close(v);
    SSL_SESSION_free(spec.resume);
}
END_TEST

/* A client that sends some nevertheless is served without it: none of it ever comes out. */
START_TEST(test_early_data_is_not_taken)
{
    char bytes[64];
    size_t written;
    struct client_spec spec = {.name = "localhost", .version = TLS1_3_VERSION};
    spec.resume = visit_for_ticket(stage->context, &spec);
    ck_assert_int_eq(SSL_SESSION_set_max_early_data(spec.resume, 1000), 1);
    struct visit *v = visit_open(stage->context, &spec);
    ck_assert_int_eq(SSL_write_early_data(v->client, "GET /early", 10, &written), 1);
    visit_shake(v);
    ck_assert_int_eq(v->step, TLS_DONE);
    ck_assert_int_eq(SSL_get_early_data_status(v->client), SSL_EARLY_DATA_REJECTED);
    ck_assert_int_eq(tls_recv(v->server, bytes, sizeof bytes), -1);
    visit_echo(v, "late");
    visit_close(v);
    SSL_SESSION_free(spec.resume);
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
    tcase_add_loop_test(all, test_in_another_process, 0, 2);
    tcase_add_loop_test(all, test_renewal, 0, 2);
    tcase_add_loop_test(all, test_not_for_ever, 0, 2);
    tcase_add_test(all, test_a_ticket_for_a_ticket);
    tcase_add_loop_test(all, test_by_name, 0, 2);
    tcase_add_loop_test(all, test_after_a_restart, 0, 2);
    tcase_add_test(all, test_many_threads);
    tcase_add_test(all, test_early_data_is_not_offered);
    tcase_add_test(all, test_early_data_is_not_taken);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
