/*
 * json.h — writes JSON: commas, quotes and indentation, nothing else.
 *
 * The FILE belongs to the caller; write errors stay in it (ferror). A NULL key stands for a member
 * of an array.
 */
#ifndef LOADTEST_JSON_H
#define LOADTEST_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *out;
    int depth;
    bool first;   /* nothing in the current object or array yet */
    bool compact; /* members on one line, from here on */
};

void json_begin(struct json *j, FILE *out);
void json_end(struct json *j); /* the final newline */
void json_object(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *key);
void json_array_end(struct json *j);
void json_text(struct json *j, const char *key, const char *value); /* NULL: null */
void json_count(struct json *j, const char *key, uint64_t value);
void json_real(struct json *j, const char *key, double value); /* not a number: null */
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

#endif
