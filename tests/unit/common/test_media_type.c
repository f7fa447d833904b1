/*
 * media_type: three tables, and a file that anyone may have written.
 */
#include "common/media_file.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define UNKNOWN "application/octet-stream"

/* --- without a file --- */

/* clang-format off */
static const struct {
    const char *path, *type;
} built_in[] = {
    {"index.html", "text/html; charset=utf-8"},
    {"/a/b.c/index.htm", "text/html; charset=utf-8"},
    {"INDEX.HTML", "text/html; charset=utf-8"},
    {"a.css", "text/css; charset=utf-8"},
    {"a.js", "text/javascript; charset=utf-8"},
    {"a.min.mjs", "text/javascript; charset=utf-8"},
    {"a.Json", "application/json"},
    {"a.js.map", "application/json"},
    {"a.webmanifest", "application/manifest+json"},
    {"a.wasm", "application/wasm"},
    {"a.svg", "image/svg+xml"},
    {"a.avif", "image/avif"},
    {"a.webp", "image/webp"},
    {"a.woff", "font/woff"},
    {"a.woff2", "font/woff2"},
    {"a.png", "image/png"},
    {"a.jpg", "image/jpeg"},
    {"a.jpeg", "image/jpeg"},
    {"a.gif", "image/gif"},
    {"a.bmp", "image/bmp"},
    {"favicon.ico", "image/vnd.microsoft.icon"},
    {"robots.txt", "text/plain; charset=utf-8"},
    {"a.log", "text/plain; charset=utf-8"},
    {"a.md", "text/markdown; charset=utf-8"},
    {"a.csv", "text/csv; charset=utf-8"},
    {"a.xml", "text/xml; charset=utf-8"},
    {"a.pdf", "application/pdf"},
    {"a.tar", "application/x-tar"},
    {"a.tar.gz", "application/gzip"},
    {"a.bz2", "application/x-bzip2"},
    {"a.xz", "application/x-xz"},
    {"a.zst", "application/zstd"},
    {"a.zip", "application/zip"},
    {"a.flac", "audio/flac"},
    {"a.mp3", "audio/mpeg"},
    {"a.ogg", "audio/ogg"},
    {"a.wav", "audio/wav"},
    {"a.mp4", "video/mp4"},
    {"a.webm", "video/webm"},
    {"a.otf", "font/otf"},
    {"a.ttf", "font/ttf"},
    {"", UNKNOWN},
    {"a", UNKNOWN},
    {"html", UNKNOWN},
    {"a.", UNKNOWN},
    {".", UNKNOWN},
    {"a.unheard-of", UNKNOWN},
    {"a.html/b", UNKNOWN},
    {"a.html/", UNKNOWN},
    {"a.html ", UNKNOWN},
    {"a.htmlx", UNKNOWN},
    {"a.htm.", UNKNOWN},
    {"a.\xc3\xa4", UNKNOWN},
};
/* clang-format on */

START_TEST(knows_the_usual_ones)
{
    ck_assert_str_eq(media_type_of(NULL, built_in[_i].path), built_in[_i].type);
}
END_TEST

/* --- with a file --- */

static char path[] = "/tmp/tandem-types-XXXXXX";

static void write_bytes(const char *bytes, size_t length)
{
    int fd = mkstemp(strcpy(path, "/tmp/tandem-types-XXXXXX"));

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
    close(fd);
}

static struct media_types *open_path(const char *name)
{
    struct media_file *file = media_file_open(name);
    struct media_types *types = NULL;
    uint32_t version = 0;

    ck_assert_ptr_nonnull(file);
    media_file_take(file, &version, &types);
    media_file_close(file);
    return types;
}

static struct media_types *open_bytes(const char *bytes, size_t length)
{
    write_bytes(bytes, length);
    struct media_types *types = open_path(path);
    unlink(path);
    return types;
}

/* clang-format off */
static const struct {
    const char *file, *path, *type;
} rows[] = {
    {"text/x-test test", "a.test", "text/x-test; charset=utf-8"},
    {"text/x-test test", "a.TEST", "text/x-test; charset=utf-8"},
    {"text/x-test TEST", "a.test", "text/x-test; charset=utf-8"},
    {"TEXT/X-Test test", "a.test", "text/x-test; charset=utf-8"},
    {"texts/x-test test", "a.test", "texts/x-test"},
    {"application/x-test\t\ttest other\n", "a.other", "application/x-test"},
    {"application/x-test test\r\n", "a.test", "application/x-test"},
    {"  application/x-test   test  ", "a.test", "application/x-test"},
    {"application/x-test test # other\n", "a.test", "application/x-test"},
    {"application/x-test test # other\n", "a.other", UNKNOWN},
    {"application/x-test test #other\n", "a.#other", UNKNOWN},
    {"# application/x-test test\n", "a.test", UNKNOWN},
    {"#application/x-test test\n", "a.test", UNKNOWN},
    {"\n\n\r\n \t\napplication/x-test test\n", "a.test", "application/x-test"},
    {"application/x-none\napplication/x-test test\n", "a.test", "application/x-test"},
    {"application/x-test", "a.x-test", UNKNOWN},
    {"application/vnd.a+b test c++ ~", "a.c++", "application/vnd.a+b"},
    {"application/vnd.a+b test c++ ~", "a.~", "application/vnd.a+b"},

    /* of two, the last */
    {"a/one x\na/two x\n", "a.x", "a/two"},
    {"a/one x\na/two X\na/three y\n", "a.x", "a/two"},
    {"a/two x\na/one x\n", "a.x", "a/one"},
    {"a/one x x x\n", "a.x", "a/one"},
    {"a/z zz\na/one x\na/a aa\na/two x\na/b bb\n", "a.x", "a/two"},
    {"a/z zz\na/one x\na/a aa\na/two x\na/b bb\n", "a.zz", "a/z"},
    {"a/z zz\na/one x\na/a aa\na/two x\na/b bb\n", "a.aa", "a/a"},

    /* a line that is not of the form is skipped, and the next is read */
    {"nonsense test\na/b ok\n", "a.test", UNKNOWN},
    {"nonsense test\na/b ok\n", "a.ok", "a/b"},
    {"/b test\na/b ok\n", "a.test", UNKNOWN},
    {"a/ test\na/b ok\n", "a.test", UNKNOWN},
    {"/ test\na/b ok\n", "a.test", UNKNOWN},
    {"a/b/c test\na/b ok\n", "a.test", UNKNOWN},
    {"a/b;q=1 test\na/b ok\n", "a.test", UNKNOWN},
    {"a/\x01 test\na/b ok\n", "a.test", UNKNOWN},
    {"a/b test; x\na/b ok\n", "a.x", UNKNOWN},
    {"types {\n a/b test;\n}\na/b ok\n", "a.test", UNKNOWN},
    {"types {\n a/b test;\n}\na/b ok\n", "a.ok", "a/b"},
    {"a/b te/st\n", "a.te/st", UNKNOWN},
    {"a/b \xff\na/b ok\n", "a.ok", "a/b"},

    /* who wins: what browsers insist on, then the file, then the usual */
    {"application/javascript js mjs\n", "a.js", "text/javascript; charset=utf-8"},
    {"application/x-javascript js mjs\n", "a.mjs", "text/javascript; charset=utf-8"},
    {"text/plain css json wasm woff2\n", "a.css", "text/css; charset=utf-8"},
    {"text/plain css json wasm woff2\n", "a.json", "application/json"},
    {"text/plain css json wasm woff2\n", "a.wasm", "application/wasm"},
    {"text/plain css json wasm woff2\n", "a.woff2", "font/woff2"},
    {"application/xhtml+xml html\n", "a.html", "text/html; charset=utf-8"},
    {"application/xml xml\n", "a.xml", "application/xml"},
    {"audio/x-wav wav\n", "a.wav", "audio/x-wav"},
    {"application/octet-stream log\n", "a.log", UNKNOWN},
    {"a/b c\n", "a.log", "text/plain; charset=utf-8"},
};
/* clang-format on */

START_TEST(reads_a_file)
{
    struct media_types *types = open_bytes(rows[_i].file, strlen(rows[_i].file));

    ck_assert_msg(strcmp(media_type_of(types, rows[_i].path), rows[_i].type) == 0, "%s: %s: %s",
                  rows[_i].file, rows[_i].path, media_type_of(types, rows[_i].path));
    media_types_close(types);
}
END_TEST

START_TEST(nothing_to_read)
{
    ck_assert_ptr_null(open_path("/nonexistent/mime.types"));
    ck_assert_ptr_null(open_path(""));
    ck_assert_ptr_null(open_path("/tmp"));
    ck_assert_ptr_null(open_path("/dev/null"));
    ck_assert_ptr_null(open_bytes("", 0));
    ck_assert_ptr_null(open_bytes("# nothing\na/b\n\n", 15));
    media_types_close(NULL);
}
END_TEST

/* What is read again is seen once; what cannot be read changes nothing. */
START_TEST(read_again)
{
    struct media_types *types = NULL;
    uint32_t version = 0;

    write_bytes("a/b first\n", 10);
    struct media_file *file = media_file_open(path);
    ck_assert(media_file_take(file, &version, &types));
    ck_assert_str_eq(media_type_of(types, "a.first"), "a/b");
    ck_assert(!media_file_take(file, &version, &types));
    media_types_close(types);
    unlink(path);
    media_file_read(file, path);
    ck_assert(!media_file_take(file, &version, &types));
    write_bytes("a/b second\n", 11);
    media_file_read(file, path);
    ck_assert(media_file_take(file, &version, &types));
    ck_assert_str_eq(media_type_of(types, "a.second"), "a/b");
    ck_assert_str_eq(media_type_of(types, "a.first"), UNKNOWN);
    media_types_close(types);
    unlink(path);
    media_file_close(file);
}
END_TEST

/* A fifo would hold the start for ever. */
START_TEST(a_fifo_holds_nobody)
{
    write_bytes("", 0);
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_ptr_null(open_path(path));
    unlink(path);
}
END_TEST

START_TEST(a_nul_is_a_malformed_line)
{
    static const char file[] = "a/b te\0st\nc/d ok\n";
    struct media_types *types = open_bytes(file, sizeof(file) - 1);

    ck_assert_str_eq(media_type_of(types, "a.te"), UNKNOWN);
    ck_assert_str_eq(media_type_of(types, "a.ok"), "c/d");
    media_types_close(types);
}
END_TEST

/* A row, and then a comment up to the given size. */
static struct media_types *open_sized(size_t size)
{
    char *file = malloc(size);

    ck_assert_ptr_nonnull(file);
    memset(file, '#', size);
    memcpy(file, "a/b c\n", 6);
    struct media_types *types = open_bytes(file, size);
    free(file);
    return types;
}

START_TEST(too_large_is_left_unread)
{
    struct media_types *types = open_sized(MEDIA_TYPES_MAX);

    ck_assert_str_eq(media_type_of(types, "a.c"), "a/b");
    media_types_close(types);
    ck_assert_ptr_null(open_sized(MEDIA_TYPES_MAX + 1));
}
END_TEST

/* "text/xxx… e", so that type, charset and NUL take this many bytes. */
static struct media_types *open_long_type(int size)
{
    char file[2 * MEDIA_TYPE_SIZE];
    int length = size - (int)sizeof("; charset=utf-8");

    memset(file, 'x', sizeof(file));
    memcpy(file, "text/", 5);
    strcpy(file + length, " e\n");
    return open_bytes(file, strlen(file));
}

START_TEST(a_type_fits_a_response)
{
    struct media_types *types = open_long_type(MEDIA_TYPE_SIZE);

    ck_assert_uint_eq(strlen(media_type_of(types, "a.e")) + 1, MEDIA_TYPE_SIZE);
    media_types_close(types);
    ck_assert_ptr_null(open_long_type(MEDIA_TYPE_SIZE + 1));
}
END_TEST

/* 1 MiB of the shortest rows, in the wrong order: the most that has to be held and sorted. */
START_TEST(many_rows_are_found)
{
    char *file = malloc(MEDIA_TYPES_MAX);
    int length = 0, missing = 0;

    ck_assert_ptr_nonnull(file);
    for (int i = 99999; i >= 10000; i--)
        length += sprintf(file + length, "a/%d %d\n", i % 7, i);
    struct media_types *types = open_bytes(file, (size_t)length);
    for (int i = 10000; i <= 99999; i++) {
        char name[16], type[16];

        sprintf(name, "x.%d", i);
        sprintf(type, "a/%d", i % 7);
        missing += strcmp(media_type_of(types, name), type) != 0;
    }
    ck_assert_int_eq(missing, 0);
    media_types_close(types);
    free(file);
}
END_TEST

/* Whatever the bytes, it is read without a fault, and the built-in types stay. */
START_TEST(noise_is_read)
{
    static const char bytes[] = "abababa//  \n\n\t\r#;\0\xff";
    unsigned short seed[3] = {4, 5, 6};
    int wrong = 0, tables = 0;

    for (int i = 0; i < 3000; i++) {
        char file[400];

        for (size_t k = 0; k < sizeof(file); k++)
            file[k] = bytes[(size_t)nrand48(seed) % (sizeof(bytes) - 1)];
        struct media_types *types = open_bytes(file, (size_t)nrand48(seed) % sizeof(file));
        tables += types != NULL;
        wrong += strcmp(media_type_of(types, "a.html"), "text/html; charset=utf-8") != 0;
        media_types_close(types);
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_gt(tables, 50);
}
END_TEST

/* On whatever system this runs: with its table or without, pages work. */
START_TEST(reads_the_system_s)
{
    struct media_types *types = open_path(MEDIA_TYPES_PATH);

    ck_assert_str_eq(media_type_of(types, "a.js"), "text/javascript; charset=utf-8");
    ck_assert_str_eq(media_type_of(types, "a.png"), "image/png");
    if (types)
        ck_assert_str_eq(media_type_of(types, "a.epub"), "application/epub+zip");
    media_types_close(types);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("media_type");
    TCase *tcase = tcase_create("media_type");

    tcase_add_loop_test(tcase, knows_the_usual_ones, 0, COUNT(built_in));
    tcase_add_loop_test(tcase, reads_a_file, 0, COUNT(rows));
    tcase_add_test(tcase, nothing_to_read);
    tcase_add_test(tcase, read_again);
    tcase_add_test(tcase, a_fifo_holds_nobody);
    tcase_add_test(tcase, a_nul_is_a_malformed_line);
    tcase_add_test(tcase, too_large_is_left_unread);
    tcase_add_test(tcase, a_type_fits_a_response);
    tcase_add_test(tcase, many_rows_are_found);
    tcase_add_test(tcase, noise_is_read);
    tcase_add_test(tcase, reads_the_system_s);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
