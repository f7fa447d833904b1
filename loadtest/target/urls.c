/*
 * urls.c — a word that begins with a digit is a weight, one without a colon is a method.
 */
#include "urls.h"

#include <stdlib.h>
#include <string.h>

#include "../units.h"
#include "infile.h"
#include "shot.h"

#define FILE_MAX ((size_t)64 << 20)

static bool read_line(struct aim *aim, char *line, struct complaint *why)
{
    char *word = word_next(&line);
    if (*word >= '0' && *word <= '9') {
        if (!parse_rate(word, &aim->weight) || aim->weight <= 0)
            return complain(why, "\"%s\" is not a weight such as 1, 0.5 or 20", word);
        word = word_next(&line);
    }
    if (*word && !strchr(word, ':')) {
        aim->method = word;
        if (!method_is_valid(word) || (*word >= '0' && *word <= '9'))
            return complain(why, "\"%s\" is neither a method nor a URL", word);
        word = word_next(&line);
    }
    if (*word == '\0')
        return complain(why, "the URL is missing: write [WEIGHT] [METHOD] URL");
    if (*line)
        return complain(why, "\"%s\" follows the URL: write [WEIGHT] [METHOD] URL", line);
    aim->url = word;
    return true;
}

static size_t count_lines(const char *text)
{
    size_t n = 1;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static bool read_lines(struct url_list *list, struct complaint *why)
{
    struct lines lines = {.at = list->text};
    struct complaint detail;
    for (char *line; (line = lines_next(&lines));) {
        struct aim *aim = &list->aims[list->count];
        *aim = (struct aim){.weight = 1, .file = list->file, .line = lines.number};
        if (!read_line(aim, line, &detail))
            return complain(why, "%s:%u: %s", list->file, lines.number, detail.text);
        if (list->count++ == MAX_LISTED_URLS)
            return complain(why, "%s:%u: there can be %d URLs at most", list->file, lines.number,
                            MAX_LISTED_URLS);
    }
    return list->count > 0 || complain(why, "%s: there is no URL in it", list->file);
}

bool url_list_read(struct url_list *list, const char *file, struct complaint *why)
{
    size_t length;
    url_list_free(list);
    list->text = infile_read(file, FILE_MAX, &length, why);
    if (!list->text)
        return false;
    list->file = strdup(file);
    list->aims = calloc(count_lines(list->text), sizeof *list->aims);
    if (!list->file || !list->aims)
        return complain(why, "out of memory while reading %s", file);
    return read_lines(list, why);
}

void url_list_free(struct url_list *list)
{
    free(list->aims);
    free(list->text);
    free(list->file);
    *list = (struct url_list){0};
}
