/*
 * clock.c — time, and HTTP's one way to write it. No strftime: a handler may have set the locale.
 */
#include "clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

int64_t clock_cpu(clockid_t clock)
{
    struct timespec used;
    return clock_gettime(clock, &used) == 0 ? used.tv_sec * 1000000000LL + used.tv_nsec : -1;
}

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

/* What four digits can say: from the year 0 to 9999. A file system may hold other times. */
static const time_t FIRST_DATE = -62167219200, LAST_DATE = 253402300799;

static void put_two(char *to, int n)
{
    to[0] = (char)('0' + n / 10);
    to[1] = (char)('0' + n % 10);
}

void http_date(time_t when, char out[HTTP_DATE_SIZE])
{
    struct tm tm;
    when = when < FIRST_DATE ? FIRST_DATE : when > LAST_DATE ? LAST_DATE : when;
    gmtime_r(&when, &tm);
    memcpy(out, "Sun, 06 Nov 1994 08:49:37 GMT", HTTP_DATE_SIZE);
    memcpy(out, days[tm.tm_wday], 3);
    put_two(out + 5, tm.tm_mday);
    memcpy(out + 8, months[tm.tm_mon], 3);
    put_two(out + 12, (tm.tm_year + 1900) / 100);
    put_two(out + 14, (tm.tm_year + 1900) % 100);
    put_two(out + 17, tm.tm_hour);
    put_two(out + 20, tm.tm_min);
    put_two(out + 23, tm.tm_sec);
}

/* Reads the text as this form, to its very end. The weekday is skipped: it says nothing new. */
static bool read_form(const char *text, int form, struct tm *tm, char month[4])
{
    int end = 0, fields = 0;
    switch (form) {
    case 0: /* Sun, 06 Nov 1994 08:49:37 GMT */
        fields = sscanf(text, "%*3[A-Za-z], %2d %3s %4d %2d:%2d:%2d GMT%n", &tm->tm_mday, month,
                        &tm->tm_year, &tm->tm_hour, &tm->tm_min, &tm->tm_sec, &end);
        break;
    case 1: /* Sunday, 06-Nov-94 08:49:37 GMT */
        fields = sscanf(text, "%*9[A-Za-z], %2d-%3s-%2d %2d:%2d:%2d GMT%n", &tm->tm_mday, month,
                        &tm->tm_year, &tm->tm_hour, &tm->tm_min, &tm->tm_sec, &end);
        break;
    default: /* Sun Nov  6 08:49:37 1994 */
        fields = sscanf(text, "%*3[A-Za-z] %3s %2d %2d:%2d:%2d %4d%n", month, &tm->tm_mday,
                        &tm->tm_hour, &tm->tm_min, &tm->tm_sec, &tm->tm_year, &end);
        break;
    }
    return fields == 6 && text[end] == '\0' && end > 0;
}

/* Two digits mean the year that is not more than 50 years ahead (RFC 9110 §5.6.7). */
static int whole_year(int two_digits)
{
    struct tm now;
    gmtime_r(&(time_t){time(NULL)}, &now);
    int year = 2000 + two_digits;
    return year > now.tm_year + 1900 + 50 ? year - 100 : year;
}

static time_t time_of(struct tm *tm, const char *month)
{
    tm->tm_year -= 1900;
    for (tm->tm_mon = 0; tm->tm_mon < 12; tm->tm_mon++)
        if (strcmp(months[tm->tm_mon], month) == 0)
            break;
    struct tm there = *tm;
    time_t when = tm->tm_mon < 12 ? timegm(&there) : -1;
    bool is_real = there.tm_mday == tm->tm_mday && there.tm_hour == tm->tm_hour &&
                   there.tm_min == tm->tm_min && there.tm_sec == tm->tm_sec;
    return is_real ? when : -1; /* timegm makes March 1 of a February 29 */
}

time_t http_date_parse(const char *text, size_t length)
{
    char copy[40], month[4];
    if (length >= sizeof copy)
        return -1;
    memcpy(copy, text, length);
    copy[length] = '\0';
    for (int form = 0; form < 3; form++) {
        struct tm tm = {0};
        if (!read_form(copy, form, &tm, month))
            continue;
        if (form == 1)
            tm.tm_year = whole_year(tm.tm_year);
        return time_of(&tm, month);
    }
    return -1;
}
