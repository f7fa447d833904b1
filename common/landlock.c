/*
 * landlock.c — Landlock by its bare system calls: a list of what is handled, hence forbidden, and a
 * list of exceptions.
 *
 * Each version of it knows more than the one before, and refuses what it does not know. The headers
 * of the system that builds this may be older than the kernel that runs it, so what is needed of
 * them stands here.
 */
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sanitized.h"

/* The numbers of the system calls are the same on every architecture. */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { ASK_VERSION = 1, RULE_PATH_BENEATH = 1 };

/* struct landlock_ruleset_attr and landlock_path_beneath_attr of the kernel. */
struct ruleset {
    uint64_t files;
    uint64_t ports;  /* from version 4 */
    uint64_t scopes; /* from version 6 */
};
struct beneath_rule {
    uint64_t allowed;
    int32_t folder;
} __attribute__((packed));

#define BIT(n) (UINT64_C(1) << (n))

enum { PORT_BIND = 1, PORT_CONNECT = 2, SCOPE_ABSTRACT_SOCKET = 1, SCOPE_SIGNAL = 2 };

static const uint64_t may_write = BIT(1), may_read = BIT(2), may_list = BIT(3);

/* Execute, write, read, list; remove, make of every kind; and then what later versions brought. */
static uint64_t handled_files(int version)
{
    uint64_t rights = BIT(13) - 1;
    if (version >= 2)
        rights |= BIT(13); /* link and rename across folders */
    if (version >= 3)
        rights |= BIT(14); /* truncate */
    if (version >= 5)
        rights |= BIT(15); /* ioctl on devices opened from here on */
    return rights;
}

/* Signals stay inside: a worker must not end its supervisor. The nest and its spares are inside. */
static struct ruleset rules(int version, bool sockets)
{
    struct ruleset r = {.files = handled_files(version)};
    if (version >= 4)
        r.ports = sockets ? PORT_BIND : PORT_BIND | PORT_CONNECT;
    if (version >= 6)
        r.scopes = sockets ? SCOPE_SIGNAL : SCOPE_SIGNAL | SCOPE_ABSTRACT_SOCKET;
    return r;
}

static bool allow(int ruleset, int place, uint64_t rights)
{
    struct beneath_rule rule = {.allowed = rights, .folder = place};
    struct stat st;
    if (fstat(place, &st) != 0)
        return false;
    if (!S_ISDIR(st.st_mode))
        rule.allowed &= ~may_list;
    return syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0;
}

/* What is not there needs no exception. */
static bool allow_name(int ruleset, const char *path, uint64_t rights)
{
    int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0)
        return errno == ENOENT || errno == EACCES;
    bool ok = allow(ruleset, place, rights);
    close(place);
    return ok;
}

/* Not all of /etc: uid 0 could read the passwords there without any capability, as their owner, and
 * whoever has started the server the private keys of --tls-key. What is left is what names, addresses,
 * times and certificates are looked up in. */
static bool allow_etc(int ruleset)
{
    static const char *const harmless[] = {
        "/etc/localtime", "/etc/timezone",        "/etc/nsswitch.conf", "/etc/hosts",
        "/etc/host.conf", "/etc/resolv.conf",     "/etc/gai.conf",      "/etc/services",
        "/etc/protocols", "/etc/passwd",          "/etc/group",         "/etc/mime.types",
        "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ld.so.cache"};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (!allow_name(ruleset, harmless[i], may_read | may_list))
            return false;
    return true;
}

/* A sanitizer looks for its threads and mappings in /proc. */
static bool allow_places(int ruleset, int root, bool proc)
{
    static const char *const readable[] = {"/usr",      "/lib",         "/lib64",
                                           "/dev/zero", "/dev/urandom", "/dev/full"};
    for (size_t i = 0; i < sizeof readable / sizeof readable[0]; i++)
        if (!allow_name(ruleset, readable[i], may_read | may_list))
            return false;
    return allow_etc(ruleset) && allow_name(ruleset, "/dev/null", may_read | may_write) &&
           ((!proc && !TANDEM_SANITIZED) || allow_name(ruleset, "/proc", may_read | may_list)) &&
           (root < 0 || allow(ruleset, root, may_read | may_list));
}

/* -1 (errno): there is none. */
static int open_ruleset(int version, bool sockets)
{
    struct ruleset r = rules(version, sockets);
    size_t known = version >= 6 ? sizeof r : version >= 4 ? 16 : 8;
    return (int)syscall(CREATE_RULESET, &r, known, 0);
}

static int close_ruleset(int ruleset, bool ok, int version)
{
    int error = errno;
    close(ruleset);
    errno = error;
    return ok ? version : 0;
}

int landlock_confine(const struct sandbox_needs *needs, int root)
{
    int version = (int)syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    int ruleset = version < 1 ? -1 : open_ruleset(version, needs->sockets);
    if (ruleset < 0)
        return 0;
    bool ok = allow_places(ruleset, root, needs->proc) && syscall(RESTRICT_SELF, ruleset, 0) == 0;
    return close_ruleset(ruleset, ok, version);
}

/* A sanitizer's leak checker reads /proc. */
int landlock_shut(void)
{
    int version = (int)syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    int ruleset = version < 1 ? -1 : open_ruleset(version, false);
    if (ruleset < 0)
        return 0;
    bool ok = (!TANDEM_SANITIZED || allow_name(ruleset, "/proc", may_read | may_list)) &&
              syscall(RESTRICT_SELF, ruleset, 0) == 0;
    return close_ruleset(ruleset, ok, version);
}
