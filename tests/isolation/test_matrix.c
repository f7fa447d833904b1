/*
 * What one bad request costs: the place where the subjects may differ, as a table.
 *
 * Each cell is what is expected of one fault with one subject, and why. It is performed (matrix_scene.c),
 * measured, and held against this table; and so are the tables in the READMEs. README.md beside this
 * file tells how to read and to print it.
 */
#include "matrix.h"

#include "patience.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* --- the usual fates --- */

static const struct cell shared_fate = {
    PROCESS, "connection ends", EVERYONE, NOTHING,
    "threads have one process: the kernel ends all of it, and closes its connections; the "
    "supervisor has the listeners, and starts the next at once"};
static const struct cell worker_fate = {
    WORKER, "500, kept", NO_ONE, NOTHING,
    "the worker served this request alone, and the supervisor, which has the connection, too, "
    "answers in its place"};
static const struct cell child_fate = {
    CHILD, "500, kept", NO_ONE, NOTHING,
    "the child was made for this request alone; its worker learns of the end and answers"};

static const struct cell late_thread = {THREAD_LOST, "504, kept", NO_ONE, "leaves " LOST_THREAD,
                                        "a thread cannot be ended from outside: the client is "
                                        "answered, another thread takes its place, "
                                        "and this one runs on"};
static const struct cell late_worker = {WORKER, "504, kept", NO_ONE, NOTHING,
                                        "a process can be killed when its time is over"};
static const struct cell late_child = {CHILD, "504, kept", NO_ONE, NOTHING,
                                       "a process can be killed when its time is over"};

static const struct cell costly_thread = {
    THREAD_LOST, "503, kept", NO_ONE, "leaves " LOST_THREAD,
    "its CPU time is known, so the client is answered; but the thread cannot be ended"};
static const struct cell costly_worker = {WORKER, "503, kept", NO_ONE, NOTHING,
                                          "killed for its budget of CPU time"};
static const struct cell costly_child = {CHILD, "503, kept", NO_ONE, NOTHING,
                                         "its own timer ends it for its budget of CPU time"};

static const struct cell no_memory_for_all = {
    PROCESS, "connection ends", EVERYONE, NOTHING,
    "memory is the process's: the bound is that of all threads together, and so is the crash"};
static const struct cell no_memory_for_worker = {
    WORKER, "503, kept", NO_ONE, NOTHING, "the bound is the worker's own, and so is the crash"};
static const struct cell no_memory_for_child = {
    CHILD, "503, kept", NO_ONE, NOTHING, "the bound is the child's own, and so is the crash"};

/* Half of the answer is out: nothing may look complete. */
static const struct cell half_of_all = {
    PROCESS, "cut short", EVERYONE, NOTHING,
    "threads have one process; the kernel ends the answer where it stood"};
static const struct cell half_of_worker = {
    WORKER, "cut short", NO_ONE, NOTHING,
    "no second answer fits behind half a one, so the supervisor resets the connection"};
static const struct cell half_of_child = {
    CHILD, "cut short", NO_ONE, NOTHING,
    "no second answer fits behind half a one, so the worker resets the connection"};

/* Nothing is noticed, at first. */
static const struct cell harmless = {NOBODY, "200, kept", NO_ONE, NOTHING,
                                     "a handler that waits occupies its worker, and no other"};
static const struct cell clean_child = {
    NOBODY, "200, kept", NO_ONE, NOTHING,
    "the child's memory, settings and descriptors end with it, right after the answer"};
static const struct cell damaged_all = {
    NOBODY, "200, kept", NO_ONE, "leaves " EVERYONES_DAMAGE,
    "what a process has one of, all of its threads have: memory, umask, working directory"};
static const struct cell damaged_worker = {
    NOBODY, "200, kept", NO_ONE, "leaves " ITS_WORKERS_DAMAGE,
    "a worker's memory and settings outlive the request, until it is replaced; they are its own"};
static const struct cell grown_process = {NOBODY, "200, kept", NO_ONE, "leaves " MEMORY,
                                          "the process lives on, and what was leaked is in it"};
static const struct cell grown_worker = {
    NOBODY, "200, kept", NO_ONE, "leaves " MEMORY,
    "the worker lives on, and what was leaked is in it, until it is replaced"};
static const struct cell racing_threads = {
    NOBODY, "200, kept", NO_ONE, "leaves " LOST_UPDATES,
    "between one thread's read and its write another one writes the same variable"};
static const struct cell racing_workers = {NOBODY, "200, kept", NO_ONE, NOTHING,
                                           "each process has its own variable, and one request"};
static const struct cell swept = {
    NOBODY, "200, kept", NO_ONE, NOTHING,
    "a descriptor that no connection and no module knows is closed by the sweep"};

/* What is shared. */
static const struct cell one_closed = {
    NOBODY, "200, kept", ONE_OTHER, NOTHING,
    "the descriptor table is shared: whoever's number it was loses the connection, and nothing can "
    "bring it back"};
static const struct cell put_back = {
    NOBODY, "200, kept", AN_HEIR, NOTHING,
    "the descriptor table is shared; but of this one there is a second, and the guard puts it "
    "back: "
    "over what was opened meanwhile, for the lowest number is given first"};
static const struct cell own_table = {
    NOBODY, "200, kept", NO_ONE, NOTHING,
    "the child has a descriptor table of its own, in which that number is not open"};
static const struct cell held_for_worker = {
    WORKER, "500, kept", NO_ONE, "leaves " HELD_LOCK,
    "memory that modules share outlives the worker, and a lock in it knows nothing of its holder"};
static const struct cell held_for_child = {
    CHILD, "500, kept", NO_ONE, "leaves " HELD_LOCK,
    "memory that modules share is shared by children, too, and outlives them"};
static const struct cell anything_threads = {
    UNPROTECTED, ANYTHING, ANYONE, SERVICE,
    "all memory is shared; the supervisor believes nothing that stands in it"};
static const struct cell anything_workers = {
    UNPROTECTED, ANYTHING, ANYONE, SERVICE,
    "table and scoreboard are shared: a slot that bears no seal costs its connection; the "
    "supervisor believes nothing that stands there"};
static const struct cell out_of_reach = {
    NOBODY, "503, kept", NO_ONE, NOTHING,
    "table and scoreboard are unmapped in a child: it finds no shared page to write to"};

/* Secrets. */
static const struct cell all_to_read = {
    NOBODY, "200, kept", NO_ONE,
    "leaves " EARLIER_SECRETS ", " RUNNING_SECRETS ", " ARRIVING_SECRETS ", " TARGET_SECRETS,
    "all requests are in one memory, those that run now and what earlier ones left in the heap"};
static const struct cell own_to_read = {
    NOBODY, "200, kept", NO_ONE,
    "leaves " EARLIER_SECRETS ", " ARRIVING_SECRETS ", " TARGET_SECRETS,
    "what its own worker has served, and what stands in tables that workers share; not what "
    "another one is at"};
static const struct cell nothing_to_read = {
    NOBODY, "200, kept", NO_ONE, NOTHING,
    "the child comes from a process that has never seen a request, and has the tables unmapped"};

/* --- the matrix --- */

const struct row rows[] = {
    {"segv", .words = "SIGSEGV", .expected = {&shared_fate, &worker_fate, &child_fate}},
    {"abort", .words = "SIGABRT", .expected = {&shared_fate, &worker_fate, &child_fate}},
    {"exit", .words = "exit code 3", .expected = {&shared_fate, &worker_fate, &child_fate}},
    {"stack-overflow", .words = "SIGSEGV", .expected = {&shared_fate, &worker_fate, &child_fate}},
    {"heap-corruption?how=double-free", .expected = {&shared_fate, &worker_fate, &child_fate}},
    {"heap-corruption?how=stray-write", .expected = {&damaged_all, &damaged_worker, &clean_child},
     .look = look_for_damage},
    {"partial-write", .words = "SIGABRT",
     .expected = {&half_of_all, &half_of_worker, &half_of_child}},
    {"hang", .expected = {&late_thread, &late_worker, &late_child}},
    {"deadlock", .expected = {&late_thread, &late_worker, &late_child}},
    {"spin", .expected = {&costly_thread, &costly_worker, &costly_child},
     .option = {"--worker-cpu", "100ms", "--request-timeout", "20s"}},
    {"slow?ms=300", .expected = {&harmless, &harmless, &harmless}},
    {"slow?ms=30000&polite=1", .expected = {&harmless, &harmless, &harmless}},
    {"exit-holding-lock", .words = "exit code 3",
     .expected = {&shared_fate, &worker_fate, &child_fate}, .look = look_for_lock},
    {"exit-holding-lock?shared=1", .words = "exit code 3",
     .expected = {&shared_fate, &held_for_worker, &held_for_child}, .look = look_for_lock},
    {"race", .expected = {&racing_threads, &racing_workers, &racing_workers},
     .look = look_for_lost_updates, .presets = "tsan",
     .left_out = "ThreadSanitizer would be right"},
    {"leak?bytes=50000000", .expected = {&grown_process, &grown_worker, &clean_child},
     .presets = "asan tsan", .left_out = "a sanitizer's allocator gives nothing back"},
    {"oom", .words = "memory",
     .expected = {&no_memory_for_all, &no_memory_for_worker, &no_memory_for_child},
     .option = {"--worker-memory", "32m"}, .presets = "asan tsan",
     .left_out = "a sanitizer needs more memory than any budget"},
    {"fd-leak?then=die", .words = "SIGSEGV", .expected = {&shared_fate, &worker_fate, &child_fate}},
    {"fd-leak?n=200&then=live", .expected = {&swept, &swept, &clean_child}, .settle = await_sweep},
    {"fd-stray-close", .label = "fd-stray-close of a connection",
     .expected = {&one_closed, &one_closed, &own_table}, .prepare = prepare_close_connection,
     .presets = "tsan", .left_out = "closing what another uses is a race, as it should say"},
    {"fd-stray-close", .label = "fd-stray-close of the listener",
     .expected = {&put_back, &put_back, &own_table}, .prepare = prepare_close_listener,
     .presets = "tsan", .left_out = "closing what another uses is a race, as it should say"},
    {"fd-stray-close", .label = "fd-stray-close of the epoll",
     .expected = {&put_back, &put_back, &own_table}, .prepare = prepare_close_epoll,
     .presets = "tsan", .left_out = "closing what another uses is a race, as it should say"},
    {"shared", .expected = {&anything_threads, &anything_workers, &out_of_reach},
     .settle = commit_more, .presets = "asan tsan",
     .left_out = "a sanitizer's own memory may be hit"},
    {"overread?find=tandem-secret-", .expected = {&all_to_read, &own_to_read, &nothing_to_read},
     .prepare = prepare_earlier_request, .look = look_for_secrets, .presets = "asan tsan",
     .left_out = "a sanitizer's allocator keeps, and looks at, other memory"},
    {"env-pollution", .expected = {&damaged_all, &damaged_worker, &clean_child},
     .look = look_for_pollution},
};

const size_t row_count = sizeof(rows) / sizeof(rows[0]);

/* --- the tests --- */

static struct seen (*all_seen)[SUBJECTS]; /* each case is a process of its own */

/* Built with a sanitizer, each fault is performed with one of the subjects (TANDEM_LONG=1: with all):
 * each fault then has its look at the code of the core, and the table is held against other builds. */
static bool is_anothers(size_t row, int subject)
{
    return build_is_slow() && !long_run() && (int)(row % (size_t)subject_count()) != subject;
}

START_TEST(costs_what_the_table_says)
{
    size_t row = (size_t)_i / SUBJECTS;
    int subject = _i % SUBJECTS;

    if (subject < subject_count() && !is_anothers(row, subject) && row_is_wanted(&rows[row]) &&
        row_left_out(&rows[row]) == NULL)
        scene_perform(&rows[row], subject, &all_seen[row][subject]);
}
END_TEST

static void hold_against(const char *name)
{
    struct bytes complaints = {0}, readme;
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", getenv("TANDEM_SOURCE"), name);
    readme = bytes_of_file(path);
    ck_assert_msg(readme.length > 0, "%s cannot be read", path);
    bytes_add_text(&complaints, "");
    matrix_compare(readme.at, &complaints);
    ck_assert_msg(complaints.length == 0, "%s has another table than is expected here:\n%s", name,
                  complaints.at);
    bytes_free(&complaints);
    bytes_free(&readme);
}

/* Beside this file with what was measured, in front without. */
START_TEST(the_readmes_say_the_same)
{
    hold_against("tests/isolation/README.md");
    hold_against("README.md");
}
END_TEST

static void say_what_is_left_out(void)
{
    for (size_t i = 0; i < row_count; i++)
        if (row_left_out(&rows[i]) != NULL)
            printf("left out: %s: %s\n", row_name(&rows[i]), row_left_out(&rows[i]));
    if (!scene_measures_memory())
        printf("left out: memory left behind: a sanitizer's allocator gives nothing back\n");
}

int main(void)
{
    Suite *suite = suite_create("matrix");
    TCase *readmes = tcase_create("readmes"), *cells = tcase_create("cells");
    const char *path = getenv("TANDEM_MATRIX");
    int code;

    all_seen = mmap(NULL, row_count * sizeof(*all_seen), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all_seen == MAP_FAILED)
        return EXIT_FAILURE;
    umask(022); /* pollution is told by another one */
    say_what_is_left_out();
    if (path == NULL) /* the table is being made, and may differ from what stands there */
        tcase_add_test(readmes, the_readmes_say_the_same);
    tcase_add_loop_test(cells, costs_what_the_table_says, 0, (int)row_count * SUBJECTS);
    tcase_set_timeout(cells, case_limit(40));
    suite_add_tcase(suite, readmes);
    suite_add_tcase(suite, cells);
    code = workshop_run(suite);
    if (path != NULL && !matrix_write(path, all_seen)) {
        perror(path);
        return EXIT_FAILURE;
    }
    return code;
}
