/*
 * orphan.c — leaves a child behind that ends later, with an exit code that means nothing: whoever is
 * PID 1 in this container gets it. 
 *
 *      orphan             forks N children that outlive it by 0.3 s and exit with 1 … N
 *      orphan zombies     exit code: how many processes here are dead and not reaped
 *
 * Linked statically, since the images hold nothing that could run it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHILDREN = 5, LATER_US = 300000 };

static int zombies(void)
{
    char path[300], state;
    int count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *stat = atoi(entry->d_name) > 0 ? fopen(path, "r") : NULL;
        if (!stat)
            continue;
        count += fscanf(stat, "%*d (%*[^)]) %c", &state) == 1 && state == 'Z';
        fclose(stat);
    }
    return count;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "zombies") == 0)
        return zombies();
    for (int i = 1; i <= CHILDREN; i++)
        if (fork() == 0) {
            usleep(LATER_US);
            _exit(i);
        }
    return 0;
}
