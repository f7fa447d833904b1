/*
 * gate_board: who may say of a connection that it has ended in order, and for which.
 */
#include "server-proc/gate_board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static const struct options few = {.max_connections = 10};

START_TEST(test_an_end_is_announced)
{
    struct seat seat = {0};
    uint32_t serial = seat_take(&seat);
    ck_assert_uint_ne(serial, 0);
    ck_assert(!seat_has_ended(&seat, serial));
    seat_end(&seat, serial);
    ck_assert(seat_has_ended(&seat, serial));
    seat_end(&seat, serial); /* again, as a linger and then a close do */
    ck_assert(seat_has_ended(&seat, serial));
}
END_TEST

START_TEST(test_not_for_the_next_one)
{
    struct seat seat = {0};
    uint32_t old = seat_take(&seat), fresh = seat_take(&seat);
    ck_assert_uint_ne(old, fresh);
    seat_end(&seat, old);
    ck_assert(!seat_has_ended(&seat, fresh));
    seat_end(&seat, fresh);
    seat_end(&seat, old);
    ck_assert(seat_has_ended(&seat, fresh));
    ck_assert(!seat_has_ended(&seat, seat_take(&seat)));
}
END_TEST

START_TEST(test_serials_begin_again)
{
    struct seat seat = {.word = UINT32_MAX, .moves = 7};
    uint32_t serial = seat_take(&seat);
    ck_assert_uint_eq(serial, 2); /* 0 would be nobody's */
    ck_assert_uint_eq(seat.moves, 0);
    ck_assert(!seat_has_ended(&seat, serial));
}
END_TEST

START_TEST(test_it_is_shared)
{
    int fd = gate_board_make(&few);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    struct gate_board *mine = gate_board_map(fd, &few), *other = gate_board_map(fd, &few);
    ck_assert_ptr_nonnull(mine);
    ck_assert_ptr_nonnull(other);
    size_t last = gate_board_seats(&few) - 1;
    uint32_t serial = seat_take(&mine->seats[last]);
    seat_end(&other->seats[last], serial);
    ck_assert(seat_has_ended(&mine->seats[last], serial));
    gate_board_unmap(other, &few);
    gate_board_unmap(mine, &few);
    close(fd);
}
END_TEST

/* A handler may call ftruncate with any number; who has it mapped must not die of that. */
START_TEST(test_nobody_cuts_it_short)
{
    int fd = gate_board_make(&few);
    ck_assert_int_eq(ftruncate(fd, 0), -1);
    ck_assert_int_eq(errno, EPERM);
    close(fd);
}
END_TEST

/* Of another version, by its number, or by its size. */
START_TEST(test_another_layout)
{
    const struct options other = {.max_connections = 11};
    const uint32_t later = 0;
    int fd = gate_board_make(&few);
    ck_assert_ptr_null(gate_board_map(fd, &other));
    ck_assert_int_eq(errno, EPROTO);
    ck_assert_int_eq(pwrite(fd, &later, sizeof later, 0), sizeof later);
    errno = 0;
    ck_assert_ptr_null(gate_board_map(fd, &few));
    ck_assert_int_eq(errno, EPROTO);
    close(fd);
}
END_TEST

START_TEST(test_it_costs_what_is_used)
{
    const struct options many = {.max_connections = 100000};
    struct stat st;
    int fd = gate_board_make(&many);
    struct gate_board *board = gate_board_map(fd, &many);
    ck_assert_ptr_nonnull(board);
    seat_take(&board->seats[0]);
    seat_take(&board->seats[gate_board_seats(&many) - 1]);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_lt(st.st_blocks, 100); /* of 512 bytes, of 200 MB */
    gate_board_unmap(board, &many);
    close(fd);
}
END_TEST

START_TEST(test_who_waits_is_woken)
{
    int fd = gate_board_make(&few);
    struct gate_board *board = gate_board_map(fd, &few);
    ck_assert_ptr_nonnull(board);
    ck_assert(!gate_board_await(board, 1));
    pid_t pid = fork();
    if (pid == 0) {
        gate_board_open(board);
        _exit(0);
    }
    bool is_open = false;
    for (int i = 0; i < 100 && !is_open; i++)
        is_open = gate_board_await(board, 100);
    ck_assert(is_open);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    gate_board_unmap(board, &few);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate_board");
    TCase *tcase = tcase_create("seats");
    tcase_add_test(tcase, test_an_end_is_announced);
    tcase_add_test(tcase, test_not_for_the_next_one);
    tcase_add_test(tcase, test_serials_begin_again);
    tcase_add_test(tcase, test_it_is_shared);
    tcase_add_test(tcase, test_nobody_cuts_it_short);
    tcase_add_test(tcase, test_another_layout);
    tcase_add_test(tcase, test_it_costs_what_is_used);
    tcase_add_test(tcase, test_who_waits_is_woken);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
