/*
 * template: words, sections, sections in sections; and that a text which is not in order fails.
 */
#include "common/handlers/template.h"

#include "unit.h"

#include <check.h>

struct scene {
    size_t item;
};

static void write_item(struct buf *out, const void *about)
{
    buf_printf(out, "%zu", ((const struct scene *)about)->item);
}

static bool three(void *about, size_t i)
{
    ((struct scene *)about)->item = i;
    return i < 3;
}

static bool if_odd(void *about, size_t i)
{
    return i == 0 && ((struct scene *)about)->item % 2 == 1;
}

static const struct template_word words[] = {{"item", write_item}, {NULL, NULL}};
static const struct template_section sections[] = {
    {"three", three}, {"if-odd", if_odd}, {NULL, NULL}};

static const struct {
    const char *text, *result; /* NULL: it is not in order */
} cases[] = {{"", ""},
             {"plain { } text", "plain { } text"},
             {"<{{item}}>", "<7>"},
             {"a{{#three}}<{{item}}>{{/three}}b", "a<0><1><2>b"},
             {"{{#three}}{{#if-odd}}odd {{item}}{{/if-odd}},{{/three}}", ",odd 1,,"},
             {"{{nobody}}", NULL},
             {"{{#nobody}}x{{/nobody}}", NULL},
             {"{{#three}}x", NULL},
             {"{{item", NULL},
             {"{{a name that is longer than any name may be}}", NULL}};

START_TEST(writes)
{
    struct scene scene = {.item = 7};
    struct buf out;

    buf_init(&out, 1000);
    bool is_written = template_write(&out, cases[_i].text, words, sections, &scene);
    ck_assert(is_written == (cases[_i].result != NULL));
    if (is_written) {
        buf_add(&out, "", 1);
        ck_assert_str_eq(out.data, cases[_i].result);
    }
    buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("template");
    TCase *tcase = tcase_create("template");

    tcase_add_loop_test(tcase, writes, 0, sizeof(cases) / sizeof(cases[0]));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
