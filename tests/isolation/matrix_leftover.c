/*
 * What later requests can tell of the earlier one: damage, a lock nobody can take, secrets.
 */
#include "matrix.h"

#include "patience.h"
#include "proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- memory and settings, which belong to whom? --- */

enum { HELD = 3, ROUNDS = 24 };

/* What one probe of `path` says, while `held` of the workers are occupied: is `word` in it? */
static bool probe(const struct scene *scene, const char *path, const char *word, int held)
{
    struct wire busy[HELD], wire = wire_open(scene->server.port);
    struct reply reply;
    bool says;

    for (int i = 0; i < held; i++) {
        busy[i] = wire_open(scene->server.port);
        ck_assert(wire_send_get(&busy[i], "/work?sleep=20"));
    }
    if (held > 0)
        pause_ms(patience(5));
    ck_assert(wire_send_get(&wire, path));
    ck_assert_int_eq(wire_read(&wire, &reply, patience(5000)), WIRE_REPLY);
    says = strstr(reply.body, word) != NULL;
    wire_close(&wire);
    for (int i = 0; i < held; i++) {
        wire_expect(&busy[i], 200, scene->label);
        wire_close(&busy[i]);
    }
    return says;
}

/* With none to three of four workers occupied, the probe comes to each of them sooner or later. */
static void survey(struct scene *scene, const char *path, const char *word)
{
    int yes = 0, no = 0;

    for (int round = 0; round < ROUNDS && (yes == 0 || no == 0); round++) {
        bool says = probe(scene, path, word, round % (HELD + 1));

        yes += says;
        no += !says;
    }
    if (yes > 0)
        scene_left(scene, no > 0 ? ITS_WORKERS_DAMAGE : EVERYONES_DAMAGE);
}

void look_for_damage(struct scene *scene)
{
    survey(scene, "/fault/intact", "damaged");
}

void look_for_pollution(struct scene *scene)
{
    survey(scene, "/fault/env-pollution?look=1", "\"umask\":\"000\"");
}

/* --- locks --- */

/* Whoever wants a lock that is held for ever waits until the end of its time. */
void look_for_lock(struct scene *scene)
{
    bool is_shared = strstr(scene->path, "shared=1") != NULL;
    const char *path = is_shared ? "/fault/lock?shared=1" : "/fault/lock";
    int status = fetch_status(scene->server.port, path, patience(5000));

    if (status != 200)
        scene_left(scene, status == 504 ? HELD_LOCK : "a lock that ends requests");
}

/* --- updates --- */

enum { RACERS = 4, RACES = 10 };

static long race(const struct scene *scene)
{
    struct wire wires[RACERS];
    long lost = 0;

    for (int i = 0; i < RACERS; i++)
        wires[i] = wire_open(scene->server.port);
    for (int i = 0; i < RACERS; i++)
        ck_assert(wire_send_get(&wires[i], scene->path));
    for (int i = 0; i < RACERS; i++) {
        struct reply reply = wire_expect(&wires[i], 200, scene->label);
        const char *found = strstr(reply.body, "\"lost\":");

        ck_assert_ptr_nonnull(found);
        lost += labs(strtol(found + strlen("\"lost\":"), NULL, 10));
        wire_close(&wires[i]);
    }
    return lost;
}

/* Four at once, several times: two of them must meet only once. */
void look_for_lost_updates(struct scene *scene)
{
    for (int i = 0; i < RACES; i++)
        if (race(scene) > 0) {
            scene_left(scene, LOST_UPDATES);
            return;
        }
}

/* --- secrets --- */

/* Its body is long, and what is behind the first kilobytes no later request of the traffic covers.
 * With one of two workers busy, it comes to the one that will serve the bad request, too. */
void prepare_earlier_request(struct scene *scene)
{
    enum { BODY = 8192, DEEP = 6000 };
    char body[BODY + 1], secret[64];
    struct wire wire = wire_open(scene->server.port);

    memset(body, '.', BODY);
    body[BODY] = '\0';
    snprintf(secret, sizeof(secret), "tandem-secret-%s;", scene->secrets[0]);
    memcpy(body + DEEP, secret, strlen(secret));
    ck_assert(
        wire_sendf(&wire, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n", BODY));
    ck_assert(wire_send(&wire, body, BODY));
    ck_assert_uint_eq(wire_expect(&wire, 200, scene->label).length, BODY);
    wire_close(&wire);
}

void look_for_secrets(struct scene *scene)
{
    static const char *const whose[SECRETS] = {EARLIER_SECRETS, RUNNING_SECRETS, ARRIVING_SECRETS,
                                               TARGET_SECRETS};

    for (int i = 0; i < SECRETS; i++)
        if (strstr(scene->answer.at, scene->secrets[i]) != NULL)
            scene_left(scene, whose[i]);
}

/* --- descriptors that are not one's own --- */

static void aim(struct scene *scene, int fd)
{
    ck_assert_msg(fd >= 0, "%s: its descriptors cannot be looked at", scene->label);
    snprintf(scene->path, sizeof(scene->path), "/fault/fd-stray-close?fd=%d", fd);
}

void prepare_close_connection(struct scene *scene)
{
    uint16_t client = wire_port(&scene->idle[IDLE - 1]); /* a high number: no child has it */

    aim(scene, descriptor_of_socket(scene_holder(scene), scene->server.port, client));
}

/* Descriptors that a handler has forgotten are looked for when numbers are short, about once a
 * second. A child takes its own along. */
void await_sweep(struct scene *scene)
{
    if (scene->server.subject != &subjects[FRESH])
        ck_assert_msg(server_logged(&scene->server, "swept", NULL, patience(4000)),
                      "%s: nothing was swept", scene->label);
}

void prepare_close_listener(struct scene *scene)
{
    aim(scene, descriptor_of_socket(scene_holder(scene), scene->server.port, 0));
}

void prepare_close_epoll(struct scene *scene)
{
    aim(scene, descriptor_called(scene_holder(scene), "anon_inode:[eventpoll]"));
}

/* --- where nothing is promised --- */

static bool is_served(void *subject)
{
    return fetch_status(((const struct server *)subject)->port, "/one.txt", patience(1000)) == 200;
}

/* More of the same, each somewhere else: the supervisor lives, and there is service again. */
void commit_more(struct scene *scene)
{
    enum { TRIES = 40 };
    char path[160];

    for (int seed = 1; seed <= TRIES; seed++) {
        snprintf(path, sizeof(path), "%s?seed=%d", scene->path, seed);
        (void)fetch_status(scene->server.port, path, patience(2500));
        ck_assert_msg(!process_gone(scene->server.pid), "%s: seed %d: the supervisor is gone",
                      scene->label, seed);
        ck_assert_msg(eventually(is_served, &scene->server, patience(8000)),
                      "%s: seed %d: no service", scene->label, seed);
    }
}
