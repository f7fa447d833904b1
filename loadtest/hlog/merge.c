/*
 * merge.c — one histogram for each tag, whatever the number and length of the logs.
 */
#include "merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../report/output.h"
#include "../report/report.h"
#include "../run.h"
#include "../units.h"
#include "hlog.h"
#include "merge_options.h"

enum { TAGS_MAX = 64 };

struct series {
    char tag[HLOG_TAG_SIZE]; /* empty: of the lines without one */
    uint64_t lines;
    double from_s, to_s; /* since the epoch, see hlog.h */
    struct hist hist;
};

/* Tells one file from another, whatever their names. */
struct identity {
    dev_t device;
    ino_t inode;
};

struct merged {
    const struct merge_options *options;
    struct series *series[TAGS_MAX]; /* in the order in which they appeared */
    size_t count;
    uint64_t lines, values;
    struct identity seen[MERGE_FILES_MAX];
    size_t seen_count;
};

/* ── Reading ───────────────────────────────────────────────────────────────────────────────────*/

static struct series *find_series(struct merged *m, const struct hlog_interval *interval,
                                  struct complaint *why)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->series[i]->tag, interval->tag) == 0)
            return m->series[i];
    if (m->count == TAGS_MAX) {
        complain(why, "there can be %d different tags at most", TAGS_MAX);
        return NULL;
    }
    struct series *s = calloc(1, sizeof *s);
    if (!s) {
        complain(why, "out of memory");
        return NULL;
    }
    memcpy(s->tag, interval->tag, sizeof s->tag);
    s->from_s = interval->start_s;
    m->series[m->count++] = s;
    return s;
}

static struct hist *take_line(void *context, const struct hlog_interval *interval,
                              struct complaint *why)
{
    struct merged *m = context;
    struct series *s = find_series(m, interval, why);
    if (!s)
        return NULL;
    double end_s = interval->start_s + interval->length_s;
    s->from_s = interval->start_s < s->from_s ? interval->start_s : s->from_s;
    s->to_s = end_s > s->to_s ? end_s : s->to_s;
    s->lines++;
    m->lines++;
    return &s->hist;
}

/* Nothing is counted twice: not a file that is given twice, nor the sum when it is made again with
 * `merge *.hlog --hlog all.hlog`. */
static bool check_identity(struct merged *m, FILE *in, const char *name, struct complaint *why)
{
    struct stat st, out;
    if (fstat(fileno(in), &st) != 0 || !S_ISREG(st.st_mode))
        return true;
    for (size_t i = 0; i < m->seen_count; i++)
        if (m->seen[i].device == st.st_dev && m->seen[i].inode == st.st_ino)
            return complain(why, "%s is given twice, and would count twice", name);
    if (m->options->hlog && stat(m->options->hlog, &out) == 0 && out.st_dev == st.st_dev &&
        out.st_ino == st.st_ino)
        return complain(why, "%s is to be read and written: name another file for --hlog", name);
    m->seen[m->seen_count++] = (struct identity){st.st_dev, st.st_ino};
    return true;
}

static bool read_file(struct merged *m, const char *name, struct complaint *why)
{
    FILE *in = fopen(name, "r");
    if (!in)
        return complain(why, "cannot read %s: %s", name, strerror(errno));
    bool good = check_identity(m, in, name, why) && hlog_read(in, name, take_line, m, why);
    fclose(in);
    return good;
}

static bool read_all(struct merged *m, struct complaint *why)
{
    for (size_t i = 0; i < m->options->file_count; i++)
        if (!read_file(m, m->options->files[i], why))
            return false;
    for (size_t i = 0; i < m->count; i++)
        m->values += m->series[i]->hist.total;
    return true;
}

/* ── Telling ───────────────────────────────────────────────────────────────────────────────────*/

static const struct {
    const char *title;
    double quantile;
} columns[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

static void cell(double us)
{
    char text[SHORT_TEXT];
    format_us(us, text);
    int width = 10 + (strstr(text, "µ") != NULL); /* µ takes two bytes and one column */
    printf("%*s", width, text);
}

static void write_text(const struct merged *m)
{
    char count[SHORT_TEXT], lines[SHORT_TEXT];
    printf("%zu log%s, %s lines\n\n  %-12s%16s      mean", m->options->file_count,
           m->options->file_count == 1 ? "" : "s", format_count(m->lines, lines), "tag", "count");
    for (size_t i = 0; i < COLUMNS; i++)
        printf("%10s", columns[i].title);
    puts("       max");
    for (size_t i = 0; i < m->count; i++) {
        const struct series *s = m->series[i];
        printf("  %-12s%16s", s->tag[0] ? s->tag : "(none)", format_count(s->hist.total, count));
        cell(hist_mean_us(&s->hist));
        for (size_t c = 0; c < COLUMNS; c++)
            cell((double)hist_quantile_us(&s->hist, columns[c].quantile));
        cell((double)s->hist.max_us);
        putchar('\n');
    }
}

static void json_series(struct json *j, const struct series *s)
{
    json_object(j, NULL);
    json_text(j, "tag", s->tag[0] ? s->tag : NULL);
    json_count(j, "lines", s->lines);
    json_count(j, "start_ms", (uint64_t)(s->from_s * 1e3 + 0.5)); /* since the epoch */
    json_count(j, "length_ms", (uint64_t)((s->to_s - s->from_s) * 1e3 + 0.5));
    report_json_latency(j, "latency_us", &s->hist);
    json_object_end(j);
}

static void write_json(FILE *out, const struct merged *m, const char *command)
{
    struct json j;
    json_begin(&j, out);
    json_object(&j, NULL);
    report_json_head(&j, "merge", command);
    json_array(&j, "files");
    for (size_t i = 0; i < m->options->file_count; i++)
        json_text(&j, NULL, m->options->files[i]);
    json_array_end(&j);
    json_array(&j, "tags");
    for (size_t i = 0; i < m->count; i++)
        json_series(&j, m->series[i]);
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
}

/* One line for each tag, from its earliest interval to the end of its last. */
static bool write_log(FILE *out, const struct merged *m)
{
    double start_s = m->series[0]->from_s;
    for (size_t i = 1; i < m->count; i++)
        start_s = m->series[i]->from_s < start_s ? m->series[i]->from_s : start_s;
    hlog_write_header(out, start_s);
    bool good = true;
    for (size_t i = 0; i < m->count && good; i++) {
        const struct series *s = m->series[i];
        good = hlog_write_line(out, s->tag, s->from_s - start_s, s->to_s - s->from_s, &s->hist);
    }
    return good;
}

enum { OUTPUT_JSON, OUTPUT_HLOG, OUTPUTS };

/* All files are opened before any is written, so that a bad name leaves the others as they were. */
static bool tell(const struct merged *m, const char *command, struct complaint *why)
{
    struct output outputs[OUTPUTS] = {
        [OUTPUT_JSON] = {.name = m->options->json}, [OUTPUT_HLOG] = {.name = m->options->hlog}};
    if (!outputs_open(outputs, OUTPUTS, why))
        return false;
    bool good = !outputs[OUTPUT_HLOG].file || write_log(outputs[OUTPUT_HLOG].file, m);
    if (outputs[OUTPUT_JSON].file)
        write_json(outputs[OUTPUT_JSON].file, m, command);
    if (!outputs_take_stdout(outputs, OUTPUTS))
        write_text(m);
    return (outputs_close(outputs, OUTPUTS, why) && good) ||
           (!good && complain(why, "cannot write %s", m->options->hlog));
}

static int merge(const struct merge_options *o, const char *command, struct complaint *why)
{
    static struct merged m; /* 16 KB of identities are no guest for a stack */
    int status = EXIT_INVALID;
    m = (struct merged){.options = o};
    if (read_all(&m, why)) {
        if (m.values == 0) {
            status = EXIT_NOTHING_TESTED;
            complain(why, "there are no values in %s",
                     o->file_count == 1 ? o->files[0] : "these logs");
        } else if (tell(&m, command, why)) {
            status = EXIT_HELD;
        }
    }
    for (size_t i = 0; i < m.count; i++)
        free(m.series[i]);
    return status;
}

int merge_main(int argc, char *const *argv, const char *command)
{
    static struct merge_options options;
    struct complaint why;
    if (!merge_options_parse(&options, argc, argv, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        return EXIT_INVALID;
    }
    if (options.help) {
        merge_options_help();
        return EXIT_HELD;
    }
    if (options.version) {
        puts("loadtest " TANDEM_VERSION);
        return EXIT_HELD;
    }
    int status = merge(&options, command, &why);
    if (status != EXIT_HELD)
        fprintf(stderr, "loadtest: %s\n", why.text);
    return status;
}
