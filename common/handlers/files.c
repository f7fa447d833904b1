/*
 * files.c — the files under one folder, as HTTP wants them told (RFC 9110 §8, §13, §14).
 *
 *      path ─▶ file, folder or nothing ─▶ which coding of it ─▶ does the client have it? ─▶ which part
 *
 * Hidden and missing files look the same: 404. A plain file costs two system calls here, openat2 and
 * fstat, and no memory; a client that takes codings, one more for each that it takes and that is not there.
 */
#include "../handler.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../accept.h"
#include "../clock.h"
#include "../digits.h"
#include "../media_file.h"
#include "../precondition.h"
#include "../uri.h"
#include "beneath.h"
#include "handlers.h"
#include "listing.h"
#include "partial.h"

#define INDEX "index.html"

/* Made before any worker; afterwards only the types change. */
static struct files {
    struct beneath beneath;
    struct media_types *_Atomic types; /* NULL: the built-in ones */
    uint32_t types_version;
    struct files_options options;
} files = {.beneath.root = -1};

/* --- which file ------------------------------------------------------------------------------- */

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

/* A name below the root, and what it names. */
struct file {
    char name[PATH_MAX];
    int fd;
    struct stat st;
};

/* Opens `path` + `suffix`, a file or a folder. Returns 0, or a status; then nothing is open. */
static int open_file(const struct files *f, const char *path, const char *suffix, struct file *file)
{
    size_t length = strlen(path), more = strlen(suffix);
    if (length + more >= sizeof file->name)
        return 404;
    memcpy(file->name, path, length);
    memcpy(file->name + length, suffix, more + 1);
    file->fd = beneath_open(&f->beneath, file->name, O_RDONLY);
    if (file->fd < 0)
        return beneath_status(errno);
    if (fstat(file->fd, &file->st) == 0 && (S_ISREG(file->st.st_mode) || S_ISDIR(file->st.st_mode)))
        return 0;
    close(file->fd);
    return 404;
}

static int open_regular(const struct files *f, const char *path, const char *suffix,
                        struct file *file)
{
    int status = open_file(f, path, suffix, file);
    if (status != 0 || S_ISREG(file->st.st_mode))
        return status;
    close(file->fd);
    return 404;
}

/* --- which coding of it ----------------------------------------------------------------------- */

static const struct variant {
    enum coding coding;
    const char *name, *suffix;
} variants[] = {
    {CODING_BR, "br", ".br"}, {CODING_ZSTD, "zstd", ".zst"}, {CODING_GZIP, "gzip", ".gz"}};

enum { VARIANTS = sizeof variants / sizeof variants[0] };

/* What is sent of a file: itself, or one of its siblings that hold it compressed. */
struct representation {
    struct file *file;
    const struct variant *variant; /* NULL: as it is */
    const char *type;
    bool varies; /* another client may get another one */
};

/* A sibling older than the file was made of another version of it. */
static bool open_sibling(const struct files *f, const struct file *original,
                         const struct variant *variant, struct file *sibling)
{
    if (open_regular(f, original->name, variant->suffix, sibling) != 0)
        return false;
    if (sibling->st.st_mtim.tv_sec >= original->st.st_mtim.tv_sec)
        return true;
    close(sibling->fd);
    return false;
}

/* The best coding that the client takes and that is there. The one that is found replaces *file. Returns
 * those that were not looked for. */
static unsigned choose_variant(const struct files *f, const char *value, size_t length,
                               struct representation *r)
{
    unsigned left = CODING_BR | CODING_ZSTD | CODING_GZIP;
    struct file sibling;
    enum coding best;
    while ((best = accept_encoding(value, length, left)) != CODING_IDENTITY) {
        const struct variant *variant = variants;
        while (variant->coding != best)
            variant++;
        left &= ~(unsigned)best;
        if (!open_sibling(f, r->file, variant, &sibling))
            continue;
        close(r->file->fd);
        *r->file = sibling;
        r->variant = variant;
        r->varies = true;
        break;
    }
    return left;
}

static bool has_sibling(const struct files *f, const struct file *original, unsigned which)
{
    struct file sibling;
    for (size_t i = 0; i < VARIANTS; i++) {
        if (variants[i].coding & which && open_sibling(f, original, &variants[i], &sibling)) {
            close(sibling.fd);
            return true;
        }
    }
    return false;
}

static void negotiate(const struct files *f, const struct request *req, struct representation *r)
{
    size_t length;
    const char *value = request_header(req, "Accept-Encoding", &length);
    if (!value)
        return; /* a client that did not ask; a cache may give what it gets to anybody */
    unsigned left = choose_variant(f, value, length, r);
    if (!r->variant) /* others may take one that this client does not */
        r->varies = has_sibling(f, r->file, left);
}

/* --- what is said about it -------------------------------------------------------------------- */

enum { TAG_SIZE = 48 };

/* Strong: a file that was changed in place within the same nanosecond and size is not expected. */
static void write_tag(char tag[TAG_SIZE], const struct representation *r)
{
    const struct stat *st = &r->file->st;
    unsigned long long ns = (unsigned long long)st->st_mtim.tv_sec * 1000000000u +
                            (unsigned long long)st->st_mtim.tv_nsec;
    *tag++ = '"';
    tag = put_hex(tag, ns, 1);
    *tag++ = '-';
    tag = put_hex(tag, (unsigned long long)st->st_size, 1);
    if (r->variant)
        tag = stpcpy(tag, r->variant->suffix);
    memcpy(tag, "\"", 2);
}

/* All that 200, 206 and 304 have in common (RFC 9110 §15.4.5). Nothing is modified in the future
 * (§8.8.2.1), whatever the file system says. */
static bool describe(const struct files *f, const struct representation *r, const char *tag,
                     struct response *res)
{
    char date[HTTP_DATE_SIZE];
    time_t modified = r->file->st.st_mtim.tv_sec, now = time(NULL);
    http_date(modified < now ? modified : now, date);
    return response_header(res, "ETag", tag) && response_header(res, "Last-Modified", date) &&
           (!r->varies || response_header(res, "Vary", "Accept-Encoding")) &&
           (!f->options.cache_control ||
            response_header(res, "Cache-Control", f->options.cache_control));
}

static struct precondition_field field(const struct request *req, const char *name)
{
    struct precondition_field field;
    field.value = request_header(req, name, &field.length);
    return field;
}

static enum precondition_verdict check(const struct request *req, const struct representation *r,
                                       const char *tag, bool *range_applies)
{
    struct precondition p = {.is_safe = true,
                             .exists = true,
                             .etag = tag,
                             .modified = r->file->st.st_mtim.tv_sec,
                             .if_match = field(req, "If-Match"),
                             .if_none_match = field(req, "If-None-Match"),
                             .if_modified_since = field(req, "If-Modified-Since"),
                             .if_unmodified_since = field(req, "If-Unmodified-Since"),
                             .if_range = field(req, "If-Range")};
    p.now = p.if_range.value ? time(NULL) : 0;
    return precondition_check(&p, range_applies);
}

/* --- sending ---------------------------------------------------------------------------------- */

static bool name_coding(const struct representation *r, struct response *res)
{
    return response_header(res, "Accept-Ranges", "bytes") &&
           (!r->variant || response_header(res, "Content-Encoding", r->variant->name));
}

static int send_whole(const struct representation *r, struct response *res)
{
    response_type(res, r->type);
    response_file(res, r->file->fd, 0, (uint64_t)r->file->st.st_size);
    return name_coding(r, res) ? 0 : 500;
}

static int send_unsatisfiable(const struct representation *r, struct response *res)
{
    char content[RANGE_CONTENT_SIZE];
    range_content(content, NULL, (uint64_t)r->file->st.st_size);
    close(r->file->fd);
    response_status(res, 416);
    return response_header(res, "Content-Range", content) ? 0 : 500;
}

/* Several parts of a compressed file would need a coding for each; nobody decodes that. */
static bool is_worth_parts(const struct representation *r, const struct ranges *ranges)
{
    return ranges->count == 1 || (!r->variant && partial_length(ranges) <= PARTIAL_LIMIT);
}

/* A Range is for GET alone (RFC 9110 §14.2). */
static enum range_verdict look_at_range(const struct request *req, const struct representation *r,
                                        bool range_applies, struct ranges *ranges)
{
    size_t length;
    const char *value = request_header(req, "Range", &length);
    if (!value || !range_applies || strcmp(request_method(req), "GET") != 0)
        return RANGE_NONE;
    enum range_verdict verdict = range_parse(value, length, (uint64_t)r->file->st.st_size, ranges);
    return verdict == RANGE_SOME && !is_worth_parts(r, ranges) ? RANGE_NONE : verdict;
}

static int send_content(const struct files *f, const struct request *req,
                        const struct representation *r, const char *tag, bool range_applies,
                        struct response *res)
{
    struct ranges ranges;
    enum range_verdict verdict = look_at_range(req, r, range_applies, &ranges);
    if (verdict == RANGE_UNSATISFIABLE)
        return send_unsatisfiable(r, res);
    if (!describe(f, r, tag, res)) {
        close(r->file->fd);
        return 500;
    }
    if (verdict == RANGE_NONE)
        return send_whole(r, res);
    int status = partial_answer(res, r->file->fd, &r->file->st, r->type, &ranges);
    return status == 0 && !name_coding(r, res) ? 500 : status;
}

static int send_file(const struct files *f, const struct request *req, struct response *res,
                     struct file *file)
{
    struct representation r = {.file = file, .type = media_type_of(f->types, file->name)};
    char tag[TAG_SIZE];
    bool range_applies;
    negotiate(f, req, &r);
    write_tag(tag, &r);
    enum precondition_verdict verdict = check(req, &r, tag, &range_applies);
    if (verdict == PRECONDITION_GO)
        return send_content(f, req, &r, tag, range_applies, res);
    close(file->fd);
    if (verdict == PRECONDITION_FAILED)
        return 412;
    response_status(res, 304);
    return describe(f, &r, tag, res) ? 0 : 500;
}

/* To the same path with a slash. It begins with exactly one '/' (is_public) and every byte that
 * means something in a URI is encoded, so that it names this host whatever the path was. */
static int send_to_folder(struct response *res, const char *path)
{
    char location[3 * PATH_MAX + 2];
    uri_encode(path, location);
    strcat(location, "/");
    response_status(res, 301);
    return response_header(res, "Location", location) ? 0 : 500;
}

/* The page that the owner of the files has made for it; if it is not there, the usual answer. */
static int send_not_found(const struct files *f, struct response *res)
{
    struct file file;
    if (!f->options.not_found || open_regular(f, f->options.not_found, "", &file) != 0)
        return 404;
    response_status(res, 404);
    response_type(res, media_type_of(f->types, file.name));
    response_file(res, file.fd, 0, (uint64_t)file.st.st_size);
    return 0;
}

static int serve_folder(const struct files *f, const struct request *req, struct response *res,
                        const char *name)
{
    struct file file;
    int status = open_regular(f, name, INDEX, &file);
    if (status == 0)
        return send_file(f, req, res, &file);
    return status == 404 && f->options.listing
               ? listing_answer(&f->beneath, name, request_path(req), res)
               : status;
}

static int serve_name(const struct files *f, const struct request *req, struct response *res,
                      const char *name)
{
    struct file file;
    size_t length = strlen(name);
    if (length == 0 || name[length - 1] == '/')
        return serve_folder(f, req, res, name);
    int status = open_file(f, name, "", &file);
    if (status != 0)
        return status;
    if (S_ISREG(file.st.st_mode))
        return send_file(f, req, res, &file);
    close(file.fd);
    return send_to_folder(res, request_path(req));
}

static int serve_path(const struct request *req, struct response *res, void *state)
{
    const struct files *f = state;
    const char *path = request_path(req);
    bool is_ours = path[0] == '/' && strlen(path) < PATH_MAX && is_public(path);
    int status = is_ours ? serve_name(f, req, res, path + 1) : 404;
    return status == 404 ? send_not_found(f, res) : status;
}

/* --- the module ------------------------------------------------------------------------------- */

void files_configure(const struct files_options *options)
{
    files.options = *options;
}

struct media_types *files_renew_types(void)
{
    const struct media_file *media = files.options.media;
    struct media_types *types;
    if (!media || !media_file_take(media, &files.types_version, &types))
        return NULL;
    return atomic_exchange(&files.types, types);
}

static const char *open_root(const char *argument, void **state)
{
    struct file page;
    if (!argument)
        return "no folder to serve: give one with --root";
    if (!beneath_open_root(&files.beneath, argument))
        return "the folder cannot be opened: check --root and its permissions";
    if (files.options.not_found && open_regular(&files, files.options.not_found, "", &page) != 0) {
        beneath_close_root(&files.beneath);
        return "the page of --not-found is not there: name a file below --root";
    }
    if (files.options.not_found)
        close(page.fd);
    media_types_close(files_renew_types());
    *state = &files;
    return NULL;
}

static void close_root(void *state)
{
    struct files *f = state;
    media_types_close(f->types);
    f->types = NULL;
    f->types_version = 0;
    beneath_close_root(&f->beneath);
}

static const struct route routes[] = {{"GET HEAD", "/", serve_path}, {NULL, NULL, NULL}};

const struct module files_module = {
    .abi = TANDEM_ABI, .name = "files", .routes = routes, .open = open_root, .close = close_root};
