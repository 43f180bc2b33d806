/* notice.c - parse a datagram of the sd_notify protocol: lines of NAME=VALUE (NTF-15).  Pure. */
#include "notice.h"
#include <string.h>

enum { LARGEST_ERRNO = 4095 };
static const int64_t longest = INT64_MAX / 16;

/* Digits alone; -1 for anything else, and no more than the longest: systemd's "infinity" is UINT64_MAX. */
static int64_t number(const char *text, size_t length)
{
    int64_t value = length > 0 ? 0 : -1;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
        if (value > longest)
            value = longest;
    }
    return value;
}

static bool is_within(int64_t value, int64_t limit) { return value > 0 && value <= limit; }

static bool names(const char *line, size_t length, const char *name, const char **value, size_t *value_length)
{
    size_t name_length = strlen(name);
    if (length < name_length || memcmp(line, name, name_length) != 0)
        return false;
    *value = line + name_length;
    *value_length = length - name_length;
    return true;
}

static void parse_line(const char *line, size_t length, struct blivet_notice *notice)
{
    const char *value;
    size_t size;
    int64_t said;
    if (names(line, length, "READY=", &value, &size))
        notice->ready |= size == 1 && *value == '1';
    else if (names(line, length, "STATUS=", &value, &size)) {
        notice->status = value;
        notice->status_length = size;
    } else if (names(line, length, "ERRNO=", &value, &size) && is_within(said = number(value, size), LARGEST_ERRNO))
        notice->error = (int)said;
    else if (names(line, length, "MAINPID=", &value, &size) && is_within(said = number(value, size), INT32_MAX))
        notice->main_pid = (int)said;
    else if (names(line, length, "EXTEND_TIMEOUT_USEC=", &value, &size) && (said = number(value, size)) > 0)
        notice->extend_ms = said / 1000 + (said % 1000 > 0);
}

void blivet_parse_notice(const char *bytes, size_t count, struct blivet_notice *notice)
{
    memset(notice, 0, sizeof *notice);
    while (count > 0) {
        const char *newline = memchr(bytes, '\n', count);
        size_t length = newline ? (size_t)(newline - bytes) : count;
        parse_line(bytes, length, notice);
        length += newline != NULL;
        bytes += length;
        count -= length;
    }
}
