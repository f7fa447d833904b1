/*
 * infile.c — a pipe is as good as a file: nothing is asked but bytes until the end.
 */
#include "infile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM ((size_t)64 * 1024)
static const char blanks[] = " \t\r";

bool infile_beside(const char *folder, const char *name, char out[INFILE_NAME_MAX],
                   struct complaint *why)
{
    bool joined = folder && name[0] != '/';
    int n = snprintf(out, INFILE_NAME_MAX, "%s%s%s", joined ? folder : "", joined ? "/" : "", name);
    return (n >= 0 && n < INFILE_NAME_MAX) || complain(why, "the file's name is too long");
}

/* Doubles the room until all is in. False, with errno, when that fails. */
static bool read_all(FILE *in, size_t most, char **data, size_t *length)
{
    size_t room = FIRST_ROOM;
    for (*length = 0;; room *= 2) {
        char *more = realloc(*data, room + 1);
        if (!more)
            return false;
        *data = more;
        *length += fread(*data + *length, 1, room - *length, in);
        if (ferror(in))
            return false;
        errno = EFBIG;
        if (*length > most)
            return false;
        if (*length < room)
            return true;
    }
}

char *infile_read(const char *name, size_t most, size_t *length, struct complaint *why)
{
    char *data = NULL;
    FILE *in = fopen(name, "rb");
    bool good = in && read_all(in, most, &data, length);
    int error = errno;
    if (in)
        fclose(in);
    if (good) {
        data[*length] = '\0';
        return data;
    }
    free(data);
    if (error == EFBIG)
        complain(why, "file %s is larger than %zu MiB", name, most >> 20);
    else
        complain(why, "file %s cannot be read: %s", name, strerror(error));
    return NULL;
}

static char *trim(char *text)
{
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

char *lines_next(struct lines *l)
{
    while (*l->at) {
        char *line = l->at;
        char *end = strchrnul(line, '\n');
        l->at = *end ? end + 1 : end;
        *end = '\0';
        l->number++;
        line = trim(line);
        if (*line && *line != '#')
            return line;
    }
    return NULL;
}

char *word_next(char **text)
{
    char *word = *text;
    char *end = word + strcspn(word, blanks);
    *text = end + strspn(end, blanks);
    *end = '\0';
    return word;
}
