/*
 * health: from what a server answers, or does not, to one line and a verdict.
 */
#include "common/health.h"

#include "common/clock.h"
#include "unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char line[1024];

static int listen_somewhere(char *address, size_t size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, length), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    snprintf(address, size, "127.0.0.1:%d", ntohs(at.sin_port));
    return fd;
}

/* A server of one answer, which comes in two pieces. */
static pid_t answer_once(int listener, const char *answer)
{
    pid_t pid = fork();
    char request[1024];

    if (pid != 0)
        return pid;
    int fd = accept(listener, NULL, NULL);
    ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
    size_t half = strlen(answer) / 2;
    request[n > 0 ? n : 0] = '\0';
    if (strstr(request, "\r\n\r\n") == NULL || strstr(request, "Host:") == NULL)
        _exit(1);
    if (send(fd, answer, half, MSG_NOSIGNAL) < 0)
        _exit(1);
    usleep(20000);
    send(fd, answer + half, strlen(answer) - half, MSG_NOSIGNAL);
    _exit(0);
}

static const struct {
    const char *answer;
    bool well_by_admin, well_by_listen;
    const char *word;
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n", true, true, "200"},
    {"HTTP/1.1 404 Not Found\r\n\r\n", false, true, "404"},
    {"HTTP/1.1 400 Bad Request\r\n\r\n", false, true, "400"},
    {"HTTP/1.1 503 Service Unavailable\r\n\r\n", false, false, "503"},
    {"HTTP/1.1 \xff\xff\xff what", false, false, "no HTTP"},
    {"SSH-2.0-OpenSSH_9.2p1\r\n", false, false, "no HTTP"},
    {"HTTP/1.1", false, false, "without an answer"},
    {"", false, false, "without an answer"},
};

static void judge(size_t i, bool by_admin)
{
    char address[64];
    int listener = listen_somewhere(address, sizeof(address)), status;
    struct options o = {.admin = by_admin ? address : NULL, .listen = {{address}, 1}};
    pid_t pid = answer_once(listener, answers[i].answer);
    bool well = health_ask(&o, line, sizeof(line));

    close(listener);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "it was not asked properly");
    ck_assert_msg(well == (by_admin ? answers[i].well_by_admin : answers[i].well_by_listen), "%s",
                  line);
    ck_assert_msg(strstr(line, answers[i].word) != NULL, "no \"%s\": %s", answers[i].word, line);
    ck_assert_msg(strstr(line, by_admin ? "/healthz" : "1:") != NULL || answers[i].word[0] == 'n',
                  "%s", line);
}

START_TEST(judges_by_the_status)
{
    judge((size_t)_i, true);
    judge((size_t)_i, false);
}
END_TEST

/* The kernel takes the connection, and nobody reads. */
START_TEST(waits_for_a_while_only)
{
    char address[64];
    int listener = listen_somewhere(address, sizeof(address));
    struct options o = {.admin = address};
    int64_t begin = clock_ms();

    ck_assert(!health_ask(&o, line, sizeof(line)));
    ck_assert_int_ge(clock_ms() - begin, HEALTH_PATIENCE - 1);
    ck_assert_ptr_nonnull(strstr(line, "no answer within"));
    close(listener);
}
END_TEST

START_TEST(says_who_is_not_there)
{
    char address[64];
    struct options o = {.admin = address};

    close(listen_somewhere(address, sizeof(address)));
    ck_assert(!health_ask(&o, line, sizeof(line)));
    ck_assert_ptr_nonnull(strstr(line, "refused"));
    o.admin = "127.0.0.1:0";
    ck_assert(!health_ask(&o, line, sizeof(line)));
    ck_assert_ptr_nonnull(strstr(line, "port 0"));
    o.admin = "unix:/does/not/exist";
    ck_assert(!health_ask(&o, line, sizeof(line)));
    ck_assert_ptr_nonnull(strstr(line, "No such file"));
}
END_TEST

START_TEST(leaves_no_descriptor)
{
    struct options o = {.admin = "127.0.0.1:1"};
    int before = dup(0);

    close(before);
    for (int i = 0; i < 10; i++)
        ck_assert(!health_ask(&o, line, sizeof(line)));
    ck_assert_int_eq(fcntl(0, F_DUPFD, 0), before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health");
    TCase *tcase = tcase_create("health");

    tcase_add_loop_test(tcase, judges_by_the_status, 0,
                        (int)(sizeof(answers) / sizeof(answers[0])));
    tcase_add_test(tcase, waits_for_a_while_only);
    tcase_add_test(tcase, says_who_is_not_there);
    tcase_add_test(tcase, leaves_no_descriptor);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
