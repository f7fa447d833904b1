/*
 * The clock of the tests.  The factors are generous on purpose: a bound is there to catch a stall,
 * and a machine with two busy cores is no stall.
 */
#include "patience.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *preset;
    int factor;
} stretch[] = {
    {"asan", 4},
    {"tsan", 6},
    {"coverage", 3},
};

static int stretch_factor(void)
{
    const char *preset = getenv("TANDEM_PRESET");

    for (size_t i = 0; preset != NULL && i < sizeof(stretch) / sizeof(stretch[0]); i++)
        if (strcmp(preset, stretch[i].preset) == 0)
            return stretch[i].factor;
    return 1;
}

int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t now_ms(void)
{
    return now_us() / 1000;
}

int patience(int ms)
{
    return ms * stretch_factor();
}

bool build_is_slow(void)
{
    return stretch_factor() > 1;
}

bool long_run(void)
{
    const char *asked = getenv("TANDEM_LONG");

    return asked != NULL && strcmp(asked, "1") == 0;
}

void pause_ms(int ms)
{
    struct timespec length = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    while (nanosleep(&length, &length) != 0)
        ;
}

bool eventually(bool (*holds)(void *subject), void *subject, int ms)
{
    int64_t end = now_ms() + ms;

    while (!holds(subject)) {
        if (now_ms() >= end)
            return false;
        pause_ms(5);
    }
    return true;
}

double case_limit(double seconds)
{
    return seconds * stretch_factor();
}
