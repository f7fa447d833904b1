#include "admin_scene.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/handlers/handlers.h"
#include "common/model.h"
#include "common/request.h"
#include "common/router.h"

/* The test is the model: workers that are processes. */
const char model_program[] = "server-test";
const bool model_isolates = true;

struct server server;
struct response response;
static struct router router;

void set_up(void)
{
    memset(&server, 0, sizeof(server));
    memset(&router, 0, sizeof(router));
    ck_assert_ptr_nonnull(server.board = scoreboard_open(SLOTS));
    ck_assert_ptr_nonnull(server.tallies = tallies_open(SLOTS));
    server.slots = SLOTS;
    server.options.one = true; /* so that it is this process whose CPU time is told */
    admin_configure(&server);
    router_add(&router, &admin_module, NULL, false);
    response_open(&response);
}

void tear_down(void)
{
    response_close(&response);
    scoreboard_close(server.board, SLOTS);
    tallies_close(server.tallies, SLOTS);
}

const char *get_as(const char *path, const char *query, const char *accept)
{
    struct route_match match = router_find(&router, "GET", path);
    struct field field = {.name = "Accept", .name_len = 6, .value = accept};
    struct request request = {.method = "GET", .query = query, .fields = &field};

    ck_assert_ptr_nonnull(match.route);
    request.query_len = query ? strlen(query) : 0;
    field.value_len = accept ? (uint32_t)strlen(accept) : 0;
    request.field_count = accept ? 1 : 0;
    response_reset(&response);
    ck_assert_int_eq(match.route->handle(&request, &response, match.state), 0);
    ck_assert(response_write(&response, "", 1)); /* the NUL */
    ck_assert(!response.failed);
    return response.body.data;
}

const char *get(const char *path)
{
    return get_as(path, NULL, NULL);
}

void expect(const char *text, const char *line)
{
    char whole[600];

    snprintf(whole, sizeof(whole), "\n%s\n", line);
    ck_assert_msg(strstr(text, whole) != NULL, "no line %s in\n%s", line, text);
}

void name_route(unsigned index, const char *path)
{
    struct route_slot *slot = &server.board->routes[index];

    snprintf(slot->path, sizeof(slot->path), "%s", path);
    atomic_store(&server.board->route_count, index + 1);
}

static size_t board_size(void)
{
    return sizeof(*server.board) + SLOTS * sizeof(server.board->slots[0]);
}

static size_t tallies_size(void)
{
    return (SLOTS + 1) * sizeof(server.tallies[0]);
}

static void scribble_over(void *memory, size_t size, unsigned *seed)
{
    unsigned char *byte = memory;

    for (size_t i = 0; i < size; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        byte[i] = (unsigned char)(*seed >> 24);
    }
}

void scribble(unsigned *seed)
{
    scribble_over(server.board, board_size(), seed);
    scribble_over(server.tallies, tallies_size(), seed);
}

void fill_with(int byte)
{
    memset((void *)server.board, byte, board_size());
    memset((void *)server.tallies, byte, tallies_size());
}
