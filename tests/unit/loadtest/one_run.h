/*
 * One run in a test, with options as on the command line.
 */
#ifndef TANDEM_TESTS_ONE_RUN_H
#define TANDEM_TESTS_ONE_RUN_H

#include <check.h>

#include "loadtest/measure.h"
#include "loadtest/options.h"

/* The arguments as a list of texts. The ledger of what comes out balances; free it with
 * result_free(). */
#define MEASURE(...) measure((const char *const[]){"--quiet", __VA_ARGS__, NULL})

static struct result measure(const char *const *argv)
{
    struct run_options o;
    struct result r;
    struct complaint why = {""};
    int argc = 0;
    while (argv[argc])
        argc++;
    run_options_default(&o);
    bool good =
        run_options_parse(&o, argc, (char *const *)argv, &why) && run_measure(&o, NULL, &r, &why);
    run_options_free(&o);
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
