/* A shared object, but no module. */
#include "common/handler.h"

extern const struct module another_name;
const struct module another_name = {.abi = TANDEM_ABI, .name = "no_symbol"};
