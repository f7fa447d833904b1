/*
 * cpus: the quota of a cgroup, read from a folder that is laid out like the kernel's.
 */
#include "common/cpus.h"

#include "unit.h"

#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char mount[] = "/tmp/tandem-cpus-XXXXXX";
static char membership[64];

static void make_mount(void)
{
    ck_assert_ptr_nonnull(mkdtemp(mount));
    snprintf(membership, sizeof(membership), "%s/membership", mount);
}

static void remove_mount(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -r %s", mount);
    ck_assert_int_eq(system(command), 0);
}

static void put(const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", mount, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void put_folder(const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", mount, name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static const struct {
    const char *text;
    unsigned cpus;
} quotas[] = {
    {"max 100000\n", 0},  {"100000 100000\n", 1}, {"150000 100000\n", 2},
    {"1000 100000\n", 1}, {"400000 100000\n", 4}, {"", 0},
    {"nonsense\n", 0},    {"100000 0\n", 0},      {"9223372036854775807 1\n", 2147483647},
};

START_TEST(rounds_a_quota_up)
{
    put("membership", "0::/\n");
    put("cpu.max", quotas[_i].text);
    ck_assert_uint_eq(cpu_quota(membership, mount), quotas[_i].cpus);
}
END_TEST

START_TEST(takes_the_smallest_on_the_way_up)
{
    put("membership", "0::/a/b\n");
    put_folder("a");
    put_folder("a/b");
    put("a/b/cpu.max", "max 100000\n");
    ck_assert_uint_eq(cpu_quota(membership, mount), 0);
    put("a/cpu.max", "300000 100000\n");
    put("cpu.max", "800000 100000\n");
    ck_assert_uint_eq(cpu_quota(membership, mount), 3);
    put("a/b/cpu.max", "200000 100000\n");
    ck_assert_uint_eq(cpu_quota(membership, mount), 2);
}
END_TEST

START_TEST(finds_a_container_under_the_path_of_its_host)
{
    put("membership", "0::/docker/0123456789abcdef\n");
    put("cpu.max", "200000 100000\n");
    ck_assert_uint_eq(cpu_quota(membership, mount), 2);
}
END_TEST

START_TEST(reads_version_1)
{
    put("membership", "5:cpuset:/x\n4:cpuacct,cpu:/x\n1:name=systemd:/\n0::/\n");
    put_folder("cpu");
    put_folder("cpu/x");
    put("cpu/x/cpu.cfs_quota_us", "-1\n");
    put("cpu/x/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(cpu_quota(membership, mount), 0);
    put("cpu/x/cpu.cfs_quota_us", "250000\n");
    ck_assert_uint_eq(cpu_quota(membership, mount), 3);
}
END_TEST

START_TEST(does_without)
{
    ck_assert_uint_eq(cpu_quota("/nowhere", mount), 0);
    put("membership", "not a line of the kernel's\n\n:\n");
    ck_assert_uint_eq(cpu_quota(membership, mount), 0);
}
END_TEST

START_TEST(keeps_to_the_affinity_mask)
{
    cpu_set_t one;

    ck_assert_uint_ge(usable_cpus(), 1);
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    ck_assert_uint_eq(usable_cpus(), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpus");
    TCase *tcase = tcase_create("cpus");

    tcase_add_checked_fixture(tcase, make_mount, remove_mount);
    tcase_add_loop_test(tcase, rounds_a_quota_up, 0, (int)(sizeof(quotas) / sizeof(quotas[0])));
    tcase_add_test(tcase, takes_the_smallest_on_the_way_up);
    tcase_add_test(tcase, finds_a_container_under_the_path_of_its_host);
    tcase_add_test(tcase, reads_version_1);
    tcase_add_test(tcase, does_without);
    tcase_add_test(tcase, keeps_to_the_affinity_mask);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
