/*
 * footprint: what is allocated shows, at once and to the page, and goes when it is given back.
 */
#include "common/footprint.h"
#include "common/sanitized.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1ull << 20)
#define GROWN (32 * MIB)

/* An allocator takes a little more than it is asked for, a sanitizer's yet more. */
static void expect_growth(uint64_t before, uint64_t after)
{
    ck_assert_uint_gt(before, 0);
    ck_assert_uint_ge(after, before + GROWN);
    ck_assert_uint_le(after, before + GROWN + GROWN / 2);
}

START_TEST(a_leak_shows)
{
    uint64_t before = footprint_data();
    char *volatile block = malloc(GROWN);

    ck_assert_ptr_nonnull(block);
    memset(block, 0xa5, GROWN);
    expect_growth(before, footprint_data());
    free(block);
}
END_TEST

START_TEST(a_leak_in_small_pieces_shows)
{
    uint64_t before = footprint_data();
    void **volatile chain = NULL;

    for (unsigned i = 0; i < GROWN / 1024; i++) {
        void **next = malloc(1024);
        ck_assert_ptr_nonnull(next);
        *next = chain;
        chain = next;
    }
    expect_growth(before, footprint_data());
    while (chain != NULL) {
        void **next = *chain;
        free(chain);
        chain = next;
    }
}
END_TEST

static void *map(int flags)
{
    void *block = mmap(NULL, GROWN, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(block, MAP_FAILED);
    memset(block, 1, GROWN);
    return block;
}

START_TEST(what_is_shared_is_not_its_own)
{
    uint64_t before = footprint_data();
    void *block = map(MAP_SHARED);

    ck_assert_uint_eq(footprint_data(), before);
    munmap(block, GROWN);
}
END_TEST

START_TEST(what_is_given_back_is_gone)
{
    uint64_t before = footprint_data();
    void *block = map(MAP_PRIVATE);

    ck_assert_uint_eq(footprint_data(), before + GROWN);
    munmap(block, GROWN);
    ck_assert_uint_eq(footprint_data(), before);
}
END_TEST

/* A race detector keeps two bytes of its own for each. */
START_TEST(pss_grows_with_what_is_used)
{
    uint64_t before = footprint_pss();
    void *block = map(MAP_PRIVATE);
    uint64_t after = footprint_pss();

    ck_assert_uint_gt(before, 0);
    ck_assert_uint_ge(after, before + GROWN - MIB);
    ck_assert_uint_le(after,
                      before + (TANDEM_SANITIZED ? 16 : 2) * GROWN); /* shadow memory counts */
    munmap(block, GROWN);
}
END_TEST

/* A forked worker tells of itself, not of who made it; and what both have, each has a half of. */
START_TEST(a_child_tells_of_itself)
{
    void *block = map(MAP_PRIVATE);
    uint64_t alone = footprint_pss();
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        uint64_t shared = footprint_pss();
        if (shared + GROWN / 4 > alone)
            _exit(1);
        munmap(block, GROWN);
        _exit(footprint_pss() + GROWN / 4 < shared ? 0 : 2);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    munmap(block, GROWN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("footprint");
    TCase *tcase = tcase_create("footprint");

    tcase_add_test(tcase, a_leak_shows);
    tcase_add_test(tcase, a_leak_in_small_pieces_shows);
    tcase_add_test(tcase, what_is_shared_is_not_its_own);
    tcase_add_test(tcase, what_is_given_back_is_gone);
    tcase_add_test(tcase, pss_grows_with_what_is_used);
    tcase_add_test(tcase, a_child_tells_of_itself);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
