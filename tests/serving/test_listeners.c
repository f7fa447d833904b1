/*
 * Where connections come from: IPv4, IPv6, a unix socket, several at once; and --ready-fd.
 */
#include "bytes.h"
#include "patience.h"
#include "program.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void read_line(int fd, char *line, size_t size)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    size_t length = 0;

    line[0] = '\0';
    while (length < size - 1 && memchr(line, '\n', length) == NULL) {
        ssize_t got;

        ck_assert_msg(poll(&wait, 1, patience(10000)) == 1, "nothing on --ready-fd");
        got = read(fd, line + length, size - 1 - length);
        ck_assert_msg(got > 0, "the server ended before it was ready");
        length += (size_t)got;
    }
    line[length] = '\0';
}

/* A server on listeners of our own; returns its pid and the whole ready line. */
static pid_t start_on(int subject, const char *const *listeners, char *line, size_t size)
{
    char ready_fd[16];
    const char *argv[32] = {subject_program(&subjects[subject]),
                            "--ready-fd",
                            ready_fd,
                            "--root",
                            workshop_root(),
                            "--access-log",
                            "off",
                            "--workers",
                            "2"};
    struct program program = {.argv = argv};
    size_t count = 9;
    int ready[2];
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    snprintf(ready_fd, sizeof(ready_fd), "%d", ready[1]);
    for (; *listeners != NULL; listeners++) {
        argv[count++] = "--listen";
        argv[count++] = *listeners;
    }
    if (subjects[subject].isolation != NULL) {
        argv[count++] = "--isolation";
        argv[count++] = subjects[subject].isolation;
    }
    pid = program_start(&program);
    close(ready[1]);
    read_line(ready[0], line, size);
    close(ready[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGTERM);
    ck_assert_int_eq(program_end(pid, patience(10000)), 0);
}

static struct wire open_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    return wire_open_at((const struct sockaddr *)&address, sizeof(address));
}

static struct wire open_ipv6(uint16_t port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    address.sin6_addr = in6addr_loopback;
    return wire_open_at((const struct sockaddr *)&address, sizeof(address));
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool works;

    address.sin6_addr = in6addr_loopback;
    works = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return works;
}

static void serve_one(struct wire wire, const char *what)
{
    for (int i = 0; i < 3; i++)
        wire_expect_usable(&wire, what);
    wire_close(&wire);
}

START_TEST(listens_on_a_unix_socket)
{
    char path[160], listener[220], line[512], wanted[256];
    struct stat status;
    pid_t pid;

    workshop_path(path, sizeof(path), "socket-%d", _i);
    snprintf(listener, sizeof(listener), "unix:%s", path);
    pid = start_on(_i, OPTIONS(listener), line, sizeof(line));
    snprintf(wanted, sizeof(wanted), "ready %s\n", listener);
    ck_assert_str_eq(line, wanted);
    serve_one(open_unix(path), "unix");
    end(pid);
    ck_assert_msg(stat(path, &status) != 0, "the socket's file is left behind");
}
END_TEST

START_TEST(listens_on_ipv6)
{
    char line[512];
    pid_t pid;

    if (!has_ipv6()) {
        printf("this machine has no IPv6: nothing to see\n");
        return;
    }
    pid = start_on(_i, OPTIONS("[::1]:0"), line, sizeof(line));
    ck_assert_msg(strncmp(line, "ready [::1]:", 12) == 0, "%s", line);
    serve_one(open_ipv6((uint16_t)atoi(line + 12)), "IPv6");
    end(pid);
}
END_TEST

START_TEST(listens_on_several_at_once)
{
    char path[160], listener[220], line[512];
    unsigned first, second;
    struct wire third;
    pid_t pid;

    workshop_path(path, sizeof(path), "socket-many-%d", _i);
    snprintf(listener, sizeof(listener), "unix:%s", path);
    pid = start_on(_i, OPTIONS("127.0.0.1:0", listener, "127.0.0.1:0"), line, sizeof(line));
    ck_assert_msg(sscanf(line, "ready 127.0.0.1:%u unix:%*s 127.0.0.1:%u", &first, &second) == 2,
                  "%s", line);
    ck_assert_uint_ne(first, second);
    third = open_unix(path);
    for (int i = 0; i < 5; i++) {
        serve_one(wire_open((uint16_t)first), "the first");
        serve_one(wire_open((uint16_t)second), "the second");
        wire_expect_usable(&third, "the third");
    }
    wire_close(&third);
    end(pid);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("listeners");
    TCase *tcase = tcase_create("listeners");

    add_for_each_subject(tcase, listens_on_a_unix_socket);
    add_for_each_subject(tcase, listens_on_ipv6);
    add_for_each_subject(tcase, listens_on_several_at_once);
    tcase_set_timeout(tcase, case_limit(30));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
