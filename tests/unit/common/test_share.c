/*
 * share: memory for all workers is given while `open` runs, is zeroed, and is gone after the close.
 */
#include "common/handler.h"
#include "common/share.h"

#include "unit.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_mapped(void *memory)
{
    return msync(memory, 1, MS_ASYNC) == 0 || errno != ENOMEM;
}

START_TEST(is_given_while_open_runs)
{
    ck_assert_ptr_null(module_share(1));
    share_begin();
    ck_assert_ptr_nonnull(module_share(1));
    share_end();
    ck_assert_ptr_null(module_share(1));
    share_close();
}
END_TEST

START_TEST(is_zeroed_and_seen_by_children)
{
    size_t bytes = 100000;
    int status;

    share_begin();
    char *memory = module_share(bytes);
    share_end();
    ck_assert_ptr_nonnull(memory);
    for (size_t i = 0; i < bytes; i++)
        ck_assert_int_eq(memory[i], 0);
    pid_t child = fork();
    if (child == 0) {
        memset(memory, 'c', bytes);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    for (size_t i = 0; i < bytes; i++)
        ck_assert_int_eq(memory[i], 'c');
    share_close();
}
END_TEST

START_TEST(goes_with_the_service)
{
    share_begin();
    char *one = module_share(1), *two = module_share(5000);
    share_end();
    ck_assert(is_mapped(one) && is_mapped(two) && is_mapped(two + 4096));
    share_close();
    ck_assert(!is_mapped(one) && !is_mapped(two) && !is_mapped(two + 4096));
    share_close(); /* there is nothing left */
}
END_TEST

START_TEST(is_refused_when_there_is_no_such_amount)
{
    share_begin();
    ck_assert_ptr_null(module_share(0));
    ck_assert_ptr_null(module_share(SIZE_MAX));
    ck_assert_ptr_null(module_share(SIZE_MAX / 2));
    share_end();
    share_close();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("share");
    TCase *tcase = tcase_create("share");

    tcase_add_test(tcase, is_given_while_open_runs);
    tcase_add_test(tcase, is_zeroed_and_seen_by_children);
    tcase_add_test(tcase, goes_with_the_service);
    tcase_add_test(tcase, is_refused_when_there_is_no_such_amount);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
