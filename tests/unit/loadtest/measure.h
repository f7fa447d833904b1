/*
 * One run in a test, with options as on the command line.
 */
#ifndef TANDEM_TESTS_MEASURE_H
#define TANDEM_TESTS_MEASURE_H

#include <check.h>
#include <stdarg.h>

#include "loadtest/options.h"
#include "loadtest/run.h"

/* `first` and what follows, up to NULL, are arguments; the ledger of what comes out balances. Free
 * it with result_free(). */
static struct result measure(const char *first, ...)
{
    struct run_options o;
    struct result r;
    struct complaint why = {""};
    const char *argv[32] = {"--quiet", first};
    int argc = 1;
    va_list more;
    va_start(more, first);
    while (argv[argc] && argc < 31)
        argv[++argc] = va_arg(more, const char *);
    va_end(more);
    run_options_default(&o);
    bool good =
        run_options_parse(&o, argc, (char *const *)argv, &why) && run_measure(&o, NULL, &r, &why);
    ck_assert_msg(good, "%s", why.text);
    ck_assert(ledger_balances(&r.tally->ledger));
    return r;
}

/* All `n` requests ended in the same way. */
static inline void expect_all(const struct result *r, uint64_t n, enum outcome outcome,
                              const char *what)
{
    const struct ledger *l = &r->tally->ledger;
    for (unsigned o = 0; o < OUTCOMES; o++)
        ck_assert_msg(l->ended[INNOCENT][o] == (o == outcome ? n : 0), "%s: %llu ended as %s", what,
                      (unsigned long long)l->ended[INNOCENT][o], outcome_name((enum outcome)o));
}

#endif
