/*
 * tickets: which key seals, which opens, that nobody ever gets half of one, and that a death in the
 * middle of rotating leaves nothing behind that lasts.
 */
#include <check.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/tls/tickets.c" /* NOLINT(bugprone-suspicious-include): what a death leaves behind */
#include "unit.h"

enum { PERIOD = 60000, READERS = 3, READS = 100000 };

static struct tls_tickets *tickets;
static int64_t now;

static void open_tickets(void)
{
    tickets = tls_tickets_open(PERIOD);
    ck_assert_ptr_nonnull(tickets);
    now = clock_ms();
}

static void close_tickets(void)
{
    tls_tickets_close(tickets);
}

static void turn(void)
{
    now += PERIOD + 1000;
    tls_tickets_rotate(tickets, now);
}

static enum ticket_age age_of(const struct ticket_key *key)
{
    struct ticket_key found;
    enum ticket_age age = tls_tickets_find(tickets, key->name, &found);
    if (age != TICKET_UNKNOWN)
        ck_assert_int_eq(memcmp(&found, key, sizeof found), 0);
    return age;
}

START_TEST(test_life_of_a_key)
{
    struct ticket_key first, second;
    tls_tickets_sealing(tickets, &first);
    ck_assert_int_eq(age_of(&first), TICKET_CURRENT);
    tls_tickets_rotate(tickets, now + PERIOD / 2); /* not yet */
    ck_assert_int_eq(age_of(&first), TICKET_CURRENT);
    turn();
    ck_assert_int_eq(age_of(&first), TICKET_PREVIOUS);
    tls_tickets_sealing(tickets, &second);
    ck_assert_int_ne(memcmp(&first, &second, sizeof first), 0);
    ck_assert_int_eq(age_of(&second), TICKET_CURRENT);
    turn();
    ck_assert_int_eq(age_of(&first), TICKET_UNKNOWN);
    ck_assert_int_eq(age_of(&second), TICKET_PREVIOUS);
}
END_TEST

/* A key that has never been in use opens nothing; nor does one whose time passed while all slept. */
START_TEST(test_late_turn)
{
    struct ticket_key key;
    tls_tickets_sealing(tickets, &key);
    now += 3 * PERIOD;
    tls_tickets_rotate(tickets, now);
    ck_assert_int_eq(age_of(&key), TICKET_UNKNOWN);
}
END_TEST

START_TEST(test_unknown_name)
{
    struct ticket_key key = {.name = "nobody's"}, found;
    memset(&found, 'x', sizeof found);
    ck_assert_int_eq(tls_tickets_find(tickets, key.name, &found), TICKET_UNKNOWN);
    for (size_t i = 0; i < sizeof found; i++)
        ck_assert_int_eq(((const unsigned char *)&found)[i], 0);
}
END_TEST

/* --- deaths of the one who rotates --- */

enum death { IN_MAKING_THE_NEXT, WITH_THE_TURN_TAKEN, IN_FILLING_THE_OLDEST, DEATHS };

static struct slot *slot_of(uint64_t t)
{
    return slot_at(tickets, t);
}

/* Turn 4 is due; how far the process has come with it that dies. */
static void die(enum death how)
{
    struct common *common = tickets->common;
    if (how == IN_MAKING_THE_NEXT) {
        slot_of(4)->version = filling_for(4);
        memset((void *)slot_of(4)->words, 0, sizeof slot_of(4)->words / 2);
        return;
    }
    common->turn = 4;
    if (how == IN_FILLING_THE_OLDEST) {
        slot_of(5)->version = filling_for(5);
        memset((void *)slot_of(5)->words, 0, sizeof slot_of(5)->words / 2);
    }
}

/* Whatever has been left: sealing never hangs, no key comes back, and what is sealed from the next
 * turn on opens for as long as it should. */
START_TEST(test_a_death_in_rotating)
{
    struct ticket_key had[3], sealing, next;
    int status;
    for (int i = 0; i < 3; i++) {
        turn();
        tls_tickets_sealing(tickets, &had[i]);
    }
    pid_t pid = fork();
    if (pid == 0) {
        die((enum death)_i);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    turn(); /* by the next process */
    ck_assert(tls_tickets_sealing(tickets, &sealing));
    ck_assert_int_eq(age_of(&sealing), TICKET_CURRENT);
    ck_assert_int_eq(age_of(&had[2]), TICKET_PREVIOUS);
    turn();
    ck_assert(tls_tickets_sealing(tickets, &next));
    ck_assert_int_eq(age_of(&next), TICKET_CURRENT);
    ck_assert_int_eq(age_of(&sealing), TICKET_PREVIOUS);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_ne(memcmp(&had[i], &sealing, sizeof sealing), 0);
        ck_assert_int_ne(memcmp(&had[i], &next, sizeof next), 0);
    }
}
END_TEST

/* The key that seals is never being filled; should it be, all the same, its tickets open never. */
START_TEST(test_no_key_to_seal_with)
{
    struct ticket_key first, second;
    slot_of(0)->version = filling_for(0);
    ck_assert(tls_tickets_sealing(tickets, &first));
    ck_assert(tls_tickets_sealing(tickets, &second));
    ck_assert_int_ne(memcmp(&first, &second, sizeof first), 0);
    ck_assert_int_eq(age_of(&first), TICKET_UNKNOWN);
    turn();
    ck_assert(tls_tickets_sealing(tickets, &first));
    ck_assert_int_eq(age_of(&first), TICKET_CURRENT);
}
END_TEST

/* A handler in the same process can write there; the next that rotates goes by the clock. */
START_TEST(test_a_wild_turn)
{
    struct ticket_key key;
    tickets->common->turn = UINT64_MAX;
    turn();
    ck_assert(tls_tickets_sealing(tickets, &key));
    ck_assert_int_eq(age_of(&key), TICKET_CURRENT);
}
END_TEST

/* Rotated in one process, it is so in the others. */
START_TEST(test_shared_with_children)
{
    struct ticket_key key;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        turn();
        _exit(0);
    }
    tls_tickets_sealing(tickets, &key);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    tls_tickets_sealing(tickets, &key);
    ck_assert_int_eq(age_of(&key), TICKET_CURRENT);
    turn(); /* that one had been taken */
    ck_assert_int_eq(age_of(&key), TICKET_CURRENT);
    turn();
    ck_assert_int_eq(age_of(&key), TICKET_PREVIOUS);
}
END_TEST

static atomic_bool is_over;
static atomic_int reads;

/* A name and its keys come together: who has the name finds the same bytes, or nothing. */
static void *read_keys(void *wrong)
{
    while (!is_over) {
        struct ticket_key key, found;
        reads++;
        tls_tickets_sealing(tickets, &key);
        if (tls_tickets_find(tickets, key.name, &found) != TICKET_UNKNOWN &&
            memcmp(&key, &found, sizeof key) != 0)
            *(atomic_int *)wrong += 1;
    }
    return NULL;
}

START_TEST(test_nobody_gets_half_a_key)
{
    pthread_t threads[READERS];
    atomic_int wrong = 0;
    is_over = false;
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_keys, &wrong), 0);
    while (reads < READS)
        turn();
    is_over = true;
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tickets");
    TCase *all = tcase_create("tickets");
    tcase_add_checked_fixture(all, open_tickets, close_tickets);
    tcase_add_test(all, test_life_of_a_key);
    tcase_add_test(all, test_late_turn);
    tcase_add_test(all, test_unknown_name);
    tcase_add_loop_test(all, test_a_death_in_rotating, 0, DEATHS);
    tcase_add_test(all, test_no_key_to_seal_with);
    tcase_add_test(all, test_a_wild_turn);
    tcase_add_test(all, test_shared_with_children);
    tcase_add_test(all, test_nobody_gets_half_a_key);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
