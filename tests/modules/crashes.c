/* Does not survive its own open. */
#include "sound.h"

#include <stdlib.h>

static const char *crash(const char *argument, void **state)
{
    (void)argument, (void)state;
    abort();
}

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "crashes", .routes = SOUND_ROUTES, .open = crash};
