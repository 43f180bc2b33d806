/* readiness.c - how a program that was exec'd says that it is ready, and how we say it to a manager (NTF-15).
 *
 * The launcher's ear is made before the fork: a datagram socket for sd_notify, or a pipe whose other end the
 * program finds at the descriptor it was promised.  The socket has a name that the kernel picks and that is in no
 * file system: nothing to protect, nothing to remove, and it is gone with the launcher however that ends.  Anyone
 * on the machine could send to it, so each sender is checked by what the kernel says of it. */
#include "launch.h"
#include "notice.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

/* ---- before the fork ---- */

static int open_notify_socket(struct blivet_context *daemon, char name[BLIVET_NOTIFY_NAME])
{
    const struct blivet_ops *ops = daemon->ops;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t size = sizeof address;
    const int yes = 1;
    daemon->ear = blivet_above(ops, ops->socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 2);
    if (daemon->ear < 0 || ops->setsockopt(daemon->ear, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) != 0 ||
        ops->bind(daemon->ear, (const struct sockaddr *)&address, sizeof address.sun_family) != 0 ||
        ops->getsockname(daemon->ear, (struct sockaddr *)&address, &size) != 0)
        return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "notify socket", NULL);
    size_t length = size - offsetof(struct sockaddr_un, sun_path);
    if (length < 2 || length > sizeof address.sun_path || address.sun_path[0] != '\0')
        return blivet_refused(daemon, BLIVET_SYSTEM_FAILED, "notify socket", NULL, "was given no name");
    memcpy(name, address.sun_path, length);
    name[0] = '@'; /* how NOTIFY_SOCKET spells the zero byte */
    name[length] = '\0';
    return 0;
}

/* The program's end reads as well, so that its word is no SIGPIPE when nobody waits for it any more (NTF-13).  Without
 * /proc that cannot be had, and is done without. */
static void open_both_ways(const struct blivet_ops *ops, int *fd)
{
    char path[40];
    struct blivet_text text;
    blivet_text_begin(&text, path, sizeof path);
    blivet_text_put(&text, "/proc/self/fd/");
    blivet_text_number(&text, (uintmax_t)*fd);
    int both = ops->open(path, O_RDWR | O_CLOEXEC, 0);
    if (both < 0)
        return;
    ops->close(*fd);
    *fd = both;
}

static int refuse_number(struct blivet_context *daemon, const char *why)
{
    char digits[24];
    struct blivet_text text;
    blivet_text_begin(&text, digits, sizeof digits);
    blivet_text_number(&text, (uintmax_t)daemon->ready_fd);
    return blivet_refused(daemon, BLIVET_INVALID_CONFIG, "readiness descriptor", digits, why);
}

static int open_ready_pipe(struct blivet_context *daemon)
{
    int ends[2];
    if (daemon->ops->pipe2(ends, O_CLOEXEC) != 0)
        return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "readiness descriptor", NULL);
    open_both_ways(daemon->ops, &ends[1]);
    daemon->ready_write = ends[1];
    daemon->ear = blivet_above(daemon->ops, ends[0], daemon->ready_fd);
    if (daemon->ear >= 0)
        daemon->ready_write = blivet_above(daemon->ops, ends[1], daemon->ready_fd);
    if (daemon->ear >= 0 && daemon->ready_write >= 0)
        return 0;
    if (errno == EINVAL)
        return refuse_number(daemon, "is too close to the limit of open files");
    return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "readiness descriptor", NULL);
}

/* Foreground mode: whoever listens has put it there.  Where nothing is, a file of ours would be: the lock, which the
 * program would write to, and close. */
static int require_ready_fd(struct blivet_context *daemon)
{
    int flags = 0;
    if (daemon->ready == BLIVET_READY_FD)
        UNINTERRUPTED(flags, daemon->ops->fcntl(daemon->ready_fd, F_GETFD, 0));
    return flags >= 0 ? 0 : refuse_number(daemon, "is not an open descriptor");
}

/* Gives NOTIFY_SOCKET's value, or leaves it empty.  In foreground mode there is no launcher to hear. */
int blivet_open_ear(struct blivet_context *daemon, char name[BLIVET_NOTIFY_NAME])
{
    if (blivet_is_foreground(daemon))
        return require_ready_fd(daemon);
    if (daemon->ready == BLIVET_READY_EXEC)
        return 0;
    return daemon->ready == BLIVET_READY_NOTIFY ? open_notify_socket(daemon, name) : open_ready_pipe(daemon);
}

/* ---- in the session leader ---- */

/* Whatever the launcher had at that number was inherited, and goes in step 13 in any case. */
int blivet_place_ready_fd(struct blivet_context *daemon)
{
    int result = 0;
    blivet_close_fd(daemon->ops, &daemon->ear);
    if (daemon->ready_write < 0)
        return 0;
    UNINTERRUPTED(result, daemon->ops->dup2(daemon->ready_write, daemon->ready_fd));
    if (result != daemon->ready_fd)
        return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "readiness descriptor", NULL);
    blivet_close_fd(daemon->ops, &daemon->ready_write);
    return 0;
}

/* ---- in the launcher ---- */

/* The next datagram and who sent it, by the kernel's word; its size, -1 where there is none.  Descriptors that come with
 * it find no room and are closed by the kernel, which is what a sender's BARRIER=1 waits for. */
static ssize_t receive_notice(const struct blivet_ops *ops, int ear, char *bytes, size_t size, pid_t *sender)
{
    union {
        char space[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } control;
    struct iovec data = { bytes, size };
    struct msghdr message;
    struct ucred credentials;
    ssize_t count;
    memset(&message, 0, sizeof message);
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    UNINTERRUPTED(count, ops->recvmsg(ear, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
    if (count < 0)
        return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *sender = 0;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
        memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
        *sender = credentials.pid;
    }
    return message.msg_flags & MSG_TRUNC ? 0 : count; /* half a message is none */
}

/* The kernel's word for the sender, and the session's number, which is the unreaped leader's. */
static bool is_of_daemon(const struct launch *launch, pid_t pid)
{
    return pid > 0 && (pid == launch->pid || launch->ops->getsid(pid) == launch->leader);
}

static void change_main_process(struct launch *launch, pid_t pid)
{
    const struct blivet_ops *ops = launch->ops;
    struct blivet_context *daemon = launch->daemon;
    if (pid == launch->pid || !is_of_daemon(launch, pid))
        return;
    int pidfd = blivet_above(ops, ops->pidfd_open(pid, 0), 2), stat = -1;
    if (pidfd >= 0 && launch->stat >= 0) /* that there is one shows that /proc counts as we do */
        stat = blivet_above(ops, blivet_open_stat(ops, pid), 2);
    if (pidfd < 0 || !is_of_daemon(launch, pid)) { /* asked again: the handles are on the process that we mean */
        blivet_close_fd(ops, &stat);
        blivet_close_fd(ops, &pidfd);
        return;
    }
    blivet_close_fd(ops, &launch->stat);
    blivet_close_fd(ops, &launch->pidfd);
    launch->stat = stat;
    launch->pidfd = pidfd;
    blivet_rewrite_pidfile(daemon, launch->pid, pid);
    launch->pid = pid;
}

/* What it said before it died counts; but of a main process that is dead nobody else can say that it is ready. */
static bool counts_as_ready(const struct launch *launch, pid_t sender)
{
    return sender == launch->pid || !blivet_is_dead(launch);
}

static void show_status(struct launch *launch, const struct blivet_notice *notice)
{
    struct blivet_text text;
    char line[BLIVET_MESSAGE_SIZE];
    if (!notice->status || launch->unheard || !(launch->daemon->flags & BLIVET_SHOW_STATUS))
        return;
    blivet_text_begin(&text, line, sizeof line);
    blivet_text_put(&text, "status: ");
    blivet_text_escaped(&text, notice->status, notice->status_length);
    launch->unheard = !blivet_say(launch->ops, 2, line); /* the rest is not tried (CLI-12) */
}

static void hear_notices(struct launch *launch)
{
    enum { AT_ONCE = 64 };
    char bytes[BLIVET_NOTICE_SIZE];
    struct blivet_notice notice;
    pid_t sender;
    ssize_t count;
    for (int heard = 0; heard < AT_ONCE; heard++) { /* then the limit is looked at */
        count = receive_notice(launch->ops, launch->daemon->ear, bytes, sizeof bytes, &sender);
        if (count < 0 && errno != EAGAIN)
            launch->unreadable = errno;
        if (count < 0)
            break;
        if (!is_of_daemon(launch, sender))
            continue; /* anyone on the machine can send */
        blivet_parse_notice(bytes, (size_t)count, &notice);
        show_status(launch, &notice);
        if (notice.error)
            launch->reported = notice.error;
        if (notice.main_pid)
            change_main_process(launch, notice.main_pid);
        int64_t extended = notice.extend_ms ? blivet_now_ms(launch->ops) + notice.extend_ms : 0;
        if (launch->deadline && extended > launch->deadline) {
            launch->limit_ms += extended - launch->deadline;
            launch->deadline = extended;
        }
        launch->ready |= notice.ready && counts_as_ready(launch, sender);
    }
}

static void hear_newline(struct launch *launch)
{
    char bytes[256];
    ssize_t count;
    UNINTERRUPTED(count, launch->ops->read(launch->daemon->ear, bytes, sizeof bytes));
    if (count > 0 && memchr(bytes, '\n', (size_t)count))
        launch->ready = true;
    else if (count == 0)
        launch->hung_up = true;
    else if (count < 0 && errno != EAGAIN)
        launch->unreadable = errno;
}

void blivet_hear(struct launch *launch)
{
    if (launch->daemon->ready == BLIVET_READY_NOTIFY)
        hear_notices(launch);
    else
        hear_newline(launch);
}

/* ---- to a service manager, in foreground mode ---- */

static const char *manager(const struct blivet_ops *ops)
{
    static const char name[] = "NOTIFY_SOCKET=";
    for (char **entry = ops->environment(); entry && *entry; entry++)
        if (strncmp(*entry, name, sizeof name - 1) == 0)
            return *entry + sizeof name - 1;
    return NULL;
}

int blivet_tell_manager(struct blivet_context *daemon)
{
    static const char ready[] = "READY=1";
    const struct blivet_ops *ops = daemon->ops;
    const char *name = manager(ops);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (!name || *name == '\0')
        return 0;
    size_t length = strlen(name);
    if ((*name != '/' && *name != '@') || length >= sizeof address.sun_path)
        return blivet_refused(daemon, BLIVET_NOTIFY_FAILED, "NOTIFY_SOCKET", name, "is not the name of a socket");
    memcpy(address.sun_path, name, length);
    if (*name == '@')
        address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (*name == '/'));
    int result, fd = ops->socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return blivet_failed(daemon, BLIVET_NOTIFY_FAILED, "NOTIFY_SOCKET", name);
    ssize_t sent = -1;
    UNINTERRUPTED(result, ops->connect(fd, (const struct sockaddr *)&address, size));
    if (result == 0)
        UNINTERRUPTED(sent, ops->send(fd, ready, sizeof ready - 1, MSG_NOSIGNAL));
    if (sent < 0)
        blivet_failed(daemon, BLIVET_NOTIFY_FAILED, "NOTIFY_SOCKET", name);
    ops->close(fd);
    return sent < 0 ? -1 : 0;
}
