/*
 * crash.c — a signal handler that asks before it touches anything.
 *
 * What the handler does is ordered by danger: what might itself crash comes when all that is known
 * by then has been written. All six signals are blocked meanwhile, so that a second crash kills at
 * once, and what stands in the record stays.
 *
 *      signal, address, pc ─▶ frames ─▶ files ─▶ at the memory limit? ─▶ symbols ─▶ tell ─▶ death
 *       (registers)           (stack)            (one mmap)            (loader)
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
#include "crash.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "digits.h"

/* For what looks at raw stacks: a sanitizer would object to every word between two variables. */
#define UNCHECKED __attribute__((noinline, no_sanitize("address"), no_sanitize("thread")))

static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
enum { DEADLY = sizeof deadly / sizeof deadly[0] };

/* Volatile: read by a handler of the same thread. Initial-exec: reading it there allocates nothing.
 */
static _Thread_local struct {
    struct crash *volatile record;
    void (*volatile tell)(const struct crash *record);
    stack_t stack;      /* ss_sp NULL: it has none of ours */
    stack_t before;     /* what was there, which may be a sanitizer's */
    uintptr_t readable; /* a page that the handler may read */
} self __attribute__((tls_model("initial-exec")));

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

/* Asks the kernel, once for each page in a row: it reads a signal mask before it finds that it does
 * not know what to do with it. */
static bool is_readable(uintptr_t address)
{
    uintptr_t page = address / PAGE * PAGE;
    if (page == 0)
        return false;
    if (page != self.readable &&
        (syscall(SYS_rt_sigprocmask, -1, page, NULL, sizeof(uint64_t)) != -1 || errno != EINVAL))
        return false;
    self.readable = page;
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

/* The depth is kept here, too: others can write to the record. */
struct trail {
    struct crash *record;
    uint32_t depth;
};

static void add(struct trail *t, uintptr_t address)
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

static void walk(struct trail *t, const struct place *p)
{
    uintptr_t at = p->stack, frame = p->frame;
    if (is_leaf(p))
        add(t, p->back);
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

/* --- the last breath --- */

enum { TRIAL = 1 << 20 /* bytes */ };

static bool is_out_of_memory(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return false;
    void *more = mmap(NULL, TRIAL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (more == MAP_FAILED)
        return errno == ENOMEM;
    munmap(more, TRIAL);
    return false;
}

/* Whoever sends a signal gives no address, and neither does a processor that was given one which
 * cannot be (SI_KERNEL). */
static bool has_address(int number, int code)
{
    return number != SIGABRT && number != SIGSYS && code > 0 && code != SI_KERNEL;
}

static void write_down(struct crash *c, const siginfo_t *info, const ucontext_t *context)
{
    struct place place = place_of(context);
    struct trail trail = {.record = c};
    c->code = info->si_code;
    c->address = has_address(info->si_signo, info->si_code) ? (uintptr_t)info->si_addr : 0;
    c->is_out_of_memory = false;
    add(&trail, place.pc);
    atomic_store_explicit(&c->signal, info->si_signo, memory_order_release);
    walk(&trail, &place);
    for (uint32_t i = 0; i < trail.depth; i++)
        put_file(c->names[i], (uintptr_t)c->frames[i]);
    c->is_out_of_memory = is_out_of_memory();
    for (uint32_t i = 0; i < trail.depth && i < SYMBOLS; i++)
        put_symbol(c->names[i], (uintptr_t)c->frames[i], i > 0);
}

/* The same signal with the same story once more, for the default action. It is pending until the
 * handler returns, and so comes before the instruction that failed is tried again: not all would
 * fail again, as with SIGSYS, or after kill -SEGV. abort() is not resumed either. */
static void die_of(siginfo_t *info)
{
    signal(info->si_signo, SIG_DFL);
    syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), info->si_signo, info);
}

/* Disarms first: abort() in `tell` unblocks its signal and comes here again, to just die. */
static void on_crash(int number, siginfo_t *info, void *context)
{
    struct crash *record = self.record;
    (void)number;
    self.record = NULL;
    if (record) {
        write_down(record, info, context);
        if (self.tell)
            self.tell(record);
    }
    die_of(info);
}

/* --- before it comes to that --- */

bool crash_catch(void)
{
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < DEADLY; i++)
        sigaddset(&action.sa_mask, deadly[i]);
    area_count = 0;
    dl_iterate_phdr(note_areas, NULL);
    for (size_t i = 0; i < DEADLY; i++)
        if (sigaction(deadly[i], &action, NULL) != 0)
            return false;
    return crash_arm(NULL, NULL);
}

enum { STACK_ROOM = 32 * 1024 };

/* The registers that the kernel saves take more room with each processor: it knows how much. Below
 * lies a page that nobody may touch. */
static bool take_stack(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    long saved = sysconf(_SC_MINSIGSTKSZ);
    size_t size = STACK_ROOM + (saved > 0 ? (size_t)saved : 0);
    size = (size + page - 1) / page * page;
    char *all = mmap(NULL, page + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (all == MAP_FAILED)
        return false;
    stack_t stack = {.ss_sp = all + page, .ss_size = size};
    if (mprotect(stack.ss_sp, size, PROT_READ | PROT_WRITE) == 0 &&
        sigaltstack(&stack, &self.before) == 0) {
        self.stack = stack;
        return true;
    }
    int why = errno;
    munmap(all, page + size);
    errno = why;
    return false;
}

bool crash_arm(struct crash *record, void (*tell)(const struct crash *record))
{
    self.record = NULL;
    if (!self.stack.ss_sp && !take_stack())
        return false;
    self.tell = tell;
    self.record = record;
    return true;
}

void crash_disarm(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    self.record = NULL;
    if (!self.stack.ss_sp)
        return;
    sigaltstack(&self.before, NULL);
    munmap((char *)self.stack.ss_sp - page, page + self.stack.ss_size);
    self.stack = (stack_t){0};
}

/* The handler writes all the rest before, or empties it when it comes to it. */
void crash_clear(struct crash *record)
{
    atomic_store(&record->signal, 0);
}

/* --- the reader, who believes nothing --- */

static bool is_deadly(int number)
{
    for (size_t i = 0; i < DEADLY; i++)
        if (deadly[i] == number)
            return true;
    return false;
}

/* Its name, or the bare address. */
static void copy_frame(const struct crash *record, size_t i, char out[CRASH_NAME])
{
    memcpy(out, record->names[i], CRASH_NAME);
    out[CRASH_NAME - 1] = '\0';
    if (out[0] == '\0')
        snprintf(out, CRASH_NAME, "0x%llx", (unsigned long long)record->frames[i]);
    for (char *at = out; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
}

const char *crash_text(const struct crash *record, char out[CRASH_TEXT])
{
    static const char more[] = " < ...";
    size_t used = 0;
    int number = record ? atomic_load_explicit(&record->signal, memory_order_acquire) : 0;
    out[0] = '\0';
    if (!is_deadly(number))
        return out;
    if (has_address(number, record->code))
        used = (size_t)snprintf(out, CRASH_TEXT, "at 0x%llx", (unsigned long long)record->address);
    uint32_t depth = atomic_load_explicit(&record->depth, memory_order_acquire);
    for (size_t i = 0; i < depth && i < CRASH_FRAMES; i++) {
        char name[CRASH_NAME];
        copy_frame(record, i, name);
        if (used + strlen(" < ") + strlen(name) + sizeof more > CRASH_TEXT) {
            strcpy(out + used, more);
            break;
        }
        const char *joint = i > 0 ? " < " : used > 0 ? "; " : "";
        used += (size_t)snprintf(out + used, CRASH_TEXT - used, "%s%s", joint, name);
    }
    return out;
}
