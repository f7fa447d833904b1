/* A route to nowhere. */
#include "common/handler.h"

static const struct route routes[] = {{"GET", "/sound", NULL}, {NULL, NULL, NULL}};
const struct module tandem_module = {.abi = TANDEM_ABI, .name = "no_handle", .routes = routes};
