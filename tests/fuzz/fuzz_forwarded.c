/*
 * fuzz_forwarded: whoever is found is an address; and what a trusted proxy adds cannot be hidden behind
 * by somebody who then is somebody else: he is who he is, or the proxy.
 *
 * Input: the value that a client sends, forged as he likes; even its length: X-Forwarded-For, else
 * Forwarded. The proxy adds the client's address behind it, in each of the forms that it may take.
 */
#include "common/address.h"
#include "common/forwarded.h"

#include <stdbool.h>
#include <string.h>

#include "fuzz.h"

static const char *const plain[] = {"203.0.113.9", "203.0.113.9:80"};
static const char *const standard[] = {
    "for=203.0.113.9",
    "for=\"203.0.113.9:80\"",
    "by=_a;for=203.0.113.9;proto=https",
    "for=\"203.0.113.9\";host=\"a.example:80\"",
    "host=\"a\";for=\"203.0.113.9\";proto=\"http\"",
};

static struct sockaddr_in6 address(const char *text)
{
    struct sockaddr_in6 a;
    REQUIRE(address_read(text, strlen(text), &a));
    return a;
}

/* What the worker of 10.0.0.1 makes of it, where that alone is trusted. */
static struct sockaddr_in6 find(const char *name, const char *value, size_t length)
{
    static struct trust trust;
    char why[256];
    struct field field = {.name = name,
                          .name_len = (uint32_t)strlen(name),
                          .value = value,
                          .value_len = (uint32_t)length};
    struct request request = {.fields = &field, .field_count = 1, .has_fields = true};
    struct sockaddr_in6 peer = address("10.0.0.1"), client;
    REQUIRE(!trust_is_empty(&trust) || trust_add(&trust, "10.0.0.1", why, sizeof why));
    forwarded_client(&request, &trust, &peer, &client);
    return client;
}

/* In memory of its own, so that the sanitizer sees its end. */
static void check(const uint8_t *data, size_t n, const char *name, const char *added)
{
    size_t length = n + 2 + strlen(added);
    char *value = malloc(length);
    struct sockaddr_in6 real = address("203.0.113.9"), peer = address("10.0.0.1");
    REQUIRE(value);
    memcpy(value, data, n);
    memcpy(value + n, ", ", 2);
    memcpy(value + n + 2, added, strlen(added));
    struct sockaddr_in6 client = find(name, value, length);
    REQUIRE(address_is_same(&client, &real) || address_is_same(&client, &peer));
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    bool is_plain = n % 2 == 0;
    const char *const *added = is_plain ? plain : standard;
    size_t count = is_plain ? sizeof plain / sizeof plain[0] : sizeof standard / sizeof standard[0];
    for (size_t i = 0; i < count; i++)
        check(data, n, is_plain ? "X-Forwarded-For" : "Forwarded", added[i]);
    return 0;
}
