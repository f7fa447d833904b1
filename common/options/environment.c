/*
 * environment.c — TANDEM_… variables, known and unknown.
 *
 * An unknown one is refused like an unknown flag, since a typing mistake would otherwise go unnoticed.
 * Some variables begin like ours without being meant for us.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sources.h"
#include "value.h"

#define PREFIX "TANDEM_"

enum { VALUE_ROOM = LIMIT_TEXTS * 128 };

/* Several values, separated by spaces. The copy is cut up; the environment itself must stay whole for a
 * program we may become. */
static void read_values(struct reader *r, const struct row *row, const char *place,
                        const char *text)
{
    char *rest = NULL, *copy = strlen(text) > VALUE_ROOM ? NULL : keep(r, text);
    if (!copy) {
        found_of(r, row)->source = BY_VARIABLE;
        found_of(r, row)->is_bad =
            !complain(r, place, "is longer than %d bytes: leave some out", VALUE_ROOM);
        return;
    }
    for (char *one = strtok_r(copy, " ", &rest); one; one = strtok_r(NULL, " ", &rest))
        take_value(r, row, BY_VARIABLE, place, one);
}

static void read_variable(struct reader *r, const struct row *row)
{
    char place[NAME_ROOM];
    const char *text = getenv(variable_name(row, place));
    if (!text || !*text || found_of(r, row)->source != BY_DEFAULT)
        return;
    if (!belongs_here(r, row, place, BY_VARIABLE))
        return;
    if (is_list(row))
        read_values(r, row, place, text);
    else
        take_value(r, row, BY_VARIABLE, place, text);
}

/* What the load tool and the tests go by. */
static bool is_of_our_tools(const char *name, size_t length)
{
    static const char *const names[] = {"SCENARIOS", "PROC",     "THREAD", "LOADTEST", "EXAMPLES",
                                        "MODULES",   "SOURCE",   "PRESET", "RELAY",    "LONG",
                                        "MATRIX",    "PICTURES", "WERROR", "FAULT",    "UNITS",
                                        "CACHE",     NULL};
    for (const char *const *known = names; *known; known++)
        if (strlen(*known) == length && strncmp(*known, name, length) == 0)
            return true;
    return false;
}

/* TANDEM_SERVICE_HOST, TANDEM_PORT=tcp://…, TANDEM_PORT_8080_TCP_ADDR and so on are what Kubernetes and
 * Docker tell everybody of a service that is called "tandem" or "tandem-…".
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables */
static bool is_of_a_service(const char *variable, size_t length)
{
    const char *port = strstr(variable, "_PORT");
    const char *host = strstr(variable, "_SERVICE_");
    const char *value = variable + length;
    if (host && host < value)
        return true;
    for (; port && port < value; port = strstr(port + 1, "_PORT"))
        if (port[5] == '_' && isdigit((unsigned char)port[6]))
            return true;
        else if (port + 5 == value && strstr(value, "://"))
            return true;
    return false;
}

/* `variable` is "TANDEM_NAME=VALUE". */
static void judge_variable(struct reader *r, const char *variable)
{
    char place[NAME_ROOM + 16], name[NAME_ROOM + 16];
    size_t prefix = strlen(PREFIX), length = strcspn(variable, "=");
    if (is_of_our_tools(variable + prefix, length - prefix) || is_of_a_service(variable, length) ||
        !variable[length] || !variable[length + 1])
        return;
    size_t shown = length < sizeof place ? length : sizeof place - 1;
    memcpy(place, variable, shown);
    place[shown] = '\0';
    memcpy(name, place + prefix, shown - prefix + 1);
    for (char *c = name; *c; c++)
        *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    if (!find_row(name, shown - prefix))
        complain_unknown(r, place, name, shown - prefix, BY_VARIABLE);
}

void read_environment(struct reader *r)
{
    for (const struct row *row = option_rows; row->name; row++)
        if (row->kind != QUESTION)
            read_variable(r, row);
    for (char **variable = environ; variable && *variable; variable++)
        if (strncmp(*variable, PREFIX, strlen(PREFIX)) == 0)
            judge_variable(r, *variable);
}
