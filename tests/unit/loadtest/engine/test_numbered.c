/*
 * Requests with blanks, over the wire: each number is asked for once, whatever the pipelining and
 * however often the server ends a connection; and the ledger of a schedule is exact when the run is
 * stopped in its middle.
 */
#include "loadtest/engine/engine.h"

#include "unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loadtest/measure.h"
#include "loadtest/options.h"
#include "loadtest/units.h"

enum { REQUESTS = 400 };

static atomic_int answered[REQUESTS], wrong;

/* "POST /SEQ HTTP/1.1", "X-Dice: N", "Content-Length: N", and "SEQ:SEQ-N" as the body. */
static bool read_request(FILE *in, int *seq, int *dice, char *body, size_t room)
{
    char line[256];
    size_t length = 0;
    if (!fgets(line, sizeof line, in) || sscanf(line, "POST /%d HTTP/1.1\r\n", seq) != 1)
        return false;
    while (fgets(line, sizeof line, in) && strcmp(line, "\r\n") != 0) {
        sscanf(line, "X-Dice: %d", dice);
        sscanf(line, "Content-Length: %zu", &length);
    }
    if (length == 0 || length >= room || fread(body, 1, length, in) != length)
        return false;
    body[length] = '\0';
    return true;
}

/* Ends every connection after its seventh answer, with others waiting behind it. */
static void *serve(void *argument)
{
    int fd = *(int *)argument;
    FILE *in = fdopen(fd, "r");
    char body[64], expected[64], answer[128];
    int seq = -1, dice = -1;
    free(argument);
    for (int n = 1; read_request(in, &seq, &dice, body, sizeof body); n++) {
        snprintf(expected, sizeof expected, "%d:%d-", seq, seq);
        if (seq < 0 || seq >= REQUESTS || dice < 1 || dice > 6 ||
            strncmp(body, expected, strlen(expected)) != 0)
            wrong++;
        else
            answered[seq]++;
        int length =
            snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%s\r\n",
                     n == 7 ? "Connection: close\r\n" : "");
        if (send(fd, answer, (size_t)length, MSG_NOSIGNAL) < 0 || n == 7)
            break;
    }
    shutdown(fd, SHUT_WR);
    while (fgetc(in) != EOF) /* so that no reset overtakes the answers */
        ;
    fclose(in);
    return NULL;
}

static void *accept_all(void *argument)
{
    for (;;) {
        int *fd = malloc(sizeof *fd);
        pthread_t thread;
        *fd = accept(*(int *)argument, NULL, NULL);
        if (*fd < 0 || pthread_create(&thread, NULL, serve, fd) != 0) {
            free(fd);
            return NULL;
        }
        pthread_detach(thread);
    }
}

/* A listener on a free port, with its URL. */
static int listen_on(char *url, size_t room)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&in, size), 0);
    ck_assert_int_eq(listen(listener, 64), 0);
    getsockname(listener, (struct sockaddr *)&in, &size);
    snprintf(url, room, "http://127.0.0.1:%d/{seq}", ntohs(in.sin_port));
    return listener;
}

START_TEST(each_number_is_asked_for_once)
{
    static int listener;
    char url[64];
    pthread_t thread;
    listener = listen_on(url, sizeof url);
    pthread_create(&thread, NULL, accept_all, &listener);
    pthread_detach(thread);
    const char *argv[] = {"-c3",
                          "-t3",
                          "--pipeline=5",
                          "-n400",
                          "--quiet",
                          "-b",
                          "{seq}:{seq}-{rand}",
                          "-H",
                          "X-Dice: {rand:1-6}",
                          url};
    struct run_options o;
    struct result r;
    struct complaint why = {""};
    run_options_default(&o);
    bool good =
        run_options_parse(&o, 10, (char *const *)argv, &why) && run_measure(&o, NULL, &r, &why);
    ck_assert_msg(good, "%s", why.text);
    ck_assert(ledger_balances(&r.tally->ledger));
    ck_assert_uint_eq(ledger_class(&r.tally->ledger, OUTCOME_OK), REQUESTS);
    ck_assert_int_eq(wrong, 0);
    /* Three threads: 0, 3, 6, …; 1, 4, 7, …; 2, 5, 8, …; of 400 requests the first takes 134. */
    for (int i = 0; i < REQUESTS; i++)
        ck_assert_msg(answered[i] == 1, "number %d was answered %d times", i, answered[i]);
    result_free(&r);
    run_options_free(&o);
}
END_TEST

/* Nobody answers: what was sent is unfinished, everything else was never sent. */
static void stop_in_the_middle(const char *stages, bool poisson, unsigned threads)
{
    static const struct dress dress = {.method = "GET", .keepalive = true};
    char url[64];
    int listener = listen_on(url, sizeof url);
    struct aim aim = {.url = url, .weight = 1};
    struct target target;
    struct timeline timeline;
    struct engine_facts facts;
    struct complaint why = {""};
    struct tally *measured = calloc(2, sizeof *measured);
    ck_assert(target_build(&target, &aim, 1, NULL, 0, &dress, 6, &why));
    struct engine_plan plan = {.target = &target,
                               .connections = 6,
                               .threads = threads,
                               .depth = 2,
                               .reuse = true,
                               .timeout_ns = 50 * NS_PER_MS,
                               .warmup_ns = 50 * NS_PER_MS,
                               .requests = UINT64_MAX,
                               .seed = 3};
    plan.schedule.poisson = poisson;
    ck_assert(schedule_parse(stages, &plan.schedule, &why));
    plan.duration_ns = schedule_length_ns(&plan.schedule);
    struct engine *engine = engine_start(&plan, &timeline, &why);
    ck_assert_msg(engine != NULL, "%s", why.text);
    ck_assert(!engine_wait(engine, engine_measure_ns(engine) + 300 * NS_PER_MS));
    engine_stop(engine);
    engine_finish(engine, measured, measured + 1, &facts);
    const struct ledger *ledger = &measured->ledger;
    double due = schedule_due_by(&plan.schedule, (int64_t)(facts.seconds * 1e9));
    ck_assert(ledger_balances(ledger));
    ck_assert(facts.stopped_early);
    ck_assert_uint_gt(ledger->never_sent, 0);
    ck_assert_uint_eq(ledger->scheduled, ledger->started[INNOCENT] + ledger->never_sent);
    ck_assert_uint_eq(ledger->never_sent + ledger->unfinished[INNOCENT], measured->censored.total);
    ck_assert_msg((double)ledger->scheduled <= due * (poisson ? 1.5 : 1) + threads, "%llu of %g",
                  (unsigned long long)ledger->scheduled, due);
    timeline_free(&timeline);
    target_free(&target);
    free(measured);
    close(listener);
}

START_TEST(a_schedule_is_exact_when_it_is_cut_short)
{
    for (unsigned threads = 1; threads <= 3; threads += 2) {
        stop_in_the_middle("1m@5000", false, threads);
        stop_in_the_middle("100ms@1000,1m@1000-9000", false, threads);
        stop_in_the_middle("100ms@1000,1m@1000-9000", true, threads);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("numbered");
    TCase *tests = tcase_create("numbered");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, each_number_is_asked_for_once);
    tcase_add_test(tests, a_schedule_is_exact_when_it_is_cut_short);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
