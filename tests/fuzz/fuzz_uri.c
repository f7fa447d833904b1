/*
 * uri_path and uri_query: whatever comes in, what goes out names something below the root.
 *
 * Up to the first NUL an input is the name that uri_query looks for; all behind it is the target
 * and the query.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "common/uri.h"

enum { MAX_VALUE = 64 };

/* A copy of exactly this size, so that AddressSanitizer sees a step beyond it. */
static char *copy(const void *from, size_t n, size_t room)
{
    char *to = malloc(room > 0 ? room : 1);

    REQUIRE(to != NULL);
    if (n > 0)
        memcpy(to, from, n);
    return to;
}

static bool has_dots(const char *path)
{
    for (const char *at = path; at != NULL; at = strchr(at + 1, '/')) {
        size_t length = strcspn(at + 1, "/");

        if ((length == 1 && at[1] == '.') || (length == 2 && at[1] == '.' && at[2] == '.'))
            return true;
    }
    return false;
}

static void check_path(const char *in, size_t n)
{
    char *out = copy("", 0, n + 2);
    char *again;

    if (uri_path(in, n, out)) {
        REQUIRE(memchr(out, '\0', n + 2) != NULL);
        REQUIRE(out[0] == '/');
        REQUIRE(strlen(out) <= n);
        REQUIRE(!has_dots(out));
        /* What is decoded and clean stays as it is. */
        again = copy("", 0, strlen(out) + 2);
        if (strchr(out, '%') == NULL)
            REQUIRE(uri_path(out, strlen(out), again) && strcmp(out, again) == 0);
        free(again);
    }
    free(out);
}

static void check_query(const char *name, const char *query, size_t n)
{
    size_t size = 1 + n % MAX_VALUE;
    char *value = copy("", 0, size);

    if (uri_query(query, n, name, value, size)) {
        REQUIRE(memchr(value, '\0', size) != NULL);
        REQUIRE(strlen(name) + strlen(value) <= n);
        REQUIRE(memmem(query, n, name, strlen(name)) != NULL);
    }
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t name_length = nul != NULL ? (size_t)(nul - data) : 0;
    size_t from = nul != NULL ? name_length + 1 : 0;
    char *name = copy(data, name_length, name_length + 1);
    char *target = copy(data + from, size - from, size - from);

    name[name_length] = '\0';
    check_path(target, size - from);
    check_query(name, target, size - from);
    free(name);
    free(target);
    return 0;
}
