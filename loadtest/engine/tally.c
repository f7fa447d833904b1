/*
 * tally.c — latencies of successes and of failures never meet in one histogram: a refused
 * connection takes 20 µs, and would make a broken server look fast.
 */
#include "tally.h"

static void add_fate(struct injected_fate *fate, const struct sample *s)
{
    if (s->outcome != OUTCOME_STATUS_5XX)
        return;
    if (s->status == 500)
        fate->answered_500++;
    else if (s->status == 503)
        fate->answered_503++;
    else if (s->status == 504)
        fate->answered_504++;
    else
        fate->answered_other_5xx++;
}

void tally_add(struct tally *t, const struct sample *s, int64_t end_ns)
{
    int64_t corrected = s->done_ns - s->due_ns;
    t->ledger.ended[s->party][s->outcome]++;
    if (s->outcome == OUTCOME_OK && s->done_ns <= end_ns)
        t->ok_in_time++;
    if (s->party == INJECTED) {
        if (!s->wire)
            add_fate(&t->fate, s);
        if (s->status != 0)
            hist_add_ns(&t->injected, corrected);
    } else if (s->outcome == OUTCOME_OK) {
        hist_add_ns(&t->corrected, corrected);
        hist_add_ns(&t->raw, s->done_ns - s->sent_ns);
        hist_add_ns(&t->first_byte, s->first_ns - s->sent_ns);
    } else {
        hist_add_ns(&t->failed, corrected);
    }
}

void tally_add_handshake(struct tally *t, const struct handshake *h, int64_t begin_ns,
                         int64_t end_ns)
{
    struct handshakes *kind = h->resumed ? &t->resumed : &t->full;
    hist_add_ns(&kind->took, h->took_ns);
    if (h->done_ns >= begin_ns && h->done_ns <= end_ns)
        kind->in_time++;
}

uint64_t tally_handshakes(const struct tally *t)
{
    return t->full.took.total + t->resumed.took.total;
}

static void merge_handshakes(struct handshakes *into, const struct handshakes *from)
{
    hist_merge(&into->took, &from->took);
    into->in_time += from->in_time;
}

void tally_merge(struct tally *into, const struct tally *from)
{
    ledger_merge(&into->ledger, &from->ledger);
    injected_fate_merge(&into->fate, &from->fate);
    into->ok_in_time += from->ok_in_time;
    into->bytes += from->bytes;
    into->connections += from->connections;
    hist_merge(&into->corrected, &from->corrected);
    hist_merge(&into->raw, &from->raw);
    hist_merge(&into->failed, &from->failed);
    hist_merge(&into->injected, &from->injected);
    hist_merge(&into->censored, &from->censored);
    hist_merge(&into->connect, &from->connect);
    hist_merge(&into->first_byte, &from->first_byte);
    hist_merge(&into->slip, &from->slip);
    merge_handshakes(&into->full, &from->full);
    merge_handshakes(&into->resumed, &from->resumed);
    tls_facts_merge(&into->tls, &from->tls);
}
