/*
 * sanitized.h — is this a build with AddressSanitizer (and its leak checker) or ThreadSanitizer? What
 * they do at run time, nothing else in a server would.
 */
#ifndef TANDEM_SANITIZED_H
#define TANDEM_SANITIZED_H

#ifndef __has_feature
#define __has_feature(name) 0 /* gcc */
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TANDEM_SANITIZED 1
#else
#define TANDEM_SANITIZED 0
#endif

#endif
