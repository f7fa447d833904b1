/*
 * privileges.c — set-id calls and capabilities, in the order in which the kernel allows them.
 *
 * What needs a capability comes first (the bounding set, the securebits), then the groups, while
 * there is a uid that may change them, then the uid, and last the capabilities themselves. What has
 * been given up is asked for again: only a refusal proves anything.
 */
#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY "nobody"

enum { NOBODY_ID = 65534 };

struct identity {
    const char *whose; /* "workers", for the line */
    const char *name;  /* as typed, likewise */
    const char *login; /* whose groups to take; NULL: the system does not know this uid */
    uid_t uid;
    gid_t gid;
};

/* --- who ------------------------------------------------------------------------------------- */

static bool find(const char *whose, const char *name, struct identity *who)
{
    char *end;
    unsigned long number = strtoul(name, &end, 10);
    bool is_number = *name && !*end && number < UINT32_MAX;
    const struct passwd *known = is_number ? getpwuid((uid_t)number) : getpwnam(name);
    if (!known && !is_number)
        return false;
    *who =
        (struct identity){.whose = whose, .name = name, .uid = (uid_t)number, .gid = (gid_t)number};
    if (known) {
        who->login = known->pw_name;
        who->uid = known->pw_uid;
        who->gid = known->pw_gid;
    }
    return true;
}

static enum privileges refuse(const struct identity *who, char *line, size_t size)
{
    snprintf(line, size,
             "%s cannot become %.64s: %s; give the server CAP_SETUID and CAP_SETGID, start it as "
             "that user, or let them run as root with --user root",
             who->whose, who->name, strerror(errno));
    return PRIVILEGES_FAILED;
}

/* --- capabilities ----------------------------------------------------------------------------- */

/* What a program started from here could gain; best effort, since it takes CAP_SETPCAP, which the
 * next step gives up in any case. */
static void bound_capabilities(void)
{
    for (unsigned long c = 0; prctl(PR_CAPBSET_DROP, c, 0, 0, 0) == 0; c++)
        ;
    prctl(PR_SET_SECUREBITS,
          (unsigned long)(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED), 0, 0, 0);
}

static bool clear_capabilities(void)
{
    struct __user_cap_header_struct self = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}}, left[2];
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capset, &self, none) != 0 || syscall(SYS_capget, &self, left) != 0)
        return false;
    errno = EPERM;
    return memcmp(left, none, sizeof none) == 0;
}

/* --- becoming somebody ------------------------------------------------------------------------ */

static bool take_groups(const struct identity *who)
{
    return (who->login ? initgroups(who->login, who->gid) : setgroups(1, &who->gid)) == 0;
}

static bool is_regained(const struct identity *who)
{
    return setresuid(0, 0, 0) == 0 || (who->gid != 0 && setresgid(0, 0, 0) == 0);
}

static enum privileges become(const struct identity *who, char *line, size_t size)
{
    bound_capabilities();
    if (!take_groups(who) || setresgid(who->gid, who->gid, who->gid) != 0 ||
        setresuid(who->uid, who->uid, who->uid) != 0 || !clear_capabilities())
        return refuse(who, line, size);
    if (is_regained(who)) {
        snprintf(
            line, size,
            "%s became %.64s, but could become root again: start the server as an ordinary user",
            who->whose, who->name);
        return PRIVILEGES_FAILED;
    }
    snprintf(line, size, "%s run as %.64s", who->whose, who->name);
    return PRIVILEGES_DROPPED;
}

/* Tries, since only the kernel knows of access lists and the like; "." takes what any name in the
 * folder would. 1, 0, or -1 (errno) when it cannot be tried. */
static int may_enter(const struct identity *who, int root)
{
    gid_t own = getegid();
    if (!take_groups(who) || setegid(who->gid) != 0 || seteuid(who->uid) != 0)
        return -1;
    int fd = openat(root, ".", O_PATH | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return seteuid(0) == 0 && setegid(own) == 0 ? fd >= 0 : -1;
}

static enum privileges become_owner(const char *whose, const char *root_name, char *line,
                                    size_t size)
{
    const struct identity root = {.whose = whose, .name = "root without capabilities"};
    bound_capabilities();
    /* exec would give uid 0 its capabilities back, where the securebits could not be set */
    if (setgroups(0, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        !clear_capabilities())
        return refuse(&root, line, size);
    snprintf(line, size,
             "%s run as root, without capabilities, since nobody may not enter %.256s (mend it: "
             "chmod o+x, or --user NAME)",
             whose, root_name);
    return PRIVILEGES_OWNER;
}

static enum privileges stay(const char *whose, const char *user, char *line, size_t size)
{
    struct identity who;
    if (user && (!find(whose, user, &who) || who.uid != geteuid())) {
        snprintf(line, size,
                 "--user %.64s: only root can become another user; leave it out, or "
                 "start the server as root",
                 user);
        return PRIVILEGES_FAILED;
    }
    snprintf(line, size, "%s run as uid %u", whose, (unsigned)geteuid());
    return clear_capabilities() ? PRIVILEGES_DROPPED : PRIVILEGES_FAILED;
}

enum privileges privileges_drop(const char *whose, const char *user, int root,
                                const char *root_name, char *line, size_t size)
{
    struct identity who;
    if (geteuid() != 0)
        return stay(whose, user, line, size);
    if (!find(whose, user ? user : NOBODY, &who)) {
        if (user) {
            snprintf(line, size, "--user %.64s: the system has no such user", user);
            return PRIVILEGES_FAILED;
        }
        who = (struct identity){.whose = whose, .name = NOBODY, .uid = NOBODY_ID, .gid = NOBODY_ID};
    }
    if (who.uid == 0) {
        snprintf(line, size, "%s run as root, as --user says", whose);
        return PRIVILEGES_DROPPED;
    }
    int enters = user || root < 0 ? 1 : may_enter(&who, root);
    if (enters < 0)
        return refuse(&who, line, size);
    return enters ? become(&who, line, size) : become_owner(whose, root_name, line, size);
}

bool privileges_hide(void)
{
    return setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0 &&
           prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}
