/*
 * fault.c — reads one --inject.
 */
#include "fault.h"

#include <stdio.h>
#include <string.h>

#include "units.h"

/* The kinds that are not simply a request to /fault/KIND. What each fault of the wire does stands in
 * mischief.c. */
static const struct {
    const char *name;
    enum fault_level level;
} kinds[] = {
    {"drip", FAULT_WIRE},           {"half-close", FAULT_WIRE}, {"reset-request", FAULT_WIRE},
    {"reset-response", FAULT_WIRE}, {"garbage", FAULT_WIRE},    {"stalled-reader", FAULT_WIRE},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void look_up(struct injection *injection)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, injection->kind) == 0)
            injection->level = kinds[i].level;
}

bool injection_parse(const char *text, struct injection *injection, struct complaint *why)
{
    size_t length = strcspn(text, "=@");
    memset(injection, 0, sizeof *injection);
    if (length == 0 || length >= KIND_SIZE ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") != length || text[length] == '\0')
        return complain(why, "\"%s\" is not KIND=SHARE%%, KIND@5s or KIND@5s/2s", text);
    memcpy(injection->kind, text, length);
    look_up(injection);
    const char *rest = text + length + 1;
    if (text[length] == '=') {
        if (!parse_share(rest, &injection->share))
            return complain(why, "\"%s\" is not a share such as 1%% or 0.1%%", rest);
        return true;
    }
    char first[SHORT_TEXT];
    const char *slash = strchr(rest, '/');
    snprintf(first, sizeof first, "%.*s", slash ? (int)(slash - rest) : (int)strlen(rest), rest);
    if (!parse_duration(first, &injection->first_ns))
        return complain(why, "\"%s\" is not a moment such as 5s", first);
    if (slash && (!parse_duration(slash + 1, &injection->every_ns) || injection->every_ns == 0))
        return complain(why, "\"%s\" is not an interval such as 2s", slash + 1);
    return true;
}
