/*
 * hello and counter: the examples do what they say, and the count is exact across processes.
 */
#include "host.h"
#include "unit.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 4, VISITS = 5000 };

static void expect_get(const struct host *host, const char *target, const char *body)
{
    struct reply_of_module reply = host_get(host, target);

    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.body.at, body);
    bytes_free(&reply.body);
}

START_TEST(hello_greets)
{
    struct host host = host_open("hello", NULL);

    expect_get(&host, "/hello", "Hello, world!\n");
    expect_get(&host, "/hello?name=Ada", "Hello, Ada!\n");
    host_close(&host);
}
END_TEST

START_TEST(counts_from_its_argument)
{
    struct host from_zero = host_open("counter", NULL);
    struct host from_1000 = host_open("counter", "1000");

    expect_get(&from_zero, "/visits", "1\n");
    expect_get(&from_zero, "/visits", "2\n");
    expect_get(&from_1000, "/visits", "1001\n");
    host_close(&from_zero);
    host_close(&from_1000);
}
END_TEST

static const char *const bad_starts[] = {"", "x", "-1", "1x", " 1", "1234567890123456789"};

START_TEST(says_how_to_mend_a_bad_argument)
{
    struct host host = host_open("counter", bad_starts[_i]);

    ck_assert_msg(host.refusal != NULL, "\"%s\" was taken", bad_starts[_i]);
    ck_assert_ptr_nonnull(strstr(host.refusal, "--module ./counter.so=1000"));
}
END_TEST

/* Each of them ends by SIGKILL, and what it has counted stays counted. */
START_TEST(is_exact_whoever_dies)
{
    struct host host = host_open("counter", NULL);
    struct reply_of_module reply;
    pid_t pids[CHILDREN];

    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        for (int n = 0; pids[i] == 0 && n < VISITS; n++) {
            reply = host_get(&host, "/visits");
            bytes_free(&reply.body);
        }
        if (pids[i] == 0)
            raise(SIGKILL);
    }
    for (int i = 0; i < CHILDREN; i++)
        ck_assert_int_eq(waitpid(pids[i], NULL, 0), pids[i]);
    reply = host_get(&host, "/visits");
    ck_assert_int_eq(atoi(reply.body.at), CHILDREN * VISITS + 1);
    bytes_free(&reply.body);
    host_close(&host);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("counter");
    TCase *tcase = tcase_create("counter");

    tcase_add_test(tcase, hello_greets);
    tcase_add_test(tcase, counts_from_its_argument);
    tcase_add_loop_test(tcase, says_how_to_mend_a_bad_argument, 0,
                        (int)(sizeof(bad_starts) / sizeof(bad_starts[0])));
    tcase_add_test(tcase, is_exact_whoever_dies);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
