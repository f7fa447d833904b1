/*
 * crash.c — a signal handler that asks before it touches anything.
 *
 * What the handler does is ordered by danger: what might itself crash comes when all that is known
 * by then has been written. All six signals are blocked meanwhile, so that a second crash kills at
 * once, and what stands in the record stays.
 *
 *      signal, address, pc ─▶ frames ─▶ at the memory limit? ─▶ names ─▶ tell ─▶ death
 *       (registers)           (stack)       (one mmap)        (loader)
 */
#include "crash.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backtrace.h"

static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
enum { DEADLY = sizeof deadly / sizeof deadly[0] };

/* Volatile: read by a handler of the same thread. Initial-exec: reading it there allocates nothing.
 */
static _Thread_local struct {
    struct crash *volatile record;
    void (*volatile tell)(const struct crash *record);
    stack_t stack;  /* ss_sp NULL: it has none of ours */
    stack_t before; /* what was there, which may be a sanitizer's */
} self __attribute__((tls_model("initial-exec")));

/* --- the last breath --- */

enum { TRIAL = 4 << 20 /* bytes: what failed was hardly more */ };

/* `error` is what the last call that failed has left: who was refused much at once may still get a
 * little. */
static bool is_out_of_memory(int error)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return false;
    if (error == ENOMEM)
        return true;
    void *more = mmap(NULL, TRIAL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (more == MAP_FAILED)
        return errno == ENOMEM;
    munmap(more, TRIAL);
    return false;
}

/* Whoever sends a signal gives no address, and neither does a processor that was given one which
 * cannot be (SI_KERNEL). */
static bool has_address(int number, int code)
{
    return number != SIGABRT && number != SIGSYS && code > 0 && code != SI_KERNEL;
}

static void write_down(struct crash *c, const siginfo_t *info, const ucontext_t *context, int error)
{
    struct backtrace trace = {.record = c};
    c->code = info->si_code;
    c->address = has_address(info->si_signo, info->si_code) ? (uintptr_t)info->si_addr : 0;
    c->is_out_of_memory = false;
    backtrace_begin(&trace, context);
    atomic_store_explicit(&c->signal, info->si_signo, memory_order_release);
    backtrace_walk(&trace, context);
    c->is_out_of_memory = is_out_of_memory(error);
    backtrace_name(&trace);
}

/* The same signal with the same story once more, for the default action. It is pending until the
 * handler returns, and so comes before the instruction that failed is tried again: not all would
 * fail again, as with SIGSYS, or after kill -SEGV. abort() is not resumed either. */
static void die_of(siginfo_t *info)
{
    signal(info->si_signo, SIG_DFL);
    syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), info->si_signo, info);
}

/* Disarms first: abort() in `tell` unblocks its signal and comes here again, to just die. */
static void on_crash(int number, siginfo_t *info, void *context)
{
    struct crash *record = self.record;
    int error = errno;
    (void)number;
    self.record = NULL;
    if (record) {
        write_down(record, info, context, error);
        if (self.tell)
            self.tell(record);
    }
    die_of(info);
}

/* --- before it comes to that --- */

bool crash_catch(void)
{
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < DEADLY; i++)
        sigaddset(&action.sa_mask, deadly[i]);
    backtrace_learn();
    for (size_t i = 0; i < DEADLY; i++)
        if (sigaction(deadly[i], &action, NULL) != 0)
            return false;
    return crash_arm(NULL, NULL);
}

enum { STACK_ROOM = 32 * 1024 };

/* The registers that the kernel saves take more room with each processor: it knows how much. Below
 * lies a page that nobody may touch. */
static bool take_stack(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    long saved = sysconf(_SC_MINSIGSTKSZ);
    size_t size = STACK_ROOM + (saved > 0 ? (size_t)saved : 0);
    size = (size + page - 1) / page * page;
    char *all = mmap(NULL, page + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (all == MAP_FAILED)
        return false;
    stack_t stack = {.ss_sp = all + page, .ss_size = size};
    if (mprotect(stack.ss_sp, size, PROT_READ | PROT_WRITE) == 0 &&
        sigaltstack(&stack, &self.before) == 0) {
        self.stack = stack;
        return true;
    }
    int why = errno;
    munmap(all, page + size);
    errno = why;
    return false;
}

bool crash_arm(struct crash *record, void (*tell)(const struct crash *record))
{
    self.record = NULL;
    if (!self.stack.ss_sp && !take_stack())
        return false;
    self.tell = tell;
    self.record = record;
    return true;
}

void crash_disarm(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    self.record = NULL;
    if (!self.stack.ss_sp)
        return;
    sigaltstack(&self.before, NULL);
    munmap((char *)self.stack.ss_sp - page, page + self.stack.ss_size);
    self.stack = (stack_t){0};
}

/* The handler writes all the rest before, or empties it when it comes to it. */
void crash_clear(struct crash *record)
{
    atomic_store(&record->signal, 0);
}

/* --- the reader, who believes nothing --- */

static bool is_deadly(int number)
{
    for (size_t i = 0; i < DEADLY; i++)
        if (deadly[i] == number)
            return true;
    return false;
}

/* Its name, or the bare address. */
static void copy_frame(const struct crash *record, size_t i, char out[CRASH_NAME])
{
    memcpy(out, record->names[i], CRASH_NAME);
    out[CRASH_NAME - 1] = '\0';
    if (out[0] == '\0')
        snprintf(out, CRASH_NAME, "0x%llx", (unsigned long long)record->frames[i]);
    for (char *at = out; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
}

const char *crash_text(const struct crash *record, char out[CRASH_TEXT])
{
    static const char more[] = " < ...";
    size_t used = 0;
    out[0] = '\0';
    if (!record)
        return out;
    int number = atomic_load_explicit(&record->signal, memory_order_acquire);
    if (!is_deadly(number))
        return out;
    if (has_address(number, record->code))
        used = (size_t)snprintf(out, CRASH_TEXT, "at 0x%llx", (unsigned long long)record->address);
    uint32_t depth = atomic_load_explicit(&record->depth, memory_order_acquire);
    for (size_t i = 0; i < depth && i < CRASH_FRAMES; i++) {
        char name[CRASH_NAME];
        copy_frame(record, i, name);
        if (used + strlen(" < ") + strlen(name) + sizeof more > CRASH_TEXT) {
            strcpy(out + used, more);
            break;
        }
        const char *joint = i > 0 ? " < " : used > 0 ? "; " : "";
        used += (size_t)snprintf(out + used, CRASH_TEXT - used, "%s%s", joint, name);
    }
    return out;
}
