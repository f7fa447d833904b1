/*
 * faults: those kinds that a process survives, and the scanner, which must find what is there, not
 * find itself, and not touch what is not there.
 */
#include "host.h"
#include "patience.h"
#include "proc.h"
#include "unit.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static struct host host;

static void set_up(void)
{
    host = host_open("faults", NULL);
    ck_assert_pstr_eq(host.refusal, NULL);
}

static void tear_down(void)
{
    host_close(&host);
}

/* Asks, and gives the body; it lives until the next question. */
static const char *get(const char *target, int status)
{
    static struct reply_of_module reply;

    bytes_free(&reply.body);
    reply = host_get(&host, target);
    ck_assert_msg(reply.status == status, "%s: %d, not %d", target, reply.status, status);
    return reply.body.at != NULL ? reply.body.at : "";
}

/* --- overread --------------------------------------------------------------------------------- */

/* "FIND-ME-" stands nowhere in this program as one string: the tests put it together. */
static char prefix[16];

static void make_prefix(void)
{
    set_up();
    strcpy(prefix, "FIND");
    strcat(prefix, "-ME-");
}

static const char *scan(void)
{
    char target[64];

    snprintf(target, sizeof(target), "/fault/overread?find=%s", prefix);
    return get(target, 200);
}

/* Says to the compiler that somebody will read this. */
static void publish(const void *memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static void *map(size_t length, int flags)
{
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

    ck_assert(memory != MAP_FAILED);
    return memory;
}

START_TEST(finds_secrets_in_every_kind_of_memory)
{
    static char in_data[32];
    char on_stack[32], *on_heap = malloc(64), *shared = map(4096, MAP_SHARED);
    const char *found;

    snprintf(in_data, sizeof(in_data), "%s0123456789", prefix);
    snprintf(on_stack, sizeof(on_stack), "%sabcdefab", prefix);
    snprintf(on_heap, 64, "%sDEADBEEF00 and more", prefix);
    snprintf(shared, 32, "%s1111111122222222", prefix);
    publish(in_data);
    publish(on_stack);
    publish(on_heap);
    found = scan();
    ck_assert_ptr_nonnull(strstr(found, "0123456789\n"));
    ck_assert_ptr_nonnull(strstr(found, "abcdefab\n"));
    ck_assert_ptr_nonnull(strstr(found, "DEADBEEF00\n"));
    ck_assert_ptr_nonnull(strstr(found, "1111111122222222\n"));
    ck_assert_ptr_null(strstr(found, prefix));
    munmap(shared, 4096);
    free(on_heap);
}
END_TEST

/* Seven digits are too few; and nothing of an earlier question or answer counts. */
START_TEST(does_not_find_itself)
{
    char *page = map(4096, MAP_PRIVATE);

    snprintf(page, 64, "%s1234567 %s", prefix, prefix);
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(scan(), "");
    snprintf(page, 64, "%s12345678 %s", prefix, prefix);
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(scan(), "12345678\n");
    munmap(page, 4096);
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(scan(), "");
}
END_TEST

/* What it has copied it does not look at: where two pieces meet in its buffer stands what was never
 * anywhere else. The heap is looked at just before the place where the buffer is. */
START_TEST(finds_nothing_that_never_was)
{
    enum { PERIOD = 30, LENGTH = 120000 };
    char *heap = malloc(LENGTH);

    memset(heap, '.', LENGTH);
    for (int at = 0; at + PERIOD < LENGTH; at += PERIOD) {
        memcpy(heap + at, prefix, 8);
        memcpy(heap + at + 8, "0123456789abcdef01234", 21);
    }
    publish(heap);
    ck_assert_str_eq(scan(), "0123456789abcdef01234\n");
    free(heap);
}
END_TEST

/* Two mappings with a hole in between are not one text; without it they are. */
START_TEST(joins_neighbours_only)
{
    char *pages = map(3 * 4096, MAP_PRIVATE);

    memcpy(pages + 4096 - 12, prefix, 8);
    memcpy(pages + 4096 - 4, "0123456789", 10);
    ck_assert_int_eq(mprotect(pages, 4096, PROT_READ), 0);
    ck_assert_str_eq(scan(), "0123456789\n");
    memcpy(pages + 2 * 4096, "456789", 6);
    munmap(pages + 4096, 4096);
    ck_assert_str_eq(scan(), "");
    munmap(pages, 4096);
    munmap(pages + 2 * 4096, 4096);
}
END_TEST

/* A find may lie across the pieces in which memory is looked at: each place near their borders. */
START_TEST(finds_across_the_borders_of_pieces)
{
    enum { PIECE = 256 * 1024, AROUND = 80 };
    char *pages = map(4 * PIECE, MAP_PRIVATE);
    int missed = 0;

    for (int at = 2 * PIECE - AROUND; at < 2 * PIECE + AROUND; at += 7) {
        memset(pages, '.', 4 * PIECE);
        memcpy(pages + at, prefix, strlen(prefix));
        memcpy(pages + at + strlen(prefix), "00112233445566778899", 20);
        missed += strcmp(scan(), "00112233445566778899\n") != 0;
    }
    ck_assert_int_eq(missed, 0);
    memset(pages, '.', 4 * PIECE);
    snprintf(pages + 4 * PIECE - 19, 19, "%s12345678ab", prefix); /* the last bytes there are */
    pages[4 * PIECE - 1] = 'c';
    ck_assert_str_eq(scan(), "12345678abc\n");
    munmap(pages, 4 * PIECE);
}
END_TEST

/* In pages. */
static void read_memory(long *mapped, long *resident)
{
    struct bytes statm = bytes_of_file("/proc/self/statm");

    ck_assert_int_eq(sscanf(statm.at, "%ld %ld", mapped, resident), 2);
    bytes_free(&statm);
}

static long resident_pages(void)
{
    long mapped, resident;

    read_memory(&mapped, &resident);
    return resident;
}

/* A gigabyte of table in which three pages are in use: found, soon, and still three pages. */
START_TEST(leaves_alone_what_is_not_there)
{
    size_t length = (size_t)1 << 30;
    char *table = map(length, MAP_SHARED);
    int64_t start;
    long before;

    snprintf(table, 32, "%s00000001", prefix);
    snprintf(table + length / 2, 32, "%s00000002", prefix);
    snprintf(table + length - 32, 32, "%s00000003", prefix);
    scan();
    before = resident_pages();
    start = now_ms();
    ck_assert_str_eq(scan(), "00000001\n00000002\n00000003\n");
    ck_assert_int_lt(now_ms() - start, patience(1000));
    ck_assert_int_lt(resident_pages() - before, 100);
    munmap(table, length);
}
END_TEST

START_TEST(gives_each_once_and_at_most_64)
{
    char *pages = map(1 << 16, MAP_PRIVATE), *at = pages;
    const char *found;
    int lines = 0;

    for (int i = 0; i < 200; i++)
        at += sprintf(at, "%s%08x,%s%08x,", prefix, i / 2, prefix, i / 2);
    found = scan();
    for (const char *line = found; (line = strchr(line, '\n')) != NULL; line++)
        lines++;
    ck_assert_int_eq(lines, 64);
    ck_assert_ptr_nonnull(strstr(found, "00000000\n00000001\n"));
    munmap(pages, 1 << 16);
}
END_TEST

START_TEST(wants_a_prefix)
{
    char target[128] = "/fault/overread?find=";

    get("/fault/overread", 400);
    get(target, 400);
    memset(target + strlen(target), 'P', 64);
    get(target, 400);
}
END_TEST

/* --- the others ------------------------------------------------------------------------------- */

START_TEST(lists_its_kinds)
{
    ck_assert_ptr_nonnull(strstr(get("/fault/", 200), "/fault/segv\n"));
    ck_assert_ptr_nonnull(strstr(get("/fault/", 200), "/fault/overread?find=PREFIX\n"));
    get("/fault/unknown", 404);
}
END_TEST

static const char *const bad_questions[] = {
    "/fault/heap-corruption?how=gently",
    "/fault/leak?bytes=1",
    "/fault/leak?bytes=x",
    "/fault/slow?ms=x",
    "/fault/slow?polite=yes",
    "/fault/lock?shared=2",
    "/fault/race?n=x",
    "/fault/fd-leak?n=x",
    "/fault/fd-leak?then=what",
    "/fault/fd-stray-close?fd=x",
    "/fault/oom?limit=x",
    "/fault/env-pollution?look=x",
    "/fault/fd-stray-close?seed=x",
    "/fault/shared?seed=many",
    "/fault/exit-holding-lock?shared=x",
};

START_TEST(says_400_to_what_it_does_not_understand)
{
    get(bad_questions[_i], 400);
}
END_TEST

/* What a child that asks dies of: a signal, or the negative of an exit code. */
static int death_of(const char *target)
{
    struct rlimit no_core = {0, 0};
    pid_t pid = fork();
    int result;

    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        for (int signal_number = SIGILL; signal_number <= SIGSEGV; signal_number++)
            if (signal_number != SIGKILL)
                signal(signal_number, SIG_DFL);
        host_get(&host, target);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &result, 0), pid);
    return WIFSIGNALED(result) ? WTERMSIG(result) : -WEXITSTATUS(result);
}

static const struct {
    const char *target;
    int death;
} deaths[] = {
    {"/fault/segv", SIGSEGV},
    {"/fault/abort", SIGABRT},
    {"/fault/exit", -3},
    {"/fault/stack-overflow", SIGSEGV},
    {"/fault/exit-holding-lock", -3},
    {"/fault/fd-leak?n=5", SIGSEGV},
    {"/fault/partial-write", SIGABRT},
    {"/fault/leak", 0},
};

START_TEST(dies_as_it_says)
{
    ck_assert_int_eq(death_of(deaths[_i].target), deaths[_i].death);
}
END_TEST

START_TEST(writes_beside_its_block)
{
    ck_assert_str_eq(get("/fault/intact", 200), "intact\n");
    get("/fault/heap-corruption?how=stray-write", 200);
    ck_assert_str_eq(get("/fault/intact", 500), "damaged\n");
}
END_TEST

/* The lock of the process is gone with it; the shared one stays with the dead. */
START_TEST(leaves_only_the_shared_lock_locked)
{
    pid_t waiter;
    int result;

    ck_assert_int_eq(death_of("/fault/exit-holding-lock"), -3);
    ck_assert_str_eq(get("/fault/lock", 200), "got it\n");
    ck_assert_str_eq(get("/fault/lock?shared=1", 200), "got it\n");
    ck_assert_int_eq(death_of("/fault/exit-holding-lock?shared=1"), -3);
    waiter = fork();
    if (waiter == 0) {
        host_get(&host, "/fault/lock?shared=1");
        _exit(0);
    }
    pause_ms(100);
    ck_assert_int_eq(waitpid(waiter, &result, WNOHANG), 0);
    kill(waiter, SIGKILL);
    ck_assert_int_eq(waitpid(waiter, &result, 0), waiter);
}
END_TEST

START_TEST(counts_what_a_race_loses)
{
    ck_assert_str_eq(get("/fault/race?n=1000", 200),
                     "{\"expected\":1000,\"counted\":1000,\"lost\":0}\n");
    ck_assert_str_eq(get("/fault/race?n=1", 200),
                     "{\"expected\":1001,\"counted\":1001,\"lost\":0}\n");
}
END_TEST

START_TEST(leaks_and_closes_descriptors)
{
    int before = open_descriptors(getpid()), spare = dup(0);
    char target[64], text[32];

    ck_assert_str_eq(get("/fault/fd-leak?n=7&then=live", 200), "opened 7\n");
    ck_assert_int_eq(open_descriptors(getpid()), before + 8);
    snprintf(target, sizeof(target), "/fault/fd-stray-close?fd=%d", spare);
    snprintf(text, sizeof(text), "closed %d\n", spare);
    ck_assert_str_eq(get(target, 200), text);
    ck_assert_int_eq(fcntl(spare, F_GETFD), -1);
    ck_assert_ptr_nonnull(strstr(get(target, 200), strerror(EBADF)));
}
END_TEST

/* With a seed it picks the same again, of what is open. */
START_TEST(picks_by_seed)
{
    int picked[2];

    for (int i = 0; i < 2; i++) {
        pid_t pid = fork(); /* its descriptors are copies */
        int result;

        if (pid == 0)
            _exit(atoi(get("/fault/fd-stray-close?seed=11", 200) + strlen("closed ")));
        ck_assert_int_eq(waitpid(pid, &result, 0), pid);
        picked[i] = WEXITSTATUS(result);
    }
    ck_assert_int_ge(picked[0], 3);
    ck_assert_int_eq(picked[0], picked[1]);
}
END_TEST

START_TEST(leaks_no_more_than_it_may)
{
    pid_t pid = fork();
    int result;

    if (pid == 0) {
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){40, 40});
        _exit(strstr(get("/fault/fd-leak?n=1000&then=live", 200), strerror(EMFILE)) == NULL);
    }
    ck_assert_int_eq(waitpid(pid, &result, 0), pid);
    ck_assert_int_eq(result, 0);
}
END_TEST

START_TEST(pollutes_and_tells_what_it_found)
{
    sigset_t blocked;
    const char *found;

    umask(027);
    ck_assert_int_eq(chdir("/tmp"), 0);
    found = get("/fault/env-pollution?look=1", 200);
    ck_assert_ptr_nonnull(strstr(found, "\"umask\":\"027\",\"cwd\":\"/tmp\""));
    ck_assert_ptr_nonnull(strstr(found, "\"sigusr2_blocked\":false"));
    get("/fault/env-pollution", 200);
    found = get("/fault/env-pollution?look=1", 200);
    ck_assert_ptr_nonnull(strstr(found, "\"umask\":\"000\",\"cwd\":\"/\",\"locale\":\"C.UTF-8\""));
    ck_assert_ptr_nonnull(strstr(found, "\"sigusr2_blocked\":true"));
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    ck_assert_int_eq(sigismember(&blocked, SIGUSR2), 1);
    ck_assert_int_eq(umask(0), 0);
}
END_TEST

static int count_scribbles(const char *memory, size_t length)
{
    int count = 0;

    for (size_t i = 0; i < length; i++)
        count += memory[i] == 0x5a;
    return count;
}

/* Nothing shared, or nothing of it in use but its own: 503. */
START_TEST(scribbles_over_shared_pages_in_use)
{
    size_t length = (size_t)64 << 20;
    char *table = map(length, MAP_SHARED), *page = table + length / 2;

    get("/fault/shared?seed=1", 503);
    page[0] = 1;
    get("/fault/shared?seed=1", 200);
    ck_assert_int_eq(count_scribbles(page, 4096), 64);
    munmap(table, length);
}
END_TEST

static void do_nothing(int signal_number)
{
    (void)signal_number;
}

/* Interrupted once; only who is polite looks at the time, and only when it is short. */
START_TEST(is_cut_short_when_polite)
{
    static const struct {
        const char *target, *answer;
        long left;
    } cases[] = {{"/fault/slow?ms=150&polite=1", "cut short\n", 50},
                 {"/fault/slow?ms=150&polite=1", "slow\n", 5000},
                 {"/fault/slow?ms=150", "slow\n", 50}};
    struct sigaction action = {.sa_handler = do_nothing};
    struct itimerval once = {.it_value = {.tv_usec = 30000}};

    sigaction(SIGALRM, &action, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        host_set_time_left(cases[i].left);
        setitimer(ITIMER_REAL, &once, NULL);
        ck_assert_str_eq(get(cases[i].target, 200), cases[i].answer);
    }
}
END_TEST

/* A sanitizer keeps what is freed for a while, and takes more memory than any limit leaves. */
START_TEST(gives_back_what_it_got_or_dies_of_getting_none)
{
    long mapped, before;
    struct rlimit limit = {.rlim_max = RLIM_INFINITY};

    read_memory(&mapped, &before);
    get("/fault/oom?limit=33554432", 507);
    if (build_is_slow())
        return;
    ck_assert_int_lt(resident_pages() - before, 1024);
    limit.rlim_cur = (rlim_t)mapped * 4096 + (40 << 20);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_int_eq(death_of("/fault/oom"), SIGSEGV);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
    Suite *suite = suite_create("faults");
    TCase *overread = tcase_create("overread"), *kinds = tcase_create("kinds");

    tcase_add_checked_fixture(overread, make_prefix, tear_down);
    tcase_add_test(overread, finds_secrets_in_every_kind_of_memory);
    tcase_add_test(overread, does_not_find_itself);
    tcase_add_test(overread, finds_nothing_that_never_was);
    tcase_add_test(overread, joins_neighbours_only);
    tcase_add_test(overread, finds_across_the_borders_of_pieces);
    tcase_add_test(overread, leaves_alone_what_is_not_there);
    tcase_add_test(overread, gives_each_once_and_at_most_64);
    tcase_add_test(overread, wants_a_prefix);
    tcase_add_checked_fixture(kinds, set_up, tear_down);
    tcase_add_test(kinds, lists_its_kinds);
    tcase_add_loop_test(kinds, says_400_to_what_it_does_not_understand, 0, COUNT(bad_questions));
    tcase_add_loop_test(kinds, dies_as_it_says, 0, COUNT(deaths));
    tcase_add_test(kinds, writes_beside_its_block);
    tcase_add_test(kinds, leaves_only_the_shared_lock_locked);
    tcase_add_test(kinds, counts_what_a_race_loses);
    tcase_add_test(kinds, leaks_and_closes_descriptors);
    tcase_add_test(kinds, picks_by_seed);
    tcase_add_test(kinds, leaks_no_more_than_it_may);
    tcase_add_test(kinds, pollutes_and_tells_what_it_found);
    tcase_add_test(kinds, scribbles_over_shared_pages_in_use);
    tcase_add_test(kinds, is_cut_short_when_polite);
    tcase_add_test(kinds, gives_back_what_it_got_or_dies_of_getting_none);
    suite_add_tcase(suite, overread);
    suite_add_tcase(suite, kinds);
    return unit_run(suite);
}
