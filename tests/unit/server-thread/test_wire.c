/*
 * server-thread/wire.c: whoever is in the middle of a call keeps the session he is in, whatever is
 * done to its connection meanwhile; and each session is freed, once.
 *
 * The sessions are made up here: what OpenSSL would do is another test's matter.
 */
#include "common/model.h"
#include "common/tls/session.h"
#include "common/wire.h"
#include "server-thread/keys.h"

#include "unit.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NUMBERS = 8, FD = 5 };

struct tls_session {
    int fd;
    int calls;
};

static struct server server;
static struct tls_figures figures;
static int opened, closed;
static size_t takes = SIZE_MAX; /* bytes that tls_send takes at once */
static void (*meanwhile)(void); /* what happens while one is in a call */
static struct bytes_seen {
    char bytes[1 << 18];
    size_t length, offered;
} seen;

/* --- what wire.c calls --- */

struct tls_session *keys_open_session(int fd)
{
    struct tls_session *t = calloc(1, sizeof(*t));

    ck_assert_ptr_nonnull(t);
    t->fd = fd;
    opened++;
    return t;
}

void tls_close(struct tls_session *t)
{
    if (t == NULL)
        return;
    closed++;
    free(t);
}

static void in_a_call(struct tls_session *t)
{
    void (*happens)(void) = meanwhile;
    int before = closed;

    meanwhile = NULL;
    if (happens != NULL)
        happens();
    ck_assert_int_eq(closed, before); /* else *t would be gone */
    t->calls++;
}

enum tls_step tls_handshake(struct tls_session *t)
{
    in_a_call(t);
    return TLS_FAILED;
}

const char *tls_failure(const struct tls_session *t)
{
    (void)t;
    return "it was to fail";
}

ssize_t tls_recv(struct tls_session *t, void *to, size_t room)
{
    in_a_call(t);
    memset(to, 'r', room);
    return (ssize_t)room;
}

ssize_t tls_send(struct tls_session *t, const void *bytes, size_t n, bool more)
{
    size_t put = n < takes ? n : takes;

    (void)more;
    in_a_call(t);
    seen.offered = n;
    memcpy(seen.bytes + seen.length, bytes, put);
    seen.length += put;
    errno = EAGAIN;
    return put > 0 ? (ssize_t)put : -1;
}

bool tls_end(struct tls_session *t)
{
    in_a_call(t);
    return true;
}

bool tls_is_drained(const struct tls_session *t)
{
    return t->fd == FD;
}

bool tls_wants_room(const struct tls_session *t)
{
    return t->fd == FD;
}

void tls_refresh(struct tls_session *t, bool is_wary)
{
    (void)is_wary;
    in_a_call(t);
}

void tls_facts_of(const struct tls_session *t, struct tls_facts *facts)
{
    (void)t, (void)facts;
}

bool keys_read(const struct options *o)
{
    (void)o;
    return true;
}

bool keys_use(const struct options *o)
{
    (void)o;
    return true;
}

struct tls_figures *keys_figures(void)
{
    return &figures;
}

void keys_protect(void)
{
}

void keys_tick(const struct options *o)
{
    (void)o;
}

void keys_read_again(const struct options *o)
{
    (void)o;
}

bool keys_await_answer(const struct options *o)
{
    (void)o;
    return true;
}

void keys_drop(void)
{
}

void keys_close(void)
{
}

/* --- */

static void set_up(void)
{
    server.table.size = NUMBERS;
    ck_assert(model_open_tls(&server));
    ck_assert_ptr_eq(server.tls, &figures);
    ck_assert(wire_tls_begin(&server, FD));
}

/* None is left, and none was freed twice. */
static void tear_down(void)
{
    model_close_tls(&server);
    ck_assert_int_eq(opened, closed);
    ck_assert_ptr_null(server.tls);
}

static void forget(void)
{
    wire_tls_forget(FD);
}

static void begin_another(void)
{
    ck_assert(wire_tls_begin(&server, FD));
}

START_TEST(passes_calls_on)
{
    char buffer[16];

    ck_assert_int_eq(wire_tls_recv(FD, buffer, sizeof(buffer)), sizeof(buffer));
    ck_assert_int_eq(wire_tls_send(FD, "abc", 3, false), 3);
    ck_assert(wire_tls_is_drained(FD, 16, 16));
    ck_assert(wire_tls_wants_room(FD));
    ck_assert_int_eq(closed, 0);
}
END_TEST

START_TEST(has_nothing_for_other_numbers)
{
    char byte;

    errno = 0;
    ck_assert_int_eq(wire_tls_recv(FD + 1, &byte, 1), -1);
    ck_assert_int_eq(errno, ENOTCONN);
    ck_assert_int_eq(wire_tls_send(FD + 1, "a", 1, false), -1);
    ck_assert(!wire_tls_is_drained(FD + 1, 0, 1));
    ck_assert(!wire_tls_wants_room(FD + 1));
    wire_tls_refresh(FD + 1, true);
    wire_tls_end(&server, NULL, FD + 1);
    wire_tls_forget(FD + 1);
}
END_TEST

START_TEST(frees_what_is_forgotten)
{
    forget();
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(wire_tls_send(FD, "a", 1, false), -1);
    begin_another();
    ck_assert_int_eq(wire_tls_send(FD, "a", 1, false), 1);
}
END_TEST

/* The keeper takes the connection from a thread in the middle of tls_send. */
START_TEST(leaves_a_session_to_whoever_is_in_it)
{
    meanwhile = forget;
    ck_assert_int_eq(wire_tls_send(FD, "abc", 3, false), 3);
    ck_assert_int_eq(closed, 1); /* by him */
    ck_assert_int_eq(wire_tls_send(FD, "abc", 3, false), -1);
}
END_TEST

/* The number has become another connection's, which has a session of its own. */
START_TEST(puts_none_in_the_place_of_another)
{
    meanwhile = begin_another;
    ck_assert_int_eq(wire_tls_send(FD, "abc", 3, false), 3);
    ck_assert_int_eq(opened, 2);
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(wire_tls_send(FD, "abc", 3, false), 3);
    ck_assert_int_eq(closed, 1);
}
END_TEST

static void send_as_well(void)
{
    ck_assert_int_eq(wire_tls_send(FD, "abc", 3, false), -1);
    ck_assert_int_eq(errno, ENOTCONN);
}

START_TEST(lets_nobody_in_beside)
{
    char byte;

    meanwhile = send_as_well;
    ck_assert_int_eq(wire_tls_recv(FD, &byte, 1), 1);
    ck_assert_int_eq(wire_tls_send(FD, "abc", 3, false), 3);
}
END_TEST

START_TEST(says_why_even_when_the_session_is_gone)
{
    const char *why = NULL;
    struct tls_facts facts;

    meanwhile = forget;
    ck_assert_int_eq(wire_tls_shake(FD, &facts, &why), SHAKE_FAILED);
    ck_assert_str_eq(why, "it was to fail");
    ck_assert_int_eq(closed, 1);
    ck_assert_int_eq(wire_tls_shake(FD, &facts, &why), SHAKE_FAILED);
    ck_assert_str_eq(why, "its session is gone");
}
END_TEST

/* At least the same bytes, and in the end all of them, once. */
START_TEST(offers_again_what_was_not_taken)
{
    enum { LENGTH = 150000 };
    static char content[LENGTH];
    off_t offset = 0;
    int file = memfd_create("file", MFD_CLOEXEC), turns = 0;
    size_t refused = 0;

    for (size_t i = 0; i < LENGTH; i++)
        content[i] = (char)(i * 7 + i / 251);
    ck_assert_int_eq(write(file, content, LENGTH), LENGTH);
    while (offset < LENGTH) {
        off_t before = offset;

        takes = turns++ % 2 ? 10000 : 0;
        ssize_t put = wire_tls_sendfile(FD, file, &offset, LENGTH - (size_t)offset);
        ck_assert_int_eq(offset, before + (put > 0 ? put : 0));
        ck_assert_uint_ge(seen.offered, refused);
        refused = takes == 0 ? seen.offered : 0;
    }
    ck_assert_uint_eq(seen.length, LENGTH);
    ck_assert_int_eq(memcmp(seen.bytes, content, LENGTH), 0);
    ck_assert_int_eq(wire_tls_sendfile(FD, file, &offset, 1), 0); /* it is that short */
    close(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire");
    TCase *tcase = tcase_create("wire");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, passes_calls_on);
    tcase_add_test(tcase, has_nothing_for_other_numbers);
    tcase_add_test(tcase, frees_what_is_forgotten);
    tcase_add_test(tcase, leaves_a_session_to_whoever_is_in_it);
    tcase_add_test(tcase, puts_none_in_the_place_of_another);
    tcase_add_test(tcase, lets_nobody_in_beside);
    tcase_add_test(tcase, says_why_even_when_the_session_is_gone);
    tcase_add_test(tcase, offers_again_what_was_not_taken);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
