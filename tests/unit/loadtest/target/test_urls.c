/*
 * The file of --urls: what is understood, and that what is not is named by file and line.
 */
#include "loadtest/target/urls.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct url_list list;

/* Reads `text` by way of a file. */
static bool read_text(const char *text, struct complaint *why)
{
    char name[] = "/tmp/test_urls_XXXXXX";
    int fd = mkstemp(name);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
    bool good = url_list_read(&list, name, why);
    unlink(name);
    return good;
}

START_TEST(weights_methods_and_comments)
{
    struct complaint why = {""};
    bool good = read_text("# shop\r\n\r\n  http://h/a  \r\n10\thttp://h/b\nPUT http://h/c\n"
                          "0.5 DELETE unix:/s:/d#x",
                          &why);
    ck_assert_msg(good, "%s", why.text);
    ck_assert_uint_eq(list.count, 4);
    ck_assert_str_eq(list.aims[0].url, "http://h/a");
    ck_assert_uint_eq(list.aims[0].line, 3);
    ck_assert_ptr_null(list.aims[0].method);
    ck_assert(list.aims[0].weight > 0.99 && list.aims[0].weight < 1.01);
    ck_assert(list.aims[1].weight > 9.99 && list.aims[1].weight < 10.01);
    ck_assert_str_eq(list.aims[2].method, "PUT");
    ck_assert_str_eq(list.aims[3].method, "DELETE");
    ck_assert_str_eq(list.aims[3].url, "unix:/s:/d#x");
    ck_assert(list.aims[3].weight > 0.49 && list.aims[3].weight < 0.51);
    ck_assert(read_text("http://h/only", &why)); /* another file takes the place of the first */
    ck_assert_uint_eq(list.count, 1);
    url_list_free(&list);
}
END_TEST

START_TEST(mistakes_are_named_by_their_line)
{
    static const struct {
        const char *text, *says;
    } bad[] = {{"http://h/\n0 http://h/", ":2: \"0\" is not a weight"},
               {"5x http://h/", ":1: \"5x\" is not a weight"},
               {"5 5 http://h/", ":1: \"5\" is neither"},
               {"\n\n3 GET", ":3: the URL is missing"},
               {"http://h/ GET", ":1: \"GET\" follows the URL"},
               {"G(T http://h/", ":1: \"G(T\" is neither"},
               {"# nothing\n", "no URL"},
               {"", "no URL"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct complaint why = {""};
        ck_assert_msg(!read_text(bad[i].text, &why), "%s", bad[i].text);
        ck_assert_msg(strstr(why.text, bad[i].says), "%s", why.text);
    }
    struct complaint why = {""};
    ck_assert(!url_list_read(&list, "/nonexistent/file", &why));
    ck_assert_ptr_nonnull(strstr(why.text, "/nonexistent/file cannot be read"));
    ck_assert(!url_list_read(&list, "/tmp", &why));
    url_list_free(&list);
}
END_TEST

START_TEST(ten_thousand_and_no_more)
{
    static char text[(MAX_LISTED_URLS + 1) * 10 + 1];
    struct complaint why = {""};
    for (size_t i = 0; i < MAX_LISTED_URLS; i++)
        memcpy(text + 10 * i, "http://h/\n", 10);
    ck_assert(read_text(text, &why));
    ck_assert_uint_eq(list.count, MAX_LISTED_URLS);
    strcat(text, "http://h/\n");
    ck_assert(!read_text(text, &why));
    ck_assert_ptr_nonnull(strstr(why.text, ":10001: there can be 10000 URLs"));
    url_list_free(&list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("urls");
    TCase *tests = tcase_create("urls");
    tcase_add_test(tests, weights_methods_and_comments);
    tcase_add_test(tests, mistakes_are_named_by_their_line);
    tcase_add_test(tests, ten_thousand_and_no_more);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
