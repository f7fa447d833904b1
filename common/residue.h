/*
 * residue.h — what foreign code has left behind in a process: a look before, a look after, and
 * the difference in words.
 *
 * It sees what handler.h asks of a module's `open`, and of the constructors that run when it is
 * loaded: threads and processes that live on, what signals do and which are blocked, working
 * directory, umask, locale, and the standard descriptors. What was done and undone in between it
 * does not see.
 */
#ifndef TANDEM_RESIDUE_H
#define TANDEM_RESIDUE_H

#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct residue {
    long threads; /* this and `umask` from /proc; -1 where that cannot be read */
    long umask;
    bool has_children;
    struct {
        void (*handler)(int);
        int flags;
    } signals[_NSIG];
    sigset_t mask;
    locale_t thread_locale;
    char locale[512];
    struct {
        dev_t device;
        ino_t inode;
        bool is_there;
    } folder, standard[3];
};

void residue_take(struct residue *f);
/* False: what is left behind, as in "has changed the umask from 022 to 0", is in `what`. Where the
 * process had children before, new ones are not told from them. May wait a moment for threads that
 * have been joined to be gone. By the thread that took `before`. */
bool residue_kept(const struct residue *before, char *what, size_t size);

#endif
