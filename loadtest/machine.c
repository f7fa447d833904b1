/*
 * machine.c — see machine.h.
 */
#include "machine.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The rest of the first line of `file` that starts with `name`, without `skip` and quotes. */
static void find_line(const char *file, const char *name, const char *skip, char *value,
                      size_t room)
{
    char line[512];
    FILE *in = fopen(file, "r");
    value[0] = '\0';
    while (in && !value[0] && fgets(line, sizeof line, in)) {
        if (strncmp(line, name, strlen(name)) != 0)
            continue;
        const char *start = line + strlen(name);
        start += strspn(start, skip);
        snprintf(value, room, "%.*s", (int)strcspn(start, "\"\n"), start);
    }
    if (in)
        fclose(in);
}

unsigned usable_cpus(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 1 ? (unsigned)n : 1;
}

/* "always [madvise] never": the one in brackets. */
static void find_huge_pages(struct machine *m)
{
    char line[128];
    find_line("/sys/kernel/mm/transparent_hugepage/enabled", "", "", line, sizeof line);
    const char *chosen = strchr(line, '[');
    if (!chosen || sscanf(chosen, "[%31[a-z]", m->thp) != 1)
        m->thp[0] = '\0';
}

void machine_look(struct machine *m)
{
    struct utsname name;
    struct sysinfo info;
    memset(m, 0, sizeof *m);
    find_line("/proc/cpuinfo", "model name", "\t: ", m->cpu, sizeof m->cpu);
    find_line("/etc/os-release", "PRETTY_NAME=", "\"", m->system, sizeof m->system);
    if (uname(&name) == 0) {
        snprintf(m->kernel, sizeof m->kernel, "%.40s %.60s %.20s", name.sysname, name.release,
                 name.machine);
        if (!m->cpu[0])
            snprintf(m->cpu, sizeof m->cpu, "%.60s", name.machine);
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    m->cores = cores > 0 ? (unsigned)cores : 1;
    m->usable = usable_cpus();
    if (sysinfo(&info) == 0)
        m->memory = (uint64_t)info.totalram * info.mem_unit;
    m->page = (uint64_t)sysconf(_SC_PAGESIZE);
    find_huge_pages(m);
}

const char *machine_temporary(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/tmp";
}
