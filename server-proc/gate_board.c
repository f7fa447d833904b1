/*
 * gate_board.c — a memfd, and one swap.
 */
#include "gate_board.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "handover.h"

size_t gate_board_bench(const struct options *o)
{
    return o->max_connections + GATE_ROOM;
}

size_t gate_board_seats(const struct options *o)
{
    return GATE_BENCHES * gate_board_bench(o);
}

static size_t bytes(const struct options *o)
{
    return sizeof(struct gate_board) + gate_board_seats(o) * sizeof(struct seat);
}

/* Sealed: workers have its number, too, and were it cut short, the supervisor would die of SIGBUS. */
static bool set_size(int fd, const struct options *o)
{
    return ftruncate(fd, (off_t)bytes(o)) == 0 &&
           fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
}

/* What anybody who changes a layout will change; the rest is up to VERSION. */
static uint32_t layout(void)
{
    enum { VERSION = 1 };
    return VERSION << 24 | sizeof(struct gate_board) << 16 | sizeof(struct handover) << 4 |
           sizeof(struct seat);
}

/* It is all zeros when it is made. */
static bool note_layout(int fd)
{
    const uint32_t ours = layout();
    return pwrite(fd, &ours, sizeof ours, offsetof(struct gate_board, layout)) == sizeof ours;
}

int gate_board_make(const struct options *o)
{
    int fd = memfd_create("gates", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && (!set_size(fd, o) || !note_layout(fd))) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

void gate_board_unmap(struct gate_board *b, const struct options *o)
{
    munmap(b, bytes(o));
}

struct gate_board *gate_board_map(int fd, const struct options *o)
{
    struct stat file;
    if (fstat(fd, &file) != 0)
        return NULL;
    if (file.st_size != (off_t)bytes(o)) {
        errno = EPROTO;
        return NULL;
    }
    struct gate_board *p =
        mmap(NULL, bytes(o), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (p == MAP_FAILED)
        return NULL;
    madvise(p, bytes(o), MADV_DONTDUMP);
    if (p->layout == layout())
        return p;
    gate_board_unmap(p, o);
    errno = EPROTO;
    return NULL;
}

void gate_board_open(struct gate_board *b)
{
    atomic_store(&b->is_open, 1);
    syscall(SYS_futex, &b->is_open, FUTEX_WAKE, 1, NULL, NULL, 0);
}

bool gate_board_await(struct gate_board *b, int ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    if (!atomic_load(&b->is_open))
        syscall(SYS_futex, &b->is_open, FUTEX_WAIT, 0, &time, NULL, 0);
    return atomic_load(&b->is_open);
}

uint32_t seat_take(struct seat *s)
{
    uint32_t serial = (atomic_load_explicit(&s->word, memory_order_relaxed) | 1) + 1;
    if (serial == 0)
        serial = 2;
    atomic_store_explicit(&s->moves, 0, memory_order_relaxed);
    atomic_store_explicit(&s->word, serial, memory_order_release);
    return serial;
}

void seat_end(struct seat *s, uint32_t serial)
{
    uint32_t expected = serial;
    atomic_compare_exchange_strong_explicit(&s->word, &expected, serial | 1, memory_order_acq_rel,
                                            memory_order_relaxed);
}

bool seat_has_ended(const struct seat *s, uint32_t serial)
{
    return atomic_load_explicit(&s->word, memory_order_acquire) == (serial | 1);
}
