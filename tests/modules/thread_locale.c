/* Likewise, for its thread alone. */
#include "sound.h"

#include <locale.h>

static const char *open_it(const char *argument, void **state)
{
    (void)argument, (void)state;
    locale_t other = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!other)
        return "no memory";
    uselocale(other);
    return NULL;
}

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "thread_locale", .routes = SOUND_ROUTES, .open = open_it};
