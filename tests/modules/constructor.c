/* Starts a thread before anybody has asked it for anything. */
#include "sound.h"

#include <pthread.h>
#include <unistd.h>

static void *linger(void *unused)
{
    pause();
    return unused;
}

__attribute__((constructor)) static void start(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, linger, NULL);
}

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "constructor", .routes = SOUND_ROUTES};
