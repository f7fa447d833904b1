/*
 * That each primitive does what its line says, that a line's process leaves nothing behind, and
 * that sentences are judged by the figures.
 */
#include "loadtest/primitives/primitive.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loadtest/primitives/channel.h"
#include "loadtest/primitives/host.h"
#include "loadtest/primitives/measure.h"
#include "loadtest/primitives/options.h"
#include "loadtest/primitives/room.h"
#include "loadtest/primitives/verdict.h"
#include "patience.h"
#include "unit.h"

static const struct primitive *line(const struct group *group, const char *name)
{
    for (size_t i = 0; i < group->count; i++)
        if (strcmp(group->lines[i].name, name) == 0)
            return &group->lines[i];
    ck_abort_msg("no line %s", name);
    return NULL;
}

/* Runs a line here, in this process, where its effects can be seen. */
static struct bench perform(const struct primitive *what, uint64_t count)
{
    struct bench b = {.with = what->with, .runner = getpid()};
    ck_assert_msg(what->open(&b) && what->run(&b, count), "%s: %s", what->name, b.why.text);
    ck_assert_uint_ge(b.lap.done, count);
    return b;
}

static void assert_no_child(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
    ck_assert_int_eq(errno, ECHILD);
}

/* --- every line, in a process of its own --- */

START_TEST(every_line_is_measured_and_leaves_nobody)
{
    const struct group *group = primitive_groups[_i];
    for (size_t i = 0; i < group->count; i++) {
        struct host host;
        struct lap lap;
        struct complaint why;
        if (group->lines[i].heavy)
            continue;
        ck_assert_msg(host_start(&host, &group->lines[i], &why), "%s", why.text);
        for (int round = 0; round < 2; round++) {
            ck_assert_msg(host_run(&host, 3, &lap, &why), "%s", why.text);
            ck_assert_uint_ge(lap.done, 3);
            ck_assert(group->measure == MEMORY || (lap.wall_ns > 0 && lap.cpu_ns > 0));
            ck_assert_uint_le(lap.lost, lap.done);
        }
        host_end(&host);
        assert_no_child();
    }
}
END_TEST

START_TEST(names_and_claims_fit_together)
{
    const struct group *group = primitive_groups[_i];
    ck_assert_uint_le(group->count, LINES_MAX);
    for (size_t i = 0; i < group->claim_count; i++) {
        const struct claim *c = &group->claims[i];
        ck_assert_ptr_nonnull(line(group, c->a));
        ck_assert(!c->b || line(group, c->b));
        ck_assert_int_eq(c->b != NULL, c->kind == CHEAPER || c->kind == ALIKE);
    }
}
END_TEST

/* --- what they do --- */

static unsigned long long tasks_since_boot(void)
{
    char text[256];
    unsigned long long n = 0;
    FILE *in = fopen("/proc/stat", "r");
    ck_assert_ptr_nonnull(in);
    while (fgets(text, sizeof text, in) && sscanf(text, "processes %llu", &n) != 1)
        ;
    fclose(in);
    return n;
}

START_TEST(as_many_are_created_as_are_counted)
{
    static const char *const names[] = {"thread", "clone", "fork"};
    unsigned long long before = tasks_since_boot();
    perform(line(&create_group, names[_i]), 100);
    ck_assert_uint_ge(tasks_since_boot() - before, 100);
    assert_no_child();
}
END_TEST

static size_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *in = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_int_eq(fscanf(in, "%*u %lu", &pages), 1);
    fclose(in);
    return pages * bench_page();
}

START_TEST(what_is_called_resident_is_resident)
{
    size_t before = resident_bytes();
    perform(line(&create_group, "fork_64m"), 1);
    ck_assert_uint_ge(resident_bytes() - before, (size_t)64 << 20);
}
END_TEST

static long switches(int who)
{
    struct rusage use;
    getrusage(who, &use);
    return use.ru_nvcsw + use.ru_nivcsw;
}

START_TEST(each_turn_is_a_switch)
{
    long before = switches(RUSAGE_SELF);
    perform(line(&switch_group, "threads"), 1000);
    ck_assert_int_ge(switches(RUSAGE_SELF) - before, 1000);
    before = switches(RUSAGE_SELF);
    perform(line(&switch_group, "processes"), 1000); /* the other half is the partner's */
    ck_assert_int_ge(switches(RUSAGE_SELF) - before, 500);
}
END_TEST

static const struct channel *const channels[] = {&queue_channel,  &ring_threads,
                                                 &ring_processes, &pipe_channel,
                                                 &socket_channel, &descriptor_channel};
enum { CHANNELS = sizeof channels / sizeof channels[0] };

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    DIR *list = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(list);
    while (readdir(list))
        n++;
    closedir(list);
    return n;
}

START_TEST(messages_arrive_whole_and_in_order)
{
    struct bench b = {.with = NULL};
    struct link link = {.channel = channels[_i], .in = -1, .out = -1, .passed = -1};
    unsigned wrong = 0;
    ck_assert_msg(link.channel->open(&link, &b), "%s", b.why.text);
    unsigned before = open_descriptors();
    for (unsigned turn = 0; turn < 3; turn++) {
        struct message m;
        for (unsigned i = 0; i < LINK_ROOM; i++) {
            memset(&m, (int)(turn + i), sizeof m);
            wrong += !link.channel->send(&link, &m);
        }
        for (unsigned i = 0; i < LINK_ROOM; i++) {
            struct message expected;
            memset(&expected, (int)(turn + i), sizeof expected);
            wrong += !link.channel->receive(&link, &m) || memcmp(&m, &expected, sizeof m) != 0;
        }
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

START_TEST(a_message_without_its_descriptor_is_refused)
{
    struct bench b = {.with = NULL};
    struct link link = {.channel = &descriptor_channel, .in = -1, .out = -1, .passed = -1};
    struct message m = {.number = 1};
    ck_assert(link.channel->open(&link, &b));
    ck_assert_int_eq(write(link.out, &m, sizeof m), sizeof m);
    ck_assert(!link.channel->receive(&link, &m));
}
END_TEST

START_TEST(no_update_is_lost_that_is_synchronised)
{
    static const char *const names[] = {"threads_mutex", "threads_atomic", "processes_mutex",
                                        "processes_atomic"};
    struct bench b = perform(line(&counter_group, names[_i]), 20000);
    ck_assert_uint_eq(b.lap.lost, 0);
    assert_no_child();
}
END_TEST

/* With one CPU an update is lost only when its worker loses the CPU within it: seldom, but then many
 * at once. Nothing can be demanded there. */
START_TEST(updates_are_lost_that_are_not)
{
    static const char *const names[] = {"threads_plain", "processes_plain"};
    cpu_set_t may;
    uint64_t lost = 0;
    int64_t until = now_ms() + patience(10000);
    ck_assert_int_eq(sched_getaffinity(0, sizeof may, &may), 0);
    do {
        struct bench b = perform(line(&counter_group, names[_i]), 1000000);
        ck_assert_uint_le(b.lap.lost, b.lap.done);
        lost += b.lap.lost;
    } while (lost == 0 && CPU_COUNT(&may) > 1 && now_ms() < until);
    ck_assert(lost > 0 || CPU_COUNT(&may) == 1);
}
END_TEST

START_TEST(workers_memory_is_at_least_what_they_use)
{
    static const struct {
        const char *name;
        double workers;
    } cases[] = {{"threads_1", 1}, {"threads_10", 10}, {"processes_1", 1}, {"processes_10", 10}};
    struct bench b = perform(line(&memory_group, cases[_i].name), 1);
    ck_assert(b.lap.bytes >= cases[_i].workers * 64 * 1024);
    ck_assert(build_is_slow() || b.lap.bytes < cases[_i].workers * 1024 * 1024);
    assert_no_child();
}
END_TEST

static long faults(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_minflt;
}

/* By the faults it causes: a sanitizer has some of its own, so there only their least is known. */
START_TEST(pages_are_copied_by_the_first_write_alone)
{
    static const struct {
        const char *name;
        bool each;
    } cases[] = {
        {"present", false}, {"new", true}, {"read", false}, {"copied", true}, {"alone", true}};
    const struct primitive *what = line(&cow_group, cases[_i].name);
    struct bench b = {.with = what->with, .runner = getpid()};
    long pages = (long)((16 << 20) / bench_page());
    ck_assert(what->open(&b));
    long before = faults();
    ck_assert(what->run(&b, (uint64_t)pages));
    long seen = faults() - before;
    if (cases[_i].each)
        ck_assert_int_ge(seen, pages);
    else
        ck_assert(build_is_slow() || seen < pages / 10);
    assert_no_child();
}
END_TEST

/* --- the process of a line --- */

static bool open_refused(struct bench *b)
{
    return complain(&b->why, "not on this machine");
}

static bool open_well(struct bench *b)
{
    (void)b;
    return true;
}

static bool run_crash(struct bench *b, uint64_t count)
{
    (void)b;
    (void)count;
    raise(SIGKILL);
    return true;
}

static void sleep_for_ever(void *with, unsigned index)
{
    (void)with;
    (void)index;
    while (true)
        pause();
}

/* Tells the number of its grandchild as the number of operations. */
static bool run_leave_child(struct bench *b, uint64_t count)
{
    static struct crew crew;
    (void)count;
    if (!crew_start(&crew, PROCESSES, 1, sleep_for_ever, NULL, &b->why))
        return false;
    b->lap.done = (uint64_t)crew.members[0].process;
    return true;
}

static const struct primitive refused = {.name = "refused", .open = open_refused},
                              crashing = {.name = "crash", .open = open_well, .run = run_crash},
                              leaving = {
                                  .name = "leave", .open = open_well, .run = run_leave_child};

START_TEST(what_cannot_be_done_says_why)
{
    struct host host;
    struct lap lap;
    struct complaint why;
    ck_assert(!host_start(&host, &refused, &why));
    ck_assert_str_eq(why.text, "not on this machine");
    host_end(&host);
    ck_assert(host_start(&host, &crashing, &why));
    ck_assert(!host_run(&host, 1, &lap, &why));
    ck_assert_str_eq(why.text, "its process died");
    ck_assert(!host_run(&host, 1, &lap, &why));
    host_end(&host);
    assert_no_child();
}
END_TEST

START_TEST(grandchildren_end_with_the_host)
{
    struct host host;
    struct lap lap;
    struct complaint why;
    ck_assert(host_start(&host, &leaving, &why));
    ck_assert(host_run(&host, 1, &lap, &why));
    ck_assert_int_eq(kill((pid_t)lap.done, 0), 0);
    host_end(&host);
    ck_assert_int_eq(kill((pid_t)lap.done, 0), -1);
    ck_assert_int_eq(errno, ESRCH);
    assert_no_child();
}
END_TEST

/* The runner's side of the next test: starts a host that has a child, tells both, and stays. */
_Noreturn static void be_a_runner(int out)
{
    struct host host;
    struct lap lap = {0};
    struct complaint why;
    pid_t both[2] = {-1, -1};
    if (host_start(&host, &leaving, &why) && host_run(&host, 1, &lap, &why)) {
        both[0] = host.pid;
        both[1] = (pid_t)lap.done;
    }
    if (write(out, both, sizeof both) != (ssize_t)sizeof both)
        _exit(1);
    while (true)
        pause();
}

static bool all_reaped(void *ignored)
{
    (void)ignored;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    return waitpid(-1, NULL, WNOHANG) < 0;
}

/* A runner that dies without a word takes all along; we are the reaper of what is left of them. */
START_TEST(a_killed_runner_leaves_nobody)
{
    int ends[2];
    pid_t both[2];
    prctl(PR_SET_CHILD_SUBREAPER, 1UL);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t runner = fork();
    if (runner == 0)
        be_a_runner(ends[1]);
    ck_assert_int_eq(read(ends[0], both, sizeof both), sizeof both);
    ck_assert_int_gt(both[0], 0);
    kill(runner, SIGKILL);
    bool gone = eventually(all_reaped, NULL, patience(5000));
    if (!gone)
        kill(-both[0], SIGKILL); /* this test leaves nobody either */
    ck_assert(gone);
    ck_assert_int_eq(kill(both[0], 0), -1);
    ck_assert_int_eq(kill(both[1], 0), -1);
}
END_TEST

/* --- figures and sentences --- */

START_TEST(quartiles_lie_between_values)
{
    double odd[] = {5, 1, 4, 2, 3}, even[] = {4, 1, 3, 2}, one[] = {7};
    struct quartiles q = quartiles_of(odd, 5);
    ck_assert(q.low == 2 && q.median == 3 && q.high == 4);
    q = quartiles_of(even, 4);
    ck_assert(q.low == 1.75 && q.median == 2.5 && q.high == 3.25);
    q = quartiles_of(one, 1);
    ck_assert(q.low == 7 && q.median == 7 && q.high == 7);
}
END_TEST

static const struct primitive two_lines[] = {{.name = "a"}, {.name = "b"}};
static const struct group two = {.lines = two_lines, .count = 2};

static struct findings found(const double a[4], const double b[4], uint64_t lost)
{
    struct findings f = {.group = &two};
    for (size_t i = 0; i < 2; i++) {
        struct figure *figure = &f.figures[i];
        *figure = (struct figure){
            .line = &two_lines[i], .measured = true, .rounds = 4, .done = 100, .lost = lost};
        memcpy(figure->by_round, i == 0 ? a : b, 4 * sizeof a[0]);
    }
    return f;
}

START_TEST(sentences_are_judged_by_figures)
{
    static const double a[] = {2, 20, 4, 8}, dearer[] = {5, 50, 10, 20}, near[] = {2.2, 18, 4.4, 7};
    const struct claim cheaper = {"", CHEAPER, "a", "b"}, alike = {"", ALIKE, "a", "b"},
                       loses = {"", LOSES, "a", NULL}, keeps = {"", LOSES_NOTHING, "a", NULL};
    struct findings apart = found(a, dearer, 25), mixed = found(a, near, 0),
                    reversed = found(dearer, a, 0);
    struct verdict v = claim_judge(&apart, &cheaper); /* though the rounds overlap by far */
    ck_assert(v.ruling == CONFIRMED && v.factor.median == 2.5);
    ck_assert(claim_judge(&apart, &alike).ruling == NOT_CONFIRMED);
    ck_assert(claim_judge(&reversed, &cheaper).ruling == NOT_CONFIRMED);
    ck_assert(claim_judge(&reversed, &alike).ruling == NOT_CONFIRMED);
    ck_assert(claim_judge(&mixed, &cheaper).ruling == NOT_CONFIRMED);
    ck_assert(claim_judge(&mixed, &alike).ruling == CONFIRMED);
    v = claim_judge(&apart, &loses);
    ck_assert(v.ruling == CONFIRMED && v.lost_share == 0.25);
    ck_assert(claim_judge(&apart, &keeps).ruling == NOT_CONFIRMED);
    ck_assert(claim_judge(&mixed, &loses).ruling == NOT_CONFIRMED);
    ck_assert(claim_judge(&mixed, &keeps).ruling == CONFIRMED);
    apart.figures[1].measured = false;
    v = claim_judge(&apart, &cheaper);
    ck_assert(v.ruling == OPEN && isnan(v.factor.median));
}
END_TEST

START_TEST(there_is_room_but_not_for_everything)
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    struct bench b = {.with = NULL};
    ck_assert_uint_gt(memory_room(), 0);
    ck_assert_uint_le(memory_room(), memory);
    ck_assert_ptr_null(bench_resident(&b, (size_t)memory));
    ck_assert_ptr_nonnull(strstr(b.why.text, "wants twice that free"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("primitives");
    TCase *tests = tcase_create("primitives");
    tcase_set_timeout(tests, case_limit(30));
    tcase_add_loop_test(tests, every_line_is_measured_and_leaves_nobody, 0, GROUPS);
    tcase_add_loop_test(tests, names_and_claims_fit_together, 0, GROUPS);
    tcase_add_loop_test(tests, as_many_are_created_as_are_counted, 0, 3);
    tcase_add_test(tests, what_is_called_resident_is_resident);
    tcase_add_test(tests, each_turn_is_a_switch);
    tcase_add_loop_test(tests, messages_arrive_whole_and_in_order, 0, CHANNELS);
    tcase_add_test(tests, a_message_without_its_descriptor_is_refused);
    tcase_add_loop_test(tests, no_update_is_lost_that_is_synchronised, 0, 4);
    tcase_add_loop_test(tests, updates_are_lost_that_are_not, 0, 2);
    tcase_add_loop_test(tests, workers_memory_is_at_least_what_they_use, 0, 4);
    tcase_add_loop_test(tests, pages_are_copied_by_the_first_write_alone, 0, 5);
    tcase_add_test(tests, what_cannot_be_done_says_why);
    tcase_add_test(tests, grandchildren_end_with_the_host);
    tcase_add_test(tests, a_killed_runner_leaves_nobody);
    tcase_add_test(tests, quartiles_lie_between_values);
    tcase_add_test(tests, sentences_are_judged_by_figures);
    tcase_add_test(tests, there_is_room_but_not_for_everything);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
