/*
 * terminal.c — see terminal.h.
 */
#include "terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../units.h"

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && value[0];
}

/* Asked of a locale of its own, so that numbers elsewhere keep their decimal points. */
static bool writes_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", NULL);
    if (!locale)
        return false;
    bool yes = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return yes;
}

struct terminal terminal_at(int fd)
{
    const char *term = getenv("TERM");
    struct terminal t = {.fd = fd};
    t.live = isatty(fd) && term && term[0] && strcmp(term, "dumb") != 0;
    t.colour = t.live && !is_set("NO_COLOR");
    t.utf8 = writes_utf8();
    return t;
}

static unsigned size_of(const char *name, unsigned told, unsigned otherwise)
{
    int64_t given;
    const char *value = getenv(name);
    if (value && parse_count(value, 1, 10000, &given))
        return (unsigned)given;
    return told > 0 ? told : otherwise;
}

unsigned terminal_columns(const struct terminal *t)
{
    struct winsize size;
    unsigned told = ioctl(t->fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    return size_of("COLUMNS", told, 80);
}

unsigned terminal_rows(const struct terminal *t)
{
    struct winsize size;
    unsigned told = ioctl(t->fd, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
    return size_of("LINES", told, 24);
}
