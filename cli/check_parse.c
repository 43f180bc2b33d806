/* check_parse.c - the texts of /proc and of a pidfile as numbers.  Pure. */
#include "check_parse.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* The process chose its name, and it may hold anything, ")", spaces and newlines too; what follows the last ")" is
 * the kernel's. */
bool check_parse_stat(const char *text, struct check_stat *stat)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    memset(stat, 0, sizeof *stat);
    if (!open || !close || close < open || close[1] != ' ' || close[2] == '\0')
        return false;
    size_t length = (size_t)(close - open - 1);
    if (length >= sizeof stat->name)
        length = sizeof stat->name - 1;
    memcpy(stat->name, open + 1, length);
    stat->pid = (pid_t)strtol(text, NULL, 10);
    stat->state = close[2];
    uint64_t fields[23] = { 0 }; /* by the numbers of proc(5): 4 is the parent, 20 the number of threads, 22 the start */
    const char *at = close + 3;
    for (int field = 4; field <= 22; field++) {
        char *end;
        fields[field] = (uint64_t)strtoll(at, &end, 10);
        if (end == at)
            return false;
        at = end;
    }
    stat->parent = (pid_t)fields[4];
    stat->session = (pid_t)fields[6];
    stat->tty = (unsigned)fields[7];
    stat->threads = (long)fields[20];
    stat->start = fields[22];
    return true;
}

/* What follows "\nNAME:\t".  No process can forge a line: the kernel escapes the newlines of the name in the first. */
static const char *line_of(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strchr(text, '\n'); at; at = strchr(at + 1, '\n'))
        if (strncmp(at + 1, name, length) == 0 && at[1 + length] == ':')
            return at + 1 + length + 1;
    return NULL;
}

static bool number_of(const char *text, const char *name, int base, uint64_t *number)
{
    const char *at = line_of(text, name);
    char *end;
    if (!at)
        return false;
    *number = strtoull(at, &end, base);
    return end != at;
}

static bool four_of(const char *text, const char *name, unsigned ids[4])
{
    const char *at = line_of(text, name);
    for (int i = 0; at && i < 4; i++) {
        char *end;
        ids[i] = (unsigned)strtoul(at, &end, 10);
        at = end == at ? NULL : end;
    }
    return at != NULL;
}

bool check_parse_status(const char *text, struct check_status *status)
{
    uint64_t umask, process, threads, no_new_privs;
    memset(status, 0, sizeof *status);
    if (!number_of(text, "Umask", 8, &umask) || !number_of(text, "Tgid", 10, &process) ||
        !number_of(text, "Threads", 10, &threads) ||
        !four_of(text, "Uid", status->uids) || !four_of(text, "Gid", status->gids) ||
        !number_of(text, "SigBlk", 16, &status->blocked) || !number_of(text, "SigIgn", 16, &status->ignored) ||
        !number_of(text, "CapInh", 16, &status->inheritable) || !number_of(text, "CapPrm", 16, &status->permitted) ||
        !number_of(text, "CapEff", 16, &status->effective) || !number_of(text, "CapAmb", 16, &status->ambient) ||
        !number_of(text, "NoNewPrivs", 10, &no_new_privs))
        return false;
    status->umask = (unsigned)umask;
    status->process = (pid_t)process;
    status->threads = (unsigned)threads;
    status->no_new_privs = (unsigned)no_new_privs;
    const char *at = line_of(text, "Groups");
    while (at && *at != '\n' && *at != '\0')
        if (*at >= '0' && *at <= '9') {
            char *end;
            status->in_root_group |= strtoul(at, &end, 10) == 0;
            status->group_count++;
            at = end;
        } else
            at++;
    return at != NULL;
}

/* "lock:	1: FLOCK  ADVISORY  WRITE 1234 fe:00:42 0 EOF", in fdinfo and, without the first word, in /proc/locks.
 * True for one of that kind that is held, " WRITE " or " READ "; one that is waited for has "->" before its kind. */
static bool is_held(const char *line, size_t length, const char *kind)
{
    for (size_t i = 0; i + strlen(kind) <= length; i++) {
        if (strncmp(line + i, "->", 2) == 0)
            return false;
        if (strncmp(line + i, kind, strlen(kind)) == 0)
            return true;
    }
    return false;
}

bool check_parse_fdinfo(const char *text, struct check_fdinfo *info)
{
    uint64_t flags;
    memset(info, 0, sizeof *info);
    if (!number_of(text, "flags", 8, &flags))
        return false;
    info->flags = (unsigned)flags;
    for (const char *at = strstr(text, "\nlock:"); at; at = strstr(at + 1, "\nlock:")) {
        size_t length = strcspn(at + 1, "\n");
        info->locked |= is_held(at + 1, length, " WRITE ");
        info->shared |= is_held(at + 1, length, " READ ");
    }
    return true;
}

pid_t check_parse_locks(const char *text, dev_t device, ino_t inode)
{
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        if (!is_held(line, strcspn(line, "\n"), " WRITE "))
            continue;
        const char *holder = strstr(line, " WRITE ") + 7;
        char *at;
        long long pid = strtoll(holder, &at, 10);
        unsigned long first = strtoul(at, &at, 16), second = *at == ':' ? strtoul(at + 1, &at, 16) : 0;
        bool complete = *at == ':'; /* "fe:00:42" */
        unsigned long long third = complete ? strtoull(at + 1, NULL, 10) : 0;
        if (complete && first == major(device) && second == minor(device) && third == inode)
            return pid > 0 && pid <= INT_MAX ? (pid_t)pid : -1;
    }
    return 0;
}

/* How many bytes of a path the mount point is that this word of mountinfo names, where space, tab, newline and backslash are
 * octal escapes; 0: the path is not under it. */
static size_t is_under(const char *path, const char *word, size_t length)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++, used++) {
        char byte = word[i];
        if (byte == '\\' && strspn(word + i + 1, "01234567") >= 3) {
            byte = (char)((word[i + 1] - '0') << 6 | (word[i + 2] - '0') << 3 | (word[i + 3] - '0'));
            i += 3;
        }
        if (byte == '\0' || path[used] != byte)
            return 0;
    }
    return path[used] == '\0' || path[used] == '/' || (used == 1 && *path == '/') ? used : 0;
}

bool check_parse_mount(const char *text, const char *path, char *mount_point, size_t size)
{
    size_t longest = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *word = line; /* "36 35 98:0 / /mnt/point ...": the fifth */
        for (int i = 0; i < 4; i++) {
            word += strcspn(word, " \n");
            word += *word == ' ';
        }
        size_t length = is_under(path, word, strcspn(word, " \n"));
        if (length > longest && length < size)
            longest = length;
    }
    memcpy(mount_point, path, longest); /* fits: just measured */
    mount_point[longest] = '\0';
    return longest > 0;
}

enum check_content check_parse_pidfile(const char *text, size_t size, pid_t *pid)
{
    size_t at = 0;
    int64_t number = 0;
    while (at < size && memchr(" \t", text[at], 2))
        at++;
    size_t first = at;
    for (; at < size && text[at] >= '0' && text[at] <= '9' && number <= INT_MAX; at++)
        number = number * 10 + (text[at] - '0');
    size_t end = at;
    while (at < size && memchr(" \t\r", text[at], 3))
        at++;
    if (number <= 0 || number > INT_MAX || (at < size && text[at] != '\n'))
        return CHECK_NO_PID; /* what stands on further lines, as PostgreSQL has them, is the daemon's business */
    *pid = (pid_t)number;
    return first == 0 && end + 1 == size && text[end] == '\n' ? CHECK_PID_AND_NEWLINE : CHECK_PID_UNUSUAL;
}
