/*
 * names.c — see names.h.
 */
#include "names.h"

#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What ends up in logs and messages, too. */
static bool is_fit(const unsigned char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] >= 127)
            return false;
    return length > 0;
}

static bool add(struct names *n, const unsigned char *text, int length)
{
    if (length < 0 || !is_fit(text, (size_t)length))
        return true;
    char **all = realloc(n->all, (n->count + 1) * sizeof *all);
    if (!all)
        return false;
    n->all = all;
    all[n->count] = strndup((const char *)text, (size_t)length);
    if (!all[n->count])
        return false;
    n->count++;
    return true;
}

static bool add_alternatives(struct names *n, const GENERAL_NAMES *list)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
        int type;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(list, i), &type);
        if (type == GEN_DNS && !add(n, ASN1_STRING_get0_data(value), ASN1_STRING_length(value)))
            return false;
    }
    return true;
}

static bool add_common_name(struct names *n, const X509_NAME *subject)
{
    int last = -1, at;
    while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, last)) >= 0)
        last = at;
    if (last < 0)
        return true;
    unsigned char *text = NULL;
    int length =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
    bool ok = length < 0 || add(n, text, length);
    OPENSSL_free(text);
    return ok;
}

bool names_of(struct names *n, const X509 *cert)
{
    *n = (struct names){0};
    GENERAL_NAMES *list = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool ok = list ? add_alternatives(n, list) : add_common_name(n, X509_get_subject_name(cert));
    GENERAL_NAMES_free(list);
    if (!ok)
        names_free(n);
    return ok;
}

void names_free(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->all[i]);
    free(n->all);
    *n = (struct names){0};
}

bool names_have(const struct names *n, const char *host)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcasecmp(n->all[i], host) == 0)
            return true;
    return false;
}

bool names_cover(const struct names *n, const char *host)
{
    const char *rest = strchr(host, '.'); /* behind the first label */
    if (!rest || rest == host)
        return false;
    for (size_t i = 0; i < n->count; i++)
        if (n->all[i][0] == '*' && strcasecmp(n->all[i] + 1, rest) == 0)
            return true;
    return false;
}

static bool has_all_of(const struct names *a, const struct names *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (!names_have(a, b->all[i]))
            return false;
    return true;
}

bool names_are_the_same(const struct names *a, const struct names *b)
{
    return has_all_of(a, b) && has_all_of(b, a);
}

static size_t two_bytes(const unsigned char *at)
{
    return (size_t)at[0] << 8 | at[1];
}

/* length:2 of the list, then type:1 (host_name is 0) length:2 name; there is one of a type. */
void names_asked_for(SSL *ssl, char *host, size_t size)
{
    enum { HEAD = 5 };
    const unsigned char *at;
    size_t length;
    *host = '\0';
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &length) != 1 ||
        length <= HEAD || two_bytes(at) != length - 2 || at[2] != TLSEXT_NAMETYPE_host_name)
        return;
    size_t n = two_bytes(at + 3);
    if (n > length - HEAD || n >= size || !is_fit(at + HEAD, n))
        return;
    memcpy(host, at + HEAD, n);
    host[n] = '\0';
}
