/*
 * nursery.c — a futex to be told by, and clone.
 */
#include "nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/handlers/handlers.h"
#include "common/signals.h"
#include "spare.h"
#include "worker.h"

/*
 *      OPENING ── modules, sandbox ──▶ DONE ── supervisor ──▶ ORDERED ── nursery: forks ──▶ DONE
 */
enum state { OPENING, ORDERED, DONE };

static struct mailbox {
    _Atomic uint32_t state; /* futex */
    enum order order;
    size_t index; /* of the worker */
    size_t breed; /* spare.h */
    pid_t pid;
    int error;
} * mailbox;

static pid_t nursery_pid = -1;

/* === both === */

static void set_state(enum state state)
{
    atomic_store(&mailbox->state, state);
    syscall(SYS_futex, &mailbox->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Waits while the state is `state`, for `ms` at most (-1: as long as it takes). */
static void wait_while(uint32_t state, int64_t ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    syscall(SYS_futex, &mailbox->state, FUTEX_WAIT, state, ms < 0 ? NULL : &time, NULL, 0);
}

/* === the nursery === */

static void make_nest(pid_t supervisor, pid_t *pid)
{
    spare_before_nest();
    if (syscall(SYS_clone, CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, 0, pid, 0, 0) == 0)
        spare_nest(supervisor);
}

/* The kernel writes the child's pid down: we may be killed before we could, and a worker that nobody
 * knows would be one too many. */
static void obey(struct server *s, pid_t supervisor)
{
    errno = 0;
    spare_use(mailbox->breed);
    switch (mailbox->order) {
    case ORDER_WORKER:
        worker_make(s, mailbox->index, supervisor, &mailbox->pid);
        break;
    case ORDER_NEST:
        make_nest(supervisor, &mailbox->pid);
        break;
    case ORDER_RELOAD:
        media_types_close(files_renew_types()); /* nobody uses them here */
        malloc_trim(0);
        break;
    case ORDER_CLOSE:
        server_close_modules(s);
        _exit(EXIT_SUCCESS);
    }
    mailbox->error = errno;
}

/* The gates are there so that no handler can read a key from memory; it should not be able to read it
 * from its file either. What is no plain file (a pipe) has been read, and is left alone. */
static void look_at_keys(const struct options *o)
{
    struct stat st;
    for (size_t i = 0; i < o->tls_keys.count; i++) {
        const char *path = o->tls_keys.all[i];
        int fd =
            stat(path, &st) == 0 && S_ISREG(st.st_mode) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0)
            continue;
        close(fd);
        log_line(
            LOG_WARN,
            "--tls-key %.300s: handlers can open this file: have root own it with mode 600 and "
            "start as root (workers are then another user), or keep it away from --root and "
            "/usr with --sandbox on and a kernel that has Landlock",
            path);
    }
}

/* What the children inherit is set here, once: a filter installed in each of them would double the
 * price of a fork. */
static bool prepare(struct server *s)
{
    server_bound_memory(s, 1);
    worker_bound_descriptors(s->handler_fds);
    bool is_ready = server_enter_sandbox(s);
    if (is_ready)
        look_at_keys(&s->options);
    malloc_trim(0); /* else each child tidies up, in pages of its own, what was freed here */
    return is_ready;
}

static _Noreturn void nursery_main(struct server *s, pid_t supervisor)
{
    prctl(PR_SET_NAME, "nursery");
    log_sit(SEAT_OPENER);
    signals_die_with(supervisor);
    spare_before_modules();
    if (!server_open_modules(s))
        _exit(EXIT_FAILURE);
    spare_after_modules();
    if (!prepare(s))
        _exit(EXIT_FAILURE);
    signals_die_with(supervisor); /* perhaps as another user now */
    madvise(mailbox, sizeof *mailbox, MADV_DONTFORK);
    media_file_keep_to_ourselves(s->media);
    for (set_state(DONE);;) {
        for (uint32_t seen; (seen = atomic_load(&mailbox->state)) != ORDERED;)
            wait_while(seen, -1);
        obey(s, supervisor);
        set_state(DONE);
    }
}

/* === the supervisor === */

enum {
    LOOK_PAUSE = 100, /* ms between looks whether it still lives */
    OBEDIENCE = 5000  /* ms that an order may take, on a machine with hardly any memory left */
};

static bool is_alive(void)
{
    siginfo_t info = {0};
    return nursery_pid > 0 &&
           waitid(P_PID, (id_t)nursery_pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

/* False: it has died, or is killed, since it does not obey: somebody has stopped it, perhaps. */
static bool await_done(void)
{
    int64_t until = clock_ms() + OBEDIENCE;
    for (uint32_t seen; (seen = atomic_load(&mailbox->state)) != DONE;) {
        wait_while(seen, LOOK_PAUSE);
        if (atomic_load(&mailbox->state) == DONE)
            break;
        if (clock_ms() >= until) {
            log_line(LOG_ERROR, "the nursery does not do what it is told: it is killed");
            nursery_kill();
            until = INT64_MAX;
        }
        if (!is_alive())
            return false;
    }
    return true;
}

bool nursery_open(void)
{
    void *page =
        mmap(NULL, sizeof *mailbox, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mailbox = page == MAP_FAILED ? NULL : page;
    return mailbox;
}

/* A module may take its time to open, or never come back: a signal does not wait for it, or no longer than
 * that; and never the second. */
static enum start await_opening(struct server *s, int64_t patience)
{
    unsigned all = 0;
    int64_t until = INT64_MAX;
    enum start result = START_READY;
    for (uint32_t seen; result == START_READY && (seen = atomic_load(&mailbox->state)) != DONE;) {
        wait_while(seen, LOOK_PAUSE);
        unsigned came = signals_wait(s->signals, 0);
        if (came & SIGNAL_STOP)
            until = all & SIGNAL_STOP ? 0 : clock_ms() + patience;
        all |= came;
        if (clock_ms() >= until)
            result = START_STOPPED;
        else if (atomic_load(&mailbox->state) != DONE && !is_alive())
            result = START_FAILED;
    }
    signals_put_off(result == START_STOPPED ? all & ~(unsigned)SIGNAL_STOP : all);
    return result;
}

enum start nursery_start(struct server *s, int64_t patience)
{
    pid_t supervisor = getpid();
    int status = 0;
    memset(mailbox, 0, sizeof *mailbox);
    nursery_pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (nursery_pid == 0)
        nursery_main(s, supervisor);
    if (nursery_pid < 0) {
        log_line(LOG_ERROR, "no nursery: %s", strerror(errno));
        return START_KILLED;
    }
    enum start result = await_opening(s, patience);
    if (result == START_READY)
        return result;
    if (result == START_STOPPED)
        kill(nursery_pid, SIGKILL);
    waitpid(nursery_pid, &status, 0);
    nursery_pid = -1;
    if (result == START_STOPPED)
        return result;
    server_tell_opening(s, status);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? START_KILLED : START_FAILED;
}

pid_t nursery_make(enum order order, size_t index)
{
    mailbox->order = order;
    mailbox->index = index;
    mailbox->breed = order == ORDER_NEST ? index : spare_breed();
    mailbox->pid = -1;
    set_state(ORDERED);
    bool is_done = await_done();
    errno = is_done ? mailbox->error : ECHILD;
    return mailbox->pid;
}

bool nursery_reload(void)
{
    nursery_make(ORDER_RELOAD, 0);
    return errno == 0;
}

int64_t nursery_cpu(void)
{
    clockid_t clock;
    if (nursery_pid <= 0 || clock_getcpuclockid(nursery_pid, &clock) != 0)
        return 0;
    return clock_cpu(clock) / 1000;
}

bool nursery_reaped(pid_t pid)
{
    if (pid != nursery_pid)
        return false;
    nursery_pid = -1;
    return true;
}

void nursery_kill(void)
{
    if (nursery_pid > 0)
        kill(nursery_pid, SIGKILL);
}

void nursery_close(int64_t ms)
{
    if (nursery_pid < 0)
        return;
    mailbox->order = ORDER_CLOSE;
    set_state(ORDERED);
    for (int64_t until = clock_ms() + ms; is_alive() && clock_ms() < until;)
        usleep(1000);
    kill(nursery_pid, SIGKILL);
    waitpid(nursery_pid, NULL, 0);
    nursery_pid = -1;
}
