/*
 * client.c — see client.h.
 */
#include "client.h"

#include "clock.h"
#include "forwarded.h"
#include "lifecycle.h"
#include "proxy_header.h"

/* What comes from a gate has been looked at there. --admin is for who is near, and knows no proxies. */
static bool is_introduced(const struct conn *c)
{
    bool is_from_gate =
        c->flags & CONN_MISSPOKEN || (c->flags & (CONN_TLS | CONN_SHAKING)) == CONN_TLS;
    return is_from_gate || c->flags & CONN_ADMIN;
}

void client_meet(struct server *s, struct conn *c)
{
    const struct options *o = &s->options;
    if (trust_is_empty(&o->trust) || !trust_has(&o->trust, &c->peer))
        return;
    c->flags |= CONN_TRUSTED;
    if (!o->proxy_protocol || is_introduced(c))
        return;
    c->flags |= CONN_PROXIED;
    c->since = clock_ms();
}

/* What was waited for is the next thing: a request, or a handshake, whose time runs already. */
static enum next take_introduction(struct server *s, struct conn *c)
{
    c->flags &= (uint16_t) ~(CONN_PROXIED | CONN_TRUSTED);
    c->queued = 0;
    c->since = 0;
    if (trust_has(&s->options.trust, &c->peer))
        c->flags |= CONN_TRUSTED;
    return NEXT_AGAIN;
}

static enum next await_introduction(struct server *s, struct conn *c)
{
    const struct options *o = &s->options;
    if (c->flags & CONN_SHAKING)
        conn_wait_until(c, WAIT_SHAKE, c->since + o->tls_handshake_timeout);
    else
        conn_wait_until(c, WAIT_REQUEST, c->since + o->header_timeout);
    return NEXT_WAIT;
}

/* Its client begins behind what the proxy has to say. */
enum next client_hear_proxy(struct worker *w, struct conn *c)
{
    struct server *s = w->teller.server;
    const char *why = "the proxy has ended before it has said whose connection it is";
    if (!conn_step(c, w->teller.me, CONN_READ))
        return NEXT_GONE;
    switch (proxy_header_take(conn_fd(&s->table, c), &c->peer, &c->queued, &why)) {
    case PROXY_WHOLE:
        return take_introduction(s, c);
    case PROXY_MORE:
        return await_introduction(s, c);
    case PROXY_BAD:
        proxy_header_complain(&c->peer, why);
        break;
    case PROXY_ENDED:
        break;
    }
    conn_finish(s, c, w->teller.me, END_RESET, why);
    return NEXT_GONE;
}

/* Fields that are not all there would tell what a forger has put in front of what the proxy has added. */
void client_find(struct worker *w, const struct conn *c)
{
    w->request.client = c->peer;
    if (c->flags & CONN_TRUSTED && w->request.has_fields)
        forwarded_client(&w->request, &w->teller.server->options.trust, &c->peer,
                         &w->request.client);
}
