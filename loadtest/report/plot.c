/*
 * plot.c — a script for gnuplot, and what becomes of its drawing on the way into the page.
 *
 *   script (a memfd) ─▶ gnuplot ─▶ pipe ─▶ dress() line by line ─▶ page
 *
 * The script is complete before gnuplot starts and the drawing is read while it comes, so neither
 * side can wait for the other, and no file needs a name. gnuplot knows colours only as numbers;
 * ours are numbers that nobody would choose (#010100 and up), each standing for a CSS variable.
 */
#include "plot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "html.h"

enum {
    MARGIN_LEFT = 58, /* px: room for "500 ms" */
    MARGIN_RIGHT = 12,
    MARGIN_TOP = 22, /* the labels of marks */
    MARGIN_BOTTOM = 26,
    FONT = 12,     /* px */
    DOT = 6,       /* px: across */
    CHARACTER = 7, /* px: what one of a mark's label takes, roughly */
    FIRST_COLOUR = 0x010100
};

static const char *const colours[PLOT_COLOURS] = {
    [PLOT_INK] = "ink",       [PLOT_AXIS] = "axis",     [PLOT_GRID] = "grid",
    [PLOT_FAULT] = "fault",   [PLOT_FAIL] = "fail",     [PLOT_SERIES] = "s1",
    [PLOT_SERIES + 1] = "s2", [PLOT_SERIES + 2] = "s3", [PLOT_SERIES + 3] = "s4",
    [PLOT_SERIES + 4] = "s5", [PLOT_SERIES + 5] = "s6", [PLOT_SERIES + 6] = "s7",
    [PLOT_SERIES + 7] = "s8"};

const char *plot_colour_name(unsigned colour)
{
    return colours[colour];
}

void plot_init(struct plot *p, const char *title)
{
    memset(p, 0, sizeof *p);
    p->title = title;
}

struct plot_series *plot_add_series(struct plot *p, const char *name, unsigned colour)
{
    if (p->series_count == PLOT_SERIES_MAX)
        return NULL;
    struct plot_series *s = &p->series[p->series_count++];
    *s = (struct plot_series){.name = name, .colour = colour};
    return s;
}

void plot_add_point(struct plot *p, struct plot_series *s, double x, double y)
{
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        struct plot_point *points = realloc(s->points, room * sizeof *points);
        if (!points) {
            p->broken = true;
            return;
        }
        s->points = points;
        s->room = room;
    }
    s->points[s->count++] = (struct plot_point){x, y};
}

void plot_add_mark(struct plot *p, double at, const char *label, unsigned colour)
{
    if (p->mark_count == PLOT_MARKS)
        return;
    p->marks[p->mark_count].at = at;
    p->marks[p->mark_count].colour = colour;
    p->marks[p->mark_count++].label = label;
}

void plot_add_band(struct plot *p, double from, double to)
{
    size_t first = 0;
    while (first < p->band_count && p->bands[first].to < from)
        first++;
    size_t after = first; /* first … after - 1 touch the new one */
    for (; after < p->band_count && p->bands[after].from <= to; after++) {
        from = fmin(from, p->bands[after].from);
        to = fmax(to, p->bands[after].to);
    }
    if (after == first && p->band_count == PLOT_BANDS)
        return;
    memmove(&p->bands[first + 1], &p->bands[after], (p->band_count - after) * sizeof p->bands[0]);
    p->band_count = p->band_count - (after - first) + 1;
    p->bands[first].from = from;
    p->bands[first].to = to;
}

void plot_free(struct plot *p)
{
    for (size_t i = 0; i < p->series_count; i++)
        free(p->series[i].points);
    p->series_count = 0;
}

/* ── The script ────────────────────────────────────────────────────────────────────────────── */

/* Where `x` stands, in px from the left. */
static double place(const struct plot *p, const struct plot_size *size, double x)
{
    double room = size->width - MARGIN_LEFT - MARGIN_RIGHT;
    double share = p->x.log ? log(x / p->x.from) / log(p->x.to / p->x.from)
                            : (x - p->x.from) / (p->x.to - p->x.from);
    return MARGIN_LEFT + share * room;
}

static void write_scale(FILE *to, char name, const struct axis *a)
{
    fprintf(to, "set %crange [%.9g:%.9g] noextend\n%s logscale %c\n", name, a->from, a->to,
            a->log ? "set" : "unset", name);
}

/* A label as gnuplot's tics want it: % begins a format there. */
static void write_tick(FILE *to, const char *comma, const char *label, double at)
{
    fprintf(to, "%s'", comma);
    for (; *label; label++)
        fputs(*label == '%' ? "%%" : (char[]){*label, '\0'}, to);
    fprintf(to, "' %.9g", at);
}

/* The numbers below the x axis, less those that would run into their neighbour. */
static void write_x_axis(FILE *to, const struct plot *p, const struct plot_size *size)
{
    double free_from = 0;
    const char *comma = "set xtics scale 0 (";
    write_scale(to, 'x', &p->x);
    for (size_t i = 0; i < p->x.count; i++) {
        double half = CHARACTER * (double)strlen(p->x.ticks[i].label) / 2;
        double at = place(p, size, p->x.ticks[i].at);
        if (at - half < free_from || at + half > size->width)
            continue;
        free_from = at + half + CHARACTER;
        write_tick(to, comma, p->x.ticks[i].label, p->x.ticks[i].at);
        comma = ", ";
    }
    fputs(")\n", to);
}

static void write_y_axis(FILE *to, const struct axis *a)
{
    write_scale(to, 'y', a);
    for (size_t i = 0; i < a->count; i++)
        write_tick(to, i ? ", " : "set ytics scale 0 (", a->ticks[i].label, a->ticks[i].at);
    fputs(")\n", to);
}

static void write_frame(FILE *to, const struct plot *p, const struct plot_size *size)
{
    double w = size->width, h = size->height;
    fprintf(to,
            "set encoding utf8\n"
            "set terminal svg size %u,%u dynamic rounded noenhanced font 'sans-serif,%d'\n"
            "set lmargin at screen %.6f\nset rmargin at screen %.6f\n"
            "set bmargin at screen %.6f\nset tmargin at screen %.6f\n"
            "unset key\n"
            "set border 1 lc rgb '#%06x'\n"
            "set tics nomirror textcolor rgb '#%06x'\n"
            "set grid ytics lt 1 lw 1 dt solid lc rgb '#%06x'\n",
            size->width, size->height, FONT, MARGIN_LEFT / w, 1 - MARGIN_RIGHT / w,
            MARGIN_BOTTOM / h, 1 - MARGIN_TOP / h, FIRST_COLOUR + PLOT_AXIS,
            FIRST_COLOUR + PLOT_INK, FIRST_COLOUR + PLOT_GRID);
    write_x_axis(to, p, size);
    write_y_axis(to, &p->y);
}

/* The label of mark `i`, to the right of its line, or to the left where it would not fit; none when
 * it would begin before `free_from` (px). Returns where the next one may begin. */
static double write_label(FILE *to, const struct plot *p, const struct plot_size *size, size_t i,
                          double free_from)
{
    double x = p->marks[i].at, at = place(p, size, x);
    double width = CHARACTER * (double)strlen(p->marks[i].label) + 6;
    bool left = at + width > size->width;
    if ((left ? at - width : at) < free_from)
        return free_from;
    fprintf(
        to, "set label '@%zu@' at %.9g, graph 1 %s offset character %s, 0.7 tc rgb '#%06x' front\n",
        i, x, left ? "right" : "left", left ? "0.4" : "-0.4", FIRST_COLOUR + p->marks[i].colour);
    return left ? at : at + width;
}

static void write_marks(FILE *to, const struct plot *p, const struct plot_size *size)
{
    double free_from = 0;
    for (size_t i = 0; i < p->mark_count; i++) {
        double x = p->marks[i].at;
        if (x < p->x.from || x > p->x.to)
            continue;
        fprintf(to,
                "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead lw 1.2 lc rgb '#%06x' "
                "back\n",
                x, x,
                FIRST_COLOUR + (p->marks[i].colour == PLOT_INK ? PLOT_AXIS : p->marks[i].colour));
        free_from = write_label(to, p, size, i, free_from);
    }
}

static void write_bands(FILE *to, const struct plot *p)
{
    for (size_t i = 0; i < p->band_count; i++) {
        double from = fmax(p->bands[i].from, p->x.from);
        double until = fmin(p->bands[i].to, p->x.to);
        if (from < until)
            fprintf(to,
                    "set object rectangle from %.9g, graph 0 to %.9g, graph 1 behind fs solid 0.1 "
                    "noborder fc rgb '#%06x'\n",
                    from, until, FIRST_COLOUR + PLOT_FAULT);
    }
}

/* Whether point `k` has no neighbour that a line could lead to. */
static bool is_lone(const struct plot_series *s, size_t k)
{
    return isfinite(s->points[k].y) && (k == 0 || !isfinite(s->points[k - 1].y)) &&
           (k + 1 == s->count || !isfinite(s->points[k + 1].y));
}

static bool any_lone(const struct plot_series *s)
{
    for (size_t k = 0; k < s->count; k++)
        if (is_lone(s, k))
            return true;
    return false;
}

/* A dot is a line too short to be seen, with round ends: gnuplot's points are symbols, which have
 * names, and its circles are polygons of 3 kB each. */
static void write_dots(FILE *to, const struct plot *p, const struct plot_size *size,
                       const struct plot_series *s)
{
    const double length = 0.03; /* px: gnuplot counts hundredths */
    double share = length / (size->width - MARGIN_LEFT - MARGIN_RIGHT);
    for (size_t k = 0; k < s->count; k++) {
        double x = s->points[k].x, y = s->points[k].y;
        if (is_lone(s, k))
            fprintf(to, "%.12g %.9g\n%.12g %.9g\n\n", x, y,
                    p->x.log ? x * pow(p->x.to / p->x.from, share)
                             : x + share * (p->x.to - p->x.from),
                    y);
    }
}

static void write_data(FILE *to, const struct plot *p, const struct plot_size *size)
{
    for (size_t i = 0; i < p->series_count; i++) {
        const struct plot_series *s = &p->series[i];
        fprintf(to, "$d%zu << EOD\n", i);
        for (size_t k = 0; k < s->count; k++) {
            if (isfinite(s->points[k].y))
                fprintf(to, "%.9g %.9g\n", s->points[k].x, s->points[k].y);
            else
                fputc('\n', to); /* an empty line interrupts */
        }
        fputs("EOD\n", to);
        if (!any_lone(s))
            continue;
        fprintf(to, "$p%zu << EOD\n", i);
        write_dots(to, p, size, s);
        fputs("EOD\n", to);
    }
}

static void write_curves(FILE *to, const struct plot *p)
{
    const char *comma = "plot ";
    for (size_t i = 0; i < p->series_count; i++) {
        const struct plot_series *s = &p->series[i];
        unsigned colour = FIRST_COLOUR + s->colour;
        if (s->count == 0)
            continue;
        if (s->filled)
            fprintf(to,
                    "%s$d%zu using 1:2 with filledcurves y1=%.9g fs transparent solid 0.12 "
                    "noborder lc rgb '#%06x'",
                    comma, i, p->y.from, colour);
        comma = s->filled ? ", " : comma;
        fprintf(to, "%s$d%zu using 1:2 with lines lw %s %s lc rgb '#%06x'", comma, i,
                s->thin ? "0.9" : "1.8", s->dashed ? "dt (3,3)" : "dt solid", colour);
        comma = ", ";
        if (any_lone(s))
            fprintf(to, ", $p%zu using 1:2 with lines lw %d dt solid lc rgb '#%06x'", i, DOT,
                    colour);
    }
    fputs("\n", to);
}

static int write_script(const struct plot *p, const struct plot_size *size)
{
    int fd = memfd_create("plot", MFD_CLOEXEC);
    int copy = fd >= 0 ? dup(fd) : -1;
    FILE *to = copy >= 0 ? fdopen(copy, "w") : NULL;
    if (to) {
        write_frame(to, p, size);
        write_bands(to, p);
        write_marks(to, p, size);
        write_data(to, p, size);
        write_curves(to, p);
        bool good = !ferror(to);
        good &= fclose(to) == 0;
        if (good && lseek(fd, 0, SEEK_SET) == 0)
            return fd;
    } else if (copy >= 0) {
        close(copy);
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* ── The drawing ───────────────────────────────────────────────────────────────────────────── */

/* "rgb(  1,   1,   7)" or "#010107" at `s`: its length, and which of our colours it is. */
static size_t our_colour(const char *s, unsigned *colour)
{
    int length = 0;
    unsigned n = PLOT_COLOURS;
    if (sscanf(s, "rgb( 1 , 1 , %u )%n", &n, &length) != 1 || length == 0)
        if (sscanf(s, "#0101%2x%n", &n, &length) != 1 || length != 7)
            return 0;
    *colour = n;
    return n < PLOT_COLOURS ? (size_t)length : 0;
}

/* "@12@" at `s`: its length, and the mark whose label stands there. */
static size_t our_label(const char *s, const struct plot *p, const char **label)
{
    char *end;
    unsigned long i = strtoul(s + 1, &end, 10);
    if (s[0] != '@' || end == s + 1 || *end != '@' || i >= p->mark_count)
        return 0;
    *label = p->marks[i].label;
    return (size_t)(end + 1 - s);
}

/* Copies one line with the page's colours, font and texts in place of gnuplot's. */
static void dress(const char *line, const struct plot *p, FILE *out)
{
    static const char font[] = " font-family=\"sans-serif\"";
    unsigned colour;
    const char *label;
    while (*line) {
        size_t length = 0;
        if ((*line == 'r' || *line == '#') && (length = our_colour(line, &colour)) > 0)
            fprintf(out, "var(--plot-%s)", colours[colour]);
        else if (*line == '@' && (length = our_label(line, p, &label)) > 0)
            html_text(out, label);
        else if (strncmp(line, font, sizeof font - 1) == 0)
            length = sizeof font - 1;
        else
            fputc(*line, out);
        line += length > 0 ? length : 1;
    }
}

static bool starts(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* Reads a whole drawing. Its head, its definitions (of symbols that are not used) and its names
 * stay behind: several drawings share one page, and names must not come twice there. */
static bool read_drawing(FILE *in, const struct plot *p, FILE *out)
{
    char *line = NULL;
    size_t room = 0;
    bool inside = false, complete = false, defining = false;
    while (getline(&line, &room, in) > 0) {
        const char *text = line + strspn(line, " \t");
        if (starts(text, "<g id=\"gnuplot_canvas\">")) {
            inside = true;
            fputs("<g>\n", out);
        } else if (starts(text, "<defs>")) {
            defining = true;
        } else if (starts(text, "</defs>")) {
            defining = false;
        } else if (starts(text, "</svg>")) {
            complete = inside;
        } else if (inside && starts(text, "<g id=")) {
            fputs("<g>\n", out);
        } else if (inside && !defining && text[0] != '\n') {
            dress(text, p, out);
        }
    }
    free(line);
    return complete;
}

/* Starts gnuplot with the script as its input; returns what it writes, or NULL. Its complaints go
 * nowhere: whether the drawing is complete is seen from the drawing. */
static FILE *start_gnuplot(int script, pid_t *pid, struct complaint *why)
{
    const char *const argv[] = {"gnuplot", "-d", "-", NULL}; /* -d: nobody's own settings */
    int ends[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        complain(why, "no pipe to gnuplot: %s", strerror(errno));
        return NULL;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, script, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *drawing = error == 0 ? fdopen(ends[0], "r") : NULL;
    if (drawing)
        return drawing;
    close(ends[0]);
    if (error == ENOENT)
        complain(why, "gnuplot is not installed");
    else
        complain(why, "gnuplot did not start: %s", strerror(error));
    return NULL;
}

/* One drawing from gnuplot, dressed, in memory of the caller's. */
static bool draw(const struct plot *p, const struct plot_size *size, FILE *into,
                 struct complaint *why)
{
    pid_t pid;
    int script = write_script(p, size);
    if (script < 0)
        return complain(why, "no memory for the script for gnuplot: %s", strerror(errno));
    FILE *drawing = start_gnuplot(script, &pid, why);
    close(script);
    if (!drawing)
        return false;
    bool complete = read_drawing(drawing, p, into);
    fclose(drawing);
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return (complete && status == 0) || complain(why, "gnuplot did not finish its drawing");
}

bool plot_draw(const struct plot *p, const struct plot_size *size, FILE *out, struct complaint *why)
{
    char *body = NULL;
    size_t length = 0;
    FILE *into = p->broken ? NULL : open_memstream(&body, &length);
    if (!into)
        return complain(why, "out of memory");
    bool good = draw(p, size, into, why);
    good = fclose(into) == 0 && good;
    if (good) {
        fprintf(out, "<svg class=\"plot %s\" viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"",
                size->class, size->width, size->height);
        html_text(out, p->title);
        fputs("\">\n", out);
        fwrite(body, 1, length, out);
        fputs("</svg>\n", out);
    }
    free(body);
    return good;
}
