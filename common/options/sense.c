/*
 * sense.c — what is said has to have an effect, and what has an effect needs all of its parts.
 */
#include "sense.h"

#include "../quantity.h"
#include "value.h"

/* Given, understood, and not a switch that is off. */
static bool is_wanted(struct reader *r, const struct row *row)
{
    const struct found *f = found_of(r, row);
    return f->source != BY_DEFAULT && !f->is_bad && (row->kind != SWITCH || stored_value(r, row));
}

/* The first of the options that are wanted and have this trait; NULL: none. */
static const struct row *first_wanted(struct reader *r, enum trait trait)
{
    for (const struct row *row = option_rows; row->name; row++)
        if ((row->traits & trait) && is_wanted(r, row))
            return row;
    return NULL;
}

static void judge_files(struct reader *r)
{
    const struct row *row = first_wanted(r, OF_FILES);
    if (row && !is_given(r, "root"))
        complain(r, place_of(r, row->name), "is about files, and none are served: add --root DIR");
}

static void judge_certificates(struct reader *r)
{
    const struct options *o = r->o;
    size_t certs = o->tls_certs.count, keys = o->tls_keys.count;
    if (is_bad(r, "tls-cert") || is_bad(r, "tls-key"))
        return;
    if (certs != keys)
        complain(r, place_of(r, certs < keys ? "tls-key" : "tls-cert"),
                 "%zu certificates and %zu keys: give each --tls-cert its --tls-key, in the same "
                 "order",
                 certs, keys);
    else if (certs == 0 && !o->tls_self_signed && !is_bad(r, "tls-self-signed"))
        complain(
            r, place_of(r, "tls-listen"),
            "there is no certificate: add --tls-cert FILE --tls-key FILE, or --tls-self-signed "
            "for use on this machine");
}

static void judge_tls(struct reader *r)
{
    const struct options *o = r->o;
    if (!is_given(r, "tls-listen")) {
        const struct row *row = first_wanted(r, OF_TLS);
        if (row)
            complain(r, place_of(r, row->name),
                     "is about https, and none is spoken: add --tls-listen ADDR:PORT");
        return;
    }
    if (o->tls_client_required && !is_given(r, "tls-client-ca"))
        complain(r, place_of(r, "tls-client-required"),
                 "nobody could be believed: add --tls-client-ca FILE");
    judge_certificates(r);
}

static void judge_proxies(struct reader *r)
{
    const struct options *o = r->o;
    if (o->proxy_protocol && !is_given(r, "trusted-proxy"))
        complain(r, place_of(r, "proxy-protocol"),
                 "nobody is trusted to send it: add --trusted-proxy ADDR/BITS");
}

/* Both count from the same signal. */
static void judge_drain(struct reader *r)
{
    int64_t timeout = r->o->drain_timeout;
    if (!is_given(r, "drain-timeout"))
        parse_duration(LIMIT_DRAIN_TIME, &timeout);
    if (is_bad(r, "drain-delay") || is_bad(r, "drain-timeout") || r->o->drain_delay < timeout)
        return;
    complain(r, place_of(r, "drain-delay"),
             "is not shorter than --drain-timeout, which counts from the same signal: no time "
             "would be left to finish requests in; raise --drain-timeout");
}

void judge_sense(struct reader *r)
{
    judge_files(r);
    judge_proxies(r);
    judge_drain(r);
    if (r->o->listen.count + r->o->tls_listen.count > LIMIT_LISTENERS)
        complain(r, place_of(r, "tls-listen"),
                 "more than %d addresses, with those of --listen: leave some out", LIMIT_LISTENERS);
    judge_tls(r);
}
