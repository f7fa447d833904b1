/*
 * What comes from outside is text on the page, whatever it looks like.
 */
#include "loadtest/report/html.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static char *text;
static size_t length;

static FILE *page(void)
{
    FILE *out = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(out);
    return out;
}

static void expect_written(FILE *out, const char *expected)
{
    fclose(out);
    ck_assert_str_eq(text, expected);
    free(text);
}

static const struct {
    const char *given, *written;
} texts[] = {
    {"plain", "plain"},
    {"<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"},
    {"a&b=\"c\"", "a&amp;b=&quot;c&quot;"},
    {"&amp;", "&amp;amp;"},
    {"tab\tand\nline", "tab\tand\nline"},
    {"bell\a, escape\033[0m, delete\x7f", "bell&#xfffd;, escape&#xfffd;[0m, delete&#xfffd;"},
    {"µs, €, 😀", "µs, €, 😀"},
    /* Not UTF-8: a lone byte, a cut off character, one written too long, a surrogate, too large. */
    {"\xff", "&#xfffd;"},
    {"\xe2\x82", "&#xfffd;&#xfffd;"},
    {"\xe2\x82<", "&#xfffd;&#xfffd;&lt;"},
    {"\xc0\xbc", "&#xfffd;&#xfffd;"},
    {"\xe0\x80\xbc", "&#xfffd;&#xfffd;&#xfffd;"},
    {"\xed\xa0\x80", "&#xfffd;&#xfffd;&#xfffd;"},
    {"\xf4\x90\x80\x80", "&#xfffd;&#xfffd;&#xfffd;&#xfffd;"},
    {"\xc3<b>", "&#xfffd;&lt;b&gt;"},
};

START_TEST(a_text_is_escaped)
{
    FILE *out = page();
    html_text(out, texts[_i].given);
    expect_written(out, texts[_i].written);
}
END_TEST

START_TEST(an_element_holds_its_text)
{
    FILE *out = page();
    html_element(out, "p", "note", "1 < 2");
    html_elementf(out, "b", NULL, "%d & %s", 7, "<");
    expect_written(out, "<p class=\"note\">1 &lt; 2</p>\n<b>7 &amp; &lt;</b>\n");
}
END_TEST

START_TEST(a_table_ends_its_rows)
{
    static const struct html_column columns[] = {{"name", false}, {"n", true}};
    struct html_table t;
    FILE *out = page();
    html_table_open(&t, out, "a \"table\"", columns, 2);
    html_cell(&t, "<a>");
    html_cellf(&t, "%d", 12);
    html_cell_pair(&t, "b", "c & d");
    html_cell(&t, "0");
    html_table_close(&t);
    expect_written(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
                        "aria-label=\"a &quot;table&quot;\"><table>\n"
                        "<thead><tr><th scope=\"col\">name</th><th scope=\"col\" class=\"n\">n</th>"
                        "</tr></thead>\n<tbody>\n"
                        "<tr><td>&lt;a&gt;</td><td class=\"n\">12</td></tr>\n"
                        "<tr><td class=\"pair\"><b>b</b>\n<small>c &amp; d</small>\n</td>"
                        "<td class=\"n zero\">0</td></tr>\n"
                        "</tbody></table></div>\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("html");
    TCase *tests = tcase_create("html");
    tcase_add_loop_test(tests, a_text_is_escaped, 0, sizeof texts / sizeof texts[0]);
    tcase_add_test(tests, an_element_holds_its_text);
    tcase_add_test(tests, a_table_ends_its_rows);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
