/*
 * procstat.c — one pass over /proc collects (pid, parent, CPU); then those below the root are
 * summed.
 */
#include "procstat.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct process {
    pid_t pid, parent;
    char state;   /* 'Z': dead, and not waited for */
    double cpu_s; /* its own, and that of the dead it has waited for */
};

struct processes {
    struct process *list;
    size_t count, room;
};

/* The clock of the process knows nanoseconds, where /proc counts in ticks of 10 ms; a process that has
 * ended, but was not waited for yet, has no such clock any more. */
static double own_cpu_s(pid_t pid, double by_ticks)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return by_ticks;
    double by_clock = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    return by_clock > by_ticks ? by_clock : by_ticks;
}

/* The command's name may hold spaces and brackets, so fields are counted from the last ')'. */
static bool parse_stat(const char *text, struct process *p)
{
    const char *rest = strrchr(text, ')');
    int parent;
    char state;
    unsigned long long user, system;
    long long dead_user, dead_system;
    if (!rest || sscanf(rest + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld",
                        &state, &parent, &user, &system, &dead_user, &dead_system) != 6)
        return false;
    double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    p->state = state;
    p->parent = parent;
    p->cpu_s = own_cpu_s(p->pid, (double)(user + system) * tick_s) +
               (double)(dead_user + dead_system) * tick_s;
    return true;
}

static bool read_stat(const char *pid, struct process *p)
{
    char name[64], text[1024];
    snprintf(name, sizeof name, "/proc/%.20s/stat", pid);
    FILE *in = fopen(name, "r");
    if (!in)
        return false;
    size_t n = fread(text, 1, sizeof text - 1, in);
    fclose(in);
    text[n] = '\0';
    p->pid = (pid_t)atoi(pid);
    return parse_stat(text, p);
}

static bool append(struct processes *all, const struct process *p)
{
    if (all->count == all->room) {
        size_t room = all->room ? all->room * 2 : 256;
        struct process *list = realloc(all->list, room * sizeof *list);
        if (!list)
            return false;
        all->list = list;
        all->room = room;
    }
    all->list[all->count++] = *p;
    return true;
}

static void read_all(struct processes *all)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    while (proc && (entry = readdir(proc))) {
        struct process p;
        if (isdigit((unsigned char)entry->d_name[0]) && read_stat(entry->d_name, &p) &&
            !append(all, &p))
            break;
    }
    if (proc)
        closedir(proc);
}

static const struct process *find(const struct processes *all, pid_t pid)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].pid == pid)
            return &all->list[i];
    return NULL;
}

static bool is_below(const struct processes *all, const struct process *p, pid_t root)
{
    for (int depth = 0; p && depth < 32; depth++) {
        if (p->pid == root)
            return true;
        p = find(all, p->parent);
    }
    return false;
}

static void add_memory(pid_t pid, struct tree_usage *usage)
{
    char name[64], line[256];
    unsigned long long kib;
    snprintf(name, sizeof name, "/proc/%d/smaps_rollup", (int)pid);
    FILE *in = fopen(name, "r");
    bool found = false;
    while (in && !found && fgets(line, sizeof line, in))
        found = sscanf(line, "Pss: %llu", &kib) == 1;
    if (found)
        usage->pss_kib += kib;
    else if (errno == EACCES || errno == EPERM)
        usage->unreadable++; /* otherwise it has died meanwhile */
    if (in)
        fclose(in);
}

static bool walk(pid_t root, bool memory, struct tree_usage *usage)
{
    struct processes all = {0};
    memset(usage, 0, sizeof *usage);
    read_all(&all);
    for (size_t i = 0; i < all.count; i++) {
        if (!is_below(&all, &all.list[i], root))
            continue;
        usage->processes++;
        usage->cpu_s += all.list[i].cpu_s;
        if (memory) {
            errno = 0;
            add_memory(all.list[i].pid, usage);
        }
    }
    free(all.list);
    return usage->processes > 0;
}

bool tree_cpu(pid_t root, struct tree_usage *usage)
{
    return walk(root, false, usage);
}

bool tree_cpu_and_memory(pid_t root, struct tree_usage *usage)
{
    return walk(root, true, usage);
}

/* ── Who works there ───────────────────────────────────────────────────────────────────────────*/

static bool is_leaf(const struct processes *all, pid_t pid)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].parent == pid && all->list[i].state != 'Z')
            return false;
    return true;
}

/* By its name or its title, which a server may have rewritten. */
static bool is_called(pid_t pid, const char *word)
{
    static const char *const files[] = {"comm", "cmdline"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char name[64], text[256];
        snprintf(name, sizeof name, "/proc/%d/%s", (int)pid, files[i]);
        FILE *in = fopen(name, "r");
        size_t n = in ? fread(text, 1, sizeof text - 1, in) : 0;
        if (in)
            fclose(in);
        text[n] = '\0'; /* of cmdline the first word alone, which is where a title stands */
        if (strstr(text, word))
            return true;
    }
    return false;
}

size_t tree_list(pid_t root, pid_t *found, size_t room)
{
    struct processes all = {0};
    size_t count = 0;
    read_all(&all);
    for (size_t i = 0; i < all.count && count < room; i++)
        if (all.list[i].state != 'Z' && is_below(&all, &all.list[i], root))
            found[count++] = all.list[i].pid;
    free(all.list);
    return count;
}

size_t tree_workers(pid_t root, pid_t *found, size_t room)
{
    struct processes all = {0};
    size_t leaves = 0, named = 0;
    read_all(&all);
    for (size_t i = 0; i < all.count && leaves < room; i++) {
        const struct process *p = &all.list[i];
        bool is_one =
            p->pid != root && p->state != 'Z' && is_below(&all, p, root) && is_leaf(&all, p->pid);
        if (is_one && !is_called(p->pid, "logger")) /* it serves nobody */
            found[leaves++] = p->pid;
    }
    free(all.list);
    for (size_t i = 0; i < leaves; i++)
        if (is_called(found[i], "worker"))
            found[named++] = found[i]; /* named ≤ i: what is overwritten has been looked at */
    return named > 0 ? named : leaves;
}
