/*
 * handover: what is sent arrives, with a descriptor of its own; what somebody else writes there does no
 * harm, and leaves nothing open.
 */
#include "server-proc/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

static int gate, worker; /* the two ends of the channel */

static void open_channel(void)
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    worker = ends[0];
    gate = ends[1];
}

static void close_channel(void)
{
    close(gate);
    close(worker);
}

static struct handover message(uint32_t serial)
{
    struct handover h;
    memset(&h, 0, sizeof h);
    h.serial = serial;
    return h;
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* Whatever may have been sent, the channel is empty afterwards, and nothing more is open than before. */
static void is_refused(int error)
{
    struct handover h;
    int before = open_descriptors();
    ck_assert_int_eq(handover_receive(worker, &h), -1);
    ck_assert_int_eq(errno, error);
    ck_assert_int_eq(open_descriptors(), before);
    ck_assert_int_eq(handover_receive(worker, &h), -1);
    ck_assert_int_eq(errno, EAGAIN);
}

static void send_raw(const void *bytes, size_t n, const int *fds, size_t count)
{
    union {
        char bytes[CMSG_SPACE(8 * sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {(void *)(uintptr_t)bytes, n};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    }
    ck_assert_int_ge(sendmsg(gate, &m, 0), 0);
}

START_TEST(test_it_arrives)
{
    int pair[2];
    struct handover sent = message(8), got;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    sent.peer.sin6_family = AF_INET6;
    sent.peer.sin6_port = htons(4711);
    sent.seat = 3;
    strcpy(sent.facts.version, "TLSv1.3");
    strcpy(sent.facts.server_name, "example.org");
    sent.facts.is_resumed = true;
    ck_assert(handover_send(gate, &sent, pair[0]));
    close(pair[0]);
    int fd = handover_receive(worker, &got);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(memcmp(&sent.peer, &got.peer, sizeof got.peer), 0);
    ck_assert_uint_eq(got.seat, 3);
    ck_assert_uint_eq(got.serial, 8);
    ck_assert_str_eq(got.facts.version, "TLSv1.3");
    ck_assert_str_eq(got.facts.server_name, "example.org");
    ck_assert(got.facts.is_resumed && !got.is_misspoken);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    char byte = 0;
    ck_assert_int_eq(read(pair[1], &byte, 1), 1);
    ck_assert_int_eq(byte, 'x');
    close(fd);
    close(pair[1]);
}
END_TEST

START_TEST(test_in_the_order_they_were_sent_until_it_is_full)
{
    struct handover h, got;
    uint32_t count = 0;
    for (h = message(0); handover_send(gate, &h, worker); h = message(count))
        count++;
    ck_assert(errno == EAGAIN || errno == ETOOMANYREFS);
    ck_assert_uint_gt(count, 16);
    for (uint32_t i = 0; i < count; i++) {
        int fd = handover_receive(worker, &got);
        ck_assert_int_ge(fd, 0);
        ck_assert_uint_eq(got.serial, i);
        close(fd);
    }
    is_refused(EAGAIN);
}
END_TEST

START_TEST(test_texts_end)
{
    struct handover sent = message(2), got;
    memset(&sent.facts, 'x', sizeof sent.facts);
    sent.facts.is_resumed = false;
    ck_assert(handover_send(gate, &sent, gate));
    int fd = handover_receive(worker, &got);
    ck_assert_int_ge(fd, 0);
    ck_assert_uint_eq(strlen(got.facts.version), TLS_VERSION_SIZE - 1);
    ck_assert_uint_eq(strlen(got.facts.cipher), TLS_CIPHER_SIZE - 1);
    ck_assert_uint_eq(strlen(got.facts.server_name), TLS_NAME_SIZE - 1);
    ck_assert_uint_eq(strlen(got.facts.subject), TLS_SUBJECT_SIZE - 1);
    close(fd);
}
END_TEST

START_TEST(test_no_message_at_all)
{
    is_refused(EAGAIN);
}
END_TEST

START_TEST(test_no_descriptor)
{
    struct handover h = message(2);
    send_raw(&h, sizeof h, NULL, 0);
    is_refused(EPROTO);
}
END_TEST

START_TEST(test_too_many_descriptors)
{
    struct handover h = message(2);
    const int fds[8] = {gate, gate, gate, gate, gate, gate, gate, gate};
    send_raw(&h, sizeof h, fds, 2);
    is_refused(EPROTO);
    send_raw(&h, sizeof h, fds, 8);
    is_refused(EMFILE);
}
END_TEST

START_TEST(test_too_short_and_too_long)
{
    char bytes[sizeof(struct handover) + 1] = {0};
    send_raw(bytes, 1, &gate, 1);
    is_refused(EPROTO);
    send_raw(bytes, sizeof(struct handover) - 1, &gate, 1);
    is_refused(EPROTO);
    send_raw(bytes, sizeof bytes, &gate, 1);
    is_refused(EPROTO);
}
END_TEST

START_TEST(test_no_number_left)
{
    struct rlimit before, none = {0, 0};
    struct handover h = message(2);
    ck_assert(handover_send(gate, &h, gate));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    int fd = handover_receive(worker, &h), error = errno;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(fd, -1);
    ck_assert_int_eq(error, EMFILE);
}
END_TEST

START_TEST(test_other_end_is_gone)
{
    struct handover h;
    close(gate);
    gate = dup(worker);
    ck_assert_int_eq(handover_receive(worker, &h), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handover");
    TCase *tcase = tcase_create("channel");
    tcase_add_checked_fixture(tcase, open_channel, close_channel);
    tcase_add_test(tcase, test_it_arrives);
    tcase_add_test(tcase, test_in_the_order_they_were_sent_until_it_is_full);
    tcase_add_test(tcase, test_texts_end);
    tcase_add_test(tcase, test_no_message_at_all);
    tcase_add_test(tcase, test_no_descriptor);
    tcase_add_test(tcase, test_too_many_descriptors);
    tcase_add_test(tcase, test_too_short_and_too_long);
    tcase_add_test(tcase, test_no_number_left);
    tcase_add_test(tcase, test_other_end_is_gone);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
