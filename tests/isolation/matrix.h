/*
 * The matrix: fault × subject → who dies, what the client of the bad request sees, who else
 * notices, and what is left behind.
 *
 *      test_matrix.c     the table of what is expected, and why: this is the part to read
 *      matrix_scene.c    one cell performed: a server, bystanders, the fault, a look around
 *      matrix_leftover.c what later requests can tell of the earlier one
 *      matrix_text.c     cells as words, and the README held against them
 *
 * A cell is made of words, so that what is expected, what is seen, and what the README says can be
 * compared as they stand.
 */
#ifndef TANDEM_TESTS_MATRIX_H
#define TANDEM_TESTS_MATRIX_H

#include "bytes.h"
#include "load.h"
#include "server.h"
#include "wire.h"

enum { HEIRS = 4 }; /* as many as ask at a time */
enum { IDLE = 16, BYSTANDERS = IDLE + 2 /* half a request sent; in its handler */ };
enum { CELL_TEXT = 256, SECRETS = 4 };

struct cell {
    const char *dies;
    const char *client;
    const char *others;
    const char *left;
    const char *why;
};

/* Who dies. */
#define NOBODY "nobody dies"
#define WORKER "worker dies"
#define CHILD "child dies"
#define PROCESS "process dies"
#define THREAD_LOST "thread is lost"
/* Who else notices: bystanders, and the traffic. */
#define NO_ONE "no one notices"
#define EVERYONE "everyone is a victim"
#define ONE_OTHER "one connection is lost"
#define AN_HEIR "whoever gets the number may lose a request" /* or none, or a few in turn */
/* What a cell says where nothing is promised. */
#define UNPROTECTED "not protected"
#define ANYTHING "any answer or none"
#define ANYONE "anyone may be a victim"

/* What is left behind: "leaves …, …". */
#define NOTHING "leaves nothing"
#define LOST_THREAD "a lost thread"
#define DESCRIPTORS "descriptors"
#define MEMORY "memory"
#define EVERYONES_DAMAGE "damage that all later requests see"
#define ITS_WORKERS_DAMAGE "damage that its worker's later requests see"
#define HELD_LOCK "a lock held for ever"
#define LOST_UPDATES "lost updates"
#define EARLIER_SECRETS "in reach secrets of earlier requests"
#define RUNNING_SECRETS "running ones"
#define ARRIVING_SECRETS "half-arrived ones"
#define TARGET_SECRETS "targets"
#define SERVICE "the service goes on" /* stands alone */

struct scene;

struct row {
    const char *fault; /* below /fault/; names the row, too */
    const char *label; /* where the fault's path alone would not tell; or NULL */
    const char *words; /* in the log line of the death; NULL: it depends */
    const struct cell *expected[SUBJECTS];
    const char *option[4];                /* more options, with their values */
    void (*prepare)(struct scene *scene); /* may change the scene's path */
    void (*settle)(struct scene *scene);  /* what to wait for while all are still connected */
    void (*look)(struct scene *scene);    /* for what is left behind: scene_left() */
    const char *presets;                  /* left out there: "asan tsan"; or NULL */
    const char *left_out;                 /* … and why */
};

/* What came of it. In memory that all the test's processes share. */
struct seen {
    bool is_complete;
    const char *dies;
    const char *others;
    char client[64], left[CELL_TEXT];
    long requests, victims;
    int lost; /* of BYSTANDERS */
    int64_t away;
};

struct scene {
    const struct row *row;
    const struct cell *cell;
    struct seen *seen;
    char label[96];
    char path[128];
    struct server server;
    struct load load;
    struct wire poisoned, idle[IDLE], half, busy;
    pid_t workers[MAX_PROCESSES]; /* before the fault, and how many: */
    size_t worker_count;
    size_t processes;
    int threads, descriptors;
    size_t memory;
    struct bytes answer; /* the body that the bad request got */
    char secrets[SECRETS][17];
    int left_count;
};

extern const struct row rows[];
extern const size_t row_count;

/* The path or the label, as it stands in the first column. */
const char *row_name(const struct row *row);
/* False when TANDEM_FAULT asks for others: those whose name begins with it. */
bool row_is_wanted(const struct row *row);
/* NULL, or why this build leaves the row out. */
const char *row_left_out(const struct row *row);

/* Performs a row with a subject; whatever is not as expected fails the test. */
void scene_perform(const struct row *row, int subject, struct seen *seen);
/* False where memory that is left behind cannot be told from what the allocator keeps. */
bool scene_measures_memory(void);
/* One more thing that is left behind. */
void scene_left(struct scene *scene, const char *what);
/* The process in whose descriptor table the connections are. */
pid_t scene_holder(const struct scene *scene);

/* For rows: what to do before, and what to look at afterwards. */
void prepare_close_connection(struct scene *scene);
void prepare_close_listener(struct scene *scene);
void prepare_close_epoll(struct scene *scene);
void prepare_earlier_request(struct scene *scene);
void await_sweep(struct scene *scene);
void commit_more(struct scene *scene);
void look_for_damage(struct scene *scene);
void look_for_pollution(struct scene *scene);
void look_for_lock(struct scene *scene);
void look_for_lost_updates(struct scene *scene);
void look_for_secrets(struct scene *scene);

/* "worker dies · 500, kept · no one notices · leaves nothing", with what was measured in brackets. */
void cell_text(const struct cell *cell, const struct seen *seen, char text[CELL_TEXT * 2]);
/* The table of all that was seen, a legend, and the table in short, as Markdown. */
bool matrix_write(const char *path, struct seen (*seen)[SUBJECTS]);

/*
 * Holds a README against what is expected: each row has a line there (a line may stand for several),
 * and each of its cells says what is expected, whatever it adds in brackets. Adds a line for each
 * that does not.
 */
void matrix_compare(const char *readme, struct bytes *complaints);

#endif
