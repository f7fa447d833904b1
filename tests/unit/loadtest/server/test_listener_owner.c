/*
 * Whose listener it is: one process, a family that shares it, strangers, and nobody we can see.
 */
#include "loadtest/server/listener_owner.h"

#include "unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct address at(const char *ip, unsigned port)
{
    struct address a = {.length = sizeof(struct sockaddr_in)};
    struct sockaddr_in *in = (struct sockaddr_in *)&a.sa;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a.sa;
    if (inet_pton(AF_INET, ip, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        return a;
    }
    ck_assert_int_eq(inet_pton(AF_INET6, ip, &in6->sin6_addr), 1);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons((uint16_t)port);
    a.length = sizeof *in6;
    return a;
}

/* Listens, on a free port when `port` is 0; -1 when this machine has no such address. */
static int listen_at(const char *ip, unsigned *port)
{
    int one = 1;
    struct address a = at(ip, *port);
    int fd = socket(a.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a.sa, a.length) != 0 || listen(fd, 1) != 0) {
        close(fd);
        return -1;
    }
    getsockname(fd, (struct sockaddr *)&a.sa, &a.length);
    *port = ntohs(((struct sockaddr_in *)&a.sa)->sin_port); /* at the same place in both families */
    return fd;
}

/* A process that lives until it is killed, or this one ends. */
static pid_t sleeper(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static struct listener_owner owner;
static struct complaint why;

static bool find(const char *ip, unsigned port)
{
    struct address a = at(ip, port);
    memset(&owner, 0, sizeof owner);
    return listener_owner_find(&a, &owner, &why);
}

START_TEST(one_process)
{
    unsigned port = 0;
    int fd = listen_at("127.0.0.1", &port);
    ck_assert(find("127.0.0.1", port));
    ck_assert_int_eq(owner.pid, getpid());
    ck_assert_int_gt((int)strlen(owner.command), 0);
    ck_assert(!find("127.0.0.2", port)); /* ours as well, but nobody listens there */
    close(fd);
    ck_assert(!find("127.0.0.1", port));
    ck_assert_ptr_nonnull(strstr(why.text, "no process of this machine"));
}
END_TEST

START_TEST(the_topmost_of_a_family)
{
    unsigned port = 0;
    int fd = listen_at("0.0.0.0", &port);
    pid_t a = sleeper(), b = sleeper();
    ck_assert(find("127.0.0.1", port));
    ck_assert_int_eq(owner.pid, getpid());
    close(fd); /* now it is two brothers', whose father has it no more */
    ck_assert(!find("127.0.0.1", port));
    ck_assert_ptr_nonnull(strstr(why.text, "several"));
    end(a);
    ck_assert(find("127.0.0.1", port));
    ck_assert_int_eq(owner.pid, b);
    end(b);
}
END_TEST

START_TEST(the_exact_address_comes_first)
{
    unsigned port = 0;
    int any = listen_at("0.0.0.0", &port);
    pid_t child = sleeper();
    close(any);
    int exact = listen_at("127.0.0.1", &port);
    ck_assert_int_ge(exact, 0);
    ck_assert(find("127.0.0.1", port));
    ck_assert_int_eq(owner.pid, getpid());
    ck_assert(find("127.0.0.2", port));
    ck_assert_int_eq(owner.pid, child);
    close(exact);
    end(child);
}
END_TEST

START_TEST(ipv6)
{
    unsigned port = 0, other = 0;
    int one = listen_at("::1", &port), any = listen_at("::", &other);
    if (one >= 0) {
        ck_assert(find("::1", port));
        ck_assert_int_eq(owner.pid, getpid());
        ck_assert(!find("127.0.0.1", port));
    }
    if (any >= 0)
        ck_assert(find("::1", other) && find("127.0.0.1", other)); /* [::] takes both */
    close(one);
    close(any);
}
END_TEST

START_TEST(a_unix_socket)
{
    struct address a = {.length = sizeof(struct sockaddr_un)};
    struct sockaddr_un *un = (struct sockaddr_un *)&a.sa;
    un->sun_family = AF_UNIX;
    snprintf(un->sun_path, sizeof un->sun_path, "/tmp/listener owner %d", (int)getpid());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert(bind(fd, (struct sockaddr *)&a.sa, a.length) == 0);
    ck_assert(!listener_owner_find(&a, &owner, &why)); /* bound, but nobody listens */
    ck_assert(listen(fd, 1) == 0);
    ck_assert_msg(listener_owner_find(&a, &owner, &why), "%s", why.text);
    ck_assert_int_eq(owner.pid, getpid());
    unlink(un->sun_path);
    close(fd);
}
END_TEST

/* The port is in use here, too; that must not make our process the other machine's server. */
START_TEST(another_machine)
{
    unsigned port = 0;
    int fd = listen_at("0.0.0.0", &port);
    ck_assert(!find("192.0.2.1", port));
    ck_assert_str_eq(why.text, "not on this machine");
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("listener_owner");
    TCase *tests = tcase_create("listener_owner");
    tcase_add_test(tests, one_process);
    tcase_add_test(tests, the_topmost_of_a_family);
    tcase_add_test(tests, the_exact_address_comes_first);
    tcase_add_test(tests, ipv6);
    tcase_add_test(tests, a_unix_socket);
    tcase_add_test(tests, another_machine);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
