/*
 * conn: the ownership protocol, step by step, and then under many hands at once.
 *
 * What the protocol promises, and what is looked for here: never two owners; an event that finds
 * the connection owned is never lost; a stale event changes nothing; whoever lost a connection to
 * the supervisor is told so at the next step.
 */
#include "common/conn.h"

#include "patience.h"
#include "unit.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOTS = 64, STASH = 8192, ME = 1, OTHER = 2 };

static struct conn_table table;

static void open_table(void)
{
    ck_assert(conn_table_open(&table, SLOTS, STASH));
}

static void close_table(void)
{
    conn_table_close(&table);
}

static unsigned generation_of(const struct conn *c)
{
    return conn_generation(conn_word(c));
}

/* A connection that nobody owns, as it is between two requests. */
static struct conn *idle_conn(int fd)
{
    struct conn *c = conn_open(&table, fd, ME);

    ck_assert_ptr_nonnull(c);
    ck_assert(conn_release(c, ME));
    return c;
}

static void expect_word(const struct conn *c, enum conn_phase phase, unsigned owner)
{
    ck_assert_int_eq(conn_phase(conn_word(c)), phase);
    ck_assert_uint_eq(conn_owner(conn_word(c)), owner);
}

START_TEST(has_a_slot_for_each_number)
{
    ck_assert_ptr_null(conn_at(&table, -1));
    ck_assert_ptr_null(conn_at(&table, SLOTS));
    ck_assert_ptr_null(conn_open(&table, SLOTS, ME));
    for (int fd = 0; fd < SLOTS; fd++) {
        ck_assert_int_eq(conn_fd(&table, conn_at(&table, fd)), fd);
        ck_assert_ptr_eq(conn_stash(&table, conn_at(&table, fd)), table.stashes + fd * STASH);
        expect_word(conn_at(&table, fd), CONN_FREE, CONN_NOBODY);
    }
}
END_TEST

START_TEST(remembers_the_highest_number)
{
    idle_conn(7);
    ck_assert_int_eq(atomic_load(table.highest), 7);
    idle_conn(31);
    idle_conn(9);
    ck_assert_int_eq(atomic_load(table.highest), 31);
}
END_TEST

START_TEST(puts_number_and_generation_in_a_tag)
{
    uint64_t tag = conn_tag(1048575, 0xabcdef);

    ck_assert_int_eq(conn_tag_fd(tag), 1048575);
    ck_assert_uint_eq(conn_tag_generation(tag), 0xabcdef);
    ck_assert_int_eq(conn_tag_fd(conn_tag(0, 0)), 0);
}
END_TEST

START_TEST(opens_held_and_clean)
{
    struct conn *c = conn_open(&table, 5, ME);

    expect_word(c, CONN_HELD, ME);
    ck_assert_int_eq(c->body_fd, -1);
    ck_assert_int_eq(c->out[0].fd, -1);
    ck_assert_int_eq(c->out[1].fd, -1);
    c->flags = CONN_LAST;
    c->stash_len = 17;
    c->stash_high = 17;
    memset(conn_stash(&table, c), 'x', 17);
    atomic_store(&c->deadline, 99);
    unsigned before = generation_of(c);
    /* The kernel gave the number to somebody else: whatever the slot said is void. */
    ck_assert_ptr_eq(conn_open(&table, 5, OTHER), c);
    expect_word(c, CONN_HELD, OTHER);
    ck_assert_uint_eq(generation_of(c), before + 1);
    ck_assert_int_eq(c->flags, 0);
    ck_assert_uint_eq(c->stash_len, 0);
    ck_assert_int_eq(atomic_load(&c->deadline), 0);
    ck_assert_int_eq(conn_stash(&table, c)[0], '\0');
}
END_TEST

START_TEST(claims_only_what_nobody_owns)
{
    struct conn *c = idle_conn(5);
    unsigned generation = generation_of(c);

    expect_word(c, CONN_IDLE, CONN_NOBODY);
    ck_assert(conn_claim(c, generation, ME));
    expect_word(c, CONN_HELD, ME);
    ck_assert(!conn_claim(c, generation, OTHER));
    expect_word(c, CONN_HELD, ME);
    ck_assert(!conn_claim(c, generation, ME));
}
END_TEST

START_TEST(ignores_a_stale_event)
{
    struct conn *c = idle_conn(5);
    unsigned generation = generation_of(c);
    uint64_t before = conn_word(c);

    ck_assert(!conn_claim(c, generation - 1, OTHER));
    ck_assert(!conn_claim(c, generation + 1, OTHER));
    ck_assert_uint_eq(conn_word(c), before);
    ck_assert(conn_claim(c, generation, ME));
    before = conn_word(c);
    ck_assert(!conn_claim(c, generation - 1, OTHER)); /* and leaves no note behind */
    ck_assert_uint_eq(conn_word(c), before);
}
END_TEST

START_TEST(hands_a_note_to_the_owner)
{
    struct conn *c = idle_conn(5);
    unsigned generation = generation_of(c);

    ck_assert(conn_claim(c, generation, ME));
    ck_assert(!conn_claim(c, generation, OTHER));
    ck_assert(conn_step(c, ME, CONN_READ)); /* a note survives the steps */
    ck_assert(conn_step(c, ME, CONN_RUN));
    ck_assert(conn_step(c, ME, CONN_SEND));
    ck_assert(conn_step(c, ME, CONN_HELD));
    ck_assert(!conn_release(c, ME)); /* the note was there: look again */
    expect_word(c, CONN_HELD, ME);
    ck_assert(conn_release(c, ME));
    expect_word(c, CONN_IDLE, CONN_NOBODY);
}
END_TEST

START_TEST(keeps_one_note_for_many_events)
{
    struct conn *c = conn_open(&table, 5, ME);

    for (int i = 0; i < 10; i++)
        ck_assert(!conn_claim(c, generation_of(c), OTHER));
    ck_assert(!conn_release(c, ME));
    ck_assert(conn_release(c, ME));
}
END_TEST

START_TEST(steps_only_for_the_owner)
{
    struct conn *c = conn_open(&table, 5, ME);

    ck_assert(conn_step(c, ME, CONN_RUN));
    expect_word(c, CONN_RUN, ME);
    ck_assert(!conn_step(c, OTHER, CONN_SEND));
    expect_word(c, CONN_RUN, ME);
    ck_assert(!conn_free(c, OTHER));
    ck_assert(conn_release(c, OTHER)); /* not its own: nothing to look at, nothing changed */
    expect_word(c, CONN_RUN, ME);
}
END_TEST

START_TEST(changes_its_word_with_every_step)
{
    struct conn *c = conn_open(&table, 5, ME);
    uint64_t seen = conn_word(c);

    ck_assert(conn_step(c, ME, CONN_RUN));
    ck_assert(conn_step(c, ME, CONN_HELD));
    ck_assert_int_eq(conn_phase(conn_word(c)), conn_phase(seen));
    ck_assert_uint_ne(conn_word(c), seen); /* the same phase, and another moment */
    ck_assert(!conn_seize(c, seen, CONN_HELD));
    expect_word(c, CONN_HELD, ME);
}
END_TEST

START_TEST(is_seized_at_exactly_one_moment)
{
    struct conn *c = conn_open(&table, 5, ME);

    ck_assert(conn_step(c, ME, CONN_RUN));
    uint64_t seen = conn_word(c);
    ck_assert(conn_seize(c, seen, CONN_HELD));
    expect_word(c, CONN_HELD, CONN_SUPERVISOR);
    ck_assert(!conn_step(c, ME, CONN_SEND));
    ck_assert(!conn_free(c, ME));
    ck_assert(conn_release(c, ME));
    expect_word(c, CONN_HELD, CONN_SUPERVISOR);
    ck_assert(!conn_seize(c, seen, CONN_CLOSING));
    ck_assert(conn_release(c, CONN_SUPERVISOR));
    ck_assert(conn_claim(c, conn_generation(seen), OTHER));
}
END_TEST

START_TEST(is_freed_only_from_closing)
{
    struct conn *c = conn_open(&table, 5, ME);
    unsigned generation = generation_of(c);

    ck_assert(!conn_free(c, ME));
    ck_assert(conn_step(c, ME, CONN_CLOSING));
    ck_assert(conn_free(c, ME));
    expect_word(c, CONN_FREE, CONN_NOBODY);
    ck_assert(!conn_claim(c, generation, OTHER));
    expect_word(c, CONN_FREE, CONN_NOBODY);
    ck_assert(!conn_free(c, ME));
    conn_open(&table, 5, OTHER);
    ck_assert_uint_ne(generation_of(c), generation);
    ck_assert(!conn_free(c, ME)); /* the number is another connection's by now */
}
END_TEST

START_TEST(survives_a_full_circle_of_generations)
{
    struct conn *c = conn_open(&table, 5, ME);

    atomic_store(&c->word, (uint64_t)0xffffff << 40 | 0xffffffffff);
    ck_assert_ptr_eq(conn_open(&table, 5, ME), c);
    ck_assert_uint_eq(generation_of(c), 0);
    expect_word(c, CONN_HELD, ME);
    ck_assert(conn_release(c, ME));
}
END_TEST

START_TEST(knows_the_socket_by_the_kernels_name)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);

    ck_assert_int_lt(fd, SLOTS);
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
    ck_assert_uint_eq(conn_open(&table, fd, ME)->cookie, cookie);
    ck_assert_uint_ne(cookie, 0);
    close(fd);
}
END_TEST

/* An idle connection costs no page: what a request left in the stash goes back to the kernel. */
START_TEST(gives_the_stash_back)
{
    struct conn *c = conn_open(&table, 5, ME);
    unsigned char present[STASH / 4096];

    memset(conn_stash(&table, c), 'x', STASH);
    c->stash_len = c->stash_high = STASH;
    conn_stash_drop(&table, c);
    ck_assert_uint_eq(c->stash_len, 0);
    ck_assert_uint_eq(c->stash_high, 0);
    ck_assert_int_eq(mincore(conn_stash(&table, c), STASH, present), 0);
    for (size_t i = 0; i < sizeof(present); i++)
        ck_assert_int_eq(present[i] & 1, 0);
    ck_assert_int_eq(conn_stash(&table, c)[0], '\0');
}
END_TEST

START_TEST(forgets_everything_when_cleared)
{
    struct conn *c = conn_open(&table, 5, ME);

    memset(conn_stash(&table, c), 'x', 10);
    conn_table_clear(&table);
    expect_word(c, CONN_FREE, CONN_NOBODY);
    ck_assert_int_eq(atomic_load(table.highest), 0);
    ck_assert_int_eq(conn_stash(&table, c)[0], '\0');
}
END_TEST

START_TEST(says_when_there_is_no_room)
{
    struct conn_table huge;

    ck_assert(!conn_table_open(&huge, (size_t)1 << 46, 1 << 16));
    ck_assert_int_ne(errno, 0);
}
END_TEST

START_TEST(bears_a_seal_while_nobody_owns_it)
{
    struct conn *c = idle_conn(5);
    unsigned char *bytes = (unsigned char *)c;

    ck_assert(conn_bears_seal(c));
    for (size_t i = offsetof(struct conn, seal); i < sizeof(*c); i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1 << bit);
            ck_assert_msg(!conn_bears_seal(c), "byte %zu, bit %d", i, bit);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    ck_assert(conn_bears_seal(c));
    ck_assert(conn_claim(c, generation_of(c), ME));
    c->flags ^= CONN_SERVED;
    ck_assert(!conn_bears_seal(c));
    ck_assert(conn_release(c, ME));
    ck_assert(conn_bears_seal(c));
}
END_TEST

START_TEST(the_seal_of_another_is_none)
{
    struct conn *c = idle_conn(5), *other = idle_conn(6);

    *other = *c;
    ck_assert(conn_bears_seal(c));
    ck_assert(!conn_bears_seal(other));
    atomic_fetch_add(&c->word, (uint64_t)1 << 40); /* another generation */
    ck_assert(!conn_bears_seal(c));
    memset((char *)c + sizeof(c->word), 0, sizeof(*c) - sizeof(c->word));
    ck_assert(!conn_bears_seal(c));
}
END_TEST

START_TEST(a_note_does_not_break_the_seal)
{
    struct conn *c = idle_conn(5);

    ck_assert(conn_claim(c, generation_of(c), ME));
    ck_assert(!conn_claim(c, generation_of(c), OTHER));
    ck_assert(!conn_release(c, ME));
    atomic_store(&c->deadline, 77);
    ck_assert(conn_release(c, ME));
    ck_assert(conn_claim(c, generation_of(c), OTHER));
    ck_assert(conn_bears_seal(c));
}
END_TEST

START_TEST(resets_without_believing)
{
    struct conn *c = conn_open(&table, 5, ME);

    memset((char *)c + sizeof(c->word), 0xee, sizeof(*c) - sizeof(c->word));
    conn_stash(&table, c)[STASH - 1] = 'x';
    conn_reset(&table, c);
    expect_word(c, CONN_HELD, ME);
    ck_assert_int_eq(c->body_fd, -1);
    ck_assert_int_eq(c->out[0].fd, -1);
    ck_assert_int_eq(c->out[1].fd, -1);
    ck_assert_uint_eq(c->stash_len, 0);
    ck_assert_uint_eq(c->spooled, 0);
    ck_assert_int_eq(atomic_load(&c->deadline), 0);
    ck_assert_int_eq(conn_stash(&table, c)[STASH - 1], '\0');
}
END_TEST

/* --- many hands: four workers, two sources of events, and a supervisor that takes things away --- */

enum { HANDS = 4, BUSY = 4, EVENTS = 20000 };

static _Atomic int waiting[BUSY]; /* "bytes in the socket": an event is announced for each */
static int inside[BUSY];          /* plain on purpose: only the owner may touch it */
static long handled[BUSY];        /* likewise */
static _Atomic long taken_away;
static _Atomic bool over;
static _Atomic int broken_rules;

/* The turn of a worker that owns a connection: until no event is left behind. */
static void serve(struct conn *c, unsigned me, int at)
{
    do {
        if (!conn_step(c, me, CONN_READ))
            return;
        atomic_fetch_add(&broken_rules, inside[at]++ != 0);
        handled[at] += atomic_exchange(&waiting[at], 0);
        inside[at]--;
        if (!conn_step(c, me, CONN_RUN))
            return;
        sched_yield(); /* long enough for the supervisor to find it here now and then */
        if (!conn_step(c, me, CONN_HELD))
            return; /* the supervisor took it while the handler ran */
    } while (!conn_release(c, me));
}

static void *work(void *argument)
{
    unsigned me = *(const unsigned *)argument;
    unsigned dice = me * 2654435761u;

    for (int i = 0; i < EVENTS; i++) {
        int at = (int)((dice = dice * 1103515245u + 12345u) >> 16) % BUSY;
        struct conn *c = conn_at(&table, at);

        atomic_fetch_add(&waiting[at], 1);
        if (conn_claim(c, generation_of(c), me)) {
            atomic_fetch_add(&broken_rules, !conn_bears_seal(c));
            serve(c, me, at);
        }
    }
    return NULL;
}

/* Takes a connection away whenever its owner is in RUN, as for a dead worker, and hands it on. */
static void *supervise(void *nothing)
{
    while (!atomic_load(&over))
        for (int at = 0; at < BUSY; at++) {
            struct conn *c = conn_at(&table, at);
            uint64_t seen = conn_word(c);

            if (conn_phase(seen) != CONN_RUN || !conn_seize(c, seen, CONN_HELD))
                continue;
            atomic_fetch_add(&taken_away, 1);
            serve(c, CONN_SUPERVISOR, at);
        }
    return nothing;
}

START_TEST(holds_under_many_hands)
{
    static unsigned numbers[HANDS];
    pthread_t hands[HANDS], supervisor;
    long sum = 0;

    for (int at = 0; at < BUSY; at++)
        idle_conn(at);
    ck_assert_int_eq(pthread_create(&supervisor, NULL, supervise, NULL), 0);
    for (unsigned i = 0; i < HANDS; i++) {
        numbers[i] = i + 1;
        ck_assert_int_eq(pthread_create(&hands[i], NULL, work, &numbers[i]), 0);
    }
    for (int i = 0; i < HANDS; i++)
        pthread_join(hands[i], NULL);
    atomic_store(&over, true);
    pthread_join(supervisor, NULL);
    ck_assert_int_eq(atomic_load(&broken_rules), 0);
    for (int at = 0; at < BUSY; at++) {
        ck_assert_msg(atomic_load(&waiting[at]) == 0, "slot %d: %d events were lost", at,
                      atomic_load(&waiting[at]));
        expect_word(conn_at(&table, at), CONN_IDLE, CONN_NOBODY);
        sum += handled[at];
    }
    ck_assert_int_eq(sum, (long)HANDS * EVENTS);
    ck_assert_msg(atomic_load(&taken_away) > 0, "nothing was ever taken away: nothing was tried");
}
END_TEST

static void add_steps(TCase *tcase)
{
    tcase_add_test(tcase, has_a_slot_for_each_number);
    tcase_add_test(tcase, remembers_the_highest_number);
    tcase_add_test(tcase, puts_number_and_generation_in_a_tag);
    tcase_add_test(tcase, opens_held_and_clean);
    tcase_add_test(tcase, claims_only_what_nobody_owns);
    tcase_add_test(tcase, ignores_a_stale_event);
    tcase_add_test(tcase, hands_a_note_to_the_owner);
    tcase_add_test(tcase, keeps_one_note_for_many_events);
    tcase_add_test(tcase, steps_only_for_the_owner);
    tcase_add_test(tcase, changes_its_word_with_every_step);
    tcase_add_test(tcase, is_seized_at_exactly_one_moment);
    tcase_add_test(tcase, is_freed_only_from_closing);
    tcase_add_test(tcase, survives_a_full_circle_of_generations);
    tcase_add_test(tcase, knows_the_socket_by_the_kernels_name);
    tcase_add_test(tcase, gives_the_stash_back);
    tcase_add_test(tcase, forgets_everything_when_cleared);
    tcase_add_test(tcase, says_when_there_is_no_room);
    tcase_add_test(tcase, bears_a_seal_while_nobody_owns_it);
    tcase_add_test(tcase, the_seal_of_another_is_none);
    tcase_add_test(tcase, a_note_does_not_break_the_seal);
    tcase_add_test(tcase, resets_without_believing);
    tcase_add_test(tcase, holds_under_many_hands);
}

int main(void)
{
    Suite *suite = suite_create("conn");
    TCase *tcase = tcase_create("conn");

    tcase_add_checked_fixture(tcase, open_table, close_table);
    add_steps(tcase);
    tcase_set_timeout(tcase, case_limit(20));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
