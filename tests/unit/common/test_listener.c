/*
 * listener: from the address as typed to a socket that takes connections, or to a line that helps.
 */
#include "common/listener.h"

#include "unit.h"

#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static char folder[] = "/tmp/tandem-listener-XXXXXX";
static char why[512];

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* "unix:FOLDER/NAME", and where the path begins in it. */
static const char *unix_address(const char *name, const char **path)
{
    static char address[128];

    snprintf(address, sizeof(address), "unix:%s/%s", folder, name);
    *path = address + strlen("unix:");
    return address;
}

static int connect_to(const struct sockaddr *address, socklen_t length)
{
    int fd = socket(address->sa_family, SOCK_STREAM, 0);
    int result = connect(fd, address, length);

    close(fd);
    return result;
}

static int connect_ipv4(const struct listener *l)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};

    in.sin_port = htons((in_port_t)atoi(strrchr(l->name, ':') + 1));
    return connect_to((const struct sockaddr *)&in, sizeof(in));
}

static int connect_unix(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    snprintf(un.sun_path, sizeof(un.sun_path), "%.*s", (int)sizeof(un.sun_path) - 1, path);
    return connect_to((const struct sockaddr *)&un, sizeof(un));
}

static void close_one(struct listener *l)
{
    struct listeners ls = {.all = {*l}, .count = 1};

    listeners_close(&ls);
    ck_assert_uint_eq(ls.count, 0);
}

static bool has_ipv6(void)
{
    struct listener l;
    bool has = listener_open(&l, "[::1]:0", why, sizeof(why));

    if (has)
        close_one(&l);
    return has;
}

static const char *const addresses[] = {
    "127.0.0.1:8080", "0.0.0.0:0",    "[::1]:65535",       "[fe80::1%eth0]:80", "*:8080",
    ":8080",          "localhost:80", "some.host-name:80", "unix:/run/x.sock",
};

START_TEST(takes_what_is_an_address)
{
    why[0] = '\0';
    ck_assert_msg(listener_check(addresses[_i], why, sizeof(why)), "%s", why);
    ck_assert_str_eq(why, "");
}
END_TEST

#define TWENTY "01234567890123456789"
#define LONG_PATH "unix:/" TWENTY TWENTY TWENTY TWENTY TWENTY TWENTY

static const char *const no_addresses[] = {
    "",
    "8080",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:http",
    "::1:80",
    "[::1]",
    "[::1]80",
    "[::1",
    "[]:80",
    "[1.2.3.4]:80",
    "http://x:80",
    "a b:80",
    "unix:",
    "unix:relative",
    ":80 ",
    "127.0.0.1:80/",
    LONG_PATH,
};

START_TEST(refuses_what_is_none_and_shows_the_form)
{
    struct listener l;

    why[0] = '\0';
    ck_assert(!listener_check(no_addresses[_i], why, sizeof(why)));
    ck_assert_msg(strstr(why, "unix:/") != NULL, "%s", why);
    ck_assert_ptr_null(strchr(why, '\n'));
    ck_assert(!listener_open(&l, no_addresses[_i], why, sizeof(why)));
}
END_TEST

START_TEST(opens_a_port_of_the_systems_choice)
{
    struct listener l;
    socklen_t size = sizeof(int);
    int on = 0;

    ck_assert_msg(listener_open(&l, "127.0.0.1:0", why, sizeof(why)), "%s", why);
    ck_assert_int_eq(strncmp(l.name, "127.0.0.1:", 10), 0);
    ck_assert_int_gt(atoi(l.name + 10), 0);
    ck_assert(!l.is_unix);
    ck_assert(fcntl(l.fd, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(l.fd, F_GETFD) & FD_CLOEXEC);
    ck_assert_int_eq(getsockopt(l.fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    ck_assert_int_ne(on, 0);
    ck_assert_int_eq(connect_ipv4(&l), 0);
    close_one(&l);
    ck_assert_int_ne(connect_ipv4(&l), 0);
}
END_TEST

static const char *const reach_ipv4[] = {"*:0", ":0", "localhost:0", "0.0.0.0:0"};

START_TEST(is_reached_by_ipv4)
{
    struct listener l;

    ck_assert_msg(listener_open(&l, reach_ipv4[_i], why, sizeof(why)), "%s", why);
    ck_assert_int_eq(connect_ipv4(&l), 0);
    close_one(&l);
}
END_TEST

START_TEST(keeps_ipv6_to_itself_in_brackets)
{
    struct listener six, four;
    char address[sizeof(six.name) + 16];

    if (!has_ipv6()) {
        printf("this machine has no IPv6: a part of the test is left out\n");
        return;
    }
    ck_assert_msg(listener_open(&six, "[::]:0", why, sizeof(why)), "%s", why);
    ck_assert_int_eq(strncmp(six.name, "[::]:", 5), 0);
    snprintf(address, sizeof(address), "127.0.0.1:%s", six.name + 5);
    ck_assert_msg(listener_open(&four, address, why, sizeof(why)), "%s", why);
    close_one(&six);
    close_one(&four);
}
END_TEST

START_TEST(says_that_a_port_is_taken)
{
    struct listener first, second;

    ck_assert_msg(listener_open(&first, "127.0.0.1:0", why, sizeof(why)), "%s", why);
    ck_assert(!listener_open(&second, first.name, why, sizeof(why)));
    ck_assert_msg(strstr(why, first.name) && strstr(why, "choose another port"), "%s", why);
    ck_assert_int_eq(second.fd, -1);
    close_one(&first);
}
END_TEST

START_TEST(says_that_an_address_is_elsewhere)
{
    struct listener l;

    ck_assert(!listener_open(&l, "192.0.2.1:0", why, sizeof(why))); /* for examples, RFC 5737 */
    ck_assert_msg(strstr(why, "cannot listen on 192.0.2.1:0: ") == why, "%s", why);
}
END_TEST

START_TEST(makes_and_removes_the_file_of_a_unix_socket)
{
    struct listener l;
    const char *path, *address = unix_address("s", &path);

    ck_assert_msg(listener_open(&l, address, why, sizeof(why)), "%s", why);
    ck_assert(l.is_unix);
    ck_assert_str_eq(l.name, address);
    ck_assert_int_eq(connect_unix(path), 0);
    close_one(&l);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(leaves_the_file_to_its_maker)
{
    struct listener l;
    const char *path, *address = unix_address("s", &path);
    int status;
    pid_t child;

    ck_assert_msg(listener_open(&l, address, why, sizeof(why)), "%s", why);
    child = fork();
    if (child == 0) {
        struct listeners ls = {.all = {l}, .count = 1};

        listeners_close(&ls);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(connect_unix(path), 0);
    close_one(&l);
}
END_TEST

START_TEST(replaces_a_socket_that_nobody_listens_on)
{
    struct listener l;
    const char *path, *address = unix_address("s", &path);

    ck_assert_msg(listener_open(&l, address, why, sizeof(why)), "%s", why);
    close(l.fd); /* as a kill would: the file stays */
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_msg(listener_open(&l, address, why, sizeof(why)), "%s", why);
    ck_assert_int_eq(connect_unix(path), 0);
    close_one(&l);
}
END_TEST

START_TEST(refuses_a_socket_in_use)
{
    struct listener first, second;
    const char *path, *address = unix_address("s", &path);

    ck_assert_msg(listener_open(&first, address, why, sizeof(why)), "%s", why);
    ck_assert(!listener_open(&second, address, why, sizeof(why)));
    ck_assert_msg(strstr(why, "choose another path") != NULL, "%s", why);
    ck_assert_int_eq(connect_unix(path), 0);
    close_one(&first);
}
END_TEST

START_TEST(refuses_a_path_that_is_no_socket)
{
    struct listener l;
    const char *path, *address = unix_address("file", &path);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert(!listener_open(&l, address, why, sizeof(why)));
    ck_assert_msg(strstr(why, "no socket") != NULL, "%s", why);
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(refuses_a_folder_that_is_missing)
{
    struct listener l;
    const char *path, *address = unix_address("nowhere/s", &path);

    ck_assert(!listener_open(&l, address, why, sizeof(why)));
    ck_assert_msg(strstr(why, "create the folder first") != NULL, "%s", why);
}
END_TEST

START_TEST(announces_in_one_line)
{
    int ends[2];
    char line[64] = "";

    ck_assert_int_eq(pipe(ends), 0);
    listeners_announce("ready 127.0.0.1:1", -1);
    listeners_announce("ready 127.0.0.1:1 unix:/x", ends[1]);
    ck_assert_int_eq(read(ends[0], line, sizeof(line) - 1), 26);
    ck_assert_str_eq(line, "ready 127.0.0.1:1 unix:/x\n");
    ck_assert_int_eq(read(ends[0], line, sizeof(line)), 0); /* it was closed */
    close(ends[0]);
}
END_TEST

/* A socket of 127.0.0.1; the address in text, with another host or port in its place. */
START_TEST(knows_where_a_socket_is)
{
    struct listener l;
    char address[64];

    ck_assert(listener_open(&l, "127.0.0.1:0", why, sizeof(why)));
    const char *port = strrchr(l.name, ':') + 1;
    ck_assert(listener_is_at(l.fd, l.name, false));
    snprintf(address, sizeof(address), "localhost:%s", port);
    ck_assert(listener_is_at(l.fd, address, false));
    snprintf(address, sizeof(address), "127.0.0.2:%s", port);
    ck_assert(!listener_is_at(l.fd, address, false));
    snprintf(address, sizeof(address), "*:%s", port);
    ck_assert(!listener_is_at(l.fd, address, false));
    ck_assert(!listener_is_at(l.fd, "127.0.0.1:1", true));
    ck_assert(!listener_is_at(l.fd, "127.0.0.1:0", false));
    ck_assert(listener_is_at(l.fd, "127.0.0.1:0", true));
    ck_assert(!listener_is_at(l.fd, "127.0.0.2:0", true));
    ck_assert(!listener_is_at(l.fd, "unix:/127.0.0.1", true));
    ck_assert(!listener_is_at(l.fd, "nonsense", true));
    close_one(&l);
}
END_TEST

START_TEST(adopts_a_unix_socket_and_removes_only_its_own)
{
    const char *path;
    struct listener l, adopted;
    const char *address = unix_address("adopted", &path);

    ck_assert(listener_open(&l, address, why, sizeof(why)));
    ck_assert(listener_is_at(l.fd, address, false));
    ck_assert(!listener_is_at(l.fd, "unix:/elsewhere", false));
    listener_adopt(&adopted, fcntl(l.fd, F_DUPFD_CLOEXEC, 0), NULL, false);
    ck_assert_str_eq(adopted.name, address);
    ck_assert_ptr_eq(adopted.typed, adopted.name);
    close_one(&adopted);
    ck_assert_int_eq(access(path, F_OK), 0);
    listener_adopt(&adopted, l.fd, address, true);
    ck_assert_ptr_eq(adopted.typed, address);
    close_one(&adopted);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("listener");
    TCase *tcase = tcase_create("listener");

    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_loop_test(tcase, takes_what_is_an_address, 0, COUNT(addresses));
    tcase_add_loop_test(tcase, refuses_what_is_none_and_shows_the_form, 0, COUNT(no_addresses));
    tcase_add_test(tcase, opens_a_port_of_the_systems_choice);
    tcase_add_loop_test(tcase, is_reached_by_ipv4, 0, COUNT(reach_ipv4));
    tcase_add_test(tcase, keeps_ipv6_to_itself_in_brackets);
    tcase_add_test(tcase, says_that_a_port_is_taken);
    tcase_add_test(tcase, says_that_an_address_is_elsewhere);
    tcase_add_test(tcase, makes_and_removes_the_file_of_a_unix_socket);
    tcase_add_test(tcase, leaves_the_file_to_its_maker);
    tcase_add_test(tcase, replaces_a_socket_that_nobody_listens_on);
    tcase_add_test(tcase, refuses_a_socket_in_use);
    tcase_add_test(tcase, refuses_a_path_that_is_no_socket);
    tcase_add_test(tcase, refuses_a_folder_that_is_missing);
    tcase_add_test(tcase, announces_in_one_line);
    tcase_add_test(tcase, knows_where_a_socket_is);
    tcase_add_test(tcase, adopts_a_unix_socket_and_removes_only_its_own);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
