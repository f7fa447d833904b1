/*
 * The folder with the documents.  It belongs to one test program alone; nothing is ever written
 * outside of it.
 */
#include "workshop.h"

#include "bytes.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[128];
static char root[160];
static int complaints;

const char *workshop_root(void)
{
    return root;
}

void workshop_path(char *path, size_t size, const char *format, ...)
{
    int length = snprintf(path, size, "%s/", folder);
    va_list list;

    if (length < 0 || (size_t)length >= size)
        abort();
    va_start(list, format);
    vsnprintf(path + length, size - (size_t)length, format, list);
    va_end(list);
}

void workshop_complain(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    complaints++;
}

static void write_document(const char *name, const void *content, size_t length)
{
    char path[PATH_MAX];
    FILE *file;

    workshop_path(path, sizeof(path), "%s", name);
    file = fopen(path, "we");
    if (file == NULL || fwrite(content, 1, length, file) != length || fclose(file) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

static void write_text(const char *name, const char *text)
{
    struct bytes content = {0};

    bytes_add_text(&content, text);
    write_document(name, content.at, content.length);
    bytes_free(&content);
}

static void write_alphabet(const char *name, size_t length)
{
    struct bytes content = {0};

    for (size_t i = 0; i < length; i++)
        bytes_add(&content, &"abcdefghijklmnopqrstuvwxyz"[i % 26], 1);
    write_document(name, content.at, content.length);
    bytes_free(&content);
}

/* No two places alike, so that a chunk served from the wrong offset is noticed. */
static void write_noise(const char *name, size_t length)
{
    uint8_t *content = malloc(length);
    uint32_t state = 2463534242;

    if (content == NULL)
        abort();
    for (size_t i = 0; i < length; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        content[i] = (uint8_t)(state >> 11);
    }
    write_document(name, content, length);
    free(content);
}

enum { YEAR_2020 = 1577836800 };

static void make_folder(const char *name)
{
    char path[PATH_MAX];

    workshop_path(path, sizeof(path), "%s", name);
    if (mkdir(path, 0755) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

/* A known moment makes a known ETag. */
static void date_document(const char *name, time_t when)
{
    const struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    char path[PATH_MAX];

    workshop_path(path, sizeof(path), "%s", name);
    if (utimensat(AT_FDCWD, path, times, 0) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

/* A document with siblings that say what they are, and one whose sibling is older than itself. */
static void furnish_codings(void)
{
    write_text("root/coded.txt", "plain\n");
    write_text("root/coded.txt.gz", "as gzip\n");
    write_text("root/coded.txt.br", "as br\n");
    write_text("root/coded.txt.zst", "as zstd\n");
    write_text("root/stale.txt", "plain\n");
    write_text("root/stale.txt.gz", "of last year\n");
    date_document("root/coded.txt", YEAR_2020);
    date_document("root/coded.txt.gz", YEAR_2020);
    date_document("root/stale.txt", YEAR_2020);
    date_document("root/stale.txt.gz", YEAR_2020 - 365 * 86400);
}

static void furnish(void)
{
    const char *place = getenv("TMPDIR");

    snprintf(folder, sizeof(folder), "%s/tandem-test-XXXXXX", place ? place : "/tmp");
    if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0) { /* servers of root serve as nobody */
        perror(folder);
        exit(EXIT_FAILURE);
    }
    snprintf(root, sizeof(root), "%s/root", folder);
    make_folder("root");
    make_folder("root/sub");
    make_folder("root/bare");
    write_text("root/index.html", "<!doctype html><title>top</title>\n");
    write_text("root/sub/index.html", "<!doctype html><title>sub</title>\n");
    write_text("root/sub/deep.txt", "deep\n");
    write_text("root/with space.txt", "spaced\n");
    write_text("root/.hidden", SECRET);
    write_text("secret.txt", SECRET);
    write_text("root/empty.txt", "");
    write_alphabet("root/one.txt", ONE_SIZE);
    date_document("root/one.txt", YEAR_2020);
    furnish_codings();
    write_noise("root/big.bin", BIG_SIZE);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

/* Each case is a process of its own, and the leak sanitizer would stop and search each of them at its end:
 * for leaks of the test, at half a second apiece. The servers under test are searched as before. */
const char *__lsan_default_options(void);

const char *__lsan_default_options(void)
{
    return "detect_leaks=0";
}

int workshop_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    furnish();
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner) + complaints;
    srunner_free(runner);
    if (failed == 0)
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    else
        fprintf(stderr, "documents and logs are kept in %s\n", folder);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
