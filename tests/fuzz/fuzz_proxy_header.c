/*
 * fuzz_proxy_header: no header reads past its end, what is whole stays whole with more behind it, and
 * each beginning of it is one that is waited for.
 */
#include "common/address.h"
#include "common/proxy_header.h"

#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"

/* In memory of its own, so that the sanitizer sees its end. */
static enum proxy_step read_beginning(const uint8_t *data, size_t n, struct proxy_header *h,
                                      const char **why)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    REQUIRE(copy);
    memcpy(copy, data, n);
    enum proxy_step step = proxy_header_read(copy, n, h, why);
    free(copy);
    return step;
}

static void check_client(const struct sockaddr_in6 *client)
{
    uint8_t bytes[ADDRESS_BYTES];
    int family = client->sin6_family;
    REQUIRE(family == AF_UNSPEC || family == AF_INET || family == AF_INET6 || family == AF_UNIX);
    REQUIRE(family != AF_INET6 || (address_bytes(client, bytes) && !address_is_v4(bytes)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct proxy_header whole = {0}, part;
    const char *why = NULL;
    enum proxy_step step = read_beginning(data, n, &whole, &why);
    REQUIRE(step != PROXY_ENDED);
    REQUIRE((step == PROXY_BAD) == (why != NULL));
    if (step != PROXY_WHOLE)
        return 0;
    REQUIRE(whole.length > 0 && whole.length <= n && whole.length <= PROXY_HEADER_MAX);
    check_client(&whole.client);
    for (size_t i = 0; i < whole.length; i++)
        REQUIRE(read_beginning(data, i, &part, &why) == PROXY_MORE);
    REQUIRE(read_beginning(data, whole.length, &part, &why) == PROXY_WHOLE);
    REQUIRE(part.length == whole.length);
    REQUIRE(memcmp(&part.client, &whole.client, sizeof part.client) == 0);
    return 0;
}
