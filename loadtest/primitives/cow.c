/*
 * cow.c — the bill of fork comes later, a page at a time: the first write after it.
 *
 * fork lets parent and child share all pages and protects them against writing. Whoever writes first
 * traps into the kernel, which copies the page. So the price depends on how much is written
 * afterwards, by either of them, and not on how much there is.
 *
 * One operation is one byte in each page; preparing (fork, and the child's end) is not in the
 * figure.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crew.h"
#include "primitive.h"

enum { REGION = 16 << 20 };

struct region {
    unsigned char *bytes;
    size_t pages;
    struct crew child;
};

struct touch {
    bool write;
    /* Brings the region into the state that the line is about, and afterwards back. */
    bool (*before)(struct region *r, struct bench *b);
    void (*after)(struct region *r);
};

static void wait_for_death(void *with, unsigned index)
{
    (void)with;
    (void)index;
    while (true)
        pause();
}

static bool share_with_child(struct region *r, struct bench *b)
{
    return crew_start(&r->child, PROCESSES, 1, wait_for_death, NULL, &b->why);
}

static void end_child(struct region *r)
{
    kill(r->child.members[0].process, SIGKILL);
    crew_finish(&r->child);
}

static bool share_and_end(struct region *r, struct bench *b)
{
    if (!share_with_child(r, b))
        return false;
    end_child(r);
    return true;
}

static bool forget(struct region *r, struct bench *b)
{
    return madvise(r->bytes, REGION, MADV_DONTNEED) == 0 ||
           complain(&b->why, "madvise: %s", strerror(errno));
}

static bool leave_as_it_is(struct region *r, struct bench *b)
{
    (void)r;
    (void)b;
    return true;
}

static void nothing_to_undo(struct region *r)
{
    (void)r;
}

static bool open_region(struct bench *b)
{
    static struct region region;
    bench_pin(0);
    region.bytes = bench_resident(b, REGION);
    region.pages = REGION / bench_page();
    b->state = &region;
    return region.bytes != NULL;
}

static void touch_pages(const struct region *r, size_t pages, bool write)
{
    size_t page = bench_page();
    volatile unsigned char *byte = r->bytes;
    for (size_t i = 0; i < pages; i++, byte += page) {
        if (write)
            *byte = (unsigned char)i;
        else
            (void)*byte;
    }
}

static bool run_region(struct bench *b, uint64_t count)
{
    struct region *r = b->state;
    const struct touch *touch = b->with;
    while (b->lap.done < count) {
        uint64_t left = count - b->lap.done;
        size_t pages = left < r->pages ? (size_t)left : r->pages;
        if (!touch->before(r, b))
            return false;
        bench_clock_start(b);
        touch_pages(r, pages, touch->write);
        bench_clock_stop(b);
        touch->after(r);
        b->lap.done += pages;
    }
    return true;
}

#define LINE(name_, title_, ...)                                                    \
    {                                                                               \
        .name = (name_), .title = (title_), .open = open_region, .run = run_region, \
        .with = &(const struct touch)                                               \
        {                                                                           \
            __VA_ARGS__                                                             \
        }                                                                           \
    }

static const struct primitive lines[] = {
    LINE("present", "write to a page of one's own", true, leave_as_it_is, nothing_to_undo),
    LINE("new", "write to a page never used", true, forget, nothing_to_undo),
    LINE("read", "read a page shared with a child", false, share_with_child, end_child),
    LINE("copied", "write to a page shared with a child", true, share_with_child, end_child),
    LINE("alone", "write to it when the child has gone", true, share_and_end, nothing_to_undo)};

static const struct claim claims[] = {
    {"After fork the first write to each page copies it.", CHEAPER, "present", "copied"},
    {"Reading what is shared copies nothing.", CHEAPER, "read", "copied"},
    {"Who writes after the other has gone pays for the trap, but not for a copy.", CHEAPER, "alone",
     "copied"}};

const struct group cow_group = {
    .name = "cow",
    .title = "First write after fork (copy on write)",
    .method = "one byte in each page of 16 MiB, by the parent; fork itself is not included",
    .measure = CPU_TIME,
    .lines = lines,
    .count = sizeof lines / sizeof lines[0],
    .claims = claims,
    .claim_count = sizeof claims / sizeof claims[0]};
