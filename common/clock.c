/*
 * clock.c — time, and HTTP's one way to write it. No strftime: a handler may have set the locale.
 */
#include "clock.h"

#include <stdio.h>
#include <string.h>

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

int64_t clock_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_ms(void)
{
    return clock_us() / 1000;
}

void http_date(time_t when, char out[HTTP_DATE_SIZE])
{
    struct tm tm;
    gmtime_r(&when, &tm);
    char text[96]; /* as wide as the compiler fears any int may be */
    snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
             months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    memcpy(out, text, HTTP_DATE_SIZE - 1);
    out[HTTP_DATE_SIZE - 1] = '\0';
}

time_t http_date_parse(const char *text, size_t length)
{
    char copy[HTTP_DATE_SIZE];
    if (length != HTTP_DATE_SIZE - 1)
        return -1;
    memcpy(copy, text, length);
    copy[length] = '\0';
    char month[4];
    struct tm tm = {0};
    int end = 0;
    if (sscanf(copy + 3, ", %2d %3s %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &tm.tm_year,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
        end != HTTP_DATE_SIZE - 4)
        return -1;
    tm.tm_year -= 1900;
    for (tm.tm_mon = 0; tm.tm_mon < 12; tm.tm_mon++)
        if (strcmp(months[tm.tm_mon], month) == 0)
            return timegm(&tm);
    return -1;
}
