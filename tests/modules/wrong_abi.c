/* Compiled with the handler.h of another server; what lies behind the number is not looked at. */
#include "sound.h"

const struct module tandem_module = {
    .abi = TANDEM_ABI - 1, .name = (const char *)1, .routes = SOUND_ROUTES};
