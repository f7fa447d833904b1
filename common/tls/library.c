/*
 * library.c — see library.h.
 */
#include "library.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool tls_library_wake(void)
{
    return OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT |
                                OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
                            NULL) == 1;
}

/* Errors of system calls have no words of OpenSSL's. */
const char *tls_library_error(void)
{
    unsigned long error = ERR_get_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    ERR_clear_error();
    if (reason)
        return reason;
    return ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : "OpenSSL does not say why";
}

bool tls_refuse(char *why, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, size, format, arguments);
    va_end(arguments);
    return false;
}
