/*
 * crash: children that really die, in all the ways there are, and what they have written down.
 *
 * Two promises are looked at with each: the record says what happened, and the wait status is the
 * one that the child would have had without it.
 */
#include "common/crash.h"
#include "common/sanitized.h"

#include "unit.h"

#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNCHECKED __attribute__((noinline, no_sanitize("address"), no_sanitize("undefined")))

enum { NEAR_NULL = 0x40, SMALL = 256 /* bytes of a function's code */, SOME_ROOM = 64 << 20 };

/* In memory that the children share: what is written by one is seen here. */
static struct shared {
    struct crash crash;
    struct crash other;
    _Atomic int told;
    _Atomic uintptr_t expected; /* the address at which the child is going to fail */
} * shared;

static void set_up(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
}

static void tear_down(void)
{
    munmap(shared, sizeof(*shared));
}

/* --- ways to die --- */

UNCHECKED static void store_through_null(void)
{
    volatile int *volatile near = (volatile int *)(uintptr_t)NEAR_NULL;
    *near = 1;
}

UNCHECKED static void call_null(void)
{
    void (*volatile nothing)(void) = NULL;
    // cppcheck-suppress nullPointer
    nothing();                          // NOLINT
    atomic_fetch_add(&shared->told, 1); /* no tail call: this function is still there */
}

/* A leaf of libc without a frame of its own. */
UNCHECKED static void measure_null(void)
{
    static char *(*volatile find)(const char *, int) = strchr;
    if (find((const char *)(uintptr_t)NEAR_NULL, 'x'))
        atomic_fetch_add(&shared->told, 1);
}

UNCHECKED static int deeper(const volatile char *above)
{
    volatile char room[1024];
    room[0] = 0;
    if (*above)
        return 0;
    return deeper(room) + room[0];
}

static void overflow(void)
{
    char start = 0;
    deeper(&start);
}

static void divide(void)
{
    raise(SIGFPE);
}

static void be_sent_a_segv(void)
{
    kill(getpid(), SIGSEGV);
    pause();
}

UNCHECKED static void use_an_address_that_cannot_be(void)
{
    volatile int *volatile wild = (volatile int *)(uintptr_t)0x4141414141414141;
    *wild = 1;
}

/* One system call that nobody needs is trapped: the only signal here after which the program would
 * go on if it just returned. */
static void break_the_sandbox(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_acct, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(rules) / sizeof(rules[0]), rules};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    syscall(SYS_acct, NULL);
}

/* The callers' part of the stack is gone, and so are the arguments and the environment. */
UNCHECKED static void lose_the_stack(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t above = ((uintptr_t)__builtin_frame_address(0) / page + 1) * page;

    munmap((void *)above, 16 * page);
    store_through_null();
}

UNCHECKED static void fail_far_from_the_callers(void)
{
    volatile char room[4 * 4096];

    room[0] = 1;
    lose_the_stack();
    atomic_fetch_add(&shared->told, room[0]);
}

static void *fail_in_a_thread(void *way)
{
    if (crash_arm(&shared->other, NULL))
        ((void (*)(void))(uintptr_t)way)();
    return NULL;
}

static void in_a_thread(void (*way)(void))
{
    pthread_t thread;

    pthread_create(&thread, NULL, fail_in_a_thread, (void *)(uintptr_t)way);
    pthread_join(thread, NULL);
}

static void store_in_a_thread(void)
{
    in_a_thread(store_through_null);
}

static void overflow_in_a_thread(void)
{
    in_a_thread(overflow);
}

/* --- dying, and looking at it --- */

typedef void (*teller)(const struct crash *record);

/* In a child of this one; returns its wait status. One that does not die ends with 0. */
static int die(void (*way)(void), struct crash *record, teller tell)
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        if (!crash_catch() || (record && !crash_arm(record, tell)))
            _exit(99);
        way();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static void expect_death(int status, int number)
{
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == number, "wait status 0x%x, not %s",
                  (unsigned)status, strsignal(number));
}

static bool names_us(const char *text)
{
    return strstr(text, program_invocation_short_name) != NULL;
}

static const char *text_of(const struct crash *record)
{
    static char text[CRASH_TEXT];

    return crash_text(record, text);
}

static void count(const struct crash *record)
{
    bool is_whole = record == &shared->crash && names_us(record->names[0]);

    atomic_fetch_add(&shared->told, is_whole ? 1 : 100);
}

static void count_any(const struct crash *record)
{
    (void)record;
    atomic_fetch_add(&shared->told, 1);
}

START_TEST(tells_what_was_touched_and_where)
{
    expect_death(die(store_through_null, &shared->crash, NULL), SIGSEGV);
    ck_assert_int_eq(atomic_load(&shared->crash.signal), SIGSEGV);
    ck_assert_int_eq(shared->crash.code, SEGV_MAPERR);
    ck_assert_uint_eq(shared->crash.address, NEAR_NULL);
    ck_assert_uint_ge(atomic_load(&shared->crash.depth), 3); /* this way, die, this test */
    ck_assert_msg(names_us(shared->crash.names[0]), "%s", shared->crash.names[0]);
    ck_assert_msg(names_us(shared->crash.names[1]), "%s", shared->crash.names[1]);
    ck_assert_msg(strncmp(text_of(&shared->crash), "at 0x40; ", 9) == 0, "%s",
                  text_of(&shared->crash));
    ck_assert(!shared->crash.is_out_of_memory);
}
END_TEST

/* What stands behind "name+0x" leads back to the address, as for addr2line -e. */
START_TEST(gives_offsets_into_the_file)
{
    Dl_info here;
    const char *plus;

    expect_death(die(store_through_null, &shared->crash, NULL), SIGSEGV);
    ck_assert_int_ne(dladdr((void *)(uintptr_t)store_through_null, &here), 0);
    plus = strstr(shared->crash.names[0], "+0x");
    ck_assert_ptr_nonnull(plus);
    ck_assert_uint_eq((uintptr_t)here.dli_fbase + strtoul(plus + 1, NULL, 16),
                      shared->crash.frames[0]);
    ck_assert_uint_ge(shared->crash.frames[0], (uintptr_t)store_through_null);
    ck_assert_uint_lt(shared->crash.frames[0], (uintptr_t)store_through_null + SMALL);
}
END_TEST

START_TEST(finds_who_called_nothing)
{
    expect_death(die(call_null, &shared->crash, NULL), SIGSEGV);
    ck_assert_uint_eq(shared->crash.frames[0], 0);
    ck_assert_uint_gt(shared->crash.frames[1], (uintptr_t)call_null);
    ck_assert_uint_lt(shared->crash.frames[1], (uintptr_t)call_null + SMALL);
    ck_assert_msg(strncmp(text_of(&shared->crash), "at 0x0; 0x0 < ", 14) == 0, "%s",
                  text_of(&shared->crash));
}
END_TEST

/* libc keeps no frame pointers: the way from there to us is found all the same. */
START_TEST(finds_who_called_libc)
{
    expect_death(die(measure_null, &shared->crash, NULL), SIGSEGV);
    ck_assert_msg(!names_us(shared->crash.names[0]), "%s", shared->crash.names[0]);
    ck_assert_msg(names_us(text_of(&shared->crash)), "%s", text_of(&shared->crash));
}
END_TEST

START_TEST(finds_who_called_abort)
{
    expect_death(die(abort, &shared->crash, NULL), SIGABRT);
    ck_assert_int_eq(atomic_load(&shared->crash.signal), SIGABRT);
    ck_assert_msg(strstr(text_of(&shared->crash), "(abort+0x") && names_us(text_of(&shared->crash)),
                  "%s", text_of(&shared->crash));
    ck_assert_ptr_null(strstr(text_of(&shared->crash), "at 0x"));
}
END_TEST

START_TEST(records_an_overflow_of_the_stack)
{
    expect_death(die(overflow, &shared->crash, NULL), SIGSEGV);
    ck_assert_int_eq(atomic_load(&shared->crash.signal), SIGSEGV);
    ck_assert_uint_eq(atomic_load(&shared->crash.depth), CRASH_FRAMES);
    ck_assert_msg(names_us(shared->crash.names[CRASH_FRAMES - 1]), "%s",
                  shared->crash.names[CRASH_FRAMES - 1]);
}
END_TEST

START_TEST(needs_no_sound_stack)
{
    expect_death(die(fail_far_from_the_callers, &shared->crash, count_any), SIGSEGV);
    if (!TANDEM_SANITIZED) { /* else its own entry to the function may fail there already */
        ck_assert_uint_eq(shared->crash.address, NEAR_NULL);
        ck_assert_msg(names_us(shared->crash.names[0]), "%s", shared->crash.names[0]);
        ck_assert_int_eq(atomic_load(&shared->told), 1);
    }
}
END_TEST

static void (*const in_threads[])(void) = {store_in_a_thread, overflow_in_a_thread};

START_TEST(records_for_the_thread_that_fails)
{
    expect_death(die(in_threads[_i], &shared->crash, NULL), SIGSEGV);
    ck_assert_int_eq(atomic_load(&shared->crash.signal), 0);
    ck_assert_int_eq(atomic_load(&shared->other.signal), SIGSEGV);
    ck_assert_msg(names_us(shared->other.names[0]), "%s", shared->other.names[0]);
}
END_TEST

/* Signals that were sent, or after which the program would go on: they kill, and give no address.
 */
static const struct {
    void (*way)(void);
    int number;
} sent[] = {{divide, SIGFPE},
            {be_sent_a_segv, SIGSEGV},
            {break_the_sandbox, SIGSYS},
            {use_an_address_that_cannot_be, SIGSEGV}};

START_TEST(dies_of_what_was_sent)
{
    expect_death(die(sent[_i].way, &shared->crash, NULL), sent[_i].number);
    ck_assert_int_eq(atomic_load(&shared->crash.signal), sent[_i].number);
    ck_assert_uint_eq(shared->crash.address, 0);
    ck_assert_ptr_null(strstr(text_of(&shared->crash), "at 0x"));
}
END_TEST

static void crash_without_a_record(void)
{
    crash_arm(NULL, NULL);
    store_through_null();
}

START_TEST(leaves_the_record_alone_when_disarmed)
{
    static const struct shared untouched;

    expect_death(die(store_through_null, NULL, NULL), SIGSEGV);
    expect_death(die(abort, NULL, NULL), SIGABRT);
    expect_death(die(crash_without_a_record, &shared->crash, NULL), SIGSEGV);
    ck_assert_mem_eq(shared, &untouched, sizeof(untouched));
}
END_TEST

/* --- tell --- */

static void crash_again(const struct crash *record)
{
    atomic_fetch_add(&shared->told, 1);
    *(volatile int *)(uintptr_t)(record->address + 0x100) = 1;
}

static void abort_again(const struct crash *record)
{
    (void)record;
    atomic_fetch_add(&shared->told, 1);
    abort();
}

START_TEST(tells_once_the_record_is_whole)
{
    expect_death(die(store_through_null, &shared->crash, count), SIGSEGV);
    ck_assert_int_eq(atomic_load(&shared->told), 1);
}
END_TEST

static const struct {
    teller tell;
    int number;
} second_crashes[] = {{crash_again, SIGSEGV}, {abort_again, SIGABRT}};

START_TEST(dies_at_once_of_a_second_crash)
{
    expect_death(die(store_through_null, &shared->crash, second_crashes[_i].tell),
                 second_crashes[_i].number);
    ck_assert_int_eq(atomic_load(&shared->told), 1);
    ck_assert_int_eq(atomic_load(&shared->crash.signal), SIGSEGV);
    ck_assert_uint_eq(shared->crash.address, NEAR_NULL);
}
END_TEST

/* --- the limit on memory --- */

static void use_all_memory(void)
{
    setrlimit(RLIMIT_DATA, &(struct rlimit){SOME_ROOM, SOME_ROOM});
    while (mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED)
        ;
    store_through_null();
}

/* A good deal is left, but not enough for what was asked. */
static void ask_for_all_at_once(void)
{
    setrlimit(RLIMIT_DATA, &(struct rlimit){SOME_ROOM, SOME_ROOM});
    if (mmap(NULL, SOME_ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
        MAP_FAILED)
        store_through_null();
}

static void use_little_of_much_memory(void)
{
    rlim_t much = (rlim_t)1 << 60; /* a sanitizer's shadow counts, too */

    setrlimit(RLIMIT_DATA, &(struct rlimit){much, much});
    store_through_null();
}

START_TEST(tells_when_memory_was_out)
{
    expect_death(die(use_all_memory, &shared->crash, NULL), SIGSEGV);
    ck_assert(shared->crash.is_out_of_memory);
    expect_death(die(ask_for_all_at_once, &shared->crash, NULL), SIGSEGV);
    ck_assert(shared->crash.is_out_of_memory);
    expect_death(die(use_little_of_much_memory, &shared->crash, NULL), SIGSEGV);
    ck_assert(!shared->crash.is_out_of_memory);
}
END_TEST

/* --- the stack for signals --- */

static bool has_stack(const void *start)
{
    stack_t now;

    return sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_DISABLE) && now.ss_sp == start;
}

static bool is_mapped(void *start)
{
    return msync(start, 1, MS_ASYNC) == 0 || errno != ENOMEM;
}

/* While no memory can be had: so it takes none. */
static bool arms_without_a_mapping(void)
{
    struct rlimit before;
    bool is_done = getrlimit(RLIMIT_AS, &before) == 0 &&
                   setrlimit(RLIMIT_AS, &(struct rlimit){0, before.rlim_max}) == 0 &&
                   crash_arm(&shared->other, NULL) && crash_arm(&shared->crash, NULL);

    return setrlimit(RLIMIT_AS, &before) == 0 && is_done;
}

START_TEST(inherits_the_stack_for_signals)
{
    stack_t ours;
    int status;
    pid_t pid;

    ck_assert(crash_catch());
    ck_assert_int_eq(sigaltstack(NULL, &ours), 0);
    ck_assert(has_stack(ours.ss_sp));
    pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        if (!arms_without_a_mapping() || !has_stack(ours.ss_sp))
            _exit(1);
        overflow();
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    expect_death(status, SIGSEGV);
    ck_assert_int_eq(atomic_load(&shared->crash.signal), SIGSEGV);
    ck_assert_int_eq(atomic_load(&shared->other.signal), 0);
}
END_TEST

static void *arm_and_disarm(void *unused)
{
    stack_t before, ours, after;
    bool was_mapped = true;

    sigaltstack(NULL, &before);
    for (int i = 0; i < 3; i++) {
        if (!crash_arm(&shared->crash, NULL))
            return unused;
        sigaltstack(NULL, &ours);
        was_mapped = was_mapped && ours.ss_sp != before.ss_sp && is_mapped(ours.ss_sp);
        crash_disarm();
        sigaltstack(NULL, &after);
        if (!was_mapped || is_mapped(ours.ss_sp) || after.ss_sp != before.ss_sp)
            return unused;
        atomic_fetch_add(&shared->told, 1);
    }
    return unused;
}

START_TEST(gives_the_stack_for_signals_back)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, arm_and_disarm, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(atomic_load(&shared->told), 3);
}
END_TEST

/* --- what is made of a record --- */

static struct crash written(void)
{
    struct crash c = {.code = SEGV_MAPERR, .address = 0xdead, .frames = {0x1234, 0x5678, 0x9abc}};

    strcpy(c.names[0], "server-proc+0x2f3c1");
    strcpy(c.names[2], "libc.so.6(abort+0xd3)");
    atomic_init(&c.signal, SIGSEGV);
    atomic_init(&c.depth, 3);
    return c;
}

START_TEST(makes_a_line_of_it)
{
    struct crash c = written();

    ck_assert_str_eq(text_of(&c),
                     "at 0xdead; server-proc+0x2f3c1 < 0x5678 < libc.so.6(abort+0xd3)");
    atomic_store(&c.signal, SIGABRT);
    ck_assert_str_eq(text_of(&c), "server-proc+0x2f3c1 < 0x5678 < libc.so.6(abort+0xd3)");
    atomic_store(&c.signal, SIGBUS);
    atomic_store(&c.depth, 0);
    ck_assert_str_eq(text_of(&c), "at 0xdead");
    crash_clear(&c);
    ck_assert_str_eq(text_of(&c), "");
    ck_assert_str_eq(text_of(NULL), "");
}
END_TEST

START_TEST(says_that_there_is_more)
{
    struct crash c = written();

    for (size_t i = 0; i < CRASH_FRAMES; i++)
        memset(c.names[i], 'n', CRASH_NAME);
    atomic_store(&c.depth, UINT32_MAX);
    ck_assert_uint_lt(strlen(text_of(&c)), CRASH_TEXT);
    ck_assert_str_eq(text_of(&c) + strlen(text_of(&c)) - 9, "nnn < ...");
}
END_TEST

static void expect_printable(const struct crash *record)
{
    const char *text = text_of(record);
    size_t length = strnlen(text, CRASH_TEXT);

    ck_assert_uint_lt(length, CRASH_TEXT);
    for (size_t i = 0; i < length; i++)
        ck_assert_msg(text[i] >= ' ' && text[i] <= '~', "byte 0x%x", (unsigned char)text[i]);
}

START_TEST(trusts_no_record)
{
    struct crash c;
    unsigned char *bytes = (unsigned char *)&c;

    memset(&c, 0xff, sizeof(c));
    ck_assert_str_eq(text_of(&c), "");
    atomic_store(&c.signal, SIGILL);
    expect_printable(&c);
    srandom((unsigned)_i);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof(c); i++)
            bytes[i] = (unsigned char)(random() >> 8);
        expect_printable(&c);
        atomic_store(&c.signal, SIGFPE);
        expect_printable(&c);
        ck_assert_str_ne(text_of(&c), "");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crash");
    TCase *tcase = tcase_create("crash");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, tells_what_was_touched_and_where);
    tcase_add_test(tcase, gives_offsets_into_the_file);
    tcase_add_test(tcase, finds_who_called_nothing);
    tcase_add_test(tcase, finds_who_called_libc);
    tcase_add_test(tcase, finds_who_called_abort);
    tcase_add_test(tcase, records_an_overflow_of_the_stack);
    tcase_add_test(tcase, needs_no_sound_stack);
    tcase_add_loop_test(tcase, records_for_the_thread_that_fails, 0, 2);
    tcase_add_loop_test(tcase, dies_of_what_was_sent, 0, (int)(sizeof(sent) / sizeof(sent[0])));
    tcase_add_test(tcase, leaves_the_record_alone_when_disarmed);
    tcase_add_test(tcase, tells_once_the_record_is_whole);
    tcase_add_loop_test(tcase, dies_at_once_of_a_second_crash, 0, 2);
    tcase_add_test(tcase, tells_when_memory_was_out);
    tcase_add_test(tcase, inherits_the_stack_for_signals);
    tcase_add_test(tcase, gives_the_stack_for_signals_back);
    tcase_add_test(tcase, makes_a_line_of_it);
    tcase_add_test(tcase, says_that_there_is_more);
    tcase_add_test(tcase, trusts_no_record);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
