/*
 * listing.c — read, sort (folders first), write; readable on a phone and without a mouse.
 */
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../buf.h"
#include "../uri.h"

enum { PAGE_LIMIT = 16 << 20 };

struct entry {
    char *name;
    bool is_folder;
    off_t size;
    time_t modified;
};

struct folder {
    struct entry *entries;
    size_t count;
    bool has_more;
};

/* --- reading --- */

/* A symlink counts as what it leads to, if that is below the root. */
static bool look_at(const struct beneath *b, const char *folder, int fd, const char *name,
                    struct stat *st)
{
    if (fstatat(fd, name, st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (!S_ISLNK(st->st_mode))
        return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s%s", folder, name);
    int target = n > 0 && (size_t)n < sizeof path ? beneath_open(b, path, O_PATH) : -1;
    bool known = target >= 0 && fstat(target, st) == 0;
    if (target >= 0)
        close(target);
    return known && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode));
}

static bool add_entry(struct folder *f, const char *name, const struct stat *st)
{
    struct entry *more = f->entries;
    if ((f->count & (f->count - 1)) == 0) /* full at each power of two */
        more = realloc(f->entries, (f->count ? 2 * f->count : 1) * sizeof *more);
    char *copy = strdup(name);
    if (more)
        f->entries = more;
    if (!more || !copy) {
        free(copy);
        return false;
    }
    f->entries[f->count++] = (struct entry){.name = copy,
                                            .is_folder = S_ISDIR(st->st_mode),
                                            .size = st->st_size,
                                            .modified = st->st_mtim.tv_sec};
    return true;
}

static bool read_folder(const struct beneath *b, const char *name, DIR *dir, struct folder *f)
{
    struct dirent *entry;
    struct stat st;
    while ((entry = readdir(dir))) {
        bool is_shown = entry->d_name[0] != '.' && strlen(entry->d_name) <= NAME_MAX;
        if (!is_shown || !look_at(b, name, dirfd(dir), entry->d_name, &st))
            continue;
        f->has_more = f->count == LISTING_LIMIT;
        if (f->has_more)
            return true;
        if (!add_entry(f, entry->d_name, &st))
            return false;
    }
    return true;
}

static void free_folder(struct folder *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->entries[i].name);
    free(f->entries);
}

static int compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->is_folder != b->is_folder)
        return a->is_folder ? -1 : 1;
    int order = strcasecmp(a->name, b->name);
    return order ? order : strcmp(a->name, b->name);
}

/* --- writing --- */

static void write_size(struct buf *page, off_t size)
{
    static const char units[] = "BKMGTPE";
    double value = (double)size;
    size_t unit = 0;
    for (; value >= 1000 && unit + 2 < sizeof units; unit++)
        value /= 1024;
    buf_printf(page, unit == 0 ? "%.0f&nbsp;%c" : "%.1f&nbsp;%c", value, units[unit]);
}

static void write_entry(struct buf *page, const struct entry *e)
{
    const char *slash = e->is_folder ? "/" : "";
    char link[3 * NAME_MAX + 1], date[32] = "";
    struct tm tm;
    uri_encode(e->name, link);
    buf_printf(page, "<tr><td><a href=\"./%s%s\">", link, slash);
    buf_html(page, e->name, strlen(e->name));
    buf_printf(page, "%s</a><td>", slash);
    if (!e->is_folder)
        write_size(page, e->size);
    if (gmtime_r(&e->modified, &tm)) /* some file systems hold years that no int does */
        strftime(date, sizeof date, "%Y-%m-%d %H:%M", &tm);
    buf_printf(page, "<td>%s\n", date);
}

static void write_page(struct buf *page, const char *path, const struct folder *f)
{
    static const char head[] = "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                               "<meta name=\"viewport\" content=\"width=device-width\">\n<title>";
    static const char style[] =
        "</title>\n<style>\nbody { font-family: sans-serif; margin: 1em auto; max-width: 50em; "
        "padding: 0 1em }\n"
        "table { border-collapse: collapse; width: 100% }\n"
        "td, th { padding: .4em .3em; text-align: right; white-space: nowrap }\n"
        "td:first-child, th:first-child { overflow-wrap: anywhere; text-align: left; white-space: "
        "normal }\ntr + tr { border-top: 1px solid #ccc }\n</style>\n<h1>";
    buf_text(page, head);
    buf_html(page, path, strlen(path));
    buf_text(page, style);
    buf_html(page, path, strlen(path));
    buf_text(page, "</h1>\n<table>\n<tr><th>Name<th>Size<th>Modified (UTC)\n");
    if (strcmp(path, "/") != 0)
        buf_text(page, "<tr><td><a href=\"../\">..</a><td><td>\n");
    for (size_t i = 0; i < f->count; i++)
        write_entry(page, &f->entries[i]);
    buf_text(page, "</table>\n");
    if (f->has_more)
        buf_printf(page, "<p>There are more than %d; the others are not shown.</p>\n",
                   LISTING_LIMIT);
    buf_text(page, "</html>\n");
}

static int answer(struct response *res, const char *path, const struct folder *f)
{
    struct buf page;
    buf_init(&page, PAGE_LIMIT);
    write_page(&page, path, f);
    response_type(res, "text/html; charset=utf-8");
    bool ok = !page.failed && response_write(res, page.data, page.len);
    buf_free(&page);
    return ok ? 0 : 500;
}

int listing_answer(const struct beneath *b, const char *name, const char *path,
                   struct response *res)
{
    struct folder folder = {0};
    int fd = beneath_open(b, *name ? name : ".", O_RDONLY | O_DIRECTORY);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        int status = beneath_status(errno);
        if (fd >= 0)
            close(fd);
        return status;
    }
    bool ok = read_folder(b, name, dir, &folder);
    closedir(dir);
    if (folder.count > 0)
        qsort(folder.entries, folder.count, sizeof *folder.entries, compare);
    int status = ok ? answer(res, path, &folder) : 500;
    free_folder(&folder);
    return status;
}
