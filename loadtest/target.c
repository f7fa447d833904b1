/*
 * target.c — URLs are grouped by server, because a connection belongs to one server; the choice
 * between innocent and injected is one random number per request.
 */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mischief.h"

/* A server is an address; with TLS, an address and a name. */
static struct endpoint *find_endpoint(struct target *t, const struct url *url,
                                      const struct address *address)
{
    for (size_t i = 0; i < t->endpoint_count; i++) {
        struct endpoint *known = &t->endpoints[i];
        bool same_tls = url->tls == (known->tls_host != NULL) &&
                        (!url->tls || strcasecmp(url->host, known->tls_host) == 0);
        if (same_tls && known->address.length == address->length &&
            memcmp(&known->address.sa, &address->sa, address->length) == 0)
            return known;
    }
    return NULL;
}

static bool no_memory(struct complaint *why)
{
    return complain(why, "out of memory while building the requests");
}

static bool add_url(struct target *t, const char *text, const struct dress *dress,
                    struct complaint *why)
{
    struct url url;
    struct address address;
    if (!url_parse(text, &url, why) || !url_resolve(&url, &address, why))
        return false;
    struct endpoint *endpoint = find_endpoint(t, &url, &address);
    if (!endpoint) {
        endpoint = &t->endpoints[t->endpoint_count++];
        endpoint->address = address;
        strcpy(endpoint->authority, url.authority);
        endpoint->tls_host = url.tls ? strdup(url.host) : NULL;
        if (url.tls && !endpoint->tls_host)
            return no_memory(why);
    }
    return shot_build(&endpoint->innocent[endpoint->innocent_count++], dress, &url, INNOCENT) ||
           no_memory(why);
}

/* The server that --inject-url names. */
static const struct endpoint *find_inject_url(struct target *t, const struct injection *injection,
                                              struct url *url, struct complaint *why)
{
    struct address address;
    if (!url_parse(injection->url, url, why) || !url_resolve(url, &address, why))
        return NULL;
    const struct endpoint *endpoint = find_endpoint(t, url, &address);
    if (!endpoint)
        complain(why,
                 "--inject-url %s=%s: its scheme, host and port must be those of a URL under load",
                 injection->kind, injection->url);
    return endpoint;
}

/* A poisoned request is a plain GET, with the headers of the others but without their body. A wire
 * fault is one of the others, unless it has a URL of its own. */
static bool build_injected(struct endpoint *endpoint, const struct injection *injection,
                           const struct dress *dress, const struct url *url, struct shot *shot)
{
    const struct mischief_kind *mischief =
        injection->level == FAULT_WIRE ? mischief_kind(injection->kind) : NULL;
    if (mischief && !injection->url)
        return shot_corrupt(shot, &endpoint->innocent[0], mischief);
    struct dress plain = *dress;
    struct url there = *url;
    plain.method = "GET";
    plain.body = NULL;
    if (!injection->url) {
        snprintf(there.uri, sizeof there.uri, "/fault/%s", injection->kind);
        strcpy(there.authority, endpoint->authority);
    }
    bool built = shot_build(shot, &plain, &there, INJECTED);
    shot->mischief = mischief;
    return built;
}

static bool add_injection(struct target *t, size_t index, const struct dress *dress,
                          struct complaint *why)
{
    const struct injection *injection = &t->injections[index];
    struct url url = {0};
    const struct endpoint *only = NULL;
    if (injection->url && !(only = find_inject_url(t, injection, &url, why)))
        return false;
    for (size_t i = 0; i < t->endpoint_count; i++) {
        struct endpoint *endpoint = &t->endpoints[i];
        if ((!only || endpoint == only) &&
            !build_injected(endpoint, injection, dress, &url, &endpoint->injected[index]))
            return no_memory(why);
    }
    return true;
}

bool target_build(struct target *t, const char *const *urls, size_t url_count,
                  const struct injection *injections, size_t injection_count,
                  const struct dress *dress, struct complaint *why)
{
    memset(t, 0, sizeof *t);
    t->endpoints = calloc(url_count, sizeof *t->endpoints);
    if (!t->endpoints)
        return no_memory(why);
    for (size_t i = 0; i < injection_count; i++)
        t->injections[i] = injections[i];
    t->injection_count = injection_count;
    bool good = true;
    for (size_t i = 0; good && i < url_count; i++)
        good = add_url(t, urls[i], dress, why);
    for (size_t i = 0; good && i < injection_count; i++)
        good = add_injection(t, i, dress, why);
    if (!good)
        target_free(t);
    return good;
}

void target_free(struct target *t)
{
    for (size_t i = 0; i < t->endpoint_count; i++) {
        struct endpoint *endpoint = &t->endpoints[i];
        for (size_t j = 0; j < endpoint->innocent_count; j++)
            shot_free(&endpoint->innocent[j]);
        for (size_t j = 0; j < MAX_INJECTIONS; j++)
            shot_free(&endpoint->injected[j]);
        free(endpoint->tls_host);
    }
    free(t->endpoints);
    memset(t, 0, sizeof *t);
}

bool target_needs_tls(const struct target *t)
{
    for (size_t i = 0; i < t->endpoint_count; i++)
        if (t->endpoints[i].tls_host)
            return true;
    return false;
}

bool target_needs_gang(const struct target *t)
{
    for (size_t i = 0; i < t->injection_count; i++)
        if (t->injections[i].level == FAULT_WIRE)
            return true;
    return false;
}

void chooser_init(struct chooser *c, const struct target *t, uint64_t seed, unsigned thread)
{
    memset(c, 0, sizeof *c);
    c->target = t;
    rng_seed(&c->rng, seed, thread);
    for (size_t i = 0; i < t->injection_count; i++) {
        c->share += t->injections[i].share;
        bool timed = t->injections[i].share <= 0 && thread == 0;
        c->next_ns[i] = timed ? t->injections[i].first_ns : INT64_MAX;
    }
}

const struct shot *chooser_next_innocent(struct chooser *c, const struct endpoint *endpoint)
{
    if (endpoint->innocent_count == 1)
        return &endpoint->innocent[0];
    return &endpoint->innocent[c->turn++ % endpoint->innocent_count];
}

/* The injection whose moment has come, or NULL. A moment that was missed is made up for at once,
 * but only once. */
static const struct shot *timed_shot(struct chooser *c, const struct endpoint *endpoint,
                                     int64_t at_ns)
{
    for (size_t i = 0; i < c->target->injection_count; i++) {
        const struct injection *injection = &c->target->injections[i];
        if (at_ns < c->next_ns[i] || !endpoint->injected[i].bytes)
            continue;
        if (injection->every_ns == 0)
            c->next_ns[i] = INT64_MAX;
        else
            while (c->next_ns[i] <= at_ns)
                c->next_ns[i] += injection->every_ns;
        return &endpoint->injected[i];
    }
    return NULL;
}

/* One number decides both whether to inject and what. */
static const struct shot *random_shot(struct chooser *c, const struct endpoint *endpoint)
{
    double draw = rng_unit(&c->rng);
    if (draw >= c->share)
        return NULL;
    for (size_t i = 0; i < c->target->injection_count; i++) {
        draw -= c->target->injections[i].share;
        if (draw < 0)
            return endpoint->injected[i].bytes ? &endpoint->injected[i] : NULL;
    }
    return NULL;
}

const struct shot *chooser_next(struct chooser *c, const struct endpoint *endpoint, int64_t at_ns)
{
    const struct shot *shot = NULL;
    if (c->target->injection_count > 0) {
        shot = timed_shot(c, endpoint, at_ns);
        if (!shot && c->share > 0)
            shot = random_shot(c, endpoint);
    }
    return shot ? shot : chooser_next_innocent(c, endpoint);
}
