/*
 * admin.c — what a watcher asks, on an address of its own:
 *
 *      /metrics   is it well?             metrics.c, as exposition.c writes it for Prometheus
 *      /status    what is it doing?       status.c: status_page.c for people, status_json.c
 *      /healthz   does it live?           probes.c
 *      /readyz    may it be given work?   probes.c
 *
 * What they tell is copied, bounded and cleaned first: figures.h.
 */
#include "admin.h"

#include <unistd.h>

#include "../model.h"
#include "handlers.h"

struct admin admin;

void admin_configure(const struct server *s)
{
    admin.server = s;
    admin.memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

bool admin_is_one_process(void)
{
    return !model_isolates || admin.server->options.one;
}

const char *admin_isolation(void)
{
    bool is_fresh = admin.server->options.isolation == ISOLATION_FRESH;
    return admin_is_one_process() ? "none" : is_fresh ? "fresh" : "pool";
}

static const struct route routes[] = {{"GET HEAD", "/metrics", metrics},
                                      {"GET HEAD", "/status", status},
                                      {"GET HEAD", "/healthz", healthz},
                                      {"GET HEAD", "/readyz", readyz},
                                      {NULL, NULL, NULL}};

const struct module admin_module = {.abi = TANDEM_ABI, .name = "admin", .routes = routes};
