/* handles.c - two handles on the daemon, /proc/PID/stat and a pidfd: opened and sent by the session leader, received
 * by the launcher.  Both are tied to the process, not to its number.  Async-signal-safe.
 *
 * The leader opens them while the daemon is its own child: until it is reaped, its number cannot mean another. */
#include "internal.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

union passed {
    char space[CMSG_SPACE(2 * sizeof(int))];
    struct cmsghdr header;
};

enum { HAS_STAT = 1, HAS_PIDFD = 2, HANDLES = 4 }; /* in the one byte that travels with them; never "ready" */

static bool send_handles(const struct blivet_ops *ops, int channel, char kind, const int *fds, size_t count)
{
    union passed passed;
    struct iovec byte = { &kind, 1 };
    struct msghdr message;
    ssize_t sent;
    memset(&message, 0, sizeof message);
    memset(&passed, 0, sizeof passed);
    message.msg_iov = &byte;
    message.msg_iovlen = 1;
    if (count > 0) {
        message.msg_control = passed.space;
        message.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int)); /* size_t in one C library, socklen_t in another */
        passed.header.cmsg_level = SOL_SOCKET;
        passed.header.cmsg_type = SCM_RIGHTS;
        passed.header.cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&passed.header), fds, count * sizeof(int));
    }
    UNINTERRUPTED(sent, ops->sendmsg(channel, &message, MSG_NOSIGNAL));
    return sent == 1;
}

/* The leader has one child: what /proc shows as its child is the daemon, even where /proc belongs to another PID
 * namespace and counts differently.  ") S PPID ..." */
static bool names_my_child(const struct blivet_ops *ops, int stat)
{
    char self[24], line[512];
    ssize_t length = ops->readlink("/proc/self", self, sizeof self), count;
    UNINTERRUPTED(count, ops->pread(stat, line, sizeof line - 1, 0));
    if (length <= 0 || length == (ssize_t)sizeof self || count <= 0)
        return false;
    line[count] = '\0';
    const char *tail = strrchr(line, ')'); /* the name before it may hold anything */
    return tail && strlen(tail) > 4 + (size_t)length && memcmp(tail + 4, self, (size_t)length) == 0 &&
           tail[4 + length] == ' ';
}

int blivet_open_stat(const struct blivet_ops *ops, pid_t pid)
{
    char path[40];
    struct blivet_text text;
    int fd;
    blivet_text_begin(&text, path, sizeof path);
    blivet_text_put(&text, "/proc/");
    blivet_text_number(&text, (uintmax_t)pid);
    blivet_text_put(&text, "/stat");
    UNINTERRUPTED(fd, ops->open(path, O_RDONLY | O_CLOEXEC, 0));
    return fd;
}

bool blivet_send_handles(const struct blivet_ops *ops, int channel, pid_t child)
{
    int fds[2], stat = blivet_open_stat(ops, child);
    size_t count = 0;
    if (stat >= 0 && !names_my_child(ops, stat))
        blivet_close_fd(ops, &stat);
    int pidfd = ops->pidfd_open(child, 0);
    if (stat >= 0)
        fds[count++] = stat;
    if (pidfd >= 0)
        fds[count++] = pidfd;
    char kind = (char)(HANDLES | (stat >= 0 ? HAS_STAT : 0) | (pidfd >= 0 ? HAS_PIDFD : 0));
    /* Where descriptors may not be passed the byte alone says that the leader did its work. */
    return send_handles(ops, channel, kind, fds, count) || send_handles(ops, channel, HANDLES, fds, 0);
}

bool blivet_receive_handles(const struct blivet_ops *ops, int channel, int *stat, int *pidfd)
{
    union passed passed;
    char kind = 0;
    int fds[2] = { -1, -1 };
    struct iovec byte = { &kind, 1 };
    struct msghdr message;
    ssize_t count;
    memset(&message, 0, sizeof message);
    message.msg_iov = &byte;
    message.msg_iovlen = 1;
    message.msg_control = passed.space;
    message.msg_controllen = sizeof passed.space;
    UNINTERRUPTED(count, ops->recvmsg(channel, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
    struct cmsghdr *header = count == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_len <= CMSG_LEN(sizeof fds))
        memcpy(fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
    if (kind & HAS_STAT)
        *stat = blivet_above(ops, fds[0], 2);
    *pidfd = blivet_above(ops, fds[kind & HAS_STAT ? 1 : 0], 2); /* -1 where there is none */
    return count == 1;
}
