/* Has nothing to do. */
#include "common/handler.h"

const struct module tandem_module = {.abi = TANDEM_ABI, .name = "no_routes"};
