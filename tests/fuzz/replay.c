/*
 * Runs a fuzz target on every file of the given folders: what a fuzzer has found once is tried in
 * every build, by any compiler.
 *
 * A folder without a file is an error: it would be a test that cannot fail.
 */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

/* In memory of exactly its size, so that AddressSanitizer sees a step beyond it. */
static uint8_t *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *data = NULL;
    long length;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) >= 0) {
        rewind(file);
        *size = (size_t)length;
        data = malloc(*size > 0 ? *size : 1);
        if (data != NULL && fread(data, 1, *size, file) != *size) {
            free(data);
            data = NULL;
        }
    }
    if (file != NULL)
        fclose(file);
    return data;
}

/* Its name first: a crash leaves it as the last line. */
static void replay(const char *path)
{
    size_t size = 0;
    uint8_t *data = read_whole(path, &size);

    printf("%s\n", path);
    fflush(stdout);
    if (data == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static int replay_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    char path[4096];
    int count = 0;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        replay(path);
        count++;
    }
    if (entries != NULL)
        closedir(entries);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);

        printf("%s: %d inputs\n", argv[i], count);
        if (count == 0)
            return EXIT_FAILURE;
    }
    return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
