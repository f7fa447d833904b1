/*
 * The model of test programs that link the core without a server: nothing of it is ever called,
 * but the linker wants one. A program that has need of another defines its own.
 */
#include "common/model.h"

#include <stdlib.h>

__attribute__((weak)) const char model_program[] = "test";
__attribute__((weak)) const bool model_isolates = false;
__attribute__((weak)) const char model_promises[] = "";

__attribute__((weak)) size_t model_slots(const struct options *o)
{
    return o->workers;
}

__attribute__((weak)) int model_run(struct server *s)
{
    (void)s;
    abort();
}

__attribute__((weak)) int64_t model_cpu(size_t index)
{
    (void)index;
    abort();
}

__attribute__((weak)) void model_tell(size_t index)
{
    (void)index;
    abort();
}

__attribute__((weak)) bool model_disowned(struct worker *w)
{
    (void)w;
    abort();
}
