/*
 * ledger.c — names of the columns, and the sum that has to come out.
 */
#include "ledger.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    const char *meaning;
} columns[OUTCOMES] = {
    [OUTCOME_OK] = {"ok", "a whole answer, status 2xx or 3xx"},
    [OUTCOME_REFUSED] = {"refused", "nobody was listening"},
    [OUTCOME_CONNECT_TIMEOUT] = {"connect_timeout", "no connection within --timeout"},
    [OUTCOME_CONNECT_ERROR] = {"connect_error", "no connection: no route, or another error"},
    [OUTCOME_TLS] = {"tls", "the TLS handshake or the certificate failed"},
    [OUTCOME_RESET] = {"reset", "the connection was reset before the first byte of the answer"},
    [OUTCOME_CLOSED] = {"closed", "the connection was closed before the first byte of the answer"},
    [OUTCOME_TRUNCATED] = {"truncated", "the connection ended inside the answer"},
    [OUTCOME_MALFORMED] = {"malformed", "the answer was not HTTP/1.1 as asked for"},
    [OUTCOME_SURPLUS] = {"surplus", "a whole answer, then bytes that nobody had asked for"},
    [OUTCOME_STATUS_4XX] = {"status_4xx", "answered with a status 4xx"},
    [OUTCOME_STATUS_5XX] = {"status_5xx", "answered with a status 5xx"},
    [OUTCOME_DEADLINE] = {"deadline", "no whole answer within --timeout"},
    [OUTCOME_ABANDONED] = {"abandoned", "broken off by us, as the injected wire fault demands"},
    [OUTCOME_LOCAL] = {"local", "not tried: descriptors, ports or memory ran out on this side"},
};

const char *outcome_name(enum outcome o)
{
    return columns[o].name;
}

const char *outcome_meaning(enum outcome o)
{
    return columns[o].meaning;
}

enum outcome outcome_by_name(const char *name)
{
    unsigned o = 0;
    while (o < OUTCOMES && strcmp(columns[o].name, name) != 0)
        o++;
    return (enum outcome)o;
}

enum outcome outcome_of_status(int status)
{
    if (status >= 200 && status < 400)
        return OUTCOME_OK;
    if (status >= 400 && status < 500)
        return OUTCOME_STATUS_4XX;
    return status >= 500 && status < 600 ? OUTCOME_STATUS_5XX : OUTCOME_MALFORMED;
}

enum outcome outcome_of_connect_error(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ENOENT: /* no such Unix socket */
        return OUTCOME_REFUSED;
    case ETIMEDOUT:
        return OUTCOME_CONNECT_TIMEOUT;
    case ECONNRESET:
    case EPIPE:
        return OUTCOME_RESET;
    case EMFILE:
    case ENFILE:
    case EADDRNOTAVAIL:
    case ENOMEM:
    case ENOBUFS:
    case ENOSPC:
        return OUTCOME_LOCAL;
    default:
        return OUTCOME_CONNECT_ERROR;
    }
}

void ledger_merge(struct ledger *into, const struct ledger *from)
{
    into->scheduled += from->scheduled;
    into->never_sent += from->never_sent;
    into->crowded_out += from->crowded_out;
    for (unsigned who = 0; who < PARTIES; who++) {
        into->started[who] += from->started[who];
        into->unfinished[who] += from->unfinished[who];
        for (unsigned o = 0; o < OUTCOMES; o++)
            into->ended[who][o] += from->ended[who][o];
    }
}

void injected_fate_merge(struct injected_fate *into, const struct injected_fate *from)
{
    into->wire += from->wire;
    into->answered_500 += from->answered_500;
    into->answered_503 += from->answered_503;
    into->answered_504 += from->answered_504;
    into->answered_other_5xx += from->answered_other_5xx;
    into->answered_5xx_kept += from->answered_5xx_kept;
    into->connection_kept += from->connection_kept;
    into->connection_lost += from->connection_lost;
}

uint64_t ledger_failed(const struct ledger *l, enum party who)
{
    uint64_t sum = 0;
    for (unsigned o = OUTCOME_OK + 1; o < OUTCOMES; o++)
        sum += l->ended[who][o];
    return sum;
}

uint64_t ledger_class(const struct ledger *l, enum outcome o)
{
    return l->ended[INNOCENT][o] + l->ended[INJECTED][o];
}

uint64_t ledger_answered(const struct ledger *l)
{
    return ledger_class(l, OUTCOME_OK) + ledger_class(l, OUTCOME_STATUS_4XX) +
           ledger_class(l, OUTCOME_STATUS_5XX) + ledger_class(l, OUTCOME_SURPLUS);
}

double ledger_success(const struct ledger *l)
{
    uint64_t ok = l->ended[INNOCENT][OUTCOME_OK];
    uint64_t all = ok + ledger_failed(l, INNOCENT);
    return all > 0 ? (double)ok / (double)all : 0;
}

bool ledger_balances(const struct ledger *l)
{
    uint64_t started = 0;
    for (unsigned who = 0; who < PARTIES; who++) {
        uint64_t sum = l->ended[who][OUTCOME_OK] + ledger_failed(l, (enum party)who);
        if (l->started[who] != sum + l->unfinished[who])
            return false;
        started += l->started[who];
    }
    return l->scheduled == started + l->never_sent;
}
