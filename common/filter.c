/*
 * filter.c — the allowlist of system calls, for libseccomp.
 *
 * Calls of the first table are allowed whatever their arguments are: these the kernel answers from a
 * bitmap, without running the filter. So what happens for each request is in there, and calls whose
 * arguments are looked at are such as happen rarely.
 *
 * Two decisions:
 *   - No new code: memory that is or becomes executable is refused, so that an overwritten stack or
 *     heap stays data. The price: nothing can be loaded after this. Modules have been, sandbox.c has
 *     loaded the unwinder; NSS and gconv plug-ins that a handler would need for the first time fail
 *     as if they were not installed, and glibc's own files, dns and UTF-8 are built in.
 *   - clone3, whose flags a filter cannot see, "does not exist": then the C library uses clone.
 */
#include "filter.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sanitized.h"

#define CALL(name) SCMP_SYS(name)
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* --- a worker --- */

/* clang-format off */
static const int allowed[] = {
    /* each request */
    CALL(recvfrom), CALL(sendto), CALL(recvmsg), CALL(sendmsg), CALL(sendfile), CALL(accept4),
    CALL(getsockopt), CALL(setsockopt), CALL(shutdown), CALL(getsockname), CALL(getpeername),
    CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2), CALL(epoll_ctl),
    CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(pread64), CALL(pwrite64),
    CALL(openat), CALL(openat2), CALL(close), CALL(fstat), CALL(newfstatat), CALL(statx),
    CALL(futex), CALL(sched_yield), CALL(clock_gettime), CALL(clock_nanosleep),
    /* descriptors */
    CALL(fcntl), CALL(dup), CALL(dup2), CALL(dup3), CALL(pipe), CALL(pipe2), CALL(lseek),
    CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(close_range), CALL(epoll_create1),
    CALL(eventfd2), CALL(signalfd4), CALL(timerfd_create), CALL(timerfd_settime),
    CALL(timerfd_gettime), CALL(memfd_create), CALL(ftruncate), CALL(fallocate), CALL(fadvise64),
    CALL(fsync), CALL(fdatasync), CALL(flock), CALL(preadv), CALL(pwritev), CALL(accept),
    /* files by name: whether that one may be read, Landlock decides */
    CALL(open), CALL(stat), CALL(lstat), CALL(access), CALL(faccessat), CALL(faccessat2),
    CALL(readlink), CALL(readlinkat), CALL(getdents64), CALL(getcwd), CALL(chdir), CALL(fchdir),
    CALL(umask),
    /* memory */
    CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(msync), CALL(mincore),
    /* threads and children */
    CALL(exit), CALL(exit_group), CALL(wait4), CALL(waitid), CALL(set_robust_list),
    CALL(get_robust_list), CALL(rseq), CALL(set_tid_address), CALL(membarrier), CALL(getcpu),
    CALL(sched_getaffinity), CALL(sched_getparam), CALL(sched_getscheduler), CALL(futex_waitv),
    /* signals */
    CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigpending),
    CALL(rt_sigsuspend), CALL(rt_tgsigqueueinfo), CALL(rt_sigtimedwait), CALL(sigaltstack), CALL(pause), CALL(tgkill),
    CALL(tkill), CALL(restart_syscall),
    /* clocks and timers */
    CALL(time), CALL(gettimeofday), CALL(clock_getres), CALL(nanosleep), CALL(times), CALL(alarm),
    CALL(setitimer), CALL(getitimer), CALL(timer_create), CALL(timer_settime), CALL(timer_gettime),
    CALL(timer_getoverrun), CALL(timer_delete),
    /* what one is and has */
    CALL(getpid), CALL(gettid), CALL(getppid), CALL(getpgrp), CALL(getpgid), CALL(getsid),
    CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid), CALL(getresuid), CALL(getresgid),
    CALL(getgroups), CALL(capget), CALL(getrusage), CALL(getrandom), CALL(uname), CALL(sysinfo),
#if TANDEM_SANITIZED
    /* the leak checker stops and reads the process that it is in, by a clone of it */
    CALL(ptrace), CALL(prctl), CALL(getdents),
#endif
};

/* With TANDEM_NEEDS_SOCKETS. What such a socket can reach, Landlock restricts no further. */
static const int allowed_with_sockets[] = {
    CALL(connect), CALL(socketpair), CALL(sendmmsg), CALL(recvmmsg),
};

#define IF(name, argument, operator, ...) \
    {CALL(name), {argument, SCMP_CMP_##operator, __VA_ARGS__}}
#define NEW_NAMESPACES                                                                     \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |         \
     CLONE_NEWPID | CLONE_NEWNET)

/* Allowed when one argument is so; a call that stands here more often, when one of the rows says
 * so. */
static const struct condition {
    int call;
    struct scmp_arg_cmp when;
} conditions[] = {
    IF(clone, 0, MASKED_EQ, NEW_NAMESPACES, 0),
    IF(mmap, 2, MASKED_EQ, PROT_EXEC, 0),
    IF(mprotect, 2, MASKED_EQ, PROT_EXEC, 0),
    IF(connect, 2, EQ, sizeof(sa_family_t), 0), /* to nowhere: see conn_cast_off() */
    IF(kill, 0, MASKED_EQ, 0x80000000, 0), /* one process, not all of this user's */
    IF(prlimit64, 0, EQ, 0, 0), /* its own */
#if !TANDEM_SANITIZED
    IF(prctl, 0, EQ, PR_SET_NAME, 0),
    IF(prctl, 0, EQ, PR_GET_NAME, 0),
    IF(prctl, 0, EQ, PR_SET_PDEATHSIG, 0),
    IF(prctl, 0, EQ, PR_GET_DUMPABLE, 0),
    IF(prctl, 0, EQ, PR_GET_NO_NEW_PRIVS, 0),
#endif
    /* not those that type into the terminal the server was started from */
    IF(ioctl, 1, EQ, FIONREAD, 0),
    IF(ioctl, 1, EQ, SIOCOUTQ, 0),
    IF(ioctl, 1, EQ, FIONBIO, 0),
    IF(ioctl, 1, EQ, TCGETS, 0), /* isatty, for stdio */
    IF(ioctl, 1, EQ, TIOCGWINSZ, 0),
};

static const struct condition conditions_with_sockets[] = {
    IF(socket, 0, EQ, AF_UNIX, 0),
    IF(socket, 0, EQ, AF_INET, 0),
    IF(socket, 0, EQ, AF_INET6, 0),
};
/* clang-format on */

/* --- a gate --- */

/* clang-format off */
/* A client's bytes from one socket to another, and nothing else: no file by any name, no process, no
 * thread, no socket that could reach anybody new, no signal but the SIGABRT of its own abort(). What it
 * can still do is all that these calls can with the descriptors it has: it accepts, reads and
 * writes them, and can put any of them into a message to the workers. */
static const int allowed_for_gate[] = {
    /* each request */
    CALL(recvfrom), CALL(sendto), CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_ctl),
    /* each connection */
    CALL(accept4), CALL(sendmsg), CALL(close), CALL(shutdown),
    /* the log, and signals as they are read there */
    CALL(read), CALL(write), CALL(poll), CALL(ppoll),
    /* memory, locks, time, randomness */
    CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(futex), CALL(clock_gettime),
    CALL(gettimeofday), CALL(time), CALL(getrandom), CALL(getpid), CALL(getppid), CALL(gettid),
    CALL(restart_syscall),
    /* the end, abort() included */
    CALL(exit), CALL(exit_group), CALL(rt_sigreturn), CALL(rt_sigprocmask), CALL(rt_sigaction),
#if TANDEM_SANITIZED
    /* as above; and reports */
    CALL(ptrace), CALL(prctl), CALL(getdents), CALL(getdents64), CALL(clone), CALL(wait4), CALL(sigaltstack),
    CALL(sched_yield), CALL(open), CALL(openat), CALL(readlink), CALL(fstat), CALL(newfstatat),
    CALL(set_robust_list), CALL(lseek), CALL(pipe), CALL(pipe2), CALL(getrusage), CALL(sched_getaffinity),
#endif
};

static const struct condition conditions_for_gate[] = {
    IF(mmap, 2, MASKED_EQ, PROT_EXEC, 0),
    IF(mprotect, 2, MASKED_EQ, PROT_EXEC, 0),
    IF(ioctl, 1, EQ, SIOCOUTQ, 0),
#if !TANDEM_SANITIZED
    IF(prctl, 0, EQ, PR_SET_PDEATHSIG, 0),
#endif
};
/* clang-format on */

/* --- installing --- */

/* libseccomp gives calls that this architecture does not have a negative number. */
static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++)
        if (calls[i] >= 0)
            error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return error;
}

static int allow_if(scmp_filter_ctx filter, const struct condition *c, size_t count)
{
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++)
        error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, c[i].call, 1, &c[i].when);
    return error;
}

static int add_rules_for_worker(scmp_filter_ctx filter, bool sockets)
{
    int error = allow(filter, allowed, COUNT(allowed));
    if (error == 0)
        error = allow_if(filter, conditions, COUNT(conditions));
    if (error == 0 && sockets)
        error = allow(filter, allowed_with_sockets, COUNT(allowed_with_sockets));
    if (error == 0 && sockets)
        error = allow_if(filter, conditions_with_sockets, COUNT(conditions_with_sockets));
    if (error == 0)
        error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return error;
}

/* Allowed when two arguments are so. A pair of datagram sockets is none: each of its ends can write to
 * any socket that has a name. The filter is the gate's own, so it knows the gate's number. */
static int allow_if_both(scmp_filter_ctx filter)
{
    const struct {
        int call;
        struct scmp_arg_cmp when[2];
    } rules[] = {
        {CALL(socketpair),
         {{0, SCMP_CMP_EQ, AF_UNIX, 0},
          {1, SCMP_CMP_EQ, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0}}},
        {CALL(setsockopt), {{1, SCMP_CMP_EQ, SOL_SOCKET, 0}, {2, SCMP_CMP_EQ, SO_LINGER, 0}}},
        {CALL(tgkill), {{0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0}, {2, SCMP_CMP_EQ, SIGABRT, 0}}},
    };
    int error = 0;
    for (size_t i = 0; i < COUNT(rules) && error == 0; i++)
        error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call, 2, rules[i].when);
    return error;
}

static int add_rules_for_gate(scmp_filter_ctx filter)
{
    int error = allow(filter, allowed_for_gate, COUNT(allowed_for_gate));
    if (error == 0)
        error = allow_if(filter, conditions_for_gate, COUNT(conditions_for_gate));
    if (error == 0)
        error = allow_if_both(filter);
    return error;
}

/* Calls of another ABI (int 0x80, x32) are no mistake of an honest handler. The tree makes the filter
 * short where it runs; SSB: no slower memory for all the time after it. */
static void set_attributes(scmp_filter_ctx filter)
{
    static const struct {
        enum scmp_filter_attr name;
        uint32_t value;
    } attributes[] = {{SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS},
                      {SCMP_FLTATR_CTL_NNP, 1},
                      {SCMP_FLTATR_CTL_SSB, 1},
                      {SCMP_FLTATR_CTL_OPTIMIZE, 2},
                      {SCMP_FLTATR_API_SYSRAWRC, 1}};
    for (size_t i = 0; i < COUNT(attributes); i++)
        seccomp_attr_set(filter, attributes[i].name, attributes[i].value);
}

/* NULL: no memory. */
static scmp_filter_ctx open_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter)
        set_attributes(filter);
    return filter;
}

static int load(scmp_filter_ctx filter, int error)
{
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return -error;
}

int filter_install(bool sockets)
{
    scmp_filter_ctx filter = open_filter();
    return filter ? load(filter, add_rules_for_worker(filter, sockets)) : ENOMEM;
}

int filter_install_for_gate(void)
{
    scmp_filter_ctx filter = open_filter();
    return filter ? load(filter, add_rules_for_gate(filter)) : ENOMEM;
}
