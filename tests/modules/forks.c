/* Its `open` starts a process, which lives as long as the one that loads it. */
#include "sound.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char *open_it(const char *argument, void **state)
{
    (void)argument, (void)state;
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(60); /* should that one have gone already */
        pause();
        _exit(0);
    }
    return NULL;
}

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "forks", .routes = SOUND_ROUTES, .open = open_it};
