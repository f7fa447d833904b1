/* Its `open` puts something else where stdin was. */
#include "sound.h"

#include <fcntl.h>
#include <unistd.h>

static const char *open_it(const char *argument, void **state)
{
    (void)argument, (void)state;
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
        return "no /proc";
    return NULL;
}

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "replaces_descriptor", .routes = SOUND_ROUTES, .open = open_it};
