/* Its `open` fails, and says so in more than one line. */
#include "sound.h"

static const char *open_it(const char *argument, void **state)
{
    (void)argument, (void)state;
    return "no table:\nmake one";
}

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "refuses", .routes = SOUND_ROUTES, .open = open_it};
