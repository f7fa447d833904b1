/*
 * message.c — what it costs to tell another something: asked and answered, and in a stream.
 *
 * Two groups, since they answer two questions. Asked and answered, each message wakes who sleeps,
 * and that is most of the price whatever carries it. In a stream the other one finds many when he
 * wakes, and what is left is the carrying. Both are on one CPU: with two, the figure would be how
 * deep the other CPU was asleep.
 *
 * Both sides count along, so a message that was lost, doubled or torn fails the line.
 */
#include <string.h>

#include "channel.h"
#include "primitive.h"

struct talk {
    struct link forth, back;
    uint64_t window; /* messages before an answer is due */
    uint64_t sent;
};

struct how {
    const struct channel *channel;
    uint64_t window;
};

/* The partner: answers each window with the number of its last message, as long as the numbers are
 * right. When they are not he leaves, and the asker finds out. */
static void listen_and_answer(void *with, unsigned index)
{
    struct talk *t = with;
    uint64_t expected = 0;
    struct message m = {0};
    (void)index;
    while (true) {
        bool right = t->forth.channel->receive(&t->forth, &m) && m.number == ++expected;
        if (!right)
            m.number = 0;
        if ((!right || expected % t->window == 0) &&
            (!t->back.channel->send(&t->back, &m) || !right))
            return;
    }
}

static bool open_link(struct link *link, const struct channel *channel, struct bench *b)
{
    *link = (struct link){.channel = channel, .in = -1, .out = -1, .passed = -1};
    return channel->open(link, b);
}

static bool open_talk(struct bench *b)
{
    static struct talk talk;
    static struct crew partner;
    const struct how *how = b->with;
    bench_pin(0);
    talk.window = how->window;
    b->state = &talk;
    if (!open_link(&talk.forth, how->channel, b) || !open_link(&talk.back, how->channel, b) ||
        !crew_start(&partner, how->channel->between, 1, listen_and_answer, &talk, &b->why))
        return false;
    if (how->channel->between == PROCESSES)
        b->partner = partner.members[0].process;
    return true;
}

static bool send_window(struct talk *t, struct message *m)
{
    for (uint64_t i = 0; i < t->window; i++) {
        m->number = ++t->sent;
        if (!t->forth.channel->send(&t->forth, m))
            return false;
    }
    return t->back.channel->receive(&t->back, m) && m->number == t->sent;
}

static bool run_talk(struct bench *b, uint64_t count)
{
    struct talk *t = b->state;
    struct message m;
    memset(&m, 'x', sizeof m);
    bench_clock_start(b);
    while (b->lap.done < count) {
        if (!send_window(t, &m))
            return complain(&b->why, "a message was lost before number %llu",
                            (unsigned long long)t->sent);
        b->lap.done += t->window;
    }
    bench_clock_stop(b);
    return true;
}

#define LINE(name_, title_, channel_, window_)                                  \
    {                                                                           \
        .name = (name_), .title = (title_), .open = open_talk, .run = run_talk, \
        .with = &(const struct how)                                             \
        {                                                                       \
            &(channel_), window_                                                \
        }                                                                       \
    }
#define LINES(window)                                                                            \
    {                                                                                            \
        LINE("queue", "queue in memory, threads", queue_channel, window),                        \
            LINE("ring_threads", "shared ring, threads", ring_threads, window),                  \
            LINE("ring", "shared ring, processes", ring_processes, window),                      \
            LINE("pipe", "pipe, processes", pipe_channel, window),                               \
            LINE("socket", "unix socket, processes", socket_channel, window),                    \
            LINE("descriptor", "descriptor (SCM_RIGHTS), processes", descriptor_channel, window) \
    }

static const struct primitive ask_lines[] = LINES(1);
static const struct primitive stream_lines[] = LINES(LINK_ROOM);

static const struct claim claims[] = {
    {"Threads tell each other things through memory, which is cheaper than through the kernel.",
     CHEAPER, "queue", "pipe"},
    {"A pipe is cheaper than a socket.", CHEAPER, "pipe", "socket"},
    {"Memory that processes share on purpose is as fast between them as between threads.", ALIKE,
     "ring", "ring_threads"},
    {"Passing a descriptor costs more than passing bytes.", CHEAPER, "socket", "descriptor"}};

const struct group ask_group = {
    .name = "ask",
    .title = "Pass a message and get an answer",
    .method = "64 bytes there and 64 back, on one CPU, so two switches are included",
    .measure = CPU_TIME,
    .lines = ask_lines,
    .count = sizeof ask_lines / sizeof ask_lines[0],
    .claims = claims,
    .claim_count = sizeof claims / sizeof claims[0]};

const struct group stream_group = {.name = "stream",
                                   .title = "Pass a message in a stream",
                                   .method =
                                       "64 bytes each, one answer for 64 messages; both on one CPU",
                                   .measure = CPU_TIME,
                                   .lines = stream_lines,
                                   .count = sizeof stream_lines / sizeof stream_lines[0],
                                   .claims = claims,
                                   .claim_count = sizeof claims / sizeof claims[0]};
