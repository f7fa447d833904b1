/*
 * outbox: an answer that the socket takes piece by piece arrives whole and in order, whoever sends
 * the pieces; and one that cannot be finished is known as such.
 */
#include "common/limits.h"
#include "common/outbox.h"

#include "bytes.h"
#include "unit.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct conn conn;
static int ours, theirs;

static void set_up(void)
{
    int pair[2], small = 1;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    ours = pair[0];
    theirs = pair[1];
    setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    memset(&conn, 0, sizeof(conn));
    conn.out[0].fd = conn.out[1].fd = -1;
    signal(SIGPIPE, SIG_IGN);
}

static void tear_down(void)
{
    outbox_drop(&conn);
    close(ours);
    close(theirs);
}

static void add_noise(struct bytes *b, size_t length)
{
    unsigned dice = 99;

    for (size_t i = 0; i < length; i++) {
        char byte;

        dice = dice * 1103515245u + 12345u;
        byte = (char)(dice >> 16);
        bytes_add(b, &byte, 1);
    }
}

static struct conn_part file_of(const struct bytes *content, uint64_t offset)
{
    int fd = memfd_create("document", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content->at, content->length), (ssize_t)content->length);
    return (struct conn_part){.fd = fd,
                              .offset = offset,
                              .left = content->length - offset,
                              .promised = outbox_promise(fd, content->length)};
}

static void read_all(struct bytes *got)
{
    char piece[65536];
    ssize_t n;

    while ((n = read(theirs, piece, sizeof(piece))) > 0)
        bytes_add(got, piece, (size_t)n);
}

/* Sends head and part with a reader that takes what is there now and then. */
static void deliver(const struct bytes *head, struct conn_part part, const struct bytes *wanted)
{
    enum outbox_result result = outbox_send(&conn, ours, head->at, head->length, part);
    struct bytes got = {0};
    int turns = 0;

    while (result == OUTBOX_FULL || result == OUTBOX_TURN) {
        ck_assert(!outbox_is_empty(&conn));
        read_all(&got);
        result = outbox_continue(&conn, ours);
        ck_assert_int_lt(turns++, 100000);
    }
    ck_assert_int_eq(result, OUTBOX_SENT);
    ck_assert(outbox_is_empty(&conn));
    read_all(&got);
    ck_assert_uint_eq(got.length, wanted->length);
    ck_assert_int_eq(memcmp(got.at, wanted->at, got.length), 0);
    bytes_free(&got);
}

START_TEST(sends_what_fits_at_once)
{
    struct bytes head = {0};

    bytes_add_text(&head, "a short answer");
    ck_assert_int_eq(outbox_send(&conn, ours, head.at, head.length, (struct conn_part){.fd = -1}),
                     OUTBOX_SENT);
    ck_assert(outbox_is_empty(&conn));
    bytes_free(&head);
}
END_TEST

START_TEST(sends_bytes_that_do_not_fit)
{
    struct bytes head = {0};

    add_noise(&head, 1000000);
    deliver(&head, (struct conn_part){.fd = -1}, &head);
    bytes_free(&head);
}
END_TEST

START_TEST(sends_a_file_behind_its_head)
{
    struct bytes head = {0}, content = {0}, wanted = {0};

    add_noise(&head, 300);
    add_noise(&content, 1000000);
    bytes_add(&wanted, head.at, head.length);
    bytes_add(&wanted, content.at + 1234, content.length - 1234);
    deliver(&head, file_of(&content, 1234), &wanted);
    bytes_free(&head);
    bytes_free(&content);
    bytes_free(&wanted);
}
END_TEST

/* Both have to wait: the head in a descriptor of its own, and still first. */
START_TEST(keeps_the_order_when_both_wait)
{
    struct bytes head = {0}, content = {0}, wanted = {0};

    add_noise(&head, 500000);
    add_noise(&content, 500000);
    bytes_add(&wanted, head.at, head.length);
    bytes_add(&wanted, content.at, content.length);
    deliver(&head, file_of(&content, 0), &wanted);
    bytes_free(&head);
    bytes_free(&content);
    bytes_free(&wanted);
}
END_TEST

START_TEST(notices_a_file_that_became_shorter)
{
    struct bytes content = {0}, got = {0};
    struct conn_part part;
    enum outbox_result result;

    add_noise(&content, 500000);
    part = file_of(&content, 0);
    ck_assert_int_eq(ftruncate(part.fd, 400000), 0);
    result = outbox_send(&conn, ours, "head", 4, part);
    while (result == OUTBOX_FULL || result == OUTBOX_TURN) {
        read_all(&got);
        result = outbox_continue(&conn, ours);
    }
    ck_assert_int_eq(result, OUTBOX_BROKEN);
    bytes_free(&content);
    bytes_free(&got);
}
END_TEST

/* Of the same length, but not what was promised any more. */
START_TEST(notices_a_file_that_was_changed)
{
    const struct timespec other[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct bytes content = {0}, got = {0};
    struct conn_part part;
    enum outbox_result result;

    add_noise(&content, 500000);
    part = file_of(&content, 0);
    result = outbox_send(&conn, ours, "head", 4, part);
    ck_assert_int_eq(result, OUTBOX_FULL);
    ck_assert_int_eq(futimens(part.fd, other), 0);
    while (result == OUTBOX_FULL || result == OUTBOX_TURN) {
        read_all(&got);
        result = outbox_continue(&conn, ours);
    }
    ck_assert_int_eq(result, OUTBOX_BROKEN);
    read_all(&got);
    ck_assert_uint_lt(got.length, 4 + 500000);
    bytes_free(&content);
    bytes_free(&got);
}
END_TEST

START_TEST(promises_what_is_there)
{
    struct bytes content = {0};
    struct conn_part part;

    add_noise(&content, 100);
    part = file_of(&content, 0);
    ck_assert_int_ne(outbox_promise(part.fd, 100), OUTBOX_NO_PROMISE);
    ck_assert_int_eq(outbox_promise(part.fd, 101), OUTBOX_NO_PROMISE);
    close(part.fd);
    bytes_free(&content);
}
END_TEST

START_TEST(notices_a_client_that_is_gone)
{
    struct bytes content = {0};

    add_noise(&content, 500000);
    ck_assert_int_eq(outbox_send(&conn, ours, "head", 4, file_of(&content, 0)), OUTBOX_FULL);
    close(theirs);
    ck_assert_int_eq(outbox_continue(&conn, ours), OUTBOX_BROKEN);
    bytes_free(&content);
}
END_TEST

START_TEST(gives_others_their_turn)
{
    int pair[2], size = 64 << 20;
    struct bytes content = {0};

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == 0) {
        add_noise(&content, LIMIT_TURN + 100000);
        ck_assert_int_eq(outbox_send(&conn, pair[0], "", 0, file_of(&content, 0)), OUTBOX_TURN);
        ck_assert_uint_eq(conn.out[1].left, 100000);
        ck_assert_int_eq(outbox_continue(&conn, pair[0]), OUTBOX_SENT);
    }
    bytes_free(&content);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(closes_what_it_drops)
{
    struct bytes content = {0};
    struct conn_part part;

    add_noise(&content, 500000);
    part = file_of(&content, 0);
    ck_assert_int_eq(outbox_send(&conn, ours, content.at, content.length, part), OUTBOX_FULL);
    outbox_drop(&conn);
    ck_assert(outbox_is_empty(&conn));
    ck_assert_int_lt(fcntl(part.fd, F_GETFD), 0);
    bytes_free(&content);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outbox");
    TCase *tcase = tcase_create("outbox");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, sends_what_fits_at_once);
    tcase_add_test(tcase, sends_bytes_that_do_not_fit);
    tcase_add_test(tcase, sends_a_file_behind_its_head);
    tcase_add_test(tcase, keeps_the_order_when_both_wait);
    tcase_add_test(tcase, notices_a_file_that_became_shorter);
    tcase_add_test(tcase, notices_a_file_that_was_changed);
    tcase_add_test(tcase, promises_what_is_there);
    tcase_add_test(tcase, notices_a_client_that_is_gone);
    tcase_add_test(tcase, gives_others_their_turn);
    tcase_add_test(tcase, closes_what_it_drops);
    tcase_set_timeout(tcase, 30);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
