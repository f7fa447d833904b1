/*
 * request: what a handler may ask, and what it gets when there is nothing, or nonsense.
 */
#include "common/request.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct request request;

static void set_up(void)
{
    ck_assert(request_open(&request, 4, 100));
    request_reset(&request);
}

static void tear_down(void)
{
    request_close(&request);
    ck_assert_ptr_null(request.fields);
    ck_assert_ptr_null(request.path);
}

static void add_field(const char *name, const char *value)
{
    request.fields[request.field_count++] = (struct field){.name = name,
                                                           .value = value,
                                                           .name_len = (uint32_t)strlen(name),
                                                           .value_len = (uint32_t)strlen(value)};
}

static void set_query(const char *query)
{
    request.query = query;
    request.query_len = strlen(query);
}

START_TEST(finds_a_header_in_any_letters)
{
    size_t length = 99;

    add_field("Content-Type", "text/plain");
    add_field("X", "");
    add_field("content-type", "second");
    ck_assert_ptr_eq(request_header(&request, "CONTENT-TYPE", &length), request.fields[0].value);
    ck_assert_uint_eq(length, 10);
    ck_assert_ptr_nonnull(request_header(&request, "x", &length));
    ck_assert_uint_eq(length, 0);
    ck_assert_ptr_null(request_header(&request, "Content", &length));
    ck_assert_ptr_null(request_header(&request, "Content-Type-2", &length));
}
END_TEST

static const struct {
    const char *query; /* NULL: none */
    long number;
} numbers[] = {
    {NULL, 7},      {"", 7},      {"m=1", 7},
    {"n=0", 0},     {"n=42", 42}, {"n=1000", 1000},
    {"n=1001", -1}, {"n=-1", -1}, {"n=", -1},
    {"n=x", -1},    {"n=4x", -1}, {"n=+4", -1},
    {"n=%34", 4},   {"n= 4", -1}, {"n=99999999999999999999999999", -1},
    {"n=0x10", -1},
};

START_TEST(reads_a_number_or_says_that_it_is_none)
{
    if (numbers[_i].query != NULL)
        set_query(numbers[_i].query);
    ck_assert_msg(request_query_number(&request, "n", 7, 1000) == numbers[_i].number, "%s: %ld",
                  numbers[_i].query, request_query_number(&request, "n", 7, 1000));
}
END_TEST

START_TEST(tells_what_tls_has_told)
{
    struct tls_facts facts = {.version = "TLSv1.3",
                              .cipher = "TLS_AES_128_GCM_SHA256",
                              .server_name = "a.example",
                              .subject = "CN=ada",
                              .is_resumed = true};
    const struct request_tls *tls;

    ck_assert_ptr_null(request_tls(&request));
    request_secure(&request, &facts);
    tls = request_tls(&request);
    ck_assert_ptr_nonnull(tls);
    ck_assert_str_eq(tls->version, "TLSv1.3");
    ck_assert_str_eq(tls->cipher, "TLS_AES_128_GCM_SHA256");
    ck_assert_str_eq(tls->server_name, "a.example");
    ck_assert_str_eq(tls->client, "CN=ada");
    ck_assert(tls->is_resumed);
    request_reset(&request);
    ck_assert_ptr_null(request_tls(&request));
}
END_TEST

/* No name was asked for, no certificate shown: not an empty one. */
START_TEST(tells_what_tls_has_not_told)
{
    struct tls_facts facts = {.version = "TLSv1.2"};

    request_secure(&request, &facts);
    ck_assert_ptr_null(request_tls(&request)->server_name);
    ck_assert_ptr_null(request_tls(&request)->client);
    ck_assert(!request_tls(&request)->is_resumed);
}
END_TEST

START_TEST(forgets_when_reset)
{
    char *path = request.path;
    size_t length;

    add_field("A", "b");
    set_query("n=1");
    request.keep_alive = request.is_chunked = request.is_head = true;
    request.content_length = 5;
    request_reset(&request);
    ck_assert_ptr_eq(request.path, path);
    ck_assert_uint_eq(request.field_max, 4);
    ck_assert_uint_eq(request.field_count, 0);
    ck_assert_ptr_null(request_header(&request, "A", &length));
    ck_assert(!request_query(&request, "n", (char[8]){0}, 8));
    ck_assert(!request.keep_alive && !request.is_chunked && !request.is_head);
    ck_assert_int_eq(request_body(&request).fd, -1);
    ck_assert_uint_eq(request_body(&request).length, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("request");
    TCase *tcase = tcase_create("request");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, finds_a_header_in_any_letters);
    tcase_add_loop_test(tcase, reads_a_number_or_says_that_it_is_none, 0,
                        (int)(sizeof(numbers) / sizeof(numbers[0])));
    tcase_add_test(tcase, tells_what_tls_has_told);
    tcase_add_test(tcase, tells_what_tls_has_not_told);
    tcase_add_test(tcase, forgets_when_reset);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
