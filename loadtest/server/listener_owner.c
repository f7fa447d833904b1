/*
 * listener_owner.c — address → inodes of listening sockets → processes that hold one → the topmost.
 */
#include "listener_owner.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { INODES = 64, HOLDERS = 1024, LISTEN = 0x0a /* TCP_LISTEN in /proc/net/tcp */ };
#define ACCEPTING 0x10000U /* the flag of a listening Unix socket: __SO_ACCEPTCON of linux/net.h */

/* How well a listener fits the address: the kernel, too, prefers the one bound to it exactly. */
enum fit { NONE, ANY_DUAL, ANY, EXACT };

struct inodes {
    uint64_t list[INODES];
    size_t count;
    enum fit fit; /* of all of them */
};

struct holders {
    pid_t list[HOLDERS];
    size_t count;
};

/* Keeps the inodes with the best fit. */
static void note(struct inodes *all, uint64_t inode, enum fit fit)
{
    if (fit == NONE || fit < all->fit)
        return;
    if (fit > all->fit)
        all->count = 0;
    all->fit = fit;
    if (all->count < INODES)
        all->list[all->count++] = inode;
}

/* ── Is the address ours at all? ───────────────────────────────────────────────────────────────*/

/* A port of another machine may be in use here as well. Only an address of this machine can be
 * bound to. */
static bool is_local(const struct address *address)
{
    struct sockaddr_storage probe = address->sa;
    if (probe.ss_family == AF_UNIX)
        return true;
    if (probe.ss_family == AF_INET)
        ((struct sockaddr_in *)&probe)->sin_port = 0;
    else
        ((struct sockaddr_in6 *)&probe)->sin6_port = 0;
    int fd = socket(probe.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool local = fd >= 0 && bind(fd, (const struct sockaddr *)&probe, address->length) == 0;
    if (fd >= 0)
        close(fd);
    return local;
}

/* ── Listening sockets ─────────────────────────────────────────────────────────────────────────*/

/* The kernel prints each 32 bits of an address as a number, whose bytes in memory are the address.
 * Returns how many bytes there were. */
static size_t parse_hex_address(const char *text, unsigned char out[16])
{
    size_t words = strlen(text) / 8;
    for (size_t i = 0; i < words && i < 4; i++) {
        char word[9];
        memcpy(word, text + 8 * i, 8);
        word[8] = '\0';
        uint32_t value = (uint32_t)strtoul(word, NULL, 16);
        memcpy(out + 4 * i, &value, 4);
    }
    return words * 4;
}

static enum fit fit_v4(const unsigned char *bound, size_t size, const struct sockaddr_in *in)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}, zero[16];
    if (size == 16 && memcmp(bound, zero, 16) == 0)
        return ANY_DUAL; /* [::] takes IPv4 as well, unless it was told not to */
    if (size == 16 && memcmp(bound, mapped, 12) != 0)
        return NONE;
    const unsigned char *four = size == 16 ? bound + 12 : bound;
    if (memcmp(four, &in->sin_addr, 4) == 0)
        return EXACT;
    return memcmp(four, zero, 4) == 0 ? ANY : NONE;
}

static enum fit fit_of(const unsigned char *bound, size_t size, unsigned port,
                       const struct address *address)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->sa;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->sa;
    if (address->sa.ss_family == AF_INET)
        return port == ntohs(in->sin_port) ? fit_v4(bound, size, in) : NONE;
    if (size != 16 || port != ntohs(in6->sin6_port))
        return NONE;
    if (memcmp(bound, &in6->sin6_addr, 16) == 0)
        return EXACT;
    return memcmp(bound, &in6addr_any, 16) == 0 ? ANY : NONE;
}

static void read_tcp(const char *table, const struct address *address, struct inodes *found)
{
    char line[512];
    FILE *in = fopen(table, "r");
    while (in && fgets(line, sizeof line, in)) {
        char text[33];
        unsigned char bound[16] = {0};
        unsigned port, state;
        uint64_t inode;
        if (sscanf(line, " %*d: %32[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*u %*u %" SCNu64, text, &port,
                   &state, &inode) != 4 ||
            state != LISTEN)
            continue;
        size_t size = parse_hex_address(text, bound);
        note(found, inode, fit_of(bound, size, port, address));
    }
    if (in)
        fclose(in);
}

static void read_unix(const struct address *address, struct inodes *found)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&address->sa;
    char line[512];
    FILE *in = fopen("/proc/net/unix", "r");
    while (in && fgets(line, sizeof line, in)) {
        char path[sizeof un->sun_path + 1];
        unsigned flags;
        uint64_t inode;
        if (sscanf(line, "%*s %*s %*s %x %*s %*s %" SCNu64 " %108[^\n]", &flags, &inode, path) ==
                3 &&
            (flags & ACCEPTING) && strcmp(path, un->sun_path) == 0)
            note(found, inode, EXACT);
    }
    if (in)
        fclose(in);
}

/* ── Who holds them ────────────────────────────────────────────────────────────────────────────*/

static bool is_wanted(const char *link, const struct inodes *wanted)
{
    uint64_t inode;
    if (sscanf(link, "socket:[%" SCNu64 "]", &inode) != 1)
        return false;
    for (size_t i = 0; i < wanted->count; i++)
        if (wanted->list[i] == inode)
            return true;
    return false;
}

static bool holds(const char *pid, const struct inodes *wanted, bool *closed_to_us)
{
    char name[300], link[64];
    snprintf(name, sizeof name, "/proc/%.20s/fd", pid);
    DIR *folder = opendir(name);
    const struct dirent *entry;
    bool found = false;
    if (!folder) {
        *closed_to_us |= errno == EACCES;
        return false;
    }
    while (!found && (entry = readdir(folder))) {
        ssize_t n = readlinkat(dirfd(folder), entry->d_name, link, sizeof link - 1);
        link[n > 0 ? n : 0] = '\0';
        found = is_wanted(link, wanted);
    }
    closedir(folder);
    return found;
}

static void find_holders(const struct inodes *wanted, struct holders *found, bool *closed_to_us)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    while (proc && found->count < HOLDERS && (entry = readdir(proc)))
        if (isdigit((unsigned char)entry->d_name[0]) && holds(entry->d_name, wanted, closed_to_us))
            found->list[found->count++] = (pid_t)atoi(entry->d_name);
    if (proc)
        closedir(proc);
}

/* "PID (COMMAND) STATE PARENT …"; a command may hold brackets, so it ends at the last one. */
static pid_t read_parent(pid_t pid, char *command, size_t room)
{
    char name[64], text[512];
    int parent;
    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    FILE *in = fopen(name, "r");
    size_t n = in ? fread(text, 1, sizeof text - 1, in) : 0;
    if (in)
        fclose(in);
    text[n] = '\0';
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (!open || !close || sscanf(close + 1, " %*c %d", &parent) != 1)
        return 0;
    *close = '\0';
    snprintf(command, room, "%s", open + 1);
    return parent;
}

static bool is_holder(const struct holders *all, pid_t pid)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i] == pid)
            return true;
    return false;
}

/* A service manager that opened the socket on behalf of the server is not the server. */
static void forget_service_manager(struct holders *all)
{
    char command[32] = "";
    read_parent(1, command, sizeof command);
    for (size_t i = 0; all->count > 1 && strcmp(command, "systemd") == 0 && i < all->count; i++)
        if (all->list[i] == 1)
            all->list[i--] = all->list[--all->count];
}

/* The holder above `pid`, however many generations, or `pid` itself. */
static pid_t topmost(const struct holders *all, pid_t pid)
{
    char command[32];
    pid_t top = pid;
    for (int depth = 0; pid > 0 && depth < 32; depth++) {
        if (is_holder(all, pid))
            top = pid;
        pid = read_parent(pid, command, sizeof command);
    }
    return top;
}

bool listener_owner_find(const struct address *address, struct listener_owner *owner,
                         struct complaint *why)
{
    struct inodes sockets = {.count = 0};
    struct holders holders = {.count = 0};
    bool closed_to_us = false;
    if (!is_local(address))
        return complain(why, "not on this machine");
    if (address->sa.ss_family == AF_UNIX)
        read_unix(address, &sockets);
    else
        read_tcp("/proc/net/tcp6", address, &sockets);
    if (address->sa.ss_family == AF_INET)
        read_tcp("/proc/net/tcp", address, &sockets);
    if (sockets.count == 0)
        return complain(why, "no process of this machine listens there");
    find_holders(&sockets, &holders, &closed_to_us);
    if (holders.count == 0)
        return complain(why, closed_to_us ? "not permitted: the server runs as another user, or in "
                                            "another container"
                                          : "its process was not found");
    forget_service_manager(&holders);
    owner->pid = topmost(&holders, holders.list[0]);
    for (size_t i = 1; i < holders.count; i++)
        if (topmost(&holders, holders.list[i]) != owner->pid)
            return complain(why, "several processes listen there that have no parent in common");
    owner->command[0] = '\0';
    read_parent(owner->pid, owner->command, sizeof owner->command);
    return owner->command[0] || complain(why, "its process has ended");
}
