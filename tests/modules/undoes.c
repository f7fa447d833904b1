/* Does much of what is forbidden, and has undone it when `open` returns: nothing is left behind. */
#include "sound.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void *end(void *unused)
{
    return unused;
}

static const char *open_it(const char *argument, void **state)
{
    (void)argument, (void)state;
    pthread_t thread;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    if (pthread_create(&thread, NULL, end, NULL) == 0)
        pthread_join(thread, NULL);
    umask(umask(0137));
    return NULL;
}

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "undoes", .routes = SOUND_ROUTES, .open = open_it};
