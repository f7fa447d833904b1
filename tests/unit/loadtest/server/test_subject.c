/*
 * Servers that start, that do not, and that are gone after being stopped.
 */
#include "loadtest/server/subject.h"

#include "unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char log_name[] = "/tmp/test_subject_XXXXXX";

static bool start(struct subject *s, const char *script, struct complaint *why)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    strcpy(log_name + sizeof log_name - 7, "XXXXXX");
    close(mkstemp(log_name));
    struct subject_plan plan = {.argv = (char *const *)argv, .log = log_name, .cpu = -1};
    bool good = subject_start(s, &plan, why);
    unlink(log_name);
    return good;
}

START_TEST(ready_is_read_and_term_ends_it)
{
    struct subject s;
    struct complaint why = {""};
    ck_assert(start(&s, "echo ready 127.0.0.1:1234 unix:/x >&3; exec sleep 60", &why));
    ck_assert_str_eq(s.address, "127.0.0.1:1234");
    pid_t pid = s.pid;
    subject_stop(&s);
    ck_assert_int_ne(kill(pid, 0), 0);
    subject_stop(&s); /* once more does no harm */
}
END_TEST

START_TEST(what_a_server_says_before_it_dies_is_told)
{
    struct subject s;
    struct complaint why = {""};
    ck_assert(!start(&s, "echo the port is taken >&2; exit 1", &why));
    ck_assert_ptr_nonnull(strstr(why.text, "the port is taken"));
    ck_assert_int_le(s.pid, 0);
}
END_TEST

START_TEST(a_missing_program_is_named)
{
    struct subject s;
    struct complaint why = {""};
    const char *argv[] = {"/nonexistent/server", NULL};
    struct subject_plan plan = {.argv = (char *const *)argv, .log = "/dev/null", .cpu = -1};
    ck_assert(!subject_start(&s, &plan, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "/nonexistent/server"));
}
END_TEST

static void free_address(struct address *a)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&a->sa;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    *a = (struct address){.length = sizeof *in};
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)in, a->length), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)in, &a->length), 0);
    close(fd);
}

START_TEST(the_admin_address_is_read)
{
    struct subject s;
    struct complaint why = {""};
    ck_assert(start(&s, "echo ready 127.0.0.1:1 unix:/x admin [::1]:99 >&3; exec sleep 60", &why));
    ck_assert_str_eq(s.address, "127.0.0.1:1");
    ck_assert_str_eq(s.admin, "[::1]:99");
    subject_stop(&s);
}
END_TEST

START_TEST(another_server_is_ready_when_it_can_be_reached)
{
    struct subject s;
    struct complaint why = {""};
    struct address a;
    free_address(&a);
    char script[128];
    snprintf(script, sizeof script,
             "import socket, time\ntime.sleep(0.1)\n"
             "s = socket.create_server(('127.0.0.1', %d))\ntime.sleep(60)",
             ntohs(((struct sockaddr_in *)&a.sa)->sin_port));
    const char *argv[] = {"python3", "-c", script, NULL};
    struct subject_plan plan = {
        .argv = (char *const *)argv, .log = "/dev/null", .cpu = -1, .address = &a};
    ck_assert_msg(subject_start(&s, &plan, &why), "%s", why.text);
    ck_assert(subject_runs(&s));
    struct subject second;
    ck_assert(!subject_start(&second, &plan, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "listens there already"));
    subject_stop(&s);
    ck_assert(!subject_runs(&s));
    ck_assert_msg(subject_start_again(&s, &why), "%s", why.text);
    subject_stop(&s);
}
END_TEST

START_TEST(one_that_leaves_the_foreground_is_told_not_to)
{
    struct subject s;
    struct complaint why = {""};
    struct address a;
    free_address(&a);
    const char *argv[] = {"true", NULL};
    struct subject_plan plan = {
        .argv = (char *const *)argv, .log = "/dev/null", .cpu = -1, .address = &a};
    ck_assert(!subject_start(&s, &plan, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "foreground"));
}
END_TEST

static bool is_gone(pid_t pid)
{
    char name[32], text[256] = "";
    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    FILE *in = fopen(name, "r");
    size_t n = in ? fread(text, 1, sizeof text - 1, in) : 0;
    if (in)
        fclose(in);
    return n == 0 || strstr(text, ") Z ") != NULL; /* a zombie waits for init, and does nothing */
}

START_TEST(all_of_its_group_ends_with_it)
{
    struct subject s;
    struct complaint why = {""};
    ck_assert(start(&s, "sleep 60 & echo ready 127.0.0.1:$! >&3; wait", &why));
    pid_t child = (pid_t)atoi(strchr(s.address, ':') + 1);
    ck_assert(!is_gone(child));
    subject_stop(&s);
    for (int i = 0; i < 500 && !is_gone(child); i++)
        usleep(10000);
    ck_assert(is_gone(child));
}
END_TEST

START_TEST(one_that_is_stopped_is_ended_all_the_same)
{
    struct subject s;
    struct complaint why = {""};
    ck_assert(start(&s, "echo ready 127.0.0.1:1 >&3; exec sleep 60", &why));
    kill(s.pid, SIGSTOP);
    pid_t pid = s.pid;
    subject_stop(&s);
    ck_assert_int_ne(kill(pid, 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("subject");
    TCase *tests = tcase_create("subject");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, ready_is_read_and_term_ends_it);
    tcase_add_test(tests, what_a_server_says_before_it_dies_is_told);
    tcase_add_test(tests, a_missing_program_is_named);
    tcase_add_test(tests, the_admin_address_is_read);
    tcase_add_test(tests, another_server_is_ready_when_it_can_be_reached);
    tcase_add_test(tests, one_that_leaves_the_foreground_is_told_not_to);
    tcase_add_test(tests, all_of_its_group_ends_with_it);
    tcase_add_test(tests, one_that_is_stopped_is_ended_all_the_same);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
