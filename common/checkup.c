/*
 * checkup.c — one fault does not keep the others from being said.
 */
#include "checkup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handlers/beneath.h"
#include "media_file.h"
#include "model.h"

/* As whom we are, not as whom we were started. */
static bool may(const char *path, int what)
{
    return faccessat(AT_FDCWD, path, what, AT_EACCESS) == 0;
}

static bool fault(const char *option, size_t index, const char *path, const char *mend)
{
    log_line(LOG_ERROR, "%s: \"%.300s\": %s: %s", options_place(option, index), path,
             strerror(errno), mend);
    return false;
}

/* Where there is no such file, it must be possible to make one; none is made here. */
static bool log_can_be_written(const struct options *o)
{
    const char *path = o->access_log, *slash = strrchr(path, '/');
    char folder[PATH_MAX] = ".";
    struct stat st;
    if (strcmp(path, "-") == 0 || strcmp(path, "off") == 0)
        return true;
    if (stat(path, &st) == 0) {
        errno = EISDIR;
        if (!S_ISDIR(st.st_mode) && may(path, W_OK))
            return true;
    } else if (errno == ENOENT) {
        if (slash)
            snprintf(folder, sizeof folder, "%.*s", (int)(slash - path) + 1, path);
        if (may(folder, W_OK | X_OK))
            return true;
    }
    return fault("access-log", 0, path, "name a file that this user may write to");
}

/* As module_load() looks for it. */
static bool module_is_there(const struct options *o, size_t index)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(o->modules.all[index], "="),
             o->modules.all[index]);
    return may(path, R_OK) ||
           fault("module", index, path, "check the name of the file and its permissions");
}

/* As the files module looks for it. */
static bool page_is_there(const struct options *o)
{
    struct beneath b;
    struct stat st = {0};
    if (!o->root || !o->not_found)
        return true;
    if (!beneath_open_root(&b, o->root))
        return fault("root", 0, o->root, "name a folder that this user may enter");
    int fd = beneath_open(&b, o->not_found, O_RDONLY);
    bool is_page = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (!is_page && fd >= 0)
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    if (!is_page)
        fault("not-found", 0, o->not_found, "name a page below --root");
    if (fd >= 0)
        close(fd);
    beneath_close_root(&b);
    return is_page;
}

/* What is missing has been said with the options. */
static bool tls_is_complete(const struct options *o)
{
    size_t certs = o->tls_certs.count;
    return o->tls_listen.count > 0 && certs == o->tls_keys.count &&
           (certs > 0 || o->tls_self_signed) && (o->tls_client_ca || !o->tls_client_required);
}

bool checkup(const struct options *o)
{
    bool is_fine = log_can_be_written(o);
    is_fine &= !o->media_types || media_file_check(o->media_types);
    is_fine &= page_is_there(o);
    for (size_t i = 0; i < o->modules.count; i++)
        is_fine &= module_is_there(o, i);
    if (tls_is_complete(o))
        is_fine &= model_check_tls(o);
    return is_fine;
}
