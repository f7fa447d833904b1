/* Its open does not return. */
#include "sound.h"

#include <stdbool.h>
#include <unistd.h>

static const volatile bool forever = true;

static const char *wait_for_ever(const char *argument, void **state)
{
    (void)argument, (void)state;
    while (forever)
        sleep(1);
    return NULL;
}

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "never_opens", .routes = SOUND_ROUTES, .open = wait_for_ever};
