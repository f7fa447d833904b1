/* Has a name that cannot be told from none. */
#include "sound.h"

const struct module tandem_module = {.abi = TANDEM_ABI, .name = " ", .routes = SOUND_ROUTES};
