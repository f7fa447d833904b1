/*
 * files.c — the files under one folder, and nothing else.
 *
 * The kernel does the guarding: openat2() resolves a path beneath the root or not at all, whatever
 * symlinks and renames do meanwhile, so no check here can be outrun. A plain file costs two system
 * calls, openat2 and fstat, and no memory. Hidden and missing files look the same: 404.
 */
#include "../clock.h"
#include "../digits.h"
#include "../handler.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define INDEX "index.html"
#define TEXT(type) type "; charset=utf-8"

static struct files {
    int root;         /* opened with O_PATH, before any worker */
    bool has_openat2; /* Linux 5.6 and a container that lets it through */
} files = {.root = -1};

/* --- opening ---------------------------------------------------------------------------------- */

/* O_NONBLOCK: a fifo in the folder must not hold a worker. */
enum { READ_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

static int open_beneath(int root, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)flags,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd;
    int tries = 8; /* EAGAIN: something was renamed on the way, the kernel could not be sure */
    do
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    return (int)fd;
}

/* Without openat2: one component after the other, and no symlinks at all. */
static int open_stepwise(int root, const char *path)
{
    int folder = root;
    for (;;) {
        char name[NAME_MAX + 1];
        size_t length = strcspn(path, "/");
        bool last = path[length] == '\0';
        int fd = -1;
        if (length > NAME_MAX)
            errno = ENAMETOOLONG;
        else if (length == 2 && path[0] == '.' && path[1] == '.')
            errno = EXDEV;
        else {
            memcpy(name, path, length);
            name[length] = '\0';
            int flags = last ? READ_FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC;
            fd = openat(folder, name, flags | O_NOFOLLOW);
        }
        if (folder != root) {
            int error = errno;
            close(folder);
            errno = error;
        }
        if (fd < 0 || last)
            return fd;
        folder = fd;
        path += length + 1;
    }
}

static int open_file(const struct files *f, const char *path)
{
    return f->has_openat2 ? open_beneath(f->root, path, READ_FLAGS) : open_stepwise(f->root, path);
}

static int status_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EXDEV: /* out of the root */
    case ENXIO: /* a socket, or a device without a driver */
    case ENODEV:
    case EINVAL:
    case ESTALE:
        return 404;
    case EACCES:
    case EPERM:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
        return 503;
    default:
        return 500;
    }
}

/* True when no component is empty ("//") or hidden; "/.well-known/" (RFC 8615) is neither. */
static bool is_public(const char *path)
{
    static const char well_known[] = "/.well-known";
    size_t length = sizeof well_known - 1;
    if (strncmp(path, well_known, length) == 0 && (path[length] == '/' || path[length] == '\0'))
        path += length;
    for (; (path = strchr(path, '/')); path++)
        if (path[1] == '.' || path[1] == '/')
            return false;
    return true;
}

/* --- what is said about a file ---------------------------------------------------------------- */

struct media_type {
    const char *extension, *type;
};

/* clang-format off */
static const struct media_type media_types[] = { /* sorted, for bsearch */
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"css", TEXT("text/css")},
    {"csv", TEXT("text/csv")},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", TEXT("text/html")},
    {"html", TEXT("text/html")},
    {"ico", "image/vnd.microsoft.icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", TEXT("text/javascript")},
    {"json", "application/json"},
    {"log", TEXT("text/plain")},
    {"map", "application/json"},
    {"md", TEXT("text/markdown")},
    {"mjs", TEXT("text/javascript")},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"ogg", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"ttf", "font/ttf"},
    {"txt", TEXT("text/plain")},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xml", TEXT("text/xml")},
    {"xz", "application/x-xz"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};
/* clang-format on */

static int compare_extension(const void *key, const void *row)
{
    return strcasecmp(key, ((const struct media_type *)row)->extension);
}

static const char *media_type_of(const char *path)
{
    const char *name = strrchr(path, '/');
    const char *dot = strrchr(name ? name : path, '.');
    const struct media_type *row =
        dot ? bsearch(dot + 1, media_types, sizeof media_types / sizeof media_types[0],
                      sizeof media_types[0], compare_extension)
            : NULL;
    return row ? row->type : "application/octet-stream";
}

enum { TAG_ROOM = 48 };

/* Strong: a file that was changed in place within the same nanosecond and size is not expected. */
static void write_tag(char tag[TAG_ROOM], const struct stat *st)
{
    unsigned long long ns = (unsigned long long)st->st_mtim.tv_sec * 1000000000u +
                            (unsigned long long)st->st_mtim.tv_nsec;
    *tag++ = '"';
    tag = put_hex(tag, ns, 1);
    *tag++ = '-';
    tag = put_hex(tag, (unsigned long long)st->st_size, 1);
    memcpy(tag, "\"", 2);
}

/* --- conditional requests (RFC 9110 §13) --- */

/* If-None-Match: `*`, or a list of tags one of which is ours; W/ does not matter here
 * (§8.8.3.2). */
static bool tag_is_listed(const char *list, size_t length, const char *tag)
{
    const char *at = list, *end = list + length;
    size_t tag_length = strlen(tag);
    while (at < end) {
        if (*at == ' ' || *at == '\t' || *at == ',') {
            at++;
            continue;
        }
        if (*at == '*')
            return true;
        if (end - at > 2 && at[0] == 'W' && at[1] == '/')
            at += 2;
        const char *close = *at == '"' ? memchr(at + 1, '"', (size_t)(end - at) - 1) : NULL;
        if (!close)
            return false;
        size_t this_length = (size_t)(close - at) + 1;
        if (this_length == tag_length && memcmp(at, tag, tag_length) == 0)
            return true;
        at = close + 1;
    }
    return false;
}

static bool client_has_it(const struct request *req, const char *tag, time_t modified)
{
    size_t length;
    const char *value = request_header(req, "If-None-Match", &length);
    if (value)
        return tag_is_listed(value, length, tag);
    value = request_header(req, "If-Modified-Since", &length);
    time_t since = value ? http_date_parse(value, length) : -1;
    return since != -1 && modified <= since;
}

/* --- answering -------------------------------------------------------------------------------- */

static int send_file(const struct request *req, struct response *res, const char *path, int fd,
                     const struct stat *st)
{
    char tag[TAG_ROOM], date[HTTP_DATE_SIZE];
    write_tag(tag, st);
    http_date(st->st_mtim.tv_sec, date);
    if (!response_header(res, "ETag", tag) || !response_header(res, "Last-Modified", date)) {
        close(fd);
        return 500;
    }
    if (client_has_it(req, tag, st->st_mtim.tv_sec)) {
        close(fd);
        response_status(res, 304);
        return 0;
    }
    response_type(res, media_type_of(path));
    response_file(res, fd, 0, (uint64_t)st->st_size);
    return 0;
}

/* To the same path with a slash. It begins with exactly one '/' (is_public) and every byte that
 * means something in a URI is encoded, so that it names this host whatever the path was. */
static int send_to_folder(struct response *res, const char *path)
{
    static const char hex[] = "0123456789ABCDEF";
    char location[3 * PATH_MAX + 2], *to = location;
    if (strlen(path) >= PATH_MAX)
        return 404;
    for (; *path; path++) {
        unsigned char ch = (unsigned char)*path;
        bool plain = (ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z') ||
                     strchr("/-._~", ch);
        if (plain) {
            *to++ = (char)ch;
            continue;
        }
        *to++ = '%';
        *to++ = hex[ch >> 4];
        *to++ = hex[ch & 15];
    }
    *to++ = '/';
    *to = '\0';
    response_status(res, 301);
    return response_header(res, "Location", location) ? 0 : 500;
}

static int serve_file(const struct request *req, struct response *res, void *state)
{
    const struct files *f = state;
    const char *path = request_path(req);
    if (path[0] != '/' || !is_public(path))
        return 404;
    const char *name = path + 1;
    char index[PATH_MAX];
    size_t length = strlen(name);
    if (length == 0 || name[length - 1] == '/') {
        if (length + sizeof INDEX > sizeof index)
            return 404;
        memcpy(index, name, length);
        memcpy(index + length, INDEX, sizeof INDEX);
        name = index;
    }
    int fd = open_file(f, name);
    if (fd < 0)
        return status_of(errno);
    struct stat st;
    bool known = fstat(fd, &st) == 0;
    if (known && S_ISREG(st.st_mode))
        return send_file(req, res, name, fd, &st);
    close(fd);
    if (known && S_ISDIR(st.st_mode) && name != index)
        return send_to_folder(res, path);
    return 404;
}

static const char *open_root(const char *argument, void **state)
{
    if (!argument)
        return "no folder to serve: give one with --root";
    files.root = open(argument, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (files.root < 0)
        return "the folder cannot be opened: check --root and its permissions";
    int probe = open_beneath(files.root, ".", O_PATH | O_CLOEXEC);
    files.has_openat2 = probe >= 0;
    if (probe >= 0)
        close(probe);
    *state = &files;
    return NULL;
}

static void close_root(void *state)
{
    struct files *f = state;
    close(f->root);
    f->root = -1;
}

static const struct route routes[] = {{"GET HEAD", "/", serve_file}, {NULL, NULL, NULL}};

extern const struct module files_module;
const struct module files_module = {TANDEM_ABI, "files", routes, open_root, close_root};
