/* kernel_sockets.c - the invented kernel: the channel, a notify socket, a pipe, a service manager; poll. */
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* ---- the channel ---- */

int kernel_socketpair(int domain, int type, int protocol, int ends[2])
{
    only(domain == AF_UNIX && (type & ~SOCK_CLOEXEC) == SOCK_STREAM && protocol == 0);
    int flags = type & SOCK_CLOEXEC ? O_CLOEXEC : 0;
    ends[0] = script_install(SCRIPT_CHANNEL, -1, flags);
    ends[1] = script_install(SCRIPT_CHANNEL, -1, flags);
    return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

/* ---- readiness: a notify socket, a pipe, a service manager ---- */

int kernel_socket(int domain, int type, int protocol)
{
    only(domain == AF_UNIX && (type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) == SOCK_DGRAM && protocol == 0);
    return script_install(SCRIPT_SOCKET, -1, type & SOCK_CLOEXEC ? O_CLOEXEC : 0);
}

int kernel_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    only(level == SOL_SOCKET && name == SO_PASSCRED && *(const int *)value == 1 && size == sizeof(int));
    return script_description(fd) ? 0 : -1;
}

int kernel_bind(int fd, const struct sockaddr *address, socklen_t size)
{
    only(address->sa_family == AF_UNIX && size == sizeof address->sa_family); /* unix(7): it picks a name */
    return script_description(fd) ? 0 : -1;
}

int kernel_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
    static const char name[] = "\0" "0a1b2"; /* as the kernel picks one */
    if (!script_description(fd))
        return -1;
    memcpy((char *)address + offsetof(struct sockaddr, sa_data), name, sizeof name - 1);
    *size = (socklen_t)(offsetof(struct sockaddr, sa_data) + sizeof name - 1);
    return 0;
}

int kernel_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    size_t length = size - offsetof(struct sockaddr, sa_data);
    only(address->sa_family == AF_UNIX && (address->sa_data[0] == '/' || address->sa_data[0] == '\0'));
    if (!script_description(fd))
        return -1;
    if (length >= sizeof script.manager)
        return fail(EINVAL);
    memcpy(script.manager, (const char *)address + offsetof(struct sockaddr, sa_data), length);
    for (size_t i = 0; script.manager[0] != '/' && i < length; i++) /* in an abstract name each byte counts */
        if (script.manager[i] == '\0')
            script.manager[i] = '@';
    return 0;
}

int kernel_pipe2(int ends[2], int flags)
{
    ends[0] = script_install(SCRIPT_PIPE, -1, flags);
    ends[1] = script_install(SCRIPT_PIPE, -1, flags);
    return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

static const struct script_notice *next_notice(void)
{
    const struct script_notice *next = &script.notices[script.notices_heard];
    return script.notices_heard < script.notice_count && script.clock_ms >= next->at_ms ? next : NULL;
}

ssize_t kernel_read(int fd, void *bytes, size_t count)
{
    const struct script_notice *next = next_notice();
    if (!script_description(fd))
        return -1;
    if (!next)
        return fail(EAGAIN);
    script.notices_heard++;
    size_t length = next->text ? strlen(next->text) : 0;
    length = length < count ? length : count;
    memcpy(bytes, next->text ? next->text : "", length);
    return (ssize_t)length;
}

static ssize_t receive_datagram(struct msghdr *message)
{
    const struct script_notice *next = next_notice();
    only(message->msg_iovlen == 1);
    if (!next)
        return fail(EAGAIN);
    script.notices_heard++;
    struct ucred credentials = { .pid = next->sender };
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_CREDENTIALS;
    header->cmsg_len = CMSG_LEN(sizeof credentials);
    memcpy(CMSG_DATA(header), &credentials, sizeof credentials);
    size_t length = strlen(next->text), room = message->msg_iov[0].iov_len;
    message->msg_flags = length > room ? MSG_TRUNC : 0;
    memcpy(message->msg_iov[0].iov_base, next->text, length < room ? length : room);
    return (ssize_t)(length < room ? length : room);
}

/* ---- the channel: speaking and listening ---- */

static int64_t end_ms(void) { return script.event_ms + script.worker_ms; }

static bool has_ended(void) { return script.hears_end && script.clock_ms >= end_ms(); }

ssize_t kernel_send(int fd, const void *bytes, size_t count, int flags)
{
    const struct script_description *open_one = script_description(fd);
    if (!open_one)
        return -1;
    only(flags == MSG_NOSIGNAL); /* or it would be a SIGPIPE */
    if (open_one->kind == SCRIPT_SOCKET) {
        size_t used = strlen(script.told_manager);
        if (used + count < sizeof script.told_manager)
            memcpy(script.told_manager + used, bytes, count);
        return (ssize_t)count;
    }
    if (script.role == SCRIPT_LAUNCHER)
        return (ssize_t)count;
    if (script.launcher_gone)
        return fail(EPIPE);
    count = script_moved(count);
    if (script.said_count + count > sizeof script.said)
        abort(); /* no verdict is as long as that */
    memcpy(script.said + script.said_count, bytes, count);
    script.said_count += count;
    return (ssize_t)count;
}

/* The leader's last act. */
static bool handles_wait(void)
{
    return !script.handles_taken && !script.handles_lost && (script.leader_status == 0 || script.leader_spoke);
}

static char handles_byte(void) { return (char)(4 | (script.has_stat ? 1 : 0) | (script.has_pidfd ? 2 : 0)); }

ssize_t kernel_recv(int fd, void *bytes, size_t count, int flags)
{
    if (!script_description(fd))
        return -1;
    only(script.role == SCRIPT_LAUNCHER ? flags == MSG_DONTWAIT : flags == 0 && count == 1);
    if (script.role != SCRIPT_LAUNCHER) {
        if (script.launcher_gone)
            return 0;
        if (script.go_taken)
            script_stop(SCRIPT_HUNG); /* it is said once */
        script.go_taken = true;
        *(char *)bytes = 'g';
        return 1;
    }
    if (handles_wait()) { /* their byte, as if it were a verdict's */
        script.handles_lost = true;
        *(char *)bytes = handles_byte();
        return 1;
    }
    if (script.clock_ms < script.event_ms)
        return fail(EAGAIN);
    if (script.hears_count == 0)
        return has_ended() ? 0 : fail(EAGAIN);
    size_t part = script_moved(count < script.hears_count ? count : script.hears_count);
    memcpy(bytes, script.hears, part);
    script.hears += part;
    script.hears_count -= part;
    return (ssize_t)part;
}

ssize_t kernel_sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (!script_description(fd))
        return -1;
    only(flags == MSG_NOSIGNAL && !message->msg_name && message->msg_namelen == 0);
    if (script.launcher_gone)
        return fail(EPIPE);
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (message->msg_iovlen != 1 ||
        (header && (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
                    header->cmsg_len > message->msg_controllen)))
        return fail(EINVAL);
    only(message->msg_iov[0].iov_len == 1);
    script.handles_sent = header ? (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
    only(!header || script.handles_sent > 0);
    for (int i = 0; i < script.handles_sent; i++) {
        int handle;
        memcpy(&handle, CMSG_DATA(header) + (size_t)i * sizeof handle, sizeof handle);
        if (!script_description(handle))
            return fail(EBADF);
        only(script_description(handle)->kind == SCRIPT_PIDFD || strncmp(script_path_of(handle), "/proc/", 6) == 0);
    }
    script.handles_kind = *(const char *)message->msg_iov[0].iov_base;
    return 1;
}

ssize_t kernel_recvmsg(int fd, struct msghdr *message, int flags)
{
    int fds[2], count = 0;
    const struct script_description *open_one = script_description(fd);
    if (!open_one)
        return -1;
    only(flags == (MSG_DONTWAIT | MSG_CMSG_CLOEXEC) && !message->msg_name && message->msg_namelen == 0);
    if (open_one->kind == SCRIPT_SOCKET)
        return receive_datagram(message);
    if (message->msg_iovlen != 1)
        return fail(EMSGSIZE);
    only(message->msg_iov[0].iov_len == 1); /* what follows the byte is a verdict's */
    if (!handles_wait())
        return has_ended() ? 0 : fail(EAGAIN);
    script.handles_taken = true;
    *(char *)message->msg_iov[0].iov_base = handles_byte();
    if (script.has_stat)
        fds[count++] = script_open_proc("/proc/102/stat", O_CLOEXEC);
    if (script.has_pidfd)
        fds[count++] = script_install(SCRIPT_PIDFD, -1, O_CLOEXEC);
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, (size_t)count * sizeof(int));
    return 1;
}

int kernel_shutdown(int fd, int how)
{
    only(how == SHUT_WR);
    return script_description(fd) ? 0 : -1;
}

static short events_of(const struct pollfd *asked)
{
    const struct script_description *open_one = script_description(asked->fd);
    bool heard = script.clock_ms >= script.event_ms && (script.hears_count > 0 || has_ended());
    if (!open_one)
        return POLLNVAL;
    if (asked->events & POLLOUT)
        return script.stuck_reader ? 0 : POLLOUT;
    if (open_one->kind == SCRIPT_CHANNEL)
        return heard || handles_wait() ? POLLIN : 0;
    if (open_one->kind == SCRIPT_SOCKET || open_one->kind == SCRIPT_PIPE)
        return next_notice() ? POLLIN : 0;
    if (open_one->kind == SCRIPT_PIDFD && open_one->offset == SCRIPT_LEADER_PID)
        return script.leader_stopped ? 0 : POLLIN;
    if (open_one->kind == SCRIPT_OTHER)
        return script_other_is_dead(open_one) ? POLLIN : 0;
    return open_one->kind == SCRIPT_PIDFD && script_daemon_is_dead() ? POLLIN : 0;
}

static int look(struct pollfd *fds, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        fds[i].revents = fds[i].fd < 0 ? 0 : events_of(&fds[i]);
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* Time passes here, and nowhere else. */
int kernel_poll(struct pollfd *fds, nfds_t count, int milliseconds)
{
    int ready = look(fds, count);
    if (ready > 0 || milliseconds == 0)
        return ready;
    int64_t until = milliseconds > 0 ? script.clock_ms + milliseconds : INT64_MAX;
    if (script.leaving_threads > 0) {
        script.leaving_threads--;
        script.threads--;
    }
    if (script.clock_ms < script.event_ms && script.event_ms <= until)
        until = script.event_ms;
    if (script.hears_end && script.clock_ms < end_ms() && end_ms() <= until)
        until = end_ms();
    const struct script_notice *next = &script.notices[script.notices_heard];
    if (script.notices_heard < script.notice_count && script.clock_ms < next->at_ms && next->at_ms <= until)
        until = next->at_ms;
    int64_t rings = script.timer_ms > 0 ? (script.clock_ms / script.timer_ms + 1) * script.timer_ms : INT64_MAX;
    if (script.clock_ms > 3600000 || (until > 3600000 && rings >= until))
        script_stop(SCRIPT_HUNG); /* nothing will ever happen */
    if (rings < until) {
        script.clock_ms = rings;
        return fail(EINTR);
    }
    script.clock_ms = until;
    return look(fds, count);
}
