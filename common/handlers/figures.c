/*
 * figures.c — copies, bounds, cleans.
 */
#include "figures.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../clock.h"
#include "../cpu_time.h"
#include "../footprint.h"
#include "admin.h"

const char *worker_state_word(enum worker_state state)
{
    static const char *const words[] = {[WORKER_WAITING] = "waiting",
                                        [WORKER_ACCEPTING] = "accepting",
                                        [WORKER_TURN] = "turn",
                                        [WORKER_LOST] = "lost"};
    return words[state];
}

const char *conn_state_word(enum conn_state state)
{
    static const char *const words[CONN_STATES] = {
        [CONN_STATE_IDLE] = "idle",           [CONN_STATE_READING] = "reading",
        [CONN_STATE_RUNNING] = "running",     [CONN_STATE_WRITING] = "writing",
        [CONN_STATE_LINGERING] = "lingering", [CONN_STATE_HANDSHAKING] = "handshaking"};
    return words[state];
}

/* Whatever stands there becomes text: ASCII, and '?' for all that has no picture. Its owner may be
 * writing to it: what we read is what was there a moment ago, or will be. */
__attribute__((no_sanitize("thread"))) static void copy_text(char *to, const volatile char *from,
                                                             size_t size)
{
    size_t i = 0;
    for (; i + 1 < size && from[i]; i++) {
        char c = from[i];
        to[i] = (c < ' ' || c > '~') && c != '\n' ? '?' : c;
    }
    to[i] = '\0';
}

static void clean(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

/* --- workers --- */

static bool take_worker(struct worker_figures *w, const struct worker_slot *slot, int64_t now)
{
    int state = atomic_load(&slot->state);
    if (state <= WORKER_NONE || state > WORKER_LOST)
        return false;
    int64_t started = atomic_load(&slot->started);
    uint64_t pss = atomic_load(&slot->pss);
    w->state = (enum worker_state)state;
    w->is_running = started > 0 && started <= now && state == WORKER_TURN;
    w->age = w->is_running ? now - started : 0;
    w->requests = atomic_load(&slot->requests);
    w->pss = pss <= admin.memory ? pss : 0;
    copy_text(w->method, slot->method, sizeof w->method);
    copy_text(w->target, slot->target, sizeof w->target);
    clean(w->method);
    clean(w->target);
    return true;
}

static void take_workers(struct figures *f)
{
    const struct server *s = admin.server;
    int64_t now = clock_us();
    for (size_t i = 0; i < s->slots; i++) {
        struct worker_figures *w = &f->workers[f->worker_count];
        if (!take_worker(w, &s->board->slots[i], now))
            continue;
        w->number = i + 1;
        f->worker_count++;
        f->by_state[w->state]++;
        f->running += w->is_running;
        f->pss += w->pss;
    }
    if (admin_is_one_process()) /* then it need not be told, it can be read */
        f->pss = footprint_pss();
}

/* --- routes --- */

static struct route_figures *figures_of(struct figures *f, const char *name)
{
    size_t i = 0;
    while (i < f->route_count && strcmp(f->routes[i].name, name) != 0)
        i++;
    if (i == f->route_count)
        memcpy(f->routes[f->route_count++].name, name, ROUTE_NAME);
    return &f->routes[i];
}

/* Returns how many answers there were. */
static uint64_t add_codes(struct route_figures *r, unsigned row)
{
    const struct server *s = admin.server;
    uint64_t sum = 0;
    for (size_t i = 0; i <= s->slots; i++)
        for (unsigned code = 0; code < TALLY_CODES; code++) {
            uint64_t n =
                atomic_load_explicit(&s->tallies[i].codes[row][code], memory_order_relaxed);
            r->codes[code] += n;
            sum += n;
        }
    return sum;
}

static void take_route(struct figures *f, unsigned index)
{
    const struct route_slot *slot = &admin.server->board->routes[index];
    char name[ROUTE_NAME] = {0};
    copy_text(name, slot->path, sizeof name);
    struct route_figures *r = figures_of(f, name);
    r->is_aside = r->is_aside || quarantine_is_aside(&slot->ward);
    for (int cause = 0; cause < CAUSES; cause++) {
        r->killed[cause] += atomic_load(&slot->killed[cause]);
        r->has_killed = r->has_killed || r->killed[cause] > 0;
    }
    f->answered += add_codes(r, TALLY_ROUTES + index);
}

static void take_routes(struct figures *f)
{
    static const char none[ROUTE_NAME] = "(none)", of_admin[ROUTE_NAME] = "(admin)",
                      refused[ROUTE_NAME] = "(refused)";
    unsigned count = atomic_load(&admin.server->board->route_count);
    for (unsigned i = 0; i < count && i < LIMIT_ROUTES; i++)
        take_route(f, i);
    f->answered += add_codes(figures_of(f, none), TALLY_NO_ROUTE);
    f->answered += add_codes(figures_of(f, of_admin), TALLY_ADMIN);
    f->refused = add_codes(figures_of(f, refused), TALLY_REFUSED);
}

/* --- the rest --- */

static void add(_Atomic uint64_t *sum, const _Atomic uint64_t *one)
{
    count_alone(sum, atomic_load_explicit(one, memory_order_relaxed));
}

static void take_tallies(struct figures *f)
{
    const struct server *s = admin.server;
    for (size_t i = 0; i <= s->slots; i++) {
        const struct tally *t = &s->tallies[i];
        histogram_sum(&f->sum.durations, &t->durations);
        histogram_sum(&f->sum.births, &t->births);
        add(&f->sum.faults, &t->faults);
        add(&f->sum.worker_wait, &t->worker_wait);
        add(&f->sum.spare_waits, &t->spare_waits);
        add(&f->sum.spare_wait, &t->spare_wait);
    }
    if (s->spares)
        add(&f->sum.faults, &s->spares->faults);
}

static void take_obituaries(struct figures *f)
{
    f->obituary_count = obituaries_read(&admin.server->board->obituaries, f->obituaries);
    for (size_t i = 0; i < f->obituary_count; i++) {
        struct obituary *o = &f->obituaries[i];
        clean(o->id);
        clean(o->method);
        clean(o->target);
        clean(o->cause);
        clean(o->phase);
    }
}

static int64_t uptime(int64_t booted)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return booted > 0 && booted < ms ? ms - booted : 0;
}

static void take_board(struct figures *f)
{
    const struct scoreboard *b = admin.server->board;
    int open = atomic_load(&b->connections);
    f->connections = open > 0 ? (unsigned)open : 0;
    for (int state = 0; state < CONN_STATES; state++)
        f->conns[state] = atomic_load(&b->conns[state]);
    f->rate = atomic_load(&b->rate);
    f->deaths = atomic_load(&b->deaths);
    f->recycled = atomic_load(&b->recycled);
    f->uptime = uptime(b->booted);
}

/* A walk among the dying may find less than one before it, and none is to be told less: a counter
 * that falls is taken for one that has begun again, and all of it for new. */
static void take_cpu(struct figures *f)
{
    const struct server *s = admin.server;
    uint64_t now = 0, most = atomic_load(&s->board->cpu);
    f->knows_cpu = cpu_time(s->options.one ? getpid() : getppid(), &now) || most > 0;
    while (most < now && !atomic_compare_exchange_weak(&s->board->cpu, &most, now))
        ;
    f->cpu = most < now ? now : most;
}

struct figures *figures_take(void)
{
    const struct server *s = admin.server;
    struct figures *f;
    size_t size = sizeof *f + s->slots * sizeof f->workers[0];
    size =
        (size + _Alignof(struct figures) - 1) / _Alignof(struct figures) * _Alignof(struct figures);
    f = aligned_alloc(_Alignof(struct figures), size);
    if (!f)
        return NULL;
    memset(f, 0, size);
    take_workers(f);
    take_routes(f);
    take_tallies(f);
    take_obituaries(f);
    take_board(f);
    take_cpu(f);
    return f;
}
