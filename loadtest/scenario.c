/*
 * scenario.c — finds the file, and hands each of its lines to the table of options.
 */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/infile.h"

#define FILE_MAX ((size_t)1 << 20)

static bool is_file_name(const char *name)
{
    size_t length = strlen(name);
    return strchr(name, '/') || (length > 4 && strcmp(name + length - 4, ".scn") == 0);
}

static bool is_there(const char *folder, const char *name, char out[INFILE_NAME_MAX])
{
    int n = snprintf(out, INFILE_NAME_MAX, "%s/%s.scn", folder, name);
    return n > 0 && n < INFILE_NAME_MAX && access(out, R_OK) == 0;
}

/* The folder the program lies in. */
static bool find_program(char folder[INFILE_NAME_MAX])
{
    ssize_t n = readlink("/proc/self/exe", folder, INFILE_NAME_MAX - 1);
    folder[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    return slash != NULL;
}

/* Folder number `i` of those in which names are looked for; false: there are not so many. */
static bool find_folder(size_t i, char out[INFILE_NAME_MAX])
{
    static const char *const places[] = {"scenarios", "../share/tandem/scenarios"};
    const char *own = getenv("TANDEM_SCENARIOS");
    char program[INFILE_NAME_MAX];
    int n = -1;
    if (own && *own)
        n = i == 0 ? snprintf(out, INFILE_NAME_MAX, "%s", own) : -1;
    else if (i < sizeof places / sizeof places[0] && find_program(program))
        n = snprintf(out, INFILE_NAME_MAX, "%s/%s", program, places[i]);
    return n >= 0 && n < INFILE_NAME_MAX;
}

static const char *origin(void)
{
    const char *own = getenv("TANDEM_SCENARIOS");
    return own && *own ? " (TANDEM_SCENARIOS)" : "";
}

static bool find(const char *name, char out[INFILE_NAME_MAX], struct complaint *why)
{
    char folder[INFILE_NAME_MAX] = "";
    if (is_file_name(name))
        return infile_beside(NULL, name, out, why);
    for (size_t i = 0; find_folder(i, folder); i++)
        if (is_there(folder, name, out))
            return true;
    find_folder(0, folder);
    return complain(why, "there is no %s.scn in %s%s: give the name of a file", name, folder,
                    origin());
}

bool scenario_list(glob_t *files, struct complaint *why)
{
    char folder[INFILE_NAME_MAX] = "", pattern[INFILE_NAME_MAX + 8];
    for (size_t i = 0; find_folder(i, folder); i++) {
        snprintf(pattern, sizeof pattern, "%s/*.scn", folder);
        if (glob(pattern, 0, NULL, files) == 0)
            return true;
        globfree(files);
    }
    find_folder(0, folder);
    return complain(why, "there is no scenario in %s%s", folder, origin());
}

static bool apply_line(struct run_options *o, char *line, struct complaint *why)
{
    char *value = line;
    const char *name = word_next(&value);
    return run_options_set(o, name, *value ? value : NULL, why);
}

static void read_title(struct run_options *o)
{
    const char *text = o->scenario_text;
    if (*text != '#')
        return;
    text += 1 + strspn(text + 1, "# \t");
    snprintf(o->scenario_title, sizeof o->scenario_title, "%.*s", (int)strcspn(text, "\r\n"), text);
}

static bool apply(struct run_options *o, const char *file, struct complaint *why)
{
    struct lines lines = {.at = o->scenario_text};
    struct complaint detail;
    for (char *line; (line = lines_next(&lines));)
        if (!apply_line(o, line, &detail))
            return complain(why, "%s:%u: %s", file, lines.number, detail.text);
    return true;
}

bool scenario_read(const char *name, struct run_options *o, struct complaint *why)
{
    char file[INFILE_NAME_MAX], folder[INFILE_NAME_MAX];
    size_t length;
    struct complaint detail;
    if (!find(name, file, &detail))
        return complain(why, "option --scenario: %s", detail.text);
    o->scenario_text = infile_read(file, FILE_MAX, &length, &detail);
    if (!o->scenario_text)
        return complain(why, "option --scenario: %s", detail.text);
    read_title(o);
    strcpy(folder, file);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    o->folder = slash ? folder : NULL;
    bool good = apply(o, file, why);
    o->folder = NULL;
    return good;
}
