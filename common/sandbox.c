/*
 * sandbox.c — the steps, in their order, and the line that tells of them.
 */
#include "sandbox.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "filter.h"
#include "landlock.h"
#include "privileges.h"

__attribute__((format(printf, 3, 4))) static void add(char *line, size_t size, const char *format,
                                                      ...)
{
    size_t at = strnlen(line, size);
    va_list ap;
    va_start(ap, format);
    if (at < size)
        vsnprintf(line + at, size - at, format, ap);
    va_end(ap);
}

/* The unwinder is loaded by the C library when it is first needed, by backtrace or at the end of a
 * thread; then would be too late. */
static void load_unwinder(void)
{
    void *frame;
    backtrace(&frame, 1);
}

static bool confine(const struct sandbox_needs *needs, int root, char *line, size_t size)
{
    load_unwinder();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        add(line, size, "; no sandbox: no_new_privs: %s", strerror(errno));
        return false;
    }
    int version = needs->is_gate ? landlock_shut() : landlock_confine(needs, root);
    int no_landlock = errno;
    int no_filter = needs->is_gate ? filter_install_for_gate() : filter_install(needs->sockets);
    add(line, size, "; no_new_privs");
    if (version > 0)
        add(line, size, ", Landlock ABI %d", version);
    else
        add(line, size, ", no Landlock (%s): files are guarded by their modes alone",
            strerror(no_landlock));
    if (no_filter == 0)
        add(line, size, ", seccomp");
    else
        add(line, size, ", no seccomp (%s)", strerror(no_filter));
    return version > 0 && no_filter == 0;
}

static enum sandbox_result enter(const struct sandbox_needs *needs, int root, char *line,
                                 size_t size)
{
    const char *whose = needs->is_gate ? "gates" : "workers";
    enum privileges who = privileges_drop(whose, needs->user, root, needs->root, line, size);
    if (who == PRIVILEGES_FAILED)
        return SANDBOX_FAILED;
    if (!privileges_hide()) {
        snprintf(line, size, "%s cannot be made undumpable: %s", whose, strerror(errno));
        return SANDBOX_FAILED;
    }
    bool full = who == PRIVILEGES_DROPPED;
    if (!needs->wanted)
        add(line, size, "; --sandbox off");
    else if (!confine(needs, root, line, size))
        full = false;
    return full ? SANDBOX_ENTERED : SANDBOX_WEAK;
}

/* The document root is opened first: whom the workers become may not know the way to it. */
enum sandbox_result sandbox_enter(const struct sandbox_needs *needs, char *line, size_t size)
{
    int root = needs->root ? open(needs->root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (needs->root && root < 0) {
        snprintf(line, size, "--root %.256s: %s", needs->root, strerror(errno));
        return SANDBOX_FAILED;
    }
    enum sandbox_result result = enter(needs, root, line, size);
    if (root >= 0)
        close(root);
    return result;
}
