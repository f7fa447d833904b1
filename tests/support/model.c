/*
 * The model of test programs that link the core without a server: nothing of it is ever called,
 * but the linker wants one. A program that has need of another defines its own.
 */
#include "common/model.h"

#include <stdlib.h>

#include "common/wire.h"

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

__attribute__((weak)) void model_wake(size_t index)
{
    (void)index;
    abort();
}

__attribute__((weak)) bool model_disowned(struct worker *w)
{
    (void)w;
    abort();
}

/* --- TLS is spoken by nobody here --- */

__attribute__((weak)) const bool wire_tls_in_place = false;

__attribute__((weak)) ssize_t wire_tls_recv(int fd, void *to, size_t room)
{
    (void)fd, (void)to, (void)room;
    abort();
}

__attribute__((weak)) ssize_t wire_tls_send(int fd, const void *bytes, size_t n, bool more)
{
    (void)fd, (void)bytes, (void)n, (void)more;
    abort();
}

__attribute__((weak)) ssize_t wire_tls_sendfile(int fd, int file, off_t *offset, size_t n)
{
    (void)fd, (void)file, (void)offset, (void)n;
    abort();
}

__attribute__((weak)) int wire_tls_accept(int fd, struct arrival *a)
{
    (void)fd, (void)a;
    abort();
}

__attribute__((weak)) bool wire_tls_begin(struct server *s, int fd)
{
    (void)s, (void)fd;
    abort();
}

__attribute__((weak)) enum shake wire_tls_shake(int fd, struct tls_facts *facts, const char **why)
{
    (void)fd, (void)facts, (void)why;
    abort();
}

__attribute__((weak)) void wire_tls_forget(int fd)
{
    (void)fd; /* there is never anything to forget */
}

__attribute__((weak)) void wire_tls_refresh(int fd, bool is_wary)
{
    (void)fd, (void)is_wary;
    abort();
}

__attribute__((weak)) bool wire_tls_is_drained(int fd, size_t got, size_t room)
{
    (void)fd, (void)got, (void)room;
    abort();
}

__attribute__((weak)) bool wire_tls_wants_room(int fd)
{
    (void)fd;
    abort();
}

__attribute__((weak)) void wire_tls_end(struct server *s, const struct conn *c, int fd)
{
    (void)s, (void)c, (void)fd;
    abort();
}

__attribute__((weak)) int wire_tls_unsent(const struct server *s, const struct conn *c)
{
    (void)s, (void)c;
    abort();
}

__attribute__((weak)) bool wire_tls_accepted(const struct server *s, int fd)
{
    (void)s, (void)fd;
    return false;
}

__attribute__((weak)) bool model_check_tls(const struct options *o)
{
    (void)o;
    abort();
}

__attribute__((weak)) bool model_open_tls(struct server *s)
{
    (void)s;
    abort();
}

__attribute__((weak)) void model_tend_tls(struct server *s, struct guard *g, bool is_to_reload)
{
    (void)s, (void)g, (void)is_to_reload;
    abort();
}

__attribute__((weak)) void model_close_tls(struct server *s)
{
    (void)s;
    abort();
}
