/* Its `open` wants to hear of SIGUSR2. */
#include "sound.h"

#include <signal.h>

static void hear(int number)
{
    (void)number;
}

static const char *open_it(const char *argument, void **state)
{
    (void)argument, (void)state;
    signal(SIGUSR2, hear);
    return NULL;
}

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "handles_signal", .routes = SOUND_ROUTES, .open = open_it};
