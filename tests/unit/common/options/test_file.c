/*
 * The file of --config: what a line may be, who wins, and where each mistake is.
 */
#include "line.h"
#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(reads_settings)
{
    ck_assert_int_eq(READ("--config", file_of("# comment\n"
                                              "; another\n"
                                              "\n"
                                              "workers = 3\r\n"
                                              "  max-body=2m ; so much\n"
                                              "\thsts = max-age=1; includeSubDomains\n"
                                              "cache-control: a=b\n"
                                              "root = /\n"
                                              "listing = Yes\n"
                                              "hide-server = 0\n"
                                              "user =\n"
                                              "module = a.so=1 2\n"
                                              "tls-listen = :1\n"
                                              "tls-self-signed = on\n"
                                              "module = b.so")),
                     OPTIONS_RUN);
    ck_assert_str_eq(err_text, "");
    ck_assert_uint_eq(o.workers, 3);
    ck_assert_uint_eq(o.max_body, 2 << 20);
    ck_assert_str_eq(o.hsts, "max-age=1; includeSubDomains");
    ck_assert_str_eq(o.cache_control, "a=b");
    ck_assert_str_eq(o.root, "/");
    ck_assert(o.listing && !o.hide_server && o.tls_self_signed);
    ck_assert_ptr_null(o.user);
    ck_assert_uint_eq(o.modules.count, 2);
    ck_assert_str_eq(o.modules.all[0], "a.so=1 2");
    ck_assert_str_eq(o.modules.all[1], "b.so");
}
END_TEST

/* Who is trusted is kept a second time, as addresses: those must go as well. */
START_TEST(a_section_trusts_nobody_else)
{
    struct sockaddr_in6 proxy, other;

    ck_assert(address_read("10.1.2.3", 8, &proxy) && address_read("192.0.2.1", 9, &other));
    ck_assert_int_eq(READ("--config", file_of("trusted-proxy = 10.0.0.0/8\ntrusted-proxy = unix\n"
                                              "[server-proc]\ntrusted-proxy = 192.0.2.1\n")),
                     OPTIONS_RUN);
    ck_assert_uint_eq(o.trusted_proxies.count, 1);
    ck_assert(trust_has(&o.trust, &other) && !trust_has(&o.trust, &proxy));
    ck_assert(!o.trust.has_unix);
}
END_TEST

START_TEST(loses_to_flags_and_variables)
{
    setenv("TANDEM_MAX_BODY", "2m", 1);
    setenv("TANDEM_CONFIG",
           file_of("workers = nonsense\nmax-body = nonsense\nmax-uri = 1k\n"
                   "listen = 127.0.0.1:1\nlisten = 127.0.0.1:2\nlisting = on\n"),
           1);
    ck_assert_int_eq(READ("--workers=5", "--root=/", "--listen=:3"), OPTIONS_RUN);
    ck_assert_uint_eq(o.workers, 5);
    ck_assert_uint_eq(o.max_body, 2 << 20);
    ck_assert_uint_eq(o.max_uri, 1024);
    ck_assert_uint_eq(o.listen.count, 1);
    ck_assert_str_eq(o.listen.all[0], ":3");
    ck_assert(o.listing);
}
END_TEST

START_TEST(has_sections_for_each_server)
{
    static const char shared[] = "listen = 127.0.0.1:1\n"
                                 "listen = 127.0.0.1:2\n"
                                 "workers = 2\n"
                                 "quarantine = 5/10s\n"
                                 "[server-proc] ; its own\n"
                                 "  listen = 127.0.0.1:3\n"
                                 "  isolation = fresh\n"
                                 "  quarantine = off\n"
                                 "[server-thread]\n"
                                 "workers = 7\n";

    ck_assert_int_eq(READ("--config", file_of(shared)), OPTIONS_RUN);
    ck_assert_uint_eq(o.listen.count, 1);
    ck_assert_str_eq(o.listen.all[0], "127.0.0.1:3");
    ck_assert_uint_eq(o.workers, 2);
    ck_assert_int_eq(o.isolation, ISOLATION_FRESH);
    ck_assert_uint_eq(o.quarantine.deaths, 0);
    ck_assert_int_eq(TWIN("--config", file_of(shared)), OPTIONS_RUN);
    ck_assert_str_eq(err_text, "");
    ck_assert_uint_eq(o.listen.count, 2);
    ck_assert_uint_eq(o.workers, 7);
    ck_assert_uint_eq(o.quarantine.deaths, 5);
}
END_TEST

/* A line of the file, and what is said of it behind "server-thread: PATH:". */
static const struct {
    const char *content, *complaint;
} mistakes[] = {
    {"\nmax-bdy = 1m\n", "2: max-bdy: no such option: did you mean max-body? see --help"},
    {"--workers = 1\n", "1: --workers: no such option: did you mean workers? see --help"},
    {"colour = blue\n", "1: colour: no such option: see --help"},
    {"workers = many\n", "1: workers: \"many\" is not a number from 1 to 1024"},
    {"# x\n\nworkers = 2 # two\n", "3: workers: \"2 # two\" is not a number from 1 to 1024"},
    {"enable-demo = maybe\n", "1: enable-demo: \"maybe\" is neither on nor off"},
    {"workers = 1\n\nworkers = 2\n", "3: workers: stands in line 1 already: leave one of them out"},
    {"[server-thread]\nworkers = 1\nworkers = 2",
     "3: workers: stands in line 2 already: leave one of them out"},
    {"workers\n", "1: is no setting: write NAME = VALUE"},
    {"max-uri = 1k\nworkers ; = 1", "2: is no setting: write NAME = VALUE"},
    {"[proc]\nx = 1\n", "1: there is no such section: write [server-proc] or [server-thread] above "
                        "what is for that one alone"},
    {"\n[server-proc\n", "2: there is no such section: write [server-proc] or [server-thread] "
                         "above what is for that one alone"},
    {"[server-proc] workers = 1\n", "1: there is no such section: write [server-proc] or "
                                    "[server-thread] above what is for that one alone"},
    {"isolation = fresh\n", "1: isolation: belongs to server-proc: put it below [server-proc]"},
    {"[server-thread]\nspare = 3\n",
     "2: spare: belongs to server-proc: put it below [server-proc]"},
    {"[server-proc]\nisolatoin = fresh\n",
     "2: isolatoin: no such option: did you mean isolation? see --help"},
    {"config = other\n", "1: config: is for the command line: leave it out here"},
    {"help = on\n", "1: help: is for the command line: leave it out here"},
    {"workers = 1\n\x7f"
     "ELF\n",
     "2: is no text: name a file of lines like NAME = VALUE"},
    {"listing = on\n", "1: listing: is about files, and none are served: add --root DIR"},
    {"tls-min = 1.3\n",
     "1: tls-min: is about https, and none is spoken: add --tls-listen ADDR:PORT"},
};

START_TEST(says_in_which_line)
{
    const char *path = file_of(mistakes[_i].content);
    char expected[512];

    ck_assert_int_eq(TWIN("--config", path), OPTIONS_BAD);
    snprintf(expected, sizeof(expected), "server-thread: %s:%s\n", path, mistakes[_i].complaint);
    ck_assert_str_eq(err_text, expected);
}
END_TEST

START_TEST(says_all_that_is_wrong)
{
    ck_assert_int_eq(READ("--config", file_of("workers = x\nfoo\n[x]\ny = 1\n[server-proc]\nz = 1\n"
                                              "max-uri = x\nbar")),
                     OPTIONS_BAD);
    ck_assert_int_eq(lines_in(err_text), 6);
}
END_TEST

/* Whatever inih would make of a line that is longer than its buffer. */
START_TEST(bounds_lines)
{
    char content[1024];
    enum { LONGEST = 198, NAME = sizeof("cache-control = ") - 1 };

    snprintf(content, sizeof(content), "root = /\ncache-control = %0*d\nmax-uri = 1k\n",
             LONGEST - NAME, 7);
    ck_assert_int_eq(READ("--config", file_of(content)), OPTIONS_RUN);
    ck_assert_uint_eq(strlen(o.cache_control), LONGEST - NAME);
    ck_assert_uint_eq(o.max_uri, 1024);
    snprintf(content, sizeof(content), "root = /\ncache-control = %0*d\nmax-uri = x\n",
             LONGEST - NAME + 1, 7);
    ck_assert_int_eq(READ("--config", file_of(content)), OPTIONS_BAD);
    ck_assert_int_eq(lines_in(err_text), 2);
    ck_assert_ptr_nonnull(strstr(err_text, ":2: is longer than 198 bytes"));
    ck_assert_ptr_nonnull(strstr(err_text, ":3: max-uri:"));
    snprintf(content, sizeof(content), "# %0500d\nmax-uri = x\n", 0);
    ck_assert_int_eq(READ("--config", file_of(content)), OPTIONS_BAD);
    ck_assert_ptr_nonnull(strstr(err_text, ":2: max-uri:"));
}
END_TEST

START_TEST(begins_with_a_byte_order_mark)
{
    ck_assert_int_eq(READ("--config", file_of("\xEF\xBB\xBFworkers = 3\n")), OPTIONS_RUN);
    ck_assert_uint_eq(o.workers, 3);
    ck_assert_int_eq(READ("--config", file_of("\xEF\xBB\xBF# workers\n")), OPTIONS_RUN);
}
END_TEST

START_TEST(wants_a_file_that_can_be_read)
{
    ck_assert_int_eq(READ("--config", "/nowhere/at/all"), OPTIONS_BAD);
    ck_assert_str_eq(err_text, "server-proc: --config: \"/nowhere/at/all\": No such file or "
                               "directory: name a file that can be read\n");
    setenv("TANDEM_CONFIG", "/tmp", 1);
    ck_assert_int_eq(READ_NOTHING(), OPTIONS_BAD);
    ck_assert_str_eq(err_text,
                     "server-proc: TANDEM_CONFIG: \"/tmp\" is a folder: name a file in it\n");
    ck_assert_int_eq(READ("--config=/dev/zero"), OPTIONS_BAD);
    ck_assert_ptr_nonnull(strstr(err_text, "/dev/zero:1: is no text"));
    ck_assert_int_eq(READ("--config=/dev/null"), OPTIONS_RUN);
}
END_TEST

START_TEST(refuses_more_than_fit)
{
    char content[1024] = "";

    for (int i = 0; i <= LIMIT_LISTENERS; i++)
        strcat(content, "listen = :0\n");
    ck_assert_int_eq(READ("--config", file_of(content)), OPTIONS_BAD);
    ck_assert_ptr_nonnull(strstr(err_text, ":17: listen: more than 16 addresses"));
    ck_assert_int_eq(lines_in(err_text), 1);
}
END_TEST

START_TEST(names_the_places)
{
    const char *path = file_of("listen = :1\n\nlisten = :2\n");
    char expected[128];

    ck_assert_int_eq(READ("--config", path), OPTIONS_RUN);
    snprintf(expected, sizeof(expected), "%s:3: listen", path);
    ck_assert_str_eq(options_place("listen", 1), expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *tcase = tcase_create("file");

    tcase_add_checked_fixture(tcase, forget_environment, NULL);
    tcase_add_test(tcase, reads_settings);
    tcase_add_test(tcase, a_section_trusts_nobody_else);
    tcase_add_test(tcase, loses_to_flags_and_variables);
    tcase_add_test(tcase, has_sections_for_each_server);
    tcase_add_loop_test(tcase, says_in_which_line, 0, COUNT(mistakes));
    tcase_add_test(tcase, says_all_that_is_wrong);
    tcase_add_test(tcase, bounds_lines);
    tcase_add_test(tcase, begins_with_a_byte_order_mark);
    tcase_add_test(tcase, wants_a_file_that_can_be_read);
    tcase_add_test(tcase, refuses_more_than_fit);
    tcase_add_test(tcase, names_the_places);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
