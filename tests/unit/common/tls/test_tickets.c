/*
 * tickets: which key seals, which opens, and that nobody ever gets half of one.
 */
#include "common/tls/tickets.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
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
    tcase_add_test(all, test_shared_with_children);
    tcase_add_test(all, test_nobody_gets_half_a_key);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
