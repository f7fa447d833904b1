/*
 * sandbox: what works inside it, what does not, and who one is. Each probe runs in a child of its
 * own that has entered.
 *
 * Run by root, workers become nobody; run by somebody else, they stay who they are, and what only
 * root could do is refused. Either way every test asserts something.
 */
#include "common/sandbox.h"
#include "common/sanitized.h"

#include "unit.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

enum { NOBODY = 65534, NOT_ENTERED = 99 };

static char root[] = "/tmp/tandem-sandbox-XXXXXX";
static char outside[] = "/tmp/tandem-outside-XXXXXX";
static char inside_file[64], outside_file[64];
static bool is_root;

/* What the child tells. */
static struct told {
    enum sandbox_result result;
    char line[512];
    int values[16];
} * told;

static void put_file(char *path, size_t size, const char *folder, mode_t mode)
{
    int fd;

    snprintf(path, size, "%s/file", folder);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "content\n", 8), 8);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

static void make_places(void)
{
    is_root = geteuid() == 0;
    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(told, MAP_FAILED);
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_ptr_nonnull(mkdtemp(outside));
    ck_assert_int_eq(chmod(root, 0777), 0); /* for the modes, anybody may write */
    ck_assert_int_eq(chmod(outside, 0755), 0);
    put_file(inside_file, sizeof(inside_file), root, 0666);
    put_file(outside_file, sizeof(outside_file), outside, 0644);
}

static void remove_places(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -r %s %s", root, outside);
    ck_assert_int_eq(system(command), 0);
    munmap(told, sizeof(*told));
}

static struct sandbox_needs wanted(void)
{
    return (struct sandbox_needs){.root = root, .wanted = true};
}

/* Forks, enters, runs `probe`. Returns the wait status; `probe` returns the exit code. */
static int inside(const struct sandbox_needs *needs, int (*probe)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        told->result = sandbox_enter(needs, told->line, sizeof(told->line));
        _exit(told->result == SANDBOX_FAILED ? NOT_ENTERED : probe());
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static int nothing(void)
{
    return 0;
}

static bool says(const char *words)
{
    return strstr(told->line, words) != NULL;
}

static bool has_landlock(void)
{
    return syscall(444, NULL, 0, 1) > 0;
}

/* --- what is refused -------------------------------------------------------------------------- */

static int result_of(long result)
{
    return result == -1 ? errno : 0;
}

static int open_result(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    return result_of(fd);
}

static int write_inside(void)
{
    return open_result(inside_file, O_WRONLY);
}

static int create_inside(void)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/new", root);
    return open_result(path, O_WRONLY | O_CREAT);
}

static int read_inside(void)
{
    return open_result(inside_file, O_RDONLY);
}

static int list_inside(void)
{
    return open_result(root, O_RDONLY | O_DIRECTORY);
}

static int read_outside(void)
{
    return open_result(outside_file, O_RDONLY);
}

static int read_system(void)
{
    return open_result("/etc/passwd", O_RDONLY);
}

static int write_null(void)
{
    return open_result("/dev/null", O_WRONLY);
}

static int read_maps(void)
{
    return open_result("/proc/self/maps", O_RDONLY);
}

static int unlink_inside(void)
{
    return result_of(unlink(inside_file));
}

static int socket_inet(void)
{
    return result_of(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int socket_unix(void)
{
    return result_of(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int socket_netlink(void)
{
    return result_of(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int socket_pair(void)
{
    int ends[2];

    return result_of(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
}

static int datagram_pair(void)
{
    int ends[2];

    return result_of(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
}

static int option_of_nothing(void)
{
    int on = 1;

    return result_of(setsockopt(-1, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
}

/* No process has this number. */
static int abort_somebody(void)
{
    return result_of(syscall(SYS_tgkill, INT_MAX, INT_MAX, SIGABRT));
}

static int start_program(void)
{
    char *const arguments[] = {NULL};

    return result_of(execve("/bin/true", arguments, arguments));
}

/* What nobody but a filter refuses. */
static int be_traced(void)
{
    return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int read_by_pid(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {root, 1};

    return result_of(process_vm_readv(getpid(), &here, 1, &there, 1, 0));
}

static int clone_user(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

    if (pid == 0)
        _exit(0);
    return result_of(pid);
}

static int clone_newest(void)
{
    return result_of(syscall(SYS_clone3, NULL, 0));
}

static int unshare_files(void)
{
    return result_of(unshare(CLONE_FILES));
}

static int map_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return result_of(p == MAP_FAILED ? -1 : 0);
}

static int turn_into_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? -1 : result_of(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int kill_all(void)
{
    return result_of(kill(-1, 0));
}

static int type_into_terminal(void)
{
    return result_of(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int become_dumpable(void)
{
    return result_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int limit_by_pid(void)
{
    struct rlimit limit;

    return result_of(prlimit(getpid(), RLIMIT_CORE, NULL, &limit));
}

static int submit_to_ring(void)
{
    return result_of(syscall(SYS_io_uring_setup, 1, NULL));
}

/* What each attempt gives. Where there is no Landlock, the modes decide what it would refuse; and a
 * sanitizer's leak checker must be able to trace. */
enum { ANYHOW, BY_LANDLOCK = 1, NOT_SANITIZED = 2 };

static const struct attempt {
    const char *name;
    int (*try)(void);
    int error, with_needs;
    unsigned when;
} attempts[] = {
    {"write inside", write_inside, EACCES, EACCES, BY_LANDLOCK},
    {"create inside", create_inside, EACCES, EACCES, BY_LANDLOCK},
    {"unlink inside", unlink_inside, EPERM, EPERM, ANYHOW},
    {"read inside", read_inside, 0, 0, ANYHOW},
    {"list inside", list_inside, 0, 0, ANYHOW},
    {"read outside", read_outside, EACCES, EACCES, BY_LANDLOCK},
    {"read the system's", read_system, 0, 0, ANYHOW},
    {"write to null", write_null, 0, 0, ANYHOW},
    {"read /proc", read_maps, EACCES, 0, BY_LANDLOCK | NOT_SANITIZED},
    {"socket inet", socket_inet, EPERM, 0, ANYHOW},
    {"socket unix", socket_unix, EPERM, 0, ANYHOW},
    {"socket netlink", socket_netlink, EPERM, EPERM, ANYHOW},
    {"socketpair", socket_pair, EPERM, 0, ANYHOW},
    {"socketpair(DGRAM)", datagram_pair, EPERM, 0, ANYHOW},
    {"setsockopt", option_of_nothing, EBADF, EBADF, ANYHOW},
    {"tgkill", abort_somebody, ESRCH, ESRCH, ANYHOW},
    {"execve", start_program, EPERM, EPERM, ANYHOW},
    {"ptrace", be_traced, EPERM, EPERM, NOT_SANITIZED},
    {"process_vm_readv", read_by_pid, EPERM, EPERM, ANYHOW},
    {"clone(NEWUSER)", clone_user, EPERM, EPERM, ANYHOW},
    {"clone3", clone_newest, ENOSYS, ENOSYS, ANYHOW},
    {"unshare", unshare_files, EPERM, EPERM, ANYHOW},
    {"mmap(EXEC)", map_code, EPERM, EPERM, ANYHOW},
    {"mprotect(EXEC)", turn_into_code, EPERM, EPERM, ANYHOW},
    {"kill(-1)", kill_all, EPERM, EPERM, ANYHOW},
    {"TIOCSTI", type_into_terminal, EPERM, EPERM, ANYHOW},
    {"PR_SET_DUMPABLE", become_dumpable, EPERM, EPERM, NOT_SANITIZED},
    {"prlimit(pid)", limit_by_pid, EPERM, EPERM, ANYHOW},
    {"io_uring_setup", submit_to_ring, EPERM, EPERM, ANYHOW},
};

static void assert_attempt(const struct attempt *a, const struct sandbox_needs *needs, int expected)
{
    int status = inside(needs, a->try);
    bool is_up_to_modes = a->when & BY_LANDLOCK && !has_landlock();

    ck_assert_msg(says(has_landlock() ? "Landlock ABI" : "no Landlock"), "%s", told->line);
    ck_assert_msg(says(", seccomp"), "%s", told->line);
    ck_assert_msg(WIFEXITED(status), "%s: wait status %d", a->name, status);
    if (TANDEM_SANITIZED && a->when & NOT_SANITIZED)
        expected = 0;
    if (!is_up_to_modes)
        ck_assert_msg(WEXITSTATUS(status) == expected, "%s: %s (%s)", a->name,
                      strerror(WEXITSTATUS(status)), told->line);
}

START_TEST(leaves_what_serving_needs)
{
    struct sandbox_needs needs = wanted();

    assert_attempt(&attempts[_i], &needs, attempts[_i].error);
}
END_TEST

START_TEST(leaves_what_a_module_asks_for)
{
    struct sandbox_needs needs = wanted();

    needs.sockets = needs.proc = true;
    assert_attempt(&attempts[_i], &needs, attempts[_i].with_needs);
}
END_TEST

/* A gate needs no file, and one of these calls. */
START_TEST(leaves_next_to_nothing_to_a_gate)
{
    const struct attempt *a = &attempts[_i];
    struct sandbox_needs needs = {.wanted = true, .is_gate = true};

    assert_attempt(a, &needs, a->try == socket_pair ? 0 : EPERM);
    ck_assert_msg(says("gates run as"), "%s", told->line);
}
END_TEST

/* --- what works ------------------------------------------------------------------------------- */

static int fork_and_wait(void)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(7);
    return child < 0 || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7;
}

/* As the nest does with its spares. */
static int kill_a_child(void)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        for (;;)
            pause();
    return child < 0 || kill(child, SIGKILL) != 0 || waitpid(child, &status, 0) != child ||
           !WIFSIGNALED(status);
}

/* As server-proc makes its workers. */
static int clone_with_files(void)
{
    int status;
    pid_t child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

    if (child == 0)
        _exit(prctl(PR_SET_NAME, "w") != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0);
    return child < 0 || waitpid(child, &status, 0) != child || status != 0;
}

static void *end_itself(void *value)
{
    pthread_exit(value);
}

static int start_a_thread(void)
{
    pthread_t thread;
    void *value = NULL;

    return pthread_create(&thread, NULL, end_itself, root) != 0 ||
           pthread_join(thread, &value) != 0 || value != root;
}

static void *wait_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return NULL;
}

static int cancel_a_thread(void)
{
    pthread_t thread;
    void *value = NULL;

    return pthread_create(&thread, NULL, wait_for_ever, NULL) != 0 || pthread_cancel(thread) != 0 ||
           pthread_join(thread, &value) != 0 || value != PTHREAD_CANCELED;
}

/* By a descriptor that was inherited, a file that was opened here, and a memfd. */
static int sockets_before[2];

static int serve_a_file(void)
{
    char got[16];
    int file = open(inside_file, O_RDONLY | O_CLOEXEC), body = memfd_create("body", MFD_CLOEXEC);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};

    return file < 0 || write(body, "abc", 3) != 3 || ftruncate(body, 2) != 0 ||
           epoll_ctl(epoll, EPOLL_CTL_ADD, sockets_before[1], &event) != 0 ||
           sendfile(sockets_before[0], file, NULL, 8) != 8 ||
           sendfile(sockets_before[0], body, &(off_t){0}, 2) != 2 ||
           send(sockets_before[0], "!", 1, MSG_NOSIGNAL) != 1 ||
           epoll_wait(epoll, &event, 1, 1000) != 1 ||
           recv(sockets_before[1], got, sizeof(got), 0) != 11 ||
           memcmp(got, "content\nab!", 11) != 0 || shutdown(sockets_before[0], SHUT_WR) != 0;
}

static int accept_a_connection(void)
{
    int fd = accept4(sockets_before[0], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    return fd < 0 || send(fd, "x", 1, MSG_NOSIGNAL) != 1;
}

static int use_memory(void)
{
    enum { MANY = 64 << 20 };
    char *p = malloc(MANY), *more;

    if (!p)
        return 1;
    memset(p, 1, MANY);
    more = realloc(p, 2 * (size_t)MANY);
    if (!more) {
        free(p);
        return 1;
    }
    free(more);
    return madvise(told, sizeof(*told), MADV_DONTDUMP) != 0;
}

static int limit_itself(void)
{
    struct rlimit limit = {.rlim_cur = 64, .rlim_max = 64};
    struct itimerval timer = {.it_value = {.tv_sec = 100}};
    struct rusage usage;
    timer_t id;
    struct sigevent quiet = {.sigev_notify = SIGEV_NONE};

    return setrlimit(RLIMIT_NOFILE, &limit) != 0 || setitimer(ITIMER_PROF, &timer, NULL) != 0 ||
           getrusage(RUSAGE_SELF, &usage) != 0 ||
           timer_create(CLOCK_PROCESS_CPUTIME_ID, &quiet, &id) != 0 || timer_delete(id) != 0;
}

static int (*const works[])(void) = {fork_and_wait, kill_a_child, clone_with_files, start_a_thread,
                                     use_memory,    limit_itself, cancel_a_thread,  serve_a_file};

START_TEST(lets_the_rest_work)
{
    struct sandbox_needs needs = wanted();
    int status;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets_before), 0);
    status = inside(&needs, works[_i]);
    ck_assert_msg(status == 0, "wait status %d (%s)", status, told->line);
}
END_TEST

START_TEST(lets_connections_be_accepted)
{
    struct sandbox_needs needs = wanted();
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(in);

    sockets_before[0] = socket(AF_INET, SOCK_STREAM, 0);
    sockets_before[1] = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(sockets_before[0], (struct sockaddr *)&in, size), 0);
    ck_assert_int_eq(listen(sockets_before[0], 1), 0);
    ck_assert_int_eq(getsockname(sockets_before[0], (struct sockaddr *)&in, &size), 0);
    ck_assert_int_eq(connect(sockets_before[1], (struct sockaddr *)&in, size), 0);
    ck_assert_int_eq(inside(&needs, accept_a_connection), 0);
}
END_TEST

static int connect_to_listener(void)
{
    struct sockaddr_in in;
    socklen_t size = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return getsockname(sockets_before[0], (struct sockaddr *)&in, &size) != 0 ||
           connect(fd, (struct sockaddr *)&in, size) != 0 ||
           bind(fd, (struct sockaddr *)&in, size) == 0 || errno != EPERM || listen(fd, 1) == 0 ||
           errno != EPERM;
}

START_TEST(lets_a_module_connect_and_not_listen)
{
    struct sandbox_needs needs = wanted();

    needs.sockets = true;
    sockets_before[0] = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(listen(sockets_before[0], 1), 0);
    ck_assert_int_eq(inside(&needs, connect_to_listener), 0);
}
END_TEST

static int abort_itself(void)
{
    signal(SIGABRT, SIG_DFL); /* a sanitizer would report it, and exit */
    abort();
}

static int crash_itself(void)
{
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return 0;
}

START_TEST(leaves_a_death_as_it_is)
{
    struct sandbox_needs needs = wanted();
    int status = inside(&needs, abort_itself);

    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "wait status %d", status);
    ck_assert(!WCOREDUMP(status));
    status = inside(&needs, crash_itself);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "wait status %d", status);
    ck_assert(!WCOREDUMP(status));
}
END_TEST

static int call_of_another_abi(void)
{
#ifdef __x86_64__
    syscall(0x40000000 | SYS_getpid);
#else
    raise(SIGSYS);
#endif
    return 0;
}

START_TEST(ends_who_calls_by_another_abi)
{
    struct sandbox_needs needs = wanted();
    int status = inside(&needs, call_of_another_abi);

    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "wait status %d", status);
}
END_TEST

static int signal_parent(void)
{
    return result_of(kill(getppid(), 0));
}

/* Someone else's process as root, the same user's as anybody: it takes Landlock 6 to refuse that. */
START_TEST(does_not_reach_its_supervisor)
{
    struct sandbox_needs needs = wanted();
    int status = inside(&needs, signal_parent);
    bool refused = is_root || syscall(444, NULL, 0, 1) >= 6;

    ck_assert_int_eq(status, W_EXITCODE(refused ? EPERM : 0, 0));
}
END_TEST

/* Is there in a build with AddressSanitizer only. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static int check_for_leaks(void)
{
    return __lsan_do_recoverable_leak_check();
}

START_TEST(lets_the_leak_checker_work)
{
    struct sandbox_needs needs = wanted();

    ck_assert_int_eq(inside(&needs, check_for_leaks), 0);
}
END_TEST

/* --- a kernel with less ----------------------------------------------------------------------- */

/* Lets `call` fail with ENOSYS from here on, as in a container with an older profile. */
static void hide_call(unsigned call)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = code};

    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), 0);
}

START_TEST(says_that_there_is_no_landlock)
{
    struct sandbox_needs needs = wanted();

    hide_call(444);
    ck_assert_int_eq(inside(&needs, read_outside), 0);
    ck_assert_int_eq(told->result, SANDBOX_WEAK);
    ck_assert_msg(says("no Landlock (Function not implemented)"), "%s", told->line);
    ck_assert_int_eq(inside(&needs, socket_inet), W_EXITCODE(EPERM, 0));
}
END_TEST

START_TEST(enters_all_of_it)
{
    struct sandbox_needs needs = wanted();

    ck_assert_int_eq(inside(&needs, nothing), 0);
    ck_assert_int_eq(told->result, has_landlock() ? SANDBOX_ENTERED : SANDBOX_WEAK);
    ck_assert_msg(says("no_new_privs") && says("seccomp"), "%s", told->line);
}
END_TEST

START_TEST(refuses_a_root_that_is_not_there)
{
    struct sandbox_needs needs = wanted();

    needs.root = "/nowhere";
    ck_assert_int_eq(inside(&needs, nothing), W_EXITCODE(NOT_ENTERED, 0));
    ck_assert_msg(says("--root /nowhere: "), "%s", told->line);
}
END_TEST

/* --- who one is ------------------------------------------------------------------------------- */

enum { UID, GID, GROUPS, GAINS, DUMPABLE, CORE, CAPS, BOUND, FILTER, READS, ENTERS };

static int count_capabilities(void)
{
    struct __user_cap_header_struct self = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2];
    uint32_t any = 0;

    if (syscall(SYS_capget, &self, sets) != 0)
        return -1;
    for (int i = 0; i < 2; i++)
        any |= sets[i].effective | sets[i].permitted | sets[i].inheritable;
    return any != 0;
}

static int tell_who(void)
{
    struct rlimit core;

    told->values[UID] = (int)getuid();
    told->values[GID] = (int)getgid();
    told->values[GROUPS] = getgroups(0, NULL);
    told->values[GAINS] = setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0;
    told->values[DUMPABLE] = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    told->values[CORE] = getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max > 0;
    told->values[CAPS] = count_capabilities();
    told->values[BOUND] = prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) > 0;
    told->values[FILTER] = socket(AF_INET, SOCK_STREAM, 0) < 0;
    told->values[READS] = open_result(outside_file, O_RDONLY);
    told->values[ENTERS] = open_result(inside_file, O_RDONLY);
    return 0;
}

/* Without the filter, so that it is the identity that refuses. */
static int status_as(const char *user)
{
    struct sandbox_needs needs = {.user = user, .root = root};

    return inside(&needs, tell_who);
}

static void assert_harmless(void)
{
    ck_assert_int_eq(told->values[DUMPABLE], 0);
    ck_assert_int_eq(told->values[CORE], 0);
    ck_assert_int_eq(told->values[CAPS], 0);
    ck_assert_int_eq(told->values[FILTER], 0);
    ck_assert_msg(says("--sandbox off"), "%s", told->line);
}

START_TEST(is_nobody_when_started_by_root)
{
    ck_assert_int_eq(status_as(NULL), 0);
    assert_harmless();
    if (is_root) {
        ck_assert_int_eq(told->values[UID], NOBODY);
        ck_assert_int_eq(told->values[GID], NOBODY);
        ck_assert_int_le(told->values[GROUPS], 1);
        ck_assert_int_eq(told->values[GAINS], 0);
        ck_assert_int_eq(told->values[BOUND], 0);
        ck_assert_msg(says("workers run as nobody"), "%s", told->line);
    } else {
        ck_assert_int_eq(told->values[UID], (int)getuid());
        ck_assert_msg(says("workers run as uid "), "%s", told->line);
    }
    ck_assert_int_eq(told->result, SANDBOX_ENTERED);
}
END_TEST

START_TEST(is_whom_user_names)
{
    char own[16];

    snprintf(own, sizeof(own), "%u", is_root ? 4711 : (unsigned)getuid());
    ck_assert_int_eq(status_as(own), 0);
    assert_harmless();
    ck_assert_int_eq(told->values[UID], atoi(own));
    if (is_root)
        ck_assert_int_eq(told->values[GID], 4711);
}
END_TEST

/* In a child when run by root, since there is no way back. */
static void become_anybody(void)
{
    ck_assert_int_eq(setgroups(0, NULL), 0);
    ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
    ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
}

static int status_as_anybody(const char *user)
{
    int status;
    pid_t child = is_root ? fork() : 0;

    if (!is_root)
        return status_as(user);
    if (child == 0) {
        become_anybody();
        status = status_as(user);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

START_TEST(is_nobody_else_without_root)
{
    ck_assert_int_eq(status_as_anybody("4711"), W_EXITCODE(NOT_ENTERED, 0));
    ck_assert_msg(says("--user 4711: only root can become another user"), "%s", told->line);
    ck_assert_int_eq(status_as_anybody("root"), W_EXITCODE(NOT_ENTERED, 0));
    ck_assert_msg(says("only root"), "%s", told->line);
    ck_assert_int_eq(status_as_anybody(NULL), 0);
    assert_harmless();
    ck_assert_int_eq(told->values[UID], is_root ? NOBODY : (int)getuid());
}
END_TEST

START_TEST(is_root_when_told_to)
{
    int status = status_as("root");

    if (is_root) {
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(told->values[UID], 0);
        ck_assert_int_eq(told->values[CAPS], 1);
        ck_assert_int_eq(told->values[DUMPABLE], 0);
        ck_assert_msg(says("workers run as root, as --user says"), "%s", told->line);
    } else {
        ck_assert_int_eq(status, W_EXITCODE(NOT_ENTERED, 0));
        ck_assert_msg(says("only root"), "%s", told->line);
    }
}
END_TEST

/* A folder that only its owner enters: root's own, without root's power over the files of others. */
START_TEST(is_the_owner_of_its_files_and_no_more)
{
    ck_assert_int_eq(chmod(root, 0700), 0);
    if (is_root) {
        ck_assert_int_eq(chmod(outside_file, 0600), 0);
        ck_assert_int_eq(chown(outside_file, NOBODY, NOBODY), 0);
    }
    ck_assert_int_eq(status_as(NULL), 0);
    assert_harmless();
    ck_assert_int_eq(told->values[ENTERS], 0);
    ck_assert_int_eq(told->values[UID], (int)getuid());
    if (is_root) {
        ck_assert_int_eq(told->result, SANDBOX_WEAK);
        ck_assert_int_eq(told->values[BOUND], 0);
        ck_assert_int_eq(told->values[READS], EACCES);
        ck_assert_msg(says("chmod o+x") && says(root), "%s", told->line);
        ck_assert_int_eq(status_as("4711"), 0); /* as told to, come what may */
        ck_assert_int_eq(told->values[ENTERS], EACCES);
    }
}
END_TEST

static int read_shadow(void)
{
    return open_result("/etc/shadow", O_RDONLY);
}

/* The owner of its files would be the owner of the passwords, too. */
START_TEST(does_not_own_the_passwords)
{
    struct sandbox_needs needs = wanted();
    int status;

    ck_assert_int_eq(chmod(root, 0700), 0);
    status = inside(&needs, read_shadow);
    if (has_landlock() || !is_root)
        ck_assert_int_eq(status, W_EXITCODE(EACCES, 0));
    else
        ck_assert_msg(says("no Landlock"), "%s", told->line);
    ck_assert_int_eq(inside(&needs, read_inside), 0);
    ck_assert_int_eq(inside(&needs, read_system), 0);
}
END_TEST

/* Root in a container that has no right to change its uid. */
START_TEST(says_what_is_missing_to_become_another)
{
    if (is_root)
        hide_call(SYS_setresuid);
    ck_assert_int_eq(status_as("4711"), W_EXITCODE(NOT_ENTERED, 0));
    ck_assert_msg(says(is_root ? "CAP_SETUID" : "only root"), "%s", told->line);
    if (is_root) {
        ck_assert_int_eq(status_as(NULL), W_EXITCODE(NOT_ENTERED, 0));
        ck_assert_msg(says("--user root"), "%s", told->line);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sandbox");
    TCase *tcase = tcase_create("sandbox");

    tcase_add_checked_fixture(tcase, make_places, remove_places);
    tcase_add_loop_test(tcase, leaves_what_serving_needs, 0, COUNT(attempts));
    tcase_add_loop_test(tcase, leaves_what_a_module_asks_for, 0, COUNT(attempts));
    if (!TANDEM_SANITIZED) /* whose leak checker needs many of them */
        tcase_add_loop_test(tcase, leaves_next_to_nothing_to_a_gate, 0, COUNT(attempts));
    tcase_add_loop_test(tcase, lets_the_rest_work, 0, COUNT(works));
    tcase_add_test(tcase, lets_connections_be_accepted);
    tcase_add_test(tcase, lets_a_module_connect_and_not_listen);
    tcase_add_test(tcase, leaves_a_death_as_it_is);
    tcase_add_test(tcase, ends_who_calls_by_another_abi);
    tcase_add_test(tcase, does_not_reach_its_supervisor);
    if (__lsan_do_recoverable_leak_check)
        tcase_add_test(tcase, lets_the_leak_checker_work);
    tcase_add_test(tcase, says_that_there_is_no_landlock);
    tcase_add_test(tcase, enters_all_of_it);
    tcase_add_test(tcase, refuses_a_root_that_is_not_there);
    tcase_add_test(tcase, is_nobody_when_started_by_root);
    tcase_add_test(tcase, is_whom_user_names);
    tcase_add_test(tcase, is_nobody_else_without_root);
    tcase_add_test(tcase, is_root_when_told_to);
    tcase_add_test(tcase, is_the_owner_of_its_files_and_no_more);
    tcase_add_test(tcase, does_not_own_the_passwords);
    tcase_add_test(tcase, says_what_is_missing_to_become_another);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
