/*
 * scenario.c — URLs are grouped by server, because a connection belongs to one server; the choice
 * between innocent and injected is one random number per request.
 */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

bool injection_parse(const char *text, struct injection *injection, struct complaint *why)
{
    size_t length = strcspn(text, "=@");
    memset(injection, 0, sizeof *injection);
    if (length == 0 || length >= KIND_SIZE ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") != length || text[length] == '\0')
        return complain(why, "\"%s\" is not KIND=SHARE%%, KIND@5s or KIND@5s/2s", text);
    memcpy(injection->kind, text, length);
    const char *rest = text + length + 1;
    if (text[length] == '=') {
        if (!parse_share(rest, &injection->share))
            return complain(why, "\"%s\" is not a share such as 1%% or 0.1%%", rest);
        return true;
    }
    char first[SHORT_TEXT];
    const char *slash = strchr(rest, '/');
    snprintf(first, sizeof first, "%.*s", slash ? (int)(slash - rest) : (int)strlen(rest), rest);
    if (!parse_duration(first, &injection->first_ns))
        return complain(why, "\"%s\" is not a moment such as 5s", first);
    if (slash && (!parse_duration(slash + 1, &injection->every_ns) || injection->every_ns == 0))
        return complain(why, "\"%s\" is not an interval such as 2s", slash + 1);
    return true;
}

static struct endpoint *find_endpoint(struct scenario *s, const struct address *address)
{
    for (size_t i = 0; i < s->endpoint_count; i++) {
        const struct address *known = &s->endpoints[i].address;
        if (known->length == address->length &&
            memcmp(&known->sa, &address->sa, known->length) == 0)
            return &s->endpoints[i];
    }
    return NULL;
}

static bool add_url(struct scenario *s, const char *text, const struct dress *dress,
                    struct complaint *why)
{
    struct url url;
    struct address address;
    if (!url_parse(text, &url, why) || !url_resolve(&url, &address, why))
        return false;
    struct endpoint *endpoint = find_endpoint(s, &address);
    if (!endpoint) {
        endpoint = &s->endpoints[s->endpoint_count++];
        endpoint->address = address;
        strcpy(endpoint->authority, url.authority);
    }
    return shot_build(&endpoint->innocent[endpoint->innocent_count++], dress, &url, INNOCENT) ||
           complain(why, "out of memory while building the requests");
}

/* Poisoned requests are plain GETs, with the headers of the others but without their body. */
static bool add_injection(struct scenario *s, size_t index, const struct dress *dress,
                          struct complaint *why)
{
    const struct injection *injection = &s->injections[index];
    struct dress plain = *dress;
    plain.method = "GET";
    plain.body = NULL;
    struct url url = {0};
    const struct endpoint *only = NULL;
    if (injection->url) {
        struct address address;
        if (!url_parse(injection->url, &url, why) || !url_resolve(&url, &address, why))
            return false;
        only = find_endpoint(s, &address);
        if (!only)
            return complain(why,
                            "--inject-url %s=%s: its host and port must be those of a URL under "
                            "load",
                            injection->kind, injection->url);
    } else {
        snprintf(url.uri, sizeof url.uri, "/fault/%s", injection->kind);
    }
    for (size_t i = 0; i < s->endpoint_count; i++) {
        struct endpoint *endpoint = &s->endpoints[i];
        if (only && endpoint != only)
            continue;
        if (!only)
            strcpy(url.authority, endpoint->authority);
        if (!shot_build(&endpoint->injected[index], &plain, &url, INJECTED))
            return complain(why, "out of memory while building the requests");
    }
    return true;
}

bool scenario_build(struct scenario *s, const char *const *urls, size_t url_count,
                    const struct injection *injections, size_t injection_count,
                    const struct dress *dress, struct complaint *why)
{
    memset(s, 0, sizeof *s);
    s->endpoints = calloc(url_count, sizeof *s->endpoints);
    if (!s->endpoints)
        return complain(why, "out of memory while building the requests");
    for (size_t i = 0; i < injection_count; i++)
        s->injections[i] = injections[i];
    s->injection_count = injection_count;
    bool good = true;
    for (size_t i = 0; good && i < url_count; i++)
        good = add_url(s, urls[i], dress, why);
    for (size_t i = 0; good && i < injection_count; i++)
        good = add_injection(s, i, dress, why);
    if (!good)
        scenario_free(s);
    return good;
}

void scenario_free(struct scenario *s)
{
    for (size_t i = 0; i < s->endpoint_count; i++) {
        struct endpoint *endpoint = &s->endpoints[i];
        for (size_t j = 0; j < endpoint->innocent_count; j++)
            shot_free(&endpoint->innocent[j]);
        for (size_t j = 0; j < MAX_INJECTIONS; j++)
            shot_free(&endpoint->injected[j]);
    }
    free(s->endpoints);
    memset(s, 0, sizeof *s);
}

void chooser_init(struct chooser *c, const struct scenario *s, uint64_t seed, unsigned thread)
{
    memset(c, 0, sizeof *c);
    c->scenario = s;
    rng_seed(&c->rng, seed, thread);
    for (size_t i = 0; i < s->injection_count; i++) {
        c->share += s->injections[i].share;
        bool timed = s->injections[i].share <= 0 && thread == 0;
        c->next_ns[i] = timed ? s->injections[i].first_ns : INT64_MAX;
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
    for (size_t i = 0; i < c->scenario->injection_count; i++) {
        const struct injection *injection = &c->scenario->injections[i];
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
    for (size_t i = 0; i < c->scenario->injection_count; i++) {
        draw -= c->scenario->injections[i].share;
        if (draw < 0)
            return endpoint->injected[i].bytes ? &endpoint->injected[i] : NULL;
    }
    return NULL;
}

const struct shot *chooser_next(struct chooser *c, const struct endpoint *endpoint, int64_t at_ns)
{
    const struct shot *shot = NULL;
    if (c->scenario->injection_count > 0) {
        shot = timed_shot(c, endpoint, at_ns);
        if (!shot && c->share > 0)
            shot = random_shot(c, endpoint);
    }
    return shot ? shot : chooser_next_innocent(c, endpoint);
}
