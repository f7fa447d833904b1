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
        if (table->set && strlen(table->name) == length && memcmp(table->name, name, length) == 0)
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

/* A walk along argv. */
struct walk {
    const struct option_spec *table;
    int argc, i;
    char *const *argv;
    bool ended; /* "--" was met */
    const struct option_spec *spec;
    const char *text, *value;
};

enum step { OPERAND, OPTION, UNKNOWN, END };

/* What comes next, in `text`, `spec` and `value`. */
static enum step next(struct walk *w)
{
    w->spec = NULL;
    if (!w->ended && w->i < w->argc && strcmp(w->argv[w->i], "--") == 0) {
        w->ended = true;
        w->i++;
    }
    if (w->i >= w->argc)
        return END;
    w->text = w->argv[w->i++];
    if (w->ended || w->text[0] != '-' || w->text[1] == '\0')
        return OPERAND;
    w->spec = recognise(w->table, w->text, &w->value);
    if (!w->spec)
        return UNKNOWN;
    if (w->spec->value && !w->value && w->i < w->argc)
        w->value = w->argv[w->i++];
    return OPTION;
}

bool options_parse(const struct option_spec *table, void *into, int argc, char *const *argv,
                   bool (*operand)(void *into, const char *text, struct complaint *why),
                   const char *program, struct complaint *why)
{
    struct walk w = {.table = table, .argc = argc, .argv = argv};
    for (;;) {
        bool good = true;
        switch (next(&w)) {
        case OPERAND:
            good = operand(into, w.text, why);
            break;
        case OPTION:
            good = take(w.spec, into, w.text, w.value, why);
            break;
        case UNKNOWN:
            return complain(why, "unknown option %s: see %s --help", w.text, program);
        case END:
            return true;
        }
        if (!good)
            return false;
    }
}

const char *options_find(const struct option_spec *table, int argc, char *const *argv,
                         const char *name)
{
    struct walk w = {.table = table, .argc = argc, .argv = argv};
    const char *value = NULL;
    for (enum step step = next(&w); step != END; step = next(&w))
        if (step == OPTION && strcmp(w.spec->name, name) == 0)
            value = w.value;
    return value;
}

bool options_set(const struct option_spec *table, void *into, const char *name, const char *value,
                 struct complaint *why)
{
    struct complaint detail;
    const struct option_spec *spec = by_name(table, name, strlen(name));
    if (!spec)
        return complain(why, "there is no option \"%s\"", name);
    if (spec->value && !value)
        return complain(why, "%s needs a value: %s %s", name, name, spec->value);
    if (!spec->value && value)
        return complain(why, "%s takes no value", name);
    return spec->set(into, value, &detail) || complain(why, "%s: %s", name, detail.text);
}

bool option_file(const char *value, const char **name, struct complaint *why)
{
    *name = value;
    return value[0] != '\0' || complain(why, "a file name is missing; - stands for stdout");
}

bool option_file_only(const char *value, const char **name, struct complaint *why)
{
    *name = value;
    return (value[0] != '\0' && strcmp(value, "-") != 0) ||
           complain(why, "a file name is missing; only --json can write to stdout");
}

void options_help(const struct option_spec *table, FILE *out)
{
    for (; table->name; table++) {
        if (!table->help)
            continue;
        if (!table->set) {
            fprintf(out, "%s\n", table->help);
            continue;
        }
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", table->name, table->value ? " " : "",
                 table->value ? table->value : "");
        if (table->letter)
            fprintf(out, "  -%c, %-22s %s\n", table->letter, left, table->help);
        else
            fprintf(out, "      %-22s %s\n", left, table->help);
    }
}
