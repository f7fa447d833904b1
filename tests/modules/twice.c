/* One path, two routes: the second would never be found. */
#include "sound.h"

static const struct route routes[] = {
    {"GET", "/twice", say_sound}, {"PUT", "/twice", say_sound}, {NULL, NULL, NULL}};
const struct module tandem_module = {.abi = TANDEM_ABI, .name = "twice", .routes = routes};
