/*
 * staple.c — see staple.h.
 */
#include "staple.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"
#include "../options.h"
#include "library.h"

enum { SKEW = 300 /* s that clocks may differ */, NO_END = 7 * 24 * 3600 };

/* RFC 6960 §4.1.1: a certificate is named by its number, and a hash of who gave it. */
static bool is_about(const OCSP_SINGLERESP *single, const X509 *cert)
{
    ASN1_OCTET_STRING *hash;
    ASN1_OBJECT *algorithm;
    ASN1_INTEGER *serial;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length;
    OCSP_CERTID *id = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single);
    if (OCSP_id_get0_info(&hash, &algorithm, NULL, &serial, id) != 1 ||
        ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(cert)) != 0)
        return false;
    const EVP_MD *md = EVP_get_digestbyobj(algorithm);
    return md && X509_NAME_digest(X509_get_issuer_name(cert), md, digest, &length) == 1 &&
           ASN1_STRING_length(hash) == (int)length &&
           memcmp(ASN1_STRING_get0_data(hash), digest, length) == 0;
}

static OCSP_SINGLERESP *find(OCSP_BASICRESP *basic, const X509 *cert)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++)
        if (is_about(OCSP_resp_get0(basic, i), cert))
            return OCSP_resp_get0(basic, i);
    return NULL;
}

static time_t seconds_of(const ASN1_GENERALIZEDTIME *when)
{
    struct tm tm;
    return ASN1_TIME_to_tm(when, &tm) == 1 ? timegm(&tm) : 0;
}

/* Good, and now. Else a warning says why not. */
static bool is_fit(const OCSP_SINGLERESP *single, const char *file, time_t *until)
{
    ASN1_GENERALIZEDTIME *from, *to;
    int status =
        OCSP_single_get0_status((OCSP_SINGLERESP *)(uintptr_t)single, NULL, NULL, &from, &to);
    if (status != V_OCSP_CERTSTATUS_GOOD) {
        log_line(LOG_WARN, "%s %s says that the certificate is %s: it is not sent",
                 options_place_of("tls-ocsp", file), file, OCSP_cert_status_str(status));
        return false;
    }
    if (OCSP_check_validity(from, to, SKEW, -1) != 1) {
        log_line(LOG_WARN, "%s %s: %s: it is not sent; fetch a new one",
                 options_place_of("tls-ocsp", file), file, tls_library_error());
        return false;
    }
    *until = to ? seconds_of(to) : time(NULL) + NO_END;
    return true;
}

static bool keep(struct staple *s, const struct material_item *item, time_t until)
{
    s->bytes = malloc(item->length);
    if (!s->bytes)
        return false;
    memcpy(s->bytes, item->bytes, item->length);
    s->length = item->length;
    s->until = until;
    return true;
}

static bool read_basic(struct staple *s, OCSP_BASICRESP *basic, const struct material_item *item,
                       const X509 *cert, char *why, size_t size)
{
    time_t until;
    const OCSP_SINGLERESP *single = find(basic, cert);
    *why = '\0';
    if (!single)
        return false;
    staple_free(s);
    return !is_fit(single, item->name, &until) || keep(s, item, until) ||
           tls_refuse(why, size, "out of memory");
}

bool staple_read(struct staple *s, const struct material_item *item, const X509 *cert, char *why,
                 size_t size)
{
    const unsigned char *at = (const unsigned char *)item->bytes;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)item->length);
    int status = response ? OCSP_response_status(response) : 0;
    OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;
    bool ok;
    if (!response)
        ok = tls_refuse(why, size,
                        "%s %s is no OCSP response in DER: `openssl ocsp -respout` writes one",
                        options_place_of("tls-ocsp", item->name), item->name);
    else if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL || !basic)
        ok = tls_refuse(why, size, "%s %s is no answer but a refusal (%s): fetch another",
                        options_place_of("tls-ocsp", item->name), item->name,
                        OCSP_response_status_str(status));
    else
        ok = read_basic(s, basic, item, cert, why, size);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return ok;
}

void staple_free(struct staple *s)
{
    free(s->bytes);
    *s = (struct staple){0};
}

bool staple_is_good(const struct staple *s, time_t now)
{
    return s->bytes && now < s->until + SKEW;
}
