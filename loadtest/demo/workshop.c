/*
 * workshop.c — see workshop.h.
 */
#include "workshop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../machine.h"

enum { FILE_BYTES = 1024 };

void workshop_close(const struct workshop *w)
{
    unlink(w->log);
    unlink(w->file);
    rmdir(w->root);
    rmdir(w->folder);
}

bool workshop_open(struct workshop *w, struct complaint *why)
{
    const char *tmp = machine_temporary();
    snprintf(w->folder, sizeof w->folder, "%s/tandem-demo-XXXXXX", tmp);
    if (!mkdtemp(w->folder))
        return complain(why, "cannot make a folder in %s: %s: set TMPDIR to one that is writable",
                        tmp, strerror(errno));
    snprintf(w->root, sizeof w->root, "%s/root", w->folder);
    snprintf(w->file, sizeof w->file, "%s/one.txt", w->root);
    snprintf(w->log, sizeof w->log, "%s/server.log", w->folder);
    FILE *out =
        mkdir(w->root, 0755) == 0 && chmod(w->folder, 0755) == 0 ? fopen(w->file, "w") : NULL;
    for (int i = 0; out && i < FILE_BYTES; i++)
        fputc(i % 64 == 63 ? '\n' : 'a' + i % 26, out);
    if (out && fclose(out) == 0)
        return true;
    complain(why, "cannot write below %s: %s", w->folder, strerror(errno));
    workshop_close(w);
    return false;
}
