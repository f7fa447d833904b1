/*
 * status: the wall of workers and the obituaries, as page and as JSON; and that nothing a client has
 * sent, or a wild worker has written, gets into either of them as markup.
 */
#include "admin_scene.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

static const char hostile[] = "/<script>alert('1')</script>?\"&\\\x01\xff</main>";

static void run_hostile(void)
{
    struct worker_slot *slot = &server.board->slots[1];

    scoreboard_birth(server.board, 1, 1);
    strcpy(slot->method, "GET");
    strcpy(slot->target, hostile);
    atomic_store(&slot->requests, 1234567);
    atomic_store(&slot->pss, 3 << 20);
    atomic_store(&slot->started, clock_us() - 10000000);
    atomic_store(&slot->state, WORKER_TURN);
}

static void expect_text(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no %s in\n%s", part, text);
}

/* What holds for the page as a whole: its own script, and no other; one <main>. */
static void check_page(const char *page)
{
    const char *script = strstr(page, "<script");
    const char *main_part = strstr(page, "<main>");

    ck_assert_str_eq(response.type, "text/html; charset=utf-8");
    ck_assert_ptr_nonnull(script);
    ck_assert_ptr_null(strstr(script + 1, "<script"));
    ck_assert(strncmp(script, "<script nonce=\"", 15) == 0);
    ck_assert_ptr_nonnull(main_part);
    ck_assert_ptr_eq(memmem(main_part + 1, (size_t)(script - main_part - 1), "<main>", 6), NULL);
    ck_assert_ptr_nonnull(strstr(page, "</html>"));
    ck_assert_ptr_null(strstr(page, "src="));
    for (const char *at = page; *at != '\0'; at++)
        ck_assert_msg(*at < 0 || *at == '\n' || *at >= ' ', "a byte %d", *at);
}

/* A string's quotes are balanced, and nothing is a control: enough to be told apart from markup and
 * from the end of a string; the black-box test reads it with a real parser. */
static void check_json(const char *json)
{
    bool is_inside = false;
    int depth = 0;

    ck_assert_str_eq(response.type, "application/json");
    for (const char *at = json; *at != '\0'; at++) {
        ck_assert_msg(*at == '\n' || (*at >= ' ' && *at <= '~'), "a byte %d", *at);
        if (is_inside && *at == '\\')
            at++;
        else if (*at == '"')
            is_inside = !is_inside;
        else if (!is_inside)
            depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        ck_assert_int_ge(depth, 0);
    }
    ck_assert(!is_inside && depth == 0);
}

START_TEST(shows_an_idle_server)
{
    const char *page = get("/status");

    check_page(page);
    expect_text(page, "<title>server-test ");
    expect_text(page, "Nobody has died.");
    ck_assert_ptr_null(strstr(page, "{{"));
    check_json(get_as("/status", "json", NULL));
    expect_text(response.body.data, "\"workers\":[]");
    expect_text(response.body.data, "\"obituaries\":[]");
}
END_TEST

START_TEST(answers_in_the_form_that_is_asked_for)
{
    static const struct {
        const char *query, *accept, *type;
    } cases[] = {{NULL, NULL, "text/html; charset=utf-8"},
                 {NULL, "*/*", "text/html; charset=utf-8"},
                 {NULL, "text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"},
                 {NULL, "text/html;q=0.5,application/json", "application/json"},
                 {NULL, "application/json", "application/json"},
                 {"json", NULL, "application/json"},
                 {"json=1", "text/html", "application/json"},
                 {"jsonp", NULL, "text/html; charset=utf-8"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        get_as("/status", cases[i].query, cases[i].accept);
        ck_assert_str_eq(response.type, cases[i].type);
    }
}
END_TEST

START_TEST(shows_what_a_worker_does)
{
    const char *page;

    run_hostile();
    page = get("/status");
    check_page(page);
    expect_text(page, "<li class=\"running\">");
    expect_text(page, "running 10.");
    expect_text(page, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;?&quot;&amp;\\?"
                      "?&lt;/main&gt;");
    expect_text(page, "1\xe2\x80\xaf"
                      "234\xe2\x80\xaf"
                      "567 served, 3.0 MiB");
    check_json(get_as("/status", "json", NULL));
    expect_text(response.body.data, "{\"worker\":2,\"state\":\"running\",\"age_us\":10");
    expect_text(response.body.data, "<script>alert('1')</script>?\\\"&\\\\?"
                                    "?</main>\"");
    atomic_store(&server.board->slots[1].started, 0);
    atomic_store(&server.board->slots[1].state, WORKER_LOST);
    expect_text(get("/status"), "<li class=\"lost\">");
}
END_TEST

START_TEST(shows_who_has_died)
{
    const struct death death = {.status = 11};
    const char *page;

    run_hostile();
    death_enter(server.board, &server.board->slots[1], &death, "in the handler", true);
    death_enter(server.board, &server.board->slots[2], &death, NULL, true);
    death_enter(server.board, NULL, &death, "nobody knows", false);
    page = get("/status");
    check_page(page);
    ck_assert_ptr_null(strstr(page, "Nobody has died."));
    expect_text(page, "SIGSEGV (Segmentation fault)");
    expect_text(page, "between requests");
    expect_text(page, "<td data-label=\"Worker\">all</td>");
    expect_text(page, "alert(&#39;1&#39;)");
    check_json(get_as("/status", "json", NULL));
    expect_text(response.body.data, "\"worker\":2,\"cause\":\"SIGSEGV (Segmentation fault)\"");
}
END_TEST

/* Only the page's own style and script run, and they are known by another number each time. */
START_TEST(forbids_everything_else)
{
    char policy[512], *end;
    const char *nonce;

    get("/status");
    ck_assert(response_write(&response, "", 1));
    ck_assert(buf_add(&response.headers, "", 1));
    nonce = strstr(response.headers.data, "script-src 'nonce-");
    ck_assert_ptr_nonnull(nonce);
    ck_assert_ptr_nonnull(strstr(response.headers.data, "default-src 'none'"));
    ck_assert_ptr_null(strstr(response.headers.data, "unsafe"));
    ck_assert_ptr_nonnull(strstr(response.headers.data, "Cache-Control: no-store"));
    snprintf(policy, sizeof(policy), "<script nonce=\"%.32s\">", nonce + 18);
    expect_text(response.body.data, policy);
    snprintf(policy, sizeof(policy), "%.50s", nonce);
    ck_assert_ptr_nonnull(end = strchr(policy + 18, '\0'));
    ck_assert_int_eq(end - policy, 50);
    get("/status");
    ck_assert(buf_add(&response.headers, "", 1));
    ck_assert_ptr_null(strstr(response.headers.data, policy));
}
END_TEST

START_TEST(survives_rubbish)
{
    unsigned seed = 7;

    for (int round = 0; round < 5; round++) {
        scribble(&seed);
        for (size_t i = 0; i < SLOTS; i++) /* or hardly any of them would be shown */
            atomic_store(&server.board->slots[i].state, WORKER_WAITING + (int)i % 4);
        for (size_t i = 0; i < OBITUARIES; i++)
            atomic_store(&server.board->obituaries.entries[i].number, i + 1);
        atomic_store(&server.board->obituaries.count, OBITUARIES);
        check_page(get("/status"));
        check_json(get_as("/status", "json", NULL));
    }
    for (int kind = 3; kind < 256; kind += 6) {
        fill_with(kind);
        check_page(get("/status"));
        check_json(get_as("/status", "json", NULL));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status");
    TCase *tcase = tcase_create("status");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, shows_an_idle_server);
    tcase_add_test(tcase, answers_in_the_form_that_is_asked_for);
    tcase_add_test(tcase, shows_what_a_worker_does);
    tcase_add_test(tcase, shows_who_has_died);
    tcase_add_test(tcase, forbids_everything_else);
    tcase_add_test(tcase, survives_rubbish);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
