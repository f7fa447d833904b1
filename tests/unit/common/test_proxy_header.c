/*
 * proxy_header: both versions, whole and in pieces, and what is none; then on a socket.
 */
#include "common/proxy_header.h"

#include "common/address.h"
#include "unit.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FOUR "\xcb\x00\x71\x09\xc6\x33\x64\x07\x12\x67\x01\xbb" /* 203.0.113.9:4711 */
#define SIXTEEN "\x2a\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define SIX SIXTEEN "\x01" SIXTEEN "\x02\x12\x67\x01\xbb"
#define DRESSED "\0\0\0\0\0\0\0\0\0\0\xff\xff\xcb\x00\x71\x09"
#define NOUGHTS_27 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define NOUGHTS_216 \
    NOUGHTS_27 NOUGHTS_27 NOUGHTS_27 NOUGHTS_27 NOUGHTS_27 NOUGHTS_27 NOUGHTS_27 NOUGHTS_27
#define TEXT(text) text, sizeof(text) - 1

/* As the specification has them; what is behind them belongs to somebody else. */
static const struct {
    const char *bytes;
    size_t length;
    const char *client; /* "-": the peer */
    unsigned port;
} good[] = {
    {TEXT(SIGNATURE "\x21\x11\x00\x0c" FOUR), "203.0.113.9", 4711},
    {TEXT(SIGNATURE "\x21\x12\x00\x0c" FOUR), "203.0.113.9", 4711},
    {TEXT(SIGNATURE "\x21\x21\x00\x24" SIX), "2a00::1", 4711},
    {TEXT(SIGNATURE "\x21\x22\x00\x24" SIX), "2a00::1", 4711},
    {TEXT(SIGNATURE "\x21\x21\x00\x24" DRESSED DRESSED "\x12\x67\x01\xbb"), "203.0.113.9", 4711},
    {TEXT(SIGNATURE "\x21\x31\x00\xd8" NOUGHTS_216), "unix", 0},
    {TEXT(SIGNATURE "\x21\x32\x00\xd8" NOUGHTS_216), "unix", 0},
    {TEXT(SIGNATURE "\x21\x11\x00\x13" FOUR "\x04\x00\x04tlvs"), "203.0.113.9", 4711},
    {TEXT(SIGNATURE "\x21\x11\x00\x0e" FOUR "\xff\xff"), "203.0.113.9", 4711},
    {TEXT(SIGNATURE "\x20\x00\x00\x00"), "-", 0},
    {TEXT(SIGNATURE "\x20\x11\x00\x0c" FOUR), "-", 0},
    {TEXT(SIGNATURE "\x20\xff\x00\x03xyz"), "-", 0},
    {TEXT(SIGNATURE "\x21\x00\x00\x00"), "-", 0},
    {TEXT(SIGNATURE "\x21\x00\x00\x0c" FOUR), "-", 0},
    {TEXT(SIGNATURE "\x21\x10\x00\x0c" FOUR), "-", 0},
    {TEXT(SIGNATURE "\x21\x01\x00\x00"), "-", 0},
    {TEXT("PROXY TCP4 203.0.113.9 198.51.100.7 4711 443\r\n"), "203.0.113.9", 4711},
    {TEXT("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255", 65535},
    {TEXT("PROXY TCP6 2a00::1 2a00::2 0 0\r\n"), "2a00::1", 0},
    {TEXT("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535},
    {TEXT("PROXY UNKNOWN\r\n"), "-", 0},
    {TEXT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "-", 0},
};

/* In memory of its own, so that a sanitizer sees its end. */
static enum proxy_step read_copy(const char *bytes, size_t n, struct proxy_header *h,
                                 const char **why)
{
    char *copy = malloc(n > 0 ? n : 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, n);
    enum proxy_step step = proxy_header_read(copy, n, h, why);
    free(copy);
    return step;
}

static void expect_client(const struct sockaddr_in6 *client, int i)
{
    char text[INET6_ADDRSTRLEN];

    ck_assert_str_eq(address_text(client, text), good[i].client);
    ck_assert_uint_eq(ntohs(client->sin6_port), good[i].port);
}

START_TEST(reads_a_header)
{
    struct proxy_header h;
    const char *why = "";
    char longer[400];

    ck_assert_msg(read_copy(good[_i].bytes, good[_i].length, &h, &why) == PROXY_WHOLE, "%s", why);
    ck_assert_uint_eq(h.length, good[_i].length);
    expect_client(&h.client, _i);
    snprintf(longer, sizeof(longer), "%*s", (int)sizeof(longer) - 1, "GET / HTTP/1.1\r\n\r\n");
    memcpy(longer, good[_i].bytes, good[_i].length);
    ck_assert_int_eq(read_copy(longer, sizeof(longer), &h, &why), PROXY_WHOLE);
    ck_assert_uint_eq(h.length, good[_i].length);
    expect_client(&h.client, _i);
}
END_TEST

START_TEST(waits_for_the_rest_wherever_it_is_cut)
{
    struct proxy_header h;
    const char *why = "";
    size_t early = good[_i].length;

    for (size_t n = 0; n < good[_i].length && early == good[_i].length; n++)
        if (read_copy(good[_i].bytes, n, &h, &why) != PROXY_MORE)
            early = n;
    ck_assert_msg(early == good[_i].length, "not waited for at byte %zu: %s", early, why);
}
END_TEST

static const struct {
    const char *bytes;
    size_t length;
    const char *why;
} bad[] = {
    {TEXT("GET / HTTP/1.1\r\n"), "does not begin with"},
    {TEXT("P0"), "does not begin with"},
    {TEXT("proxy TCP4 "), "does not begin with"},
    {TEXT("\r\n\r\n\r"), "does not begin with"},
    {TEXT("\x16\x03\x01"), "does not begin with"},
    {TEXT("\0"), "does not begin with"},
    {TEXT(SIGNATURE "\x11"), "version"},
    {TEXT(SIGNATURE "\x31\x11\x00\x0c" FOUR), "version"},
    {TEXT(SIGNATURE "\x22"), "command"},
    {TEXT(SIGNATURE "\x2f\x11\x00\x0c" FOUR), "command"},
    {TEXT(SIGNATURE "\x21\x41\x00\x0c" FOUR), "family or protocol"},
    {TEXT(SIGNATURE "\x21\x13\x00\x0c" FOUR), "family or protocol"},
    {TEXT(SIGNATURE "\x21\xff\x00\x00"), "family or protocol"},
    {TEXT(SIGNATURE "\x21\x11\x00\x0b" FOUR), "too short"},
    {TEXT(SIGNATURE "\x21\x11\x00\x00"), "too short"},
    {TEXT(SIGNATURE "\x21\x21\x00\x0c" FOUR), "too short"},
    {TEXT(SIGNATURE "\x21\x31\x00\x0c" FOUR), "too short"},
    {TEXT(SIGNATURE "\x21\x11\x0f\xf1"), "longer than 4096"},
    {TEXT(SIGNATURE "\x20\x00\xff\xff"), "longer than 4096"},
    {TEXT("PROXY TCP4 203.0.113.9 198.51.100.7 4711 443\n\r\n"), "no line"},
    {TEXT("PROXY TCP4 203.0.113.9 198.51.100.7 4711 443\rX"), "no line"},
    {TEXT("PROXY TCP4 203.0.113.9 198.51.100.7 4711\r\n"), "no line"},
    {TEXT("PROXY TCP4 203.0.113.9 198.51.100.7 4711 443 \r\n"), "no line"},
    {TEXT("PROXY TCP4 203.0.113.9 198.51.100.7 4711 443 1\r\n"), "no line"},
    {TEXT("PROXY TCP4  203.0.113.9 198.51.100.7 4711 443\r\n"), "no line"},
    {TEXT("PROXY TCP4 203.0.113.9 198.51.100.7 04711 443\r\n"), "no line"},
    {TEXT("PROXY TCP4 203.0.113.9 198.51.100.7 65536 443\r\n"), "no line"},
    {TEXT("PROXY TCP4 203.0.113.9 198.51.100.7 -1 443\r\n"), "no line"},
    {TEXT("PROXY TCP4 203.0.113.09 198.51.100.7 4711 443\r\n"), "no line"},
    {TEXT("PROXY TCP4 2a00::1 2a00::2 4711 443\r\n"), "no line"},
    {TEXT("PROXY TCP6 203.0.113.9 198.51.100.7 4711 443\r\n"), "no line"},
    {TEXT("PROXY UDP4 203.0.113.9 198.51.100.7 4711 443\r\n"), "no line"},
    {TEXT("PROXY TCP4 203.0.113.9\0 198.51.100.7 4711 443\r\n"), "no line"},
    {TEXT("PROXY UNKNOWNS\r\n"), "no line"},
    {TEXT("PROXY \r\n"), "no line"},
    {TEXT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535 \r\n"),
     "no line"},
    {TEXT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535  "),
     "no line"},
};

START_TEST(says_why_it_is_none)
{
    struct proxy_header h;
    const char *why = "";

    ck_assert_int_eq(read_copy(bad[_i].bytes, bad[_i].length, &h, &why), PROXY_BAD);
    ck_assert_msg(strstr(why, bad[_i].why) != NULL, "no \"%s\" in: %s", bad[_i].why, why);
}
END_TEST

START_TEST(takes_the_longest)
{
    static char bytes[PROXY_HEADER_MAX] = SIGNATURE "\x21\x11\x0f\xf0" FOUR;
    struct proxy_header h;
    const char *why = "";

    ck_assert_int_eq(read_copy(bytes, sizeof(bytes) - 1, &h, &why), PROXY_MORE);
    ck_assert_int_eq(read_copy(bytes, sizeof(bytes), &h, &why), PROXY_WHOLE);
    ck_assert_uint_eq(h.length, sizeof(bytes));
}
END_TEST

/* With one byte of a good one changed, or all of them: an outcome, and a length that it has. */
START_TEST(survives_any_bytes)
{
    unsigned seed = (unsigned)_i + 1;
    char bytes[400];
    int wrong = 0;

    for (int round = 0; round < 5000; round++) {
        struct proxy_header h = {.length = 0};
        const char *why = NULL;
        size_t n = good[_i].length;
        memcpy(bytes, good[_i].bytes, n);
        bytes[(size_t)rand_r(&seed) % n] = (char)rand_r(&seed);
        if (round % 5 == 0)
            bytes[(size_t)rand_r(&seed) % n] = (char)rand_r(&seed);
        enum proxy_step step = read_copy(bytes, n, &h, &why);
        wrong += step == PROXY_ENDED || (step == PROXY_BAD) != (why != NULL) ||
                 (step == PROXY_WHOLE && (h.length == 0 || h.length > n));
    }
    ck_assert_int_eq(wrong, 0);
}
END_TEST

/* --- on a socket --- */

static int ends[2];

static void open_pair(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

static void close_pair(void)
{
    close(ends[0]);
    close(ends[1]);
}

static void put(const void *bytes, size_t n)
{
    ck_assert_int_eq(send(ends[1], bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

START_TEST(takes_what_comes_byte_by_byte_and_leaves_what_follows)
{
    struct sockaddr_in6 peer = {.sin6_family = AF_UNSPEC};
    const char *why = "";
    char rest[8] = "";
    int waiting, early = 0;

    for (size_t n = 0; n + 1 < good[_i].length; n++) {
        put(good[_i].bytes + n, 1);
        early += proxy_header_take(ends[0], &peer, &waiting, &why) != PROXY_MORE ||
                 waiting != (int)n + 1;
    }
    ck_assert_int_eq(early, 0);
    put(good[_i].bytes + good[_i].length - 1, 1);
    put("GET /", 5);
    ck_assert_int_eq(proxy_header_take(ends[0], &peer, &waiting, &why), PROXY_WHOLE);
    expect_client(&peer, _i);
    ck_assert_int_eq(recv(ends[0], rest, sizeof(rest), 0), 5);
    ck_assert_str_eq(rest, "GET /");
}
END_TEST

START_TEST(knows_an_end)
{
    struct sockaddr_in6 peer = {.sin6_family = AF_INET};
    const char *why = "";
    int waiting = 77;

    ck_assert_int_eq(proxy_header_take(ends[0], &peer, &waiting, &why), PROXY_MORE);
    ck_assert_int_eq(waiting, 0);
    put(good[0].bytes, 20);
    ck_assert_int_eq(proxy_header_take(ends[0], &peer, &waiting, &why), PROXY_MORE);
    ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
    ck_assert_int_eq(proxy_header_take(ends[0], &peer, &waiting, &why), PROXY_ENDED);
    ck_assert_int_eq(peer.sin6_family, AF_INET);
    ck_assert_int_eq(recv(ends[0], (char[32]){0}, 32, 0), 20);
    ck_assert_int_eq(proxy_header_take(ends[0], &peer, &waiting, &why), PROXY_ENDED);
}
END_TEST

START_TEST(takes_a_header_with_the_end_behind_it)
{
    struct sockaddr_in6 peer = {.sin6_family = AF_INET};
    const char *why = "";
    int waiting;

    put(good[0].bytes, good[0].length);
    ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
    ck_assert_int_eq(proxy_header_take(ends[0], &peer, &waiting, &why), PROXY_WHOLE);
    expect_client(&peer, 0);
}
END_TEST

START_TEST(leaves_the_peer_what_it_is_when_it_is_none)
{
    struct sockaddr_in6 peer = {.sin6_family = AF_INET};
    const char *why = "";
    int waiting;

    put("GET / HTTP/1.1\r\n", 16);
    ck_assert_int_eq(proxy_header_take(ends[0], &peer, &waiting, &why), PROXY_BAD);
    ck_assert_int_eq(peer.sin6_family, AF_INET);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proxy_header");
    TCase *bytes = tcase_create("bytes"), *socket = tcase_create("socket");

    tcase_add_loop_test(bytes, reads_a_header, 0, COUNT(good));
    tcase_add_loop_test(bytes, waits_for_the_rest_wherever_it_is_cut, 0, COUNT(good));
    tcase_add_loop_test(bytes, says_why_it_is_none, 0, COUNT(bad));
    tcase_add_test(bytes, takes_the_longest);
    tcase_add_loop_test(bytes, survives_any_bytes, 0, COUNT(good));
    suite_add_tcase(suite, bytes);
    tcase_add_checked_fixture(socket, open_pair, close_pair);
    tcase_add_loop_test(socket, takes_what_comes_byte_by_byte_and_leaves_what_follows, 0,
                        COUNT(good));
    tcase_add_test(socket, knows_an_end);
    tcase_add_test(socket, takes_a_header_with_the_end_behind_it);
    tcase_add_test(socket, leaves_the_peer_what_it_is_when_it_is_none);
    suite_add_tcase(suite, socket);
    return unit_run(suite);
}
