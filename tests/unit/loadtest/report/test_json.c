/*
 * The text that comes out, commas and quotes in their places.
 */
#include "loadtest/report/json.h"

#include "unit.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_document)
{
    char *text;
    size_t length;
    struct json j;
    FILE *out = open_memstream(&text, &length);
    json_begin(&j, out);
    json_object(&j, NULL);
    json_text(&j, "a", "say \"hi\"\\\n");
    json_null(&j, "b");
    json_array(&j, "c");
    json_array_end(&j);
    json_array(&j, "d");
    json_count(&j, NULL, UINT64_MAX);
    json_real(&j, NULL, 0.5);
    json_real(&j, NULL, (double)NAN);
    json_bool(&j, NULL, true);
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
    fclose(out);
    ck_assert_str_eq(text,
                     "{\n  \"a\": \"say \\\"hi\\\"\\\\\\u000a\",\n  \"b\": null,\n  \"c\": [],\n"
                     "  \"d\": [\n    18446744073709551615,\n    0.5,\n    null,\n    true\n  ]\n"
                     "}\n");
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tests = tcase_create("json");
    tcase_add_test(tests, a_document);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
