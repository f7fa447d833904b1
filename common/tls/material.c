/*
 * material.c — items in a row: a head, the name with its NUL, the bytes. Nothing is aligned, so all
 * heads are copied out. Files are read straight into the block: there is no second copy of a key.
 */
#include "material.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library.h"
#include "self_signed.h"

struct head {
    uint32_t kind;
    uint32_t name_size; /* with its NUL */
    uint32_t length;
};

/* --- the block --- */

/* Room for the bytes of an item of this name; *at is where they begin. 0: there is none. */
static size_t room_for(const struct material *m, const char *name, size_t *at)
{
    *at = m->used + sizeof(struct head) + strlen(name) + 1;
    return *at < MATERIAL_ROOM ? MATERIAL_ROOM - *at : 0;
}

/* The bytes lie in their place already. */
static void close_item(struct material *m, enum material_kind kind, const char *name, size_t length)
{
    struct head head = {
        .kind = kind, .name_size = (uint32_t)strlen(name) + 1, .length = (uint32_t)length};
    memcpy(m->items + m->used, &head, sizeof head);
    memcpy(m->items + m->used + sizeof head, name, head.name_size);
    m->used += (uint32_t)sizeof head + head.name_size + head.length;
}

bool material_add(struct material *m, enum material_kind kind, const char *name, const void *bytes,
                  size_t length)
{
    size_t at;
    if (room_for(m, name, &at) < length)
        return false;
    memcpy(m->items + at, bytes, length);
    close_item(m, kind, name, length);
    return true;
}

bool material_next(const struct material *m, size_t *at, struct material_item *item)
{
    struct head head;
    size_t end = m->used <= MATERIAL_ROOM ? m->used : MATERIAL_ROOM;
    if (*at > end || end - *at < sizeof head)
        return false;
    memcpy(&head, m->items + *at, sizeof head);
    size_t left = end - *at - sizeof head;
    const char *name = m->items + *at + sizeof head;
    if (head.name_size == 0 || head.name_size > left || head.length > left - head.name_size ||
        name[head.name_size - 1] != '\0')
        return false;
    *item = (struct material_item){.kind = (enum material_kind)head.kind,
                                   .name = name,
                                   .bytes = name + head.name_size,
                                   .length = head.length};
    *at += sizeof head + head.name_size + head.length;
    return true;
}

/* The compiler must not think that nobody will look. */
void material_wipe(struct material *m)
{
    explicit_bzero(m, sizeof *m);
}

/* --- files --- */

/* Who asks for which file, for messages. */
struct wish {
    const char *option; /* where it is configured */
    enum material_kind kind;
    const char *file;
};

static const char *mend(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return ": correct the path, or put the file there";
    case EACCES:
        return ": let the user who starts the server read it";
    default:
        return "";
    }
}

static bool cannot_read(const struct wish *w, char *why, size_t size)
{
    int error = errno;
    return tls_refuse(why, size, "%s %s cannot be read: %s%s", w->option, w->file, strerror(error),
                      mend(error));
}

/* A pipe would keep the server waiting, and could not be read again at HUP. */
static bool is_file(const struct wish *w, int fd, char *why, size_t size)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return cannot_read(w, why, size);
    return S_ISREG(st.st_mode) ||
           tls_refuse(why, size, "%s %s is %s: give a file", w->option, w->file,
                      S_ISDIR(st.st_mode) ? "a folder" : "no regular file");
}

static bool read_whole(struct material *m, const struct wish *w, int fd, char *why, size_t size)
{
    size_t at, length = 0, room = room_for(m, w->file, &at);
    ssize_t n = 0;
    while (length < room && (n = read(fd, m->items + at + length, room - length)) > 0)
        length += (size_t)n;
    if (n < 0)
        return cannot_read(w, why, size);
    if (length == room)
        return tls_refuse(
            why, size,
            "%s %s is too large: all files of TLS together may have %d KiB; is it the "
            "right one?",
            w->option, w->file, MATERIAL_ROOM / 1024);
    if (length == 0)
        return tls_refuse(why, size, "%s %s is empty: put into it what belongs there", w->option,
                          w->file);
    close_item(m, w->kind, w->file, length);
    return true;
}

static bool take(struct material *m, const char *option, enum material_kind kind, const char *file,
                 char *why, size_t size)
{
    const struct wish w = {.option = options_place_of(option, file), .kind = kind, .file = file};
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return cannot_read(&w, why, size);
    bool ok = is_file(&w, fd, why, size) && read_whole(m, &w, fd, why, size);
    close(fd);
    return ok;
}

static bool take_pairs(struct material *m, const struct options *o, char *why, size_t size)
{
    for (size_t i = 0; i < o->tls_certs.count; i++)
        if (!take(m, "tls-cert", MATERIAL_CERT, o->tls_certs.all[i], why, size) ||
            !take(m, "tls-key", MATERIAL_KEY, o->tls_keys.all[i], why, size))
            return false;
    return !o->tls_self_signed || self_signed_make(m, o, why, size);
}

static bool take_the_rest(struct material *m, const struct options *o, char *why, size_t size)
{
    for (size_t i = 0; i < o->tls_ocsp.count; i++)
        if (!take(m, "tls-ocsp", MATERIAL_OCSP, o->tls_ocsp.all[i], why, size))
            return false;
    return !o->tls_client_ca ||
           take(m, "tls-client-ca", MATERIAL_CLIENT_CA, o->tls_client_ca, why, size);
}

bool material_read(struct material *m, const struct options *o, char *why, size_t size)
{
    m->used = 0;
    if (take_pairs(m, o, why, size) && take_the_rest(m, o, why, size))
        return true;
    material_wipe(m);
    return false;
}
