/*
 * answer.c — llhttp is paused at the end of each answer, so that we know where it ended.
 */
#include "answer.h"

static int on_message_begin(llhttp_t *parser)
{
    struct answer *a = parser->data;
    a->begun = true;
    a->first_noted = false;
    return 0;
}

/* 1: no body follows, whatever the fields say (RFC 9112 §6.3). A 304 may well tell the length that
 * the body would have. */
static int on_headers_complete(llhttp_t *parser)
{
    const struct answer *a = parser->data;
    int status = parser->status_code;
    return a->head || status / 100 == 1 || status == 204 || status == 304;
}

static int on_message_complete(llhttp_t *parser)
{
    struct answer *a = parser->data;
    a->keep_alive = llhttp_should_keep_alive(parser);
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {.on_message_begin = on_message_begin,
                                           .on_headers_complete = on_headers_complete,
                                           .on_message_complete = on_message_complete};

void answer_start(struct answer *a)
{
    llhttp_init(&a->parser, HTTP_RESPONSE, &settings);
    a->parser.data = a;
    answer_next(a);
}

/* An interim answer is whole: the final one is still to come. */
static bool is_interim(const struct answer *a)
{
    int status = answer_status(a);
    return status >= 100 && status < 200 && status != 101;
}

enum answer_step answer_read(struct answer *a, bool head, const char **data, size_t *length)
{
    a->head = head;
    while (*length > 0) {
        llhttp_errno_t error = llhttp_execute(&a->parser, *data, *length);
        if (error == HPE_OK) {
            *length = 0;
            return ANSWER_MORE;
        }
        if (error != HPE_PAUSED)
            return ANSWER_BROKEN;
        const char *end = llhttp_get_error_pos(&a->parser);
        *length -= (size_t)(end - *data);
        *data = end;
        llhttp_resume(&a->parser);
        if (!is_interim(a))
            return ANSWER_WHOLE;
        answer_next(a);
    }
    return ANSWER_MORE;
}

bool answer_ends_here(struct answer *a)
{
    if (!a->begun || !llhttp_message_needs_eof(&a->parser) ||
        llhttp_finish(&a->parser) != HPE_PAUSED)
        return false;
    a->keep_alive = false;
    return true;
}
