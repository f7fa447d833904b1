/*
 * sparkline.c — see sparkline.h.
 */
#include "sparkline.h"

const char *sparkline_bar(double value, double top, bool utf8)
{
    static const char *const bars[2][8] = {{"_", ".", ":", "-", "=", "+", "*", "#"},
                                           {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}};
    if (!(value > 0) || !(top > 0))
        return " ";
    double height = 8 * value / top;
    return bars[utf8][height >= 7 ? 7 : (int)height];
}
