/*
 * describe.c — a context in one line: for whom, with which kinds of key, until when.
 */
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

#include "inside.h"

struct line {
    char *text;
    size_t size, used;
};

static void say(struct line *l, const char *separator, const char *text)
{
    int n = snprintf(l->text + l->used, l->size - l->used, "%s%s", separator, text);
    if (n > 0)
        l->used += (size_t)n < l->size - l->used ? (size_t)n : l->size - l->used - 1;
}

static void say_until(struct line *l, const X509 *cert)
{
    struct tm tm;
    char date[32];
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1 ||
        strftime(date, sizeof date, "%Y-%m-%d", &tm) == 0)
        return;
    say(l, ", until ", date);
}

static void say_fingerprint(struct line *l, const X509 *cert)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    say(l, ", self-signed, SHA-256 ", "");
    X509_digest(cert, EVP_sha256(), digest, &length);
    for (unsigned i = 0; i < length; i++) {
        char byte[3];
        snprintf(byte, sizeof byte, "%02X", digest[i]);
        say(l, i > 0 ? ":" : "", byte);
    }
}

static void say_site(struct line *l, const struct tls_site *site)
{
    const struct names *names = &site->pairs[0]->names;
    for (size_t i = 0; i < names->count; i++)
        say(l, i > 0 ? " " : "", names->all[i]);
    if (names->count == 0)
        say(l, "", "no name");
    say(l, " (", "");
    for (size_t i = 0; i < site->count; i++) {
        say(l, i > 0 ? "; " : "", pair_kind(site->pairs[i]));
        say_until(l, site->pairs[i]->cert);
        if (site->pairs[i]->is_self_signed)
            say_fingerprint(l, site->pairs[i]->cert);
    }
    say(l, ")", "");
}

void tls_context_describe(const struct tls_context *c, char *line, size_t size)
{
    struct line l = {.text = line, .size = size};
    *line = '\0';
    for (size_t i = 0; i < c->site_count; i++) {
        if (i > 0)
            say(&l, "; ", "");
        say_site(&l, &c->sites[i]);
    }
}
