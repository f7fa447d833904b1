/*
 * residue: what stays is seen and named; what has been undone, or was so before, is not held
 * against anybody.
 */
#include "common/residue.h"

#include "unit.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct residue before;
static char what[256];

static void expect_kept(void)
{
    ck_assert_msg(residue_kept(&before, what, sizeof(what)), "%s", what);
}

static void expect_trace(const char *words)
{
    ck_assert_msg(!residue_kept(&before, what, sizeof(what)), "nothing was seen: %s", words);
    ck_assert_str_eq(what, words);
}

static void set_up(void)
{
    residue_take(&before);
    expect_kept();
}

START_TEST(reads_the_umask_without_touching_it)
{
    mode_t old = umask(031);

    residue_take(&before);
    ck_assert_int_eq(before.umask, 031);
    ck_assert_int_eq((int)umask(old), 031);
    umask(007);
    expect_trace("has changed the umask from 031 to 007");
    umask(031);
    expect_kept();
}
END_TEST

START_TEST(sees_signals)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMAX);
    sigprocmask(SIG_BLOCK, &set, NULL);
    expect_trace("has blocked signal 64");
    residue_take(&before);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    expect_trace("has unblocked signal 64");
    residue_take(&before);
    signal(SIGUSR1, SIG_IGN);
    expect_trace("has changed what SIGUSR1 (User defined signal 1) does");
    signal(SIGUSR1, SIG_DFL);
    expect_kept();
    struct sigaction other = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
    sigaction(SIGCHLD, &other, NULL);
    expect_trace("has changed what SIGCHLD (Child exited) does");
}
END_TEST

/* Dead or alive: it is there until somebody has waited for it. */
START_TEST(sees_children)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    expect_trace("has started a process");
    residue_take(&before);
    expect_kept();
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    expect_kept();
}
END_TEST

START_TEST(sees_a_standard_descriptor_only_where_there_was_one)
{
    close(STDIN_FILENO);
    expect_trace("has closed descriptor 0");
    residue_take(&before);
    ck_assert_int_eq(open("/proc/self/status", O_RDONLY), STDIN_FILENO);
    expect_kept();
    residue_take(&before);
    int fd = open("/proc/self/stat", O_RDONLY);
    ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    expect_trace("has replaced descriptor 0");
}
END_TEST

START_TEST(sees_the_folder)
{
    char *old = getcwd(NULL, 0);

    ck_assert_int_eq(chdir("/proc/self"), 0);
    expect_trace("has changed the working directory");
    ck_assert_int_eq(chdir(old), 0);
    expect_kept();
    free(old);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("residue");
    TCase *tcase = tcase_create("residue");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, reads_the_umask_without_touching_it);
    tcase_add_test(tcase, sees_signals);
    tcase_add_test(tcase, sees_children);
    tcase_add_test(tcase, sees_a_standard_descriptor_only_where_there_was_one);
    tcase_add_test(tcase, sees_the_folder);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
