/* A method that the server answers with 501 whatever a module says. */
#include "sound.h"

static const struct route routes[] = {{"GET BREW", "/sound", say_sound}, {NULL, NULL, NULL}};
const struct module tandem_module = {.abi = TANDEM_ABI, .name = "bad_method", .routes = routes};
