/* Its `open` does not want to hear of SIGQUIT. */
#include "sound.h"

#include <signal.h>

static const char *open_it(const char *argument, void **state)
{
    (void)argument, (void)state;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGQUIT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return NULL;
}

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "blocks_signal", .routes = SOUND_ROUTES, .open = open_it};
