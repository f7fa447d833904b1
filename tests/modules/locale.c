/* Its `open` has another notion of text. */
#include "sound.h"

#include <locale.h>

static const char *open_it(const char *argument, void **state)
{
    (void)argument, (void)state;
    if (!setlocale(LC_ALL, "C.UTF-8"))
        return "no C.UTF-8";
    return NULL;
}

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "locale", .routes = SOUND_ROUTES, .open = open_it};
