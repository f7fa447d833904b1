#include "line.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options o;
char out_text[8192], err_text[4096];

static int stream_to_file(int stream)
{
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(dup2(fileno(file), stream), stream);
    return fileno(file);
}

static void text_of(int fd, char *text, size_t size)
{
    ssize_t got = pread(fd, text, size - 1, 0);

    text[got > 0 ? got : 0] = '\0';
}

enum options_result read_line(bool with_isolation, const char **line)
{
    enum options_result result;
    char *argv[LIMIT_TEXTS + 4] = {NULL};
    int argc = 0, out, err, old_out, old_err;

    for (; line[argc] != NULL; argc++)
        memcpy(&argv[argc], &line[argc], sizeof(argv[argc]));
    fflush(NULL);
    old_out = dup(STDOUT_FILENO);
    old_err = dup(STDERR_FILENO);
    out = stream_to_file(STDOUT_FILENO);
    err = stream_to_file(STDERR_FILENO);
    result = options_read(&o, with_isolation ? "server-proc" : "server-thread", with_isolation,
                          argc, argv);
    fflush(NULL);
    dup2(old_out, STDOUT_FILENO);
    dup2(old_err, STDERR_FILENO);
    text_of(out, out_text, sizeof(out_text));
    text_of(err, err_text, sizeof(err_text));
    return result;
}

/* The descriptor stays open, and has no name but this one. */
const char *file_of(const char *content)
{
    static char path[64];
    char name[] = "/tmp/tandem-test-options-XXXXXX";
    int fd = mkstemp(name);

    ck_assert_int_ge(fd, 0);
    unlink(name);
    ck_assert_int_eq(write(fd, content, strlen(content)), (int)strlen(content));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return path;
}

int lines_in(const char *text)
{
    int count = 0;

    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

void forget_environment(void)
{
    clearenv();
}
