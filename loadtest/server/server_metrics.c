/*
 * server_metrics.c — HTTP/1.0, so that the answer is all there is on the connection.
 *
 * This is no client that is measured, so it is blocking and knows no more HTTP than it needs: the
 * status, and where the body begins.
 */
#include "server_metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../target/url.h"
#include "../units.h"

enum { ANSWER_MAX = 1 << 20, PATIENCE_S = 2 };

static int connect_to(const struct address *address)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&address->sa, address->length) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Reads until the server closes, for a while at most; false when it does not come to that. */
static bool read_answer(int fd, char *text)
{
    int64_t deadline = now_ns() + 2 * PATIENCE_S * NS_PER_S;
    size_t length = 0;
    while (length < ANSWER_MAX && now_ns() < deadline) {
        ssize_t n = recv(fd, text + length, ANSWER_MAX - length, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        length += (size_t)n;
        text[length] = '\0';
        if (n == 0)
            return true;
    }
    return false;
}

static bool ask(int fd, const struct url *url, char *text)
{
    char request[URL_URI_MAX + URL_HOST_MAX + 64];
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", url->uri,
                     url->authority);
    return n > 0 && (size_t)n < sizeof request && send(fd, request, (size_t)n, MSG_NOSIGNAL) == n &&
           read_answer(fd, text);
}

/* "tandem_x 12.5" and "tandem_x{…} 12.5": the number behind `name`. */
static bool sample(const char *line, const char *name, double *value)
{
    size_t length = strlen(name);
    if (strncmp(line, name, length) != 0 || (line[length] != ' ' && line[length] != '{'))
        return false;
    const char *at = line + length;
    for (bool quoted = false; *at && *at != '\n' && (quoted || *at != ' '); at++) {
        if (quoted && *at == '\\' && at[1])
            at++;
        else if (*at == '"')
            quoted = !quoted;
    }
    char *end;
    *value = strtod(at, &end);
    return end != at;
}

static void add_killed(struct server_metrics *m, const char *line, double value)
{
    char cause[METRICS_WORD];
    const char *label = strstr(line, "cause=\"");
    if (!label || sscanf(label, "cause=\"%23[^\"]", cause) != 1)
        return;
    size_t i = 0;
    while (i < m->causes && strcmp(m->killed[i].cause, cause) != 0)
        i++;
    if (i == METRICS_CAUSES)
        return;
    if (i == m->causes)
        strcpy(m->killed[m->causes++].cause, cause);
    m->killed[i].requests += (uint64_t)value;
}

/* "tandem_responses_total{route="(admin)",code="200"} 7", and the other codes. */
static void add_watched(struct server_metrics *m, const char *line, double value)
{
    m->tells_watched = true;
    if (strncmp(line, "tandem_responses_total{route=\"(admin)\"", 38) == 0)
        m->watched += (uint64_t)value;
}

static void read_line(struct server_metrics *m, const char *line, bool *counts_requests)
{
    double value;
    if (sample(line, "tandem_requests_total", &value)) {
        m->requests = (uint64_t)value;
        *counts_requests = true;
    } else if (sample(line, "tandem_responses_total", &value))
        add_watched(m, line, value);
    else if (sample(line, "tandem_requests_refused_total", &value))
        m->refused = (uint64_t)value;
    else if (sample(line, "tandem_worker_deaths_total", &value))
        m->worker_deaths = (uint64_t)value;
    else if (sample(line, "requests_killed_total", &value))
        add_killed(m, line, value);
    else if (sample(line, "tandem_cpu_seconds_total", &value))
        m->cpu_s = value;
    else if (sample(line, "tandem_memory_pss_bytes", &value))
        m->pss_bytes = (uint64_t)value;
    else if (sample(line, "tandem_process_start_time_seconds", &value))
        m->started_s = value;
}

bool server_metrics_parse(const char *text, struct server_metrics *m)
{
    bool counts_requests = false;
    *m = (struct server_metrics){.cpu_s = -1};
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL)
        read_line(m, line, &counts_requests);
    return counts_requests;
}

static bool parse_answer(const char *name, const char *text, struct server_metrics *m,
                         struct complaint *why)
{
    const char *body = strstr(text, "\r\n\r\n");
    int status;
    if (!body || sscanf(text, "HTTP/1.%*1[01] %3d", &status) != 1)
        return complain(why, "--server-metrics %s: the answer is not HTTP", name);
    if (status != 200)
        return complain(why, "--server-metrics %s: answered with status %d", name, status);
    return server_metrics_parse(body + 4, m) ||
           complain(why,
                    "--server-metrics %s: has no tandem_requests_total: is it the /metrics of a "
                    "server-proc or server-thread (--admin)?",
                    name);
}

bool server_metrics_get(const char *name, struct server_metrics *m, struct complaint *why)
{
    struct url url;
    struct address address;
    if (!url_parse(name, &url, why) || !url_resolve(&url, &address, why))
        return false;
    int fd = connect_to(&address);
    char *text = fd >= 0 ? malloc(ANSWER_MAX + 1) : NULL;
    bool good = text && ask(fd, &url, text);
    if (!good)
        complain(why, "--server-metrics %s: nobody answers: %s", name, strerror(errno));
    else
        good = parse_answer(name, text, m, why);
    free(text);
    if (fd >= 0)
        close(fd);
    return good;
}

uint64_t server_metrics_killed(const struct server_metrics *m)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < m->causes; i++)
        sum += m->killed[i].requests;
    return sum;
}
