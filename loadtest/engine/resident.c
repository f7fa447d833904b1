/*
 * resident.c — a byte is written to each page.
 */
#include "resident.h"

#include <stdlib.h>
#include <unistd.h>

void *resident_alloc(size_t count, size_t size)
{
    char *memory = calloc(count, size);
    size_t page = (size_t)sysconf(_SC_PAGESIZE), length = count * size;
    if (!memory || length == 0)
        return memory;
    for (size_t i = 0; i < length; i += page)
        *(volatile char *)(memory + i) = 0;
    *(volatile char *)(memory + length - 1) = 0;
    return memory;
}
