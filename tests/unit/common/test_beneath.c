/*
 * beneath: what can be opened below a folder and what cannot, with openat2 and without it.
 */
#include "common/handlers/beneath.h"

#include "unit.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/tandem-beneath-XXXXXX";
static struct beneath root;

static void make(const char *name, const char *target)
{
    char path[256];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (target != NULL) {
        ck_assert_int_eq(symlink(target, path), 0);
        return;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void set_up(void)
{
    char path[256];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/sub", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    make("file", NULL);
    make("sub/deep", NULL);
    make("inside", "file");
    make("outside", "/etc/passwd");
    make("climber", "../../../../etc/passwd");
    snprintf(path, sizeof(path), "%s/fifo", folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert(beneath_open_root(&root, folder));
}

static void tear_down(void)
{
    static const char *const names[] = {"sub/deep", "sub",     "file", "inside",
                                        "outside",  "climber", "fifo", "."};
    char path[256];

    beneath_close_root(&root);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)remove(strcmp(names[i], ".") == 0 ? folder : path);
    }
}

static const struct {
    const char *path;
    bool with, without; /* openat2 */
} rows[] = {
    {"file", true, true},          {"sub/deep", true, true},  {".", true, true},
    {"sub", true, true},           {"sub/", true, true},      {"inside", true, false},
    {"outside", false, false},     {"climber", false, false}, {"missing", false, false},
    {"file/", false, false},       {"../etc", false, false},  {"sub/../../etc", false, false},
    {"sub/missing", false, false}, {"fifo", true, true},
};

START_TEST(opens_what_is_below)
{
    for (int without = 0; without < 2; without++) {
        bool wanted = without ? rows[_i].without : rows[_i].with && root.has_openat2;
        int fd;

        if (!without && !root.has_openat2)
            continue;
        root.has_openat2 = !without;
        fd = beneath_open(&root, rows[_i].path, O_RDONLY);
        ck_assert_msg((fd >= 0) == wanted, "%s %s openat2: %s", rows[_i].path,
                      without ? "without" : "with", fd >= 0 ? "opened" : strerror(errno));
        if (fd >= 0)
            close(fd);
    }
}
END_TEST

START_TEST(hides_what_it_refuses)
{
    ck_assert_int_eq(beneath_status(ENOENT), 404);
    ck_assert_int_eq(beneath_status(EXDEV), 404);
    ck_assert_int_eq(beneath_status(EACCES), 403);
    ck_assert_int_eq(beneath_status(EMFILE), 503);
    ck_assert_int_eq(beneath_status(EIO), 500);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("beneath");
    TCase *tcase = tcase_create("beneath");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, opens_what_is_below, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(tcase, hides_what_it_refuses);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
