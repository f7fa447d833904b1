/*
 * stage.c — ports first, since the command and the URLs must agree on them; then the server.
 */
#include "stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../machine.h"

/* A port nobody has, as the kernel picks one. */
static bool find_port(char out[6])
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof any;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&any, size) == 0 &&
                getsockname(fd, (struct sockaddr *)&any, &size) == 0;
    if (fd >= 0)
        close(fd);
    if (good)
        snprintf(out, 6, "%u", ntohs(any.sin_port));
    return good;
}

static const char *const names[STAGE_PORTS] = {
    [PORT] = "{port}", [TLS_PORT] = "{tls-port}", [ADMIN_PORT] = "{admin-port}"};

/* Whether `text` names a port anywhere. */
static bool has_names(const char *text)
{
    for (size_t i = 0; i < STAGE_PORTS; i++)
        if (strstr(text, names[i]))
            return true;
    return false;
}

/* Whether the port of index `i` is that of another as well: nobody has it yet, so it may come twice. */
static bool is_taken(const struct stage *s, size_t i)
{
    for (size_t k = 0; k < STAGE_PORTS; k++)
        if (k != i && strcmp(s->ports[k], s->ports[i]) == 0)
            return true;
    return false;
}

/* What a placeholder at the start of `text` stands for, and how long it is; NULL: there is none.
 * Empty when there is no free port. */
static const char *port_for(struct stage *s, const char *text, size_t *length)
{
    for (size_t i = 0; i < STAGE_PORTS; i++) {
        *length = strlen(names[i]);
        if (strncmp(text, names[i], *length) != 0)
            continue;
        while (!s->ports[i][0] || is_taken(s, i))
            if (!find_port(s->ports[i]))
                break;
        return s->ports[i];
    }
    return NULL;
}

static bool write_filled(struct stage *s, const char *text, FILE *out)
{
    bool good = true;
    while (*text) {
        size_t length;
        const char *port = port_for(s, text, &length);
        if (port) {
            good &= port[0] != '\0';
            fputs(port, out);
            text += length;
        } else {
            fputc(*text++, out);
        }
    }
    return good;
}

/* Replaces *text by one with its ports filled in, when it has placeholders. */
static bool fill(struct stage *s, const char **text, bool starts, struct complaint *why)
{
    char *filled = NULL;
    size_t size;
    if (!*text || !has_names(*text))
        return true;
    if (!starts)
        return complain(why, "%s: {port}, {tls-port} and {admin-port} are known only with --start",
                        *text);
    FILE *out = open_memstream(&filled, &size);
    bool good = out && write_filled(s, *text, out);
    good = out && fclose(out) == 0 && good;
    s->texts[s->text_count++] = filled;
    *text = filled;
    return good || complain(why, "no free port was found: %s", strerror(errno));
}

static bool fill_all(struct stage *s, struct run_options *o, struct complaint *why)
{
    bool starts = o->start != NULL;
    s->texts = calloc(2 + o->url_count + o->listed.count + o->injection_count, sizeof *s->texts);
    if (!s->texts)
        return complain(why, "out of memory");
    bool good = fill(s, &o->start, starts, why) && fill(s, &o->server_metrics, starts, why);
    for (size_t i = 0; good && i < o->url_count; i++)
        good = fill(s, &o->urls[i], starts, why);
    for (size_t i = 0; good && i < o->listed.count; i++)
        good = fill(s, &o->listed.aims[i].url, starts, why);
    for (size_t i = 0; good && i < o->injection_count; i++)
        good = fill(s, &o->injections[i].url, starts, why);
    return good;
}

static bool split_words(struct stage *s, const char *command, struct complaint *why)
{
    int error = wordexp(command, &s->words, WRDE_NOCMD | WRDE_UNDEF);
    if (error == 0 && s->words.we_wordc > 0)
        return true;
    if (error == 0) {
        wordfree(&s->words);
        s->words.we_wordv = NULL;
    }
    return complain(why, "--start '%s': %s", command,
                    error == 0              ? "which command?"
                    : error == WRDE_BADCHAR ? "quote | & ; < > ( ) { }: it is one command, not a "
                                              "line for a shell (sh -c '…' runs one)"
                    : error == WRDE_BADVAL  ? "a variable in it is not set"
                    : error == WRDE_CMDSUB  ? "no command is run for the sake of its output"
                                            : "its quotes do not match");
}

static bool make_log(struct stage *s, struct complaint *why)
{
    const char *tmp = machine_temporary();
    int n = snprintf(s->log, sizeof s->log, "%.40s/loadtest-XXXXXX", tmp);
    int fd = n > 0 && (size_t)n < sizeof s->log ? mkstemp(s->log) : -1;
    if (fd >= 0) {
        close(fd);
        return true;
    }
    s->log[0] = '\0';
    return complain(why,
                    "cannot make a log for the server in %s: %s: set TMPDIR to one that is "
                    "writable",
                    tmp, strerror(errno));
}

/* Has the command "--ready-fd 3", as our servers take it? Then it tells when it is ready. */
static bool announces(const wordexp_t *words)
{
    for (size_t i = 0; i < words->we_wordc; i++)
        if (strcmp(words->we_wordv[i], "--ready-fd=3") == 0 ||
            (strcmp(words->we_wordv[i], "--ready-fd") == 0 && i + 1 < words->we_wordc &&
             strcmp(words->we_wordv[i + 1], "3") == 0))
            return true;
    return false;
}

static bool start(struct stage *s, struct run_options *o, struct complaint *why)
{
    struct url url;
    if (!split_words(s, o->start, why) || !make_log(s, why) ||
        !url_parse(run_options_first_url(o), &url, why))
        return false;
    struct subject_plan plan = {.argv = s->words.we_wordv, .log = s->log, .cpu = -1};
    if (!announces(&s->words)) {
        if (!url_resolve(&url, &s->address, why))
            return false;
        plan.address = &s->address;
    }
    if (!subject_start(&s->subject, &plan, why))
        return false;
    o->subject = &s->subject;
    return true;
}

bool stage_open(struct stage *s, struct run_options *o, struct complaint *why)
{
    *s = (struct stage){.subject.pid = -1};
    if (fill_all(s, o, why) && (!o->start || start(s, o, why)))
        return true;
    stage_close(s);
    return false;
}

void stage_stop(struct stage *s)
{
    subject_stop(&s->subject);
}

void stage_close(struct stage *s)
{
    stage_stop(s);
    if (s->log[0])
        unlink(s->log);
    if (s->words.we_wordv)
        wordfree(&s->words);
    for (size_t i = 0; i < s->text_count; i++)
        free(s->texts[i]);
    free(s->texts);
    *s = (struct stage){.subject.pid = -1};
}
