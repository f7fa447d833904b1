/*
 * fault.c — reads one --inject.
 */
#include "fault.h"

#include <stdio.h>
#include <string.h>

#include "../units.h"

/* The kinds that are not simply a request to /fault/KIND. What each fault of the wire does stands in
 * mischief.c. */
static const struct {
    const char *name;
    enum fault_level level;
    int64_t lasting_ns;               /* unless told otherwise; 0: it takes no time */
} kinds[] = {{"drip", FAULT_WIRE, 0}, /* what each does: mischief.h */
             {"half-close", FAULT_WIRE, 0},
             {"reset-request", FAULT_WIRE, 0},
             {"reset-response", FAULT_WIRE, 0},
             {"garbage", FAULT_WIRE, 0},
             {"stalled-reader", FAULT_WIRE, 0},
             {"kill-worker", FAULT_PROCESS, 0},   /* SIGKILL to one of the server's workers */
             {"freeze", FAULT_PROCESS, NS_PER_S}, /* all its processes stopped, then continued */
             {"restart", FAULT_PROCESS, 0},       /* TERM, then started again */
             {"reload", FAULT_PROCESS, 0}};       /* HUP */

enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* What the table says of the kind; `lasting` is the text between ":" and what follows it, or
 * NULL. */
static bool look_up(struct injection *injection, const char *lasting, struct complaint *why)
{
    size_t i = 0;
    while (i < KINDS && strcmp(kinds[i].name, injection->kind) != 0)
        i++;
    if (i < KINDS) {
        injection->level = kinds[i].level;
        injection->lasting_ns = kinds[i].lasting_ns;
    }
    if (!lasting)
        return true;
    if (injection->lasting_ns == 0)
        return complain(why, "%s takes no time: leave \":%s\" out", injection->kind, lasting);
    return (parse_duration(lasting, &injection->lasting_ns) && injection->lasting_ns > 0) ||
           complain(why, "\"%s\" is not a duration such as 6s, as in %s:6s@2s", lasting,
                    injection->kind);
}

/* Cuts "freeze:6s" at the colon; what is behind it, or NULL. */
static const char *cut_lasting(char *head)
{
    char *colon = strchr(head, ':');
    if (!colon)
        return NULL;
    *colon = '\0';
    return colon + 1;
}

/* "5s" or "5s/2s". */
static bool parse_moments(const char *text, struct injection *injection, struct complaint *why)
{
    char first[SHORT_TEXT];
    const char *slash = strchr(text, '/');
    snprintf(first, sizeof first, "%.*s", slash ? (int)(slash - text) : (int)strlen(text), text);
    if (!parse_duration(first, &injection->first_ns))
        return complain(why, "\"%s\" is not a moment such as 5s", first);
    if (slash &&
        (!parse_duration(slash + 1, &injection->every_ns) || injection->every_ns < NS_PER_MS))
        return complain(why, "\"%s\" is not an interval such as 2s, of 1ms at least", slash + 1);
    return true;
}

bool injection_parse(const char *text, struct injection *injection, struct complaint *why)
{
    size_t length = strcspn(text, "=@");
    char head[2 * KIND_SIZE];
    memset(injection, 0, sizeof *injection);
    snprintf(head, sizeof head, "%.*s", (int)(length < sizeof head ? length : 0), text);
    const char *lasting = cut_lasting(head);
    size_t name = strlen(head);
    if (name == 0 || name >= KIND_SIZE ||
        strspn(head, "abcdefghijklmnopqrstuvwxyz0123456789-_") != name || text[length] == '\0')
        return complain(why, "\"%s\" is not KIND=SHARE%%, KIND@5s or KIND@5s/2s", text);
    memcpy(injection->kind, head, name);
    if (!look_up(injection, lasting, why))
        return false;
    const char *rest = text + length + 1;
    if (text[length] == '@')
        return parse_moments(rest, injection, why);
    if (injection->level == FAULT_PROCESS)
        return complain(why,
                        "%s is done to a process, not to a share of the requests: say when, as in "
                        "%s@5s or %s@5s/2s",
                        head, head, head);
    return parse_share(rest, &injection->share) ||
           complain(why, "\"%s\" is not a share such as 1%% or 0.1%%", rest);
}
