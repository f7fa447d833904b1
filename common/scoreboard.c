/*
 * scoreboard.c — one mapping, made before the first worker.
 */
#include "scoreboard.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include "clock.h"
#include "digits.h"

static size_t board_bytes(size_t count)
{
    return sizeof(struct scoreboard) + count * sizeof(struct worker_slot);
}

static int64_t milliseconds_since_1970(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct scoreboard *scoreboard_open(size_t count)
{
    struct scoreboard *b =
        mmap(NULL, board_bytes(count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b == MAP_FAILED)
        return NULL;
    madvise(b, board_bytes(count), MADV_DONTDUMP);
    b->booted = milliseconds_since_1970();
    scoreboard_clear(b, count);
    return b;
}

void scoreboard_close(struct scoreboard *b, size_t count)
{
    munmap(b, board_bytes(count));
}

void scoreboard_clear(struct scoreboard *b, size_t count)
{
    b->stop = b->draining = b->is_up = b->connections = 0;
    b->spooled = 0;
    b->lost = 0;
    memset(b->slots, 0, count * sizeof b->slots[0]);
    for (size_t i = 0; i < count; i++)
        b->slots[i].conn = b->slots[i].route = -1;
    if (getrandom(&b->boot, sizeof b->boot, 0) != sizeof b->boot)
        b->boot = 1;
}

bool worker_is_at_rest(const struct worker_slot *slot)
{
    int state = atomic_load(&slot->state);
    return state == WORKER_WAITING || state == WORKER_NONE;
}

void scoreboard_birth(struct scoreboard *b, size_t index, pid_t pid)
{
    struct worker_slot *s = &b->slots[index];
    atomic_store(&s->conn, -1);
    atomic_store(&s->route, -1);
    atomic_store(&s->born, clock_us());
    atomic_store(&s->must_leave, false);
    atomic_store(&s->has_exited, false);
    crash_clear(&s->crash);
    atomic_store(&s->started, 0);
    atomic_store(&s->requests, 0);
    atomic_store(&s->pss, 0);
    atomic_store(&s->faults, 0);
    atomic_store(&s->status, 0);
    atomic_store(&s->streamed, 0);
    atomic_store(&s->cpu, -1);
    atomic_store(&s->pid, pid);
    atomic_store(&s->state, WORKER_WAITING);
}

static bool is_id_char(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
           (ch != '\0' && strchr("._~+/=:@-", ch));
}

size_t request_id_length(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && is_id_char(text[i]))
        i++;
    return i == n || text[i] == '\0' ? i : 0;
}

/* The copy is what is looked at: the slot may be scribbled over at any time. */
bool request_id(const struct scoreboard *b, const struct worker_slot *slot,
                char out[REQUEST_ID_SIZE])
{
    memcpy(out, slot->id, REQUEST_ID_SIZE);
    size_t given = slot->id[0] ? request_id_length(out, LIMIT_REQUEST_ID) : 0;
    out[given] = '\0';
    if (given > 0)
        return true;
    out = put_hex(out, b->boot, 8);
    *out++ = '-';
    out = put_hex(out, (size_t)(slot - b->slots), 3);
    *out++ = '-';
    *put_hex(out, slot->serial, 1) = '\0';
    return false;
}

const char *cause_word(enum cause cause)
{
    static const char *const words[CAUSES] = {
        [CAUSE_SEGV] = "segv",    [CAUSE_BUS] = "bus",       [CAUSE_ABRT] = "abort",
        [CAUSE_KILL] = "kill",    [CAUSE_SIGNAL] = "signal", [CAUSE_EXIT] = "exit",
        [CAUSE_TIME] = "timeout", [CAUSE_CPU] = "cpu",       [CAUSE_MEMORY] = "memory"};
    return words[cause];
}
