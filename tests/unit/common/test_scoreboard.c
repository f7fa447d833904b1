/*
 * scoreboard and death: what is remembered of a worker, and what is said when it has died.
 */
#include "common/death.h"
#include "common/log.h"
#include "common/scoreboard.h"

#include "unit.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct scoreboard *board;

static void set_up(void)
{
    board = scoreboard_open(5);
    ck_assert_ptr_nonnull(board);
}

static void tear_down(void)
{
    scoreboard_close(board, 5);
}

START_TEST(begins_with_nobody)
{
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(atomic_load(&board->slots[i].state), WORKER_NONE);
        ck_assert_int_eq(atomic_load(&board->slots[i].conn), -1);
    }
}
END_TEST

START_TEST(is_shared_with_children)
{
    pid_t pid = fork();

    if (pid == 0) {
        scoreboard_birth(board, 3, 4711);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(atomic_load(&board->slots[3].pid), 4711);
    ck_assert_int_eq(atomic_load(&board->slots[3].state), WORKER_WAITING);
}
END_TEST

START_TEST(forgets_the_worker_before)
{
    struct worker_slot *slot = &board->slots[2];

    atomic_store(&slot->conn, 9);
    atomic_store(&slot->started, 123);
    atomic_store(&slot->requests, 55);
    slot->serial = 7;
    scoreboard_birth(board, 2, 1);
    ck_assert_int_eq(atomic_load(&slot->conn), -1);
    ck_assert_int_eq(atomic_load(&slot->started), 0);
    ck_assert_uint_eq(atomic_load(&slot->requests), 0);
    ck_assert_uint_eq(slot->serial, 7); /* ids go on: none is given twice */
}
END_TEST

START_TEST(names_requests)
{
    char id[REQUEST_ID_SIZE], other[REQUEST_ID_SIZE];

    board->boot = 0xabc;
    board->slots[2].serial = 42;
    request_id(board, &board->slots[2], id);
    ck_assert_str_eq(id, "00000abc-002-2a");
    board->slots[3].serial = 42;
    request_id(board, &board->slots[3], other);
    ck_assert_str_ne(id, other);
}
END_TEST

/* The client's own, when nothing in it could be taken for more than a name. */
START_TEST(takes_the_clients_id)
{
    static const char *const good[] = {"a", "4bf92f35-77b3.4da6~1_2",
                                       "Root=1-67891233:ab+c/d@host="};
    static const char *const bad[] = {"", " a", "a b", "a\"b", "<b>", "a\nb", "\xc3\xa9", "a%20"};
    char id[REQUEST_ID_SIZE];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_uint_eq(request_id_length(good[i], strlen(good[i])), strlen(good[i]));
        strcpy(board->slots[1].id, good[i]);
        ck_assert(request_id(board, &board->slots[1], id));
        ck_assert_str_eq(id, good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_uint_eq(request_id_length(bad[i], strlen(bad[i])), 0);
        strcpy(board->slots[1].id, bad[i]); /* as somebody who scribbles */
        ck_assert(!request_id(board, &board->slots[1], id));
        ck_assert_ptr_nonnull(strstr(id, "-001-"));
    }
    memset(board->slots[1].id, 'x', REQUEST_ID_SIZE); /* without an end */
    ck_assert(request_id(board, &board->slots[1], id));
    ck_assert_uint_eq(strlen(id), LIMIT_REQUEST_ID);
}
END_TEST

static struct death death_of(void (*end)(void))
{
    struct death death = {0};
    pid_t pid = fork();

    if (pid == 0) {
        end();
        _exit(99);
    }
    ck_assert_int_eq(wait4(pid, &death.status, 0, &death.usage), pid);
    return death;
}

static void by_signal(void)
{
    kill(getpid(), SIGKILL);
}

static void by_exit(void)
{
    _exit(3);
}

START_TEST(tells_causes_in_words)
{
    char cause[DEATH_CAUSE_SIZE], detail[2 * DEATH_CAUSE_SIZE];
    struct death death = death_of(by_signal);

    ck_assert_str_eq(death_cause(&death, cause), "SIGKILL (Killed)");
    ck_assert_int_eq(death_status(&death), 500);
    ck_assert_ptr_nonnull(strstr(death_detail(&death, detail), "SIGKILL"));
    death.over = BUDGET_TIME; /* killed all the same, but for its deadline */
    ck_assert_int_eq(death_status(&death), 504);
    ck_assert_ptr_nonnull(strstr(death_detail(&death, detail), "--request-timeout"));
    death.over = BUDGET_CPU;
    ck_assert_int_eq(death_status(&death), 503);
    ck_assert_ptr_nonnull(strstr(death_detail(&death, detail), "--worker-cpu"));
    death.over = BUDGET_NONE;
    death.crash = &(struct crash){.signal = SIGKILL, .is_out_of_memory = true};
    ck_assert_int_eq(death_status(&death), 503);
    ck_assert_ptr_nonnull(strstr(death_detail(&death, detail), "--worker-memory"));
    death = death_of(by_exit);
    ck_assert_str_eq(death_cause(&death, cause), "exit code 3");
    ck_assert_int_eq(death_status(&death), 500);
}
END_TEST

/* What the log says of a death, on one line, whatever the dead one left on its slot. */
static void expect_log(const char *where, const char *const *words)
{
    struct death death = death_of(by_signal);
    char text[4096];
    int ends[2];
    ssize_t n;

    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_open("test", LOG_WARN);
    death_log(board, &board->slots[1], "worker", &death, where, true);
    n = read(ends[0], text, sizeof(text) - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    for (; *words != NULL; words++)
        ck_assert_msg(strstr(text, *words) != NULL, "no %s in %s", *words, text);
    ck_assert_ptr_eq(strchr(text, '\n'), text + n - 1);
}

START_TEST(logs_the_request_that_died)
{
    struct worker_slot *slot = &board->slots[1];

    strcpy(slot->method, "GET");
    strcpy(slot->target, "/fault/segv");
    expect_log("in its handler", (const char *const[]){"worker 2 ", "SIGKILL (Killed)",
                                                       "in its handler", "GET /fault/segv", NULL});
}
END_TEST

START_TEST(logs_a_death_between_requests)
{
    expect_log(NULL, (const char *const[]){"worker 2 ", "SIGKILL", "between requests", NULL});
}
END_TEST

/* The slot lies in shared memory: the dead one may have written anything, anywhere in it. */
START_TEST(trusts_nothing_on_the_slot)
{
    struct worker_slot *slot = &board->slots[1];

    memset(slot->method, 'M', sizeof(slot->method));
    memset(slot->target, 'T', sizeof(slot->target));
    atomic_store(&slot->started, -1);
    expect_log("in its handler", (const char *const[]){"MMMM", "TTTT", NULL});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scoreboard");
    TCase *tcase = tcase_create("scoreboard");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, begins_with_nobody);
    tcase_add_test(tcase, is_shared_with_children);
    tcase_add_test(tcase, forgets_the_worker_before);
    tcase_add_test(tcase, names_requests);
    tcase_add_test(tcase, takes_the_clients_id);
    tcase_add_test(tcase, tells_causes_in_words);
    tcase_add_test(tcase, logs_the_request_that_died);
    tcase_add_test(tcase, logs_a_death_between_requests);
    tcase_add_test(tcase, trusts_nothing_on_the_slot);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
