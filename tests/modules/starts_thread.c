/* Its `open` starts a thread. */
#include "sound.h"

#include <pthread.h>
#include <unistd.h>

static void *linger(void *unused)
{
    pause();
    return unused;
}

static const char *open_it(const char *argument, void **state)
{
    (void)argument, (void)state;
    pthread_t thread;
    if (pthread_create(&thread, NULL, linger, NULL) != 0)
        return "no thread";
    return NULL;
}

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "starts_thread", .routes = SOUND_ROUTES, .open = open_it};
