/* check.c - daemoncheck's parsers on any bytes: total, never more than they were given, and the name of a process
 * forges nothing (CHK-7).
 *
 * What stands before the first newline is the path that is looked for among the mounts, and the whole is each text. */
#include "../cli/check_parse.h"
#include "fuzz.h"
#include <limits.h>
#include <stdio.h>
#include <sys/sysmacros.h>

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        count++;
    return count;
}

/* The name is all between the first parenthesis and the last one, as far as there is room. */
static void demand_stat(const char *text)
{
    struct check_stat stat, again;
    memset(&stat, 0x5a, sizeof stat);
    memset(&again, 0xa5, sizeof again);
    bool good = check_parse_stat(text, &stat);
    demand(good == check_parse_stat(text, &again) && memcmp(&stat, &again, sizeof stat) == 0);
    demand(memchr(stat.name, '\0', sizeof stat.name) != NULL);
    if (!good)
        return;
    const char *first = strchr(text, '(') + 1, *last = strrchr(text, ')');
    size_t length = (size_t)(last - first), kept = length < sizeof stat.name ? length : sizeof stat.name - 1;
    demand(strlen(stat.name) == kept && memcmp(stat.name, first, kept) == 0);
    demand(last[1] == ' ' && last[2] == stat.state);
}

static void demand_status(const char *text)
{
    struct check_status status, again;
    struct check_fdinfo info, info_again;
    memset(&status, 0x5a, sizeof status);
    memset(&again, 0xa5, sizeof again);
    bool good = check_parse_status(text, &status);
    demand(good == check_parse_status(text, &again) && memcmp(&status, &again, sizeof status) == 0);
    demand(!good || (count_of(text, "\nUid:") > 0 && count_of(text, "\nGroups:") > 0));
    demand(status.group_count <= strlen(text));

    memset(&info, 0x5a, sizeof info);
    memset(&info_again, 0xa5, sizeof info_again);
    good = check_parse_fdinfo(text, &info);
    demand(good == check_parse_fdinfo(text, &info_again));
    demand(info.flags == info_again.flags && info.locked == info_again.locked);
    demand(!good || count_of(text, "\nflags:") > 0);
    demand(!info.locked || count_of(text, " WRITE ") > 0);
}

static void demand_locks(const char *text)
{
    pid_t holder = check_parse_locks(text, makedev(0xfe, 0), 42);
    demand(holder >= -1);
    demand(holder == 0 || (count_of(text, " WRITE ") > 0 && count_of(text, ":") > 1));
}

/* A mount point is never longer than its room, and the path is under it. */
static void demand_mount(const char *text)
{
    enum { ROOM = 32 };
    char path[256], exact[ROOM], roomy[PATH_MAX];
    size_t length = strcspn(text, "\n");
    if (length >= sizeof path)
        return;
    memcpy(path, text, length);
    path[length] = '\0';
    bool fits = check_parse_mount(text, path, exact, sizeof exact);
    bool found = check_parse_mount(text, path, roomy, sizeof roomy);
    demand(!fits || found);
    demand(!fits || strlen(exact) < sizeof exact);
    demand(!found || (*roomy && strncmp(path, roomy, strlen(roomy)) == 0));
    demand(!fits || strncmp(roomy, exact, strlen(exact)) == 0);
}

/* What is taken for a pid is one, and said again in the plainest way it is the same. */
static void demand_pidfile(const char *bytes, size_t count)
{
    char plain[24];
    pid_t pid = 0, again = 0;
    char *exact = malloc(count ? count : 1); /* no zero byte ends it */
    demand(exact != NULL);
    memcpy(exact, bytes, count);
    enum check_content content = check_parse_pidfile(exact, count, &pid);
    free(exact);
    demand((content == CHECK_NO_PID) == (pid == 0) && pid >= 0);
    if (content == CHECK_NO_PID)
        return;
    int length = snprintf(plain, sizeof plain, "%d\n", (int)pid);
    demand(check_parse_pidfile(plain, (size_t)length, &again) == CHECK_PID_AND_NEWLINE && again == pid);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char *text = malloc(count + 1); /* a byte too far is seen */
    demand(text != NULL);
    memcpy(text, bytes, count);
    text[count] = '\0';
    demand_stat(text);
    demand_status(text);
    demand_locks(text);
    demand_mount(text);
    demand_pidfile((const char *)bytes, count);
    free(text);
    return 0;
}
