/* Sound by itself, but not beside good.so. */
#include "sound.h"

static const struct route routes[] = {{"POST", "/good", say_sound}, {NULL, NULL, NULL}};
const struct module tandem_module = {.abi = TANDEM_ABI, .name = "taken_route", .routes = routes};
