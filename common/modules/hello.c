/*
 * hello.c — the smallest module. README.md here says how it is built and loaded.
 *
 *      curl http://127.0.0.1:8080/hello?name=Ada          Hello, Ada!
 */
#include <tandem/handler.h> /* all that the servers offer; no other header of theirs is needed */

#include <stdio.h>

/* Called once for each request. 0: the response is made; 400 … 599: answer with that error. */
static int hello(const struct request *req, struct response *res, void *state)
{
    (void)state; /* what `open` would have left there, if this module had one */
    char name[64], text[96];
    if (!request_query(req, "name", name, sizeof name))
        snprintf(name, sizeof name, "world");
    int length = snprintf(text, sizeof text, "Hello, %s!\n", name);
    return response_write(res, text, (size_t)length) ? 0 : 500; /* copied: `text` may go now */
}

/* The last route is the one without a path. */
static const struct route routes[] = {{"GET HEAD", "/hello", hello}, {NULL, NULL, NULL}};

/* The one name the server looks for in the shared object. */
const struct module tandem_module = {.abi = TANDEM_ABI, .name = "hello", .routes = routes};
