/*
 * optparse.c — accepts -c64, -c 64, --connections=64 and --connections 64; "--" ends the options.
 */
#include "optparse.h"

#include <string.h>

static const struct option_spec *by_letter(const struct option_spec *table, char letter)
{
    for (; table->name; table++)
        if (table->letter && table->letter == letter)
            return table;
    return NULL;
}

static const struct option_spec *by_name(const struct option_spec *table, const char *name,
                                         size_t length)
{
    for (; table->name; table++)
        if (strlen(table->name) == length && memcmp(table->name, name, length) == 0)
            return table;
    return NULL;
}

/* Takes the option at argv[i] apart: which one it is, and the value written together with it. */
static const struct option_spec *recognise(const struct option_spec *table, const char *text,
                                           const char **attached)
{
    if (text[1] != '-') {
        *attached = text[2] ? text + 2 : NULL;
        return by_letter(table, text[1]);
    }
    size_t length = strcspn(text + 2, "=");
    *attached = text[2 + length] == '=' ? text + 2 + length + 1 : NULL;
    return by_name(table, text + 2, length);
}

static bool take(const struct option_spec *spec, void *into, const char *text, const char *value,
                 struct complaint *why)
{
    struct complaint detail;
    if (spec->value && !value)
        return complain(why, "option %s needs a value: %s %s", text, text, spec->value);
    if (!spec->value && value)
        return complain(why, "option --%s takes no value", spec->name);
    if (spec->set(into, value, &detail))
        return true;
    return complain(why, "option --%s: %s", spec->name, detail.text);
}

bool options_parse(const struct option_spec *table, void *into, int argc, char *const *argv,
                   bool (*operand)(void *into, const char *text, struct complaint *why),
                   const char *program, struct complaint *why)
{
    bool ended = false;
    for (int i = 0; i < argc; i++) {
        const char *text = argv[i];
        if (ended || text[0] != '-' || text[1] == '\0') {
            if (!operand(into, text, why))
                return false;
            continue;
        }
        if (strcmp(text, "--") == 0) {
            ended = true;
            continue;
        }
        const char *value;
        const struct option_spec *spec = recognise(table, text, &value);
        if (!spec)
            return complain(why, "unknown option %s: see %s --help", text, program);
        if (spec->value && !value && i + 1 < argc)
            value = argv[++i];
        if (!take(spec, into, text, value, why))
            return false;
    }
    return true;
}

void options_help(const struct option_spec *table, FILE *out)
{
    for (; table->name; table++) {
        if (!table->help)
            continue;
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", table->name, table->value ? " " : "",
                 table->value ? table->value : "");
        if (table->letter)
            fprintf(out, "  -%c, %-22s %s\n", table->letter, left, table->help);
        else
            fprintf(out, "      %-22s %s\n", left, table->help);
    }
}
