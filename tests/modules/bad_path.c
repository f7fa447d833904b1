/* A path that no request can have. */
#include "sound.h"

static const struct route routes[] = {{"GET", "/a/../b", say_sound}, {NULL, NULL, NULL}};
const struct module tandem_module = {.abi = TANDEM_ABI, .name = "bad_path", .routes = routes};
