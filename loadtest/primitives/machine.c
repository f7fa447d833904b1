/*
 * machine.c — uname, sysconf, and three files.
 */
#include "machine.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* What follows `key` in the first line that begins with it, up to its end; nothing if none does. */
static void look_up(const char *file, const char *key, char *found, size_t room)
{
    char line[512];
    FILE *in = fopen(file, "re");
    while (in && fgets(line, sizeof line, in)) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        const char *value = line + strlen(key);
        value += strspn(value, "\t :");
        snprintf(found, room, "%.*s", (int)strcspn(value, "\n"), value);
        break;
    }
    if (in)
        fclose(in);
}

/* "always [madvise] never": the one in brackets. */
static void read_thp(struct machine *m)
{
    char line[128] = "";
    look_up("/sys/kernel/mm/transparent_hugepage/enabled", "", line, sizeof line);
    const char *begin = strchr(line, '[');
    if (!begin || sscanf(begin, "[%31[a-z]", m->thp) != 1)
        strcpy(m->thp, "unknown");
}

void machine_read(struct machine *m)
{
    struct utsname name;
    cpu_set_t may;
    *m = (struct machine){.cpu = "unknown", .kernel = "unknown"};
    look_up("/proc/cpuinfo", "model name", m->cpu, sizeof m->cpu);
    if (uname(&name) == 0)
        snprintf(m->kernel, sizeof m->kernel, "%.63s %.31s", name.release, name.machine);
    read_thp(m);
    m->cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    m->usable = m->cores;
    if (sched_getaffinity(0, sizeof may, &may) == 0)
        m->usable = (unsigned)CPU_COUNT(&may);
    m->page = (uint64_t)sysconf(_SC_PAGESIZE);
    m->memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * m->page;
}
