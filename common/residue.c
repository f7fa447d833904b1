/*
 * residue.c — each trace is a field that is read, and a line that says how it differs.
 */
#include "residue.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "procfs.h"

enum { LEAVING_LOOKS = 40, LEAVING_PAUSE = 5000 /* µs */ };

/* --- the look --- */

/* Of whatever kind, running or waiting to be reaped; and it stays so. */
static bool has_children(void)
{
    siginfo_t child;
    return waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

/* Flags are about handlers, which is why signal(n, signal(n, SIG_IGN)) may change them: it has put
 * all back. But for the one that lets children go without a word. */
static void look_at_signals(struct residue *f)
{
    struct sigaction action;
    for (int i = 1; i < _NSIG; i++) {
        if (sigaction(i, NULL, &action) != 0)
            continue; /* the library keeps some to itself */
        bool is_caught = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
        f->signals[i].handler = action.sa_handler;
        f->signals[i].flags = is_caught ? action.sa_flags : action.sa_flags & SA_NOCLDWAIT;
    }
    pthread_sigmask(SIG_BLOCK, NULL, &f->mask);
}

static void look_at_files(struct residue *f)
{
    struct stat s;
    if (stat(".", &s) == 0) {
        f->folder.is_there = true;
        f->folder.device = s.st_dev;
        f->folder.inode = s.st_ino;
    }
    for (int fd = 0; fd < 3; fd++) {
        if (fstat(fd, &s) != 0)
            continue;
        f->standard[fd].is_there = true;
        f->standard[fd].device = s.st_dev;
        f->standard[fd].inode = s.st_ino;
    }
}

void residue_take(struct residue *f)
{
    memset(f, 0, sizeof *f);
    f->threads = procfs_status("Threads:", 10);
    f->umask = procfs_status("Umask:", 8); /* elsewhere it cannot be read without changing it */
    f->has_children = has_children();
    look_at_signals(f);
    look_at_files(f);
    snprintf(f->locale, sizeof f->locale, "%s", setlocale(LC_ALL, NULL));
    f->thread_locale = uselocale((locale_t)0);
}

/* --- the difference --- */

struct words {
    char *text;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static bool differs(const struct words *w, const char *format,
                                                          ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(w->text, w->size, format, ap);
    va_end(ap);
    return false;
}

/* Who waits for a thread is woken a moment before the kernel has forgotten it. */
static bool threads_kept(const struct residue *before, const struct residue *after,
                         const struct words *w)
{
    long threads = after->threads;
    for (int i = 0; threads > before->threads && i < LEAVING_LOOKS; i++) {
        usleep(LEAVING_PAUSE);
        threads = procfs_status("Threads:", 10);
    }
    return threads <= before->threads || differs(w, "has started a thread");
}

static bool children_kept(const struct residue *before, const struct residue *after,
                          const struct words *w)
{
    return before->has_children || !after->has_children || differs(w, "has started a process");
}

static bool signals_kept(const struct residue *before, const struct residue *after,
                         const struct words *w)
{
    char name[64];
    for (int i = 1; i < _NSIG; i++) {
        if (before->signals[i].handler != after->signals[i].handler ||
            before->signals[i].flags != after->signals[i].flags)
            return differs(w, "has changed what %s does", log_signal(i, name));
        if (sigismember(&before->mask, i) != sigismember(&after->mask, i))
            return differs(w, "has %s %s", sigismember(&after->mask, i) ? "blocked" : "unblocked",
                           log_signal(i, name));
    }
    return true;
}

static bool folder_kept(const struct residue *before, const struct residue *after,
                        const struct words *w)
{
    return (before->folder.is_there == after->folder.is_there &&
            before->folder.device == after->folder.device &&
            before->folder.inode == after->folder.inode) ||
           differs(w, "has changed the working directory");
}

static bool umask_kept(const struct residue *before, const struct residue *after,
                       const struct words *w)
{
    return before->umask == after->umask ||
           differs(w, "has changed the umask from %03lo to %03lo", before->umask, after->umask);
}

static bool locale_kept(const struct residue *before, const struct residue *after,
                        const struct words *w)
{
    if (before->thread_locale != after->thread_locale)
        return differs(w, "has changed the locale of its thread");
    return strcmp(before->locale, after->locale) == 0 ||
           differs(w, "has changed the locale from %.80s to %.80s", before->locale, after->locale);
}

/* One that was closed before may be anything now: the next file to be opened gets its number. */
static bool standard_kept(const struct residue *before, const struct residue *after,
                          const struct words *w)
{
    for (int fd = 0; fd < 3; fd++) {
        if (!before->standard[fd].is_there)
            continue;
        if (!after->standard[fd].is_there)
            return differs(w, "has closed descriptor %d", fd);
        if (before->standard[fd].device != after->standard[fd].device ||
            before->standard[fd].inode != after->standard[fd].inode)
            return differs(w, "has replaced descriptor %d", fd);
    }
    return true;
}

bool residue_kept(const struct residue *before, char *what, size_t size)
{
    static bool (*const residue[])(const struct residue *, const struct residue *,
                                   const struct words *) = {
        threads_kept, children_kept, signals_kept,  folder_kept,
        umask_kept,   locale_kept,   standard_kept,
    };
    struct residue after;
    residue_take(&after);
    for (size_t i = 0; i < sizeof residue / sizeof residue[0]; i++)
        if (!residue[i](before, &after, &(struct words){what, size}))
            return false;
    return true;
}
