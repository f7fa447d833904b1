/*
 * status.c — /status: what each worker is doing, and the last deaths; for people, or as JSON for those
 * who ask with ?json or by Accept.
 *
 * The page loads nothing from anywhere. Its style and its script are known by a number that is drawn
 * for each answer, and everything else is forbidden to it: should a client's bytes ever get in
 * unescaped, they would not run (https://www.w3.org/TR/CSP3/#framework-directive-source-list).
 */
#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../accept.h"
#include "admin.h"

enum { STATUS_LIMIT = 8 << 20 /* bytes; all workers there can be are half of it */ };

static bool wants_json(const struct request *req)
{
    static const char json[] = "application/json";
    char any[16];
    size_t length;
    if (request_query(req, "json", any, sizeof any))
        return true;
    const char *accept = request_header(req, "Accept", &length);
    return accept && memmem(accept, length, json, sizeof json - 1) &&
           !accept_prefers_html(accept, length);
}

static bool draw_nonce(char nonce[NONCE_SIZE])
{
    unsigned char bytes[(NONCE_SIZE - 1) / 2];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static bool forbid(struct response *res, const char *nonce)
{
    char policy[400];
    snprintf(policy, sizeof policy,
             "default-src 'none'; style-src 'nonce-%s'; script-src 'nonce-%s'; connect-src 'self'; "
             "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
             nonce, nonce);
    return response_header(res, "Content-Security-Policy", policy) &&
           response_header(res, "Referrer-Policy", "no-referrer");
}

static bool write_page(struct response *res, struct buf *out, const struct figures *f)
{
    char nonce[NONCE_SIZE];
    response_type(res, "text/html; charset=utf-8");
    return draw_nonce(nonce) && forbid(res, nonce) && status_page(out, f, nonce);
}

static bool write_json(struct response *res, struct buf *out, const struct figures *f)
{
    response_type(res, "application/json");
    return status_json(out, f);
}

int status(const struct request *req, struct response *res, void *state)
{
    (void)state;
    struct figures *f = figures_take();
    if (!f)
        return 503;
    struct buf text;
    buf_init(&text, STATUS_LIMIT);
    bool is_whole = (wants_json(req) ? write_json : write_page)(res, &text, f) &&
                    response_header(res, "Cache-Control", "no-store") &&
                    response_header(res, "Vary", "Accept") &&
                    response_header(res, "X-Content-Type-Options", "nosniff") &&
                    response_write(res, text.data, text.len);
    buf_free(&text);
    free(f);
    return is_whole ? 0 : 500;
}
