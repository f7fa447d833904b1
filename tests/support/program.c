/*
 * fork, exec, wait — with a bound.  Nothing here knows that the programs are servers.
 */
#include "program.h"

#include "patience.h"
#include "workshop.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void redirect(int to, const char *path)
{
    int fd = open(path ? path : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || dup2(fd, to) < 0)
        _exit(126);
}

static void become(const struct program *program)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    for (size_t i = 0; program->environment != NULL && program->environment[i] != NULL; i++)
        putenv((char *)(uintptr_t)program->environment[i]);
    dup2(nothing, STDIN_FILENO);
    redirect(STDOUT_FILENO, program->output);
    redirect(STDERR_FILENO, program->errors);
    if (program->before_exec != NULL)
        program->before_exec();
    execvp(program->argv[0], (char *const *)(uintptr_t)program->argv);
    dprintf(STDERR_FILENO, "cannot start %s\n", program->argv[0]);
    _exit(127);
}

pid_t program_start(const struct program *program)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0)
        become(program);
    return pid;
}

int program_end(pid_t pid, int ms)
{
    int64_t end = now_ms() + ms;
    bool late = false;
    int status;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (now_ms() >= end) {
            late = true;
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            break;
        }
        pause_ms(2);
    }
    if (late)
        return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

struct outcome program_run(struct program program, int ms)
{
    struct outcome outcome;
    char output[256], errors[256];

    workshop_path(output, sizeof(output), "output-%d", (int)getpid());
    workshop_path(errors, sizeof(errors), "errors-%d", (int)getpid());
    program.output = output;
    program.errors = errors;
    outcome.code = program_end(program_start(&program), ms);
    outcome.output = bytes_of_file(output);
    outcome.errors = bytes_of_file(errors);
    unlink(output);
    unlink(errors);
    return outcome;
}

void outcome_free(struct outcome *outcome)
{
    bytes_free(&outcome->output);
    bytes_free(&outcome->errors);
}

bool program_exists(const char *name)
{
    char folders[4096], path[4352];
    char *rest = folders;
    const char *folder;

    snprintf(folders, sizeof(folders), "%s", getenv("PATH") ? getenv("PATH") : "");
    while ((folder = strsep(&rest, ":")) != NULL) {
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}
