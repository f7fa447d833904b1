/*
 * material.h — the bytes of all files that TLS needs: read by who may read them, parsed by who
 * serves.
 *
 * Whoever serves has given up the right to open files by name (sandbox.h), and keys are often
 * root's. So reading them and making something of them are two steps, and between the two lies one
 * block of memory without a pointer in it: it may be a shared mapping.
 *
 *      files ── material_read: supervisor (thread), gatehouse (proc) ──▶ material
 *      material ── context_open: the serving process, the gatehouse ──▶ context
 *
 * Needs no OpenSSL, except for --tls-self-signed. By one thread.
 */
#ifndef TANDEM_TLS_MATERIAL_H
#define TANDEM_TLS_MATERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../options.h"

enum material_kind { MATERIAL_CERT, MATERIAL_KEY, MATERIAL_OCSP, MATERIAL_CLIENT_CA };

enum { MATERIAL_ROOM = 1 << 20 /* bytes of all files together */ };

struct material {
    uint32_t used; /* bytes of `items` */
    char items[MATERIAL_ROOM];
};

struct material_item {
    enum material_kind kind;
    const char *name; /* of the file, as typed: for messages */
    const char *bytes;
    size_t length;
};

/* Reads what --tls-cert, --tls-key, --tls-ocsp and --tls-client-ca name, or makes what
 * --tls-self-signed asks for, in this order: the first certificate, its key, the second …. False:
 * `why` (size bytes) holds one line that says what is wrong, where and how to mend it; *m is empty.
 * Logs nothing. */
bool material_read(struct material *m, const struct options *o, char *why, size_t size);

/* The item at *at, which goes on to the next; begin with 0. False: there are no more. What it points
 * to lies in *m. It reads within bounds whatever the block says. */
bool material_next(const struct material *m, size_t *at, struct material_item *item);

/* Appends one item. False: there is no room. */
bool material_add(struct material *m, enum material_kind kind, const char *name, const void *bytes,
                  size_t length);

/* Overwrites it with zeros, and leaves it empty. */
void material_wipe(struct material *m);

#endif
