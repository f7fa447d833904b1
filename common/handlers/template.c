/*
 * template.c — from one pair of braces to the next.
 */
#include "template.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 32 };

struct job {
    struct buf *out;
    const struct template_word *words;
    const struct template_section *sections;
    void *about;
};

static void write_word(const struct job *job, const char *name)
{
    const struct template_word *w = job->words;
    while (w->name && strcmp(w->name, name) != 0)
        w++;
    if (w->name)
        w->write(job->out, job->about);
    else
        job->out->failed = true;
}

static const struct template_section *section_of(const struct job *job, const char *name)
{
    const struct template_section *s = job->sections;
    while (s->name && strcmp(s->name, name) != 0)
        s++;
    return s->name ? s : NULL;
}

static void write_span(const struct job *job, const char *at, const char *end);

/* `at` is behind "{{#name}}"; returns the place behind "{{/name}}", or `end` where there is none. */
static const char *write_section(const struct job *job, const char *name, const char *at,
                                 const char *end)
{
    char mark[NAME_SIZE + 8];
    snprintf(mark, sizeof mark, "{{/%s}}", name);
    const char *close = memmem(at, (size_t)(end - at), mark, strlen(mark));
    const struct template_section *s = section_of(job, name);
    if (!close || !s) {
        job->out->failed = true;
        return end;
    }
    for (size_t i = 0; s->choose(job->about, i); i++)
        write_span(job, at, close);
    return close + strlen(mark);
}

/* Sections lie in sections; so deep goes the recursion, and no deeper. */
static void write_span(const struct job *job, const char *at, const char *end)
{
    while (at < end && !job->out->failed) {
        char name[NAME_SIZE];
        const char *open = memmem(at, (size_t)(end - at), "{{", 2);
        buf_add(job->out, at, (size_t)((open ? open : end) - at));
        if (!open)
            return;
        const char *close = memmem(open, (size_t)(end - open), "}}", 2);
        if (!close || close - open - 2 >= NAME_SIZE) {
            job->out->failed = true;
            return;
        }
        snprintf(name, sizeof name, "%.*s", (int)(close - open - 2), open + 2);
        at = close + 2;
        if (name[0] == '#')
            at = write_section(job, name + 1, at, end);
        else
            write_word(job, name);
    }
}

bool template_write(struct buf *out, const char *text, const struct template_word *words,
                    const struct template_section *sections, void *about)
{
    struct job job = {.out = out, .words = words, .sections = sections, .about = about};
    write_span(&job, text, text + strlen(text));
    return !out->failed;
}
