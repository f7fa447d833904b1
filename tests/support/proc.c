/*
 * Reading /proc.  Processes come and go while it is read: a file that has vanished means a process
 * that is gone, and is never an error.
 */
#include "proc.h"

#include "bytes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stat_line {
    char state;
    pid_t parent;
};

/* The name in /proc/PID/stat may hold blanks and brackets: what follows starts at the last ')'. */
static bool read_stat(pid_t pid, struct stat_line *line)
{
    char path[64], text[512];
    const char *after_name;
    size_t length;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    after_name = strrchr(text, ')');
    if (after_name == NULL)
        return false;
    return sscanf(after_name + 1, " %c %d", &line->state, &line->parent) == 2;
}

static bool is_running(const struct stat_line *line)
{
    return line->state != 'Z' && line->state != 'X';
}

/*
 * The kernel's own list, where it keeps one: for a parent of one thread.  Reading it takes
 * microseconds, whereas looking at every process takes milliseconds.  False: look at them all.
 */
static bool read_children(pid_t parent, pid_t *found, size_t max, size_t *count)
{
    char path[64], text[16384], *rest = text;
    struct stat_line line;
    size_t length;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
    if (thread_count(parent) != 1 || (file = fopen(path, "re")) == NULL)
        return false;
    length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    *count = 0;
    while (*count < max && *rest != '\0') {
        pid_t pid = (pid_t)strtol(rest, &rest, 10);

        rest += *rest == ' ';
        if (pid <= 0)
            break;
        if (read_stat(pid, &line) && is_running(&line))
            found[(*count)++] = pid;
    }
    return true;
}

size_t children_of(pid_t parent, pid_t *found, size_t max)
{
    const struct dirent *entry;
    struct stat_line line;
    size_t count = 0;
    DIR *proc;

    if (read_children(parent, found, max, &count))
        return count;
    proc = opendir("/proc");
    if (proc == NULL)
        return 0;
    while (count < max && (entry = readdir(proc)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (pid > 0 && read_stat(pid, &line) && line.parent == parent && is_running(&line))
            found[count++] = pid;
    }
    closedir(proc);
    return count;
}

size_t descendants_of(pid_t ancestor, pid_t *found, size_t max)
{
    size_t count = children_of(ancestor, found, max);

    for (size_t i = 0; i < count; i++)
        count += children_of(found[i], found + count, max - count);
    return count;
}

/*
 * The first string of cmdline alone: a title set by the process is found there, whereas the rest
 * may be options inherited from the parent, and `--workers` would make a worker of everyone.
 */
static bool is_named(pid_t pid, const char *word)
{
    static const char *const sources[] = {"comm", "cmdline"};
    bool named = false;

    for (size_t i = 0; i < 2 && !named; i++) {
        struct bytes text;
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, sources[i]);
        text = bytes_of_file(path);
        named = strstr(text.at, word) != NULL;
        bytes_free(&text);
    }
    return named;
}

size_t keep_named(pid_t *pids, size_t count, const char *word)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (is_named(pids[i], word))
            pids[kept++] = pids[i];
    return kept;
}

bool process_gone(pid_t pid)
{
    struct stat_line line;

    return !read_stat(pid, &line) || !is_running(&line);
}

static int count_entries(pid_t pid, const char *folder)
{
    const struct dirent *entry;
    char path[64];
    int count = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, folder);
    dir = opendir(path);
    if (dir == NULL)
        return -1;
    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

int open_descriptors(pid_t pid)
{
    return count_entries(pid, "fd");
}

int thread_count(pid_t pid)
{
    return count_entries(pid, "task");
}

int descriptor_called(pid_t pid, const char *name)
{
    const struct dirent *entry;
    char path[64], link[320], target[64];
    int found = -1;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    dir = opendir(path);
    while (dir != NULL && found < 0 && (entry = readdir(dir)) != NULL) {
        ssize_t length;

        snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
        length = readlink(link, target, sizeof(target) - 1);
        target[length > 0 ? length : 0] = '\0';
        if (strcmp(target, name) == 0)
            found = (int)strtol(entry->d_name, NULL, 10);
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

int descriptor_of_socket(pid_t pid, uint16_t port, uint16_t client)
{
    FILE *file = fopen("/proc/net/tcp", "re");
    char line[256], name[64] = "";
    unsigned local, remote;
    unsigned long inode;

    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, " %*d: %*x:%x %*x:%x %*x %*x:%*x %*x:%*x %*x %*u %*u %lu", &local, &remote,
                   &inode) == 3 &&
            local == port && remote == client && inode != 0)
            snprintf(name, sizeof(name), "socket:[%lu]", inode);
    if (file != NULL)
        fclose(file);
    return *name != '\0' ? descriptor_called(pid, name) : -1;
}

/* Of a file of lines "Name:  123 kB"; 0 when there is no such line. */
static size_t bytes_of_line(pid_t pid, const char *file, const char *name)
{
    char path[64];
    struct bytes text;
    const char *line;
    size_t kib = 0;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    text = bytes_of_file(path);
    line = strstr(text.at, name);
    if (line != NULL)
        kib = strtoul(line + strlen(name), NULL, 10);
    bytes_free(&text);
    return kib * 1024;
}

size_t own_memory(pid_t pid)
{
    return bytes_of_line(pid, "status", "\nRssAnon:");
}

size_t share_of_memory(pid_t pid)
{
    size_t bytes = bytes_of_line(pid, "smaps_rollup", "\nPss_Anon:") +
                   bytes_of_line(pid, "smaps_rollup", "\nPss_Shmem:");

    if (bytes > 0)
        return bytes;
    return own_memory(pid) + bytes_of_line(pid, "status", "\nRssShmem:");
}
