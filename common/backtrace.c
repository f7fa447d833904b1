/*
 * backtrace.c — from frame to frame, and each word only after the kernel has said that it is there.
 *
 * Our code keeps frame pointers, foreign code often does not. So a frame record is believed when it
 * lies on the way up the stack, can be read, and returns to where a call was; and where there is
 * none, the stack is searched for the next one, as one would do by hand in a debugger:
 *
 *      pc in code with frames        frame ─▶ record ─▶ record ─▶ …
 *      pc in a leaf without          the caller is on top of the stack; its frame ─▶ record ─▶ …
 *      frame pointer used otherwise  every word upwards that is a return, until a record whose link
 *                                    leads to another ─▶ record ─▶ …
 *
 * What was found by searching may be a leftover of a call that is over. It costs a reader a glance.
 */
#include "backtrace.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "digits.h"

/* For what looks at raw stacks: a sanitizer would object to every word between two variables. */
#define UNCHECKED __attribute__((noinline, no_sanitize("address"), no_sanitize("thread")))

/* --- where code lies: noted down in good times, since asking the loader takes a lock --- */

enum { AREAS = 128, FILE_NAME = 24 };

/* The program's own comes first. */
static struct area {
    uintptr_t from, to;
    uintptr_t base; /* what addresses in the file count from */
    char file[FILE_NAME];
} areas[AREAS];
static size_t area_count;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int note_areas(struct dl_phdr_info *object, size_t size, void *unused)
{
    (void)size, (void)unused;
    const char *path = *object->dlpi_name ? object->dlpi_name : program_invocation_name;
    uintptr_t base = (uintptr_t)object->dlpi_addr;
    for (size_t i = 0; i < object->dlpi_phnum && area_count < AREAS; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        uintptr_t from = base + (uintptr_t)part->p_vaddr;
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
            continue;
        struct area *area = &areas[area_count++];
        *area = (struct area){.from = from, .to = from + (uintptr_t)part->p_memsz, .base = base};
        strncpy(area->file, base_name(path), FILE_NAME - 1);
    }
    return 0;
}

void backtrace_learn(void)
{
    area_count = 0;
    dl_iterate_phdr(note_areas, NULL);
}

/* NULL: no code is there. A return address may be one past it, behind a call that never returns. */
static const struct area *area_of(uintptr_t address)
{
    for (size_t i = 0; i < area_count; i++)
        if (address > areas[i].from && address <= areas[i].to)
            return &areas[i];
    return NULL;
}

/* --- what the processor says, and how it calls --- */

enum { WORD = sizeof(uintptr_t) };

struct place {
    uintptr_t pc, stack, frame;
    uintptr_t back; /* where a function that has made no frame returns to; 0: not known */
};

enum { PAGE = 4096 /* no processor has smaller ones */ };

static _Thread_local uintptr_t readable __attribute__((tls_model("initial-exec"))); /* a page */

/* Asks the kernel, once for each page in a row: it reads a signal mask before it finds that it does
 * not know what to do with it. */
static bool is_readable(uintptr_t address)
{
    uintptr_t page = address / PAGE * PAGE;
    if (page == 0)
        return false;
    if (page != readable &&
        (syscall(SYS_rt_sigprocmask, -1, page, NULL, sizeof(uint64_t)) != -1 || errno != EINVAL))
        return false;
    readable = page;
    return true;
}

/* The word there, or 0 when there is none. */
UNCHECKED static uintptr_t word_at(uintptr_t address)
{
    uintptr_t word = 0;
    if (is_readable(address) && is_readable(address + WORD - 1))
        __builtin_memcpy(&word, (const void *)address, sizeof word);
    return word;
}

#if defined(__x86_64__)
static struct place place_of(const ucontext_t *context)
{
    const greg_t *r = context->uc_mcontext.gregs;
    uintptr_t stack = (uintptr_t)r[REG_RSP];
    return (struct place){.pc = (uintptr_t)r[REG_RIP],
                          .stack = stack,
                          .frame = (uintptr_t)r[REG_RBP],
                          .back = word_at(stack)};
}

/* call: e8 and four bytes; or ff /2 with up to five behind it. */
static bool follows_call(uintptr_t address)
{
    uintptr_t before = word_at(address - WORD); /* its top byte is the last one */
    bool is_call = (before >> 24 & 0xff) == 0xe8;
    for (unsigned length = 2; length <= 7; length++) {
        unsigned op = (unsigned)(before >> (64 - 8 * length)) & 0xff;
        unsigned mode = (unsigned)(before >> (72 - 8 * length)) & 0xff;
        is_call = is_call || (op == 0xff && (mode >> 3 & 7) == 2);
    }
    return is_call;
}
#elif defined(__aarch64__)
static struct place place_of(const ucontext_t *context)
{
    const mcontext_t *m = &context->uc_mcontext;
    return (struct place){.pc = (uintptr_t)m->pc,
                          .stack = (uintptr_t)m->sp,
                          .frame = (uintptr_t)m->regs[29],
                          .back = (uintptr_t)m->regs[30]};
}

/* bl, blr. */
static bool follows_call(uintptr_t address)
{
    uint32_t before = (uint32_t)(word_at(address - WORD) >> 32);
    return (before & 0xfc000000) == 0x94000000 || (before & 0xfffffc1f) == 0xd63f0000;
}
#else
#error "crash.c: where are the program counter, the stack and the frame pointer of this processor?"
#endif

/* --- the way from frame to frame --- */

enum { SEARCHED = 256 /* words */ };
static const uintptr_t STACK_SPAN = 64 << 20; /* no frame is farther from the next one */

static void add(struct backtrace *t, uintptr_t address)
{
    if (t->depth == CRASH_FRAMES)
        return;
    t->record->frames[t->depth] = address;
    t->record->names[t->depth][0] = '\0';
    atomic_store_explicit(&t->record->depth, ++t->depth, memory_order_release);
}

static bool is_return(uintptr_t address)
{
    return area_of(address) && follows_call(address);
}

/* A frame record is two words: where the caller's lies, and where to return to. */
static bool is_record(uintptr_t frame, uintptr_t floor)
{
    return frame >= floor && frame - floor < STACK_SPAN && frame % WORD == 0 &&
           is_return(word_at(frame + WORD));
}

static bool is_linked(uintptr_t frame)
{
    return is_record(frame, frame) && is_record(word_at(frame), frame + 2 * (uintptr_t)WORD);
}

/* A caller without a record is believed when it is of another file than the pc, as with a leaf of
 * libc, or a call of nothing; in the same file it may be a leftover of an earlier call. */
static bool is_leaf(const struct place *p)
{
    return is_return(p->back) && area_of(p->back) != area_of(p->pc) &&
           is_record(p->frame, p->stack) && word_at(p->frame + WORD) != p->back;
}

void backtrace_begin(struct backtrace *t, const ucontext_t *context)
{
    add(t, place_of(context).pc);
}

void backtrace_walk(struct backtrace *t, const ucontext_t *context)
{
    struct place place = place_of(context);
    uintptr_t at = place.stack, frame = place.frame;
    if (is_leaf(&place))
        add(t, place.back);
    for (size_t searched = 0; searched < SEARCHED && t->depth < CRASH_FRAMES;) {
        if (is_record(frame, at)) {
            add(t, word_at(frame + WORD));
            at = frame + 2 * (uintptr_t)WORD;
            frame = word_at(frame);
        } else if (is_linked(at)) {
            frame = at;
        } else {
            if (is_return(word_at(at)))
                add(t, word_at(at));
            at += WORD;
            searched++;
        }
    }
}

/* --- names, without stdio: first the file, then the symbol --- */

struct line {
    char *at;
    const char *end; /* room for the NUL is kept */
};

static void put(struct line *l, const char *text, size_t limit)
{
    while (limit-- > 0 && *text && l->at < l->end)
        *l->at++ = *text++;
}

static void put_offset(struct line *l, uintptr_t offset)
{
    char digits[DIGITS_SIZE + 1];
    *put_hex(digits, offset, 1) = '\0';
    put(l, "+0x", 3);
    put(l, digits, DIGITS_SIZE);
}

static void put_file(char name[CRASH_NAME], uintptr_t address)
{
    const struct area *area = area_of(address);
    struct line l = {name, name + CRASH_NAME - 1};
    if (!area)
        return;
    put(&l, area->file, FILE_NAME);
    put_offset(&l, address - area->base);
    *l.at = '\0';
}

enum { SYMBOLS = 8, SYMBOL_NAME = CRASH_NAME - FILE_NAME - 16 /* "(+0x…)" */ };

/* Says more of a frame in a library or a module. dladdr reads all symbols there are (10 µs for
 * libc, 30 µs more for the first time), so it is asked for the innermost frames only, and not for
 * the program, whose symbols addr2line finds. It takes the loader's lock, which is recursive: a
 * crash in the loader does not wait for itself; and another thread that holds it will let go. A
 * return address is looked up by the call before it, which may be the last of its function. */
static void put_symbol(char name[CRASH_NAME], uintptr_t address, bool is_return)
{
    const struct area *area = area_of(address);
    char text[CRASH_NAME];
    struct line l = {text, text + sizeof text - 1};
    Dl_info found;
    if (!area || area->base == areas[0].base)
        return;
    if (dladdr((const void *)(address - is_return), &found) == 0 || !found.dli_sname)
        return;
    put(&l, area->file, FILE_NAME);
    put(&l, "(", 1);
    put(&l, found.dli_sname, SYMBOL_NAME);
    put_offset(&l, address - (uintptr_t)found.dli_saddr);
    put(&l, ")", 1);
    *l.at = '\0';
    memcpy(name, text, (size_t)(l.at - text) + 1);
}

void backtrace_name(const struct backtrace *t)
{
    for (uint32_t i = 0; i < t->depth; i++)
        put_file(t->record->names[i], (uintptr_t)t->record->frames[i]);
    for (uint32_t i = 0; i < t->depth && i < SYMBOLS; i++)
        put_symbol(t->record->names[i], (uintptr_t)t->record->frames[i], i > 0);
}
