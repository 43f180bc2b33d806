/* floor.c LEVEL LOCK PIDFILE LOG PROGRAM - the least that a start costs, and what each promise adds to it.
 *
 * At level 0 what every daemonizer has to do, and nothing else: two forks and a session between them, signals at their
 * default, /dev/null on 0 to 2, a lock, no other descriptor, exec; and a launcher that waits for it.  Each level adds the
 * system calls of one more promise, bare: nothing is told apart or cleaned up.  This is no daemonizer, but the measure
 * for them. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* FILES: pidfile and log.  JUDGED: a file is what it seems, before and after it is opened.  WATCHED: the launcher holds
 * handles on the daemon before that goes on, and looks at it when it falls silent.  ANNOUNCED: an exec is told from a
 * death. */
enum { FLOOR, FILES, JUDGED, WATCHED, ANNOUNCED };

extern char **environ;
static int level, ends[2];
static struct stat about;

static void must(bool holds)
{
    if (!holds)
        _exit(1);
}

static void look(const char *path, int mode, bool there)
{
    must((lstat(path, &about) == 0) == there);
    if (!there)
        path = "/dev/shm"; /* stands for the folder */
    must(syscall(SYS_faccessat2, AT_FDCWD, path, mode, AT_EACCESS) == 0);
}

static void reset_signals(void)
{
    const struct sigaction standard = { .sa_handler = SIG_DFL };
    sigset_t none;
    for (int signal = 1; signal < NSIG; signal++)
        if (signal != SIGKILL && signal != SIGSTOP)
            sigaction(signal, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- the launcher ---- */

static int receive_handle(void)
{
    char byte, space[CMSG_SPACE(2 * sizeof(int))];
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
    int fds[2];
    must(recvmsg(ends[0], &message, MSG_CMSG_CLOEXEC) == 1);
    memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fds);
    return fds[0];
}

static int wait_for_exec(pid_t child)
{
    char byte, line[1024];
    siginfo_t info;
    int status, stat = -1;
    ssize_t said;
    close(ends[1]);
    if (level >= WATCHED) {
        must(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
        stat = receive_handle();
        must(write(ends[0], "g", 1) == 1);
    }
    if (level >= ANNOUNCED)
        must(read(ends[0], &byte, 1) == 1);
    said = read(ends[0], &byte, 1); /* the other end is close-on-exec */
    if (level >= WATCHED)
        must(pread(stat, line, sizeof line, 0) > 0);
    waitpid(child, &status, 0);
    return said != 0 || status != 0;
}

/* ---- the session leader ---- */

static void pass_handles(pid_t daemon)
{
    char path[40], line[512];
    struct iovec part = { path, 1 };
    union {
        char space[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr header;
    } passed = { .header = {
                     .cmsg_len = CMSG_LEN(2 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = passed.space, .msg_controllen = sizeof passed.space
    };
    int fds[2];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)daemon);
    fds[0] = open(path, O_RDONLY | O_CLOEXEC);
    must(fds[0] >= 0 && pread(fds[0], line, sizeof line, 0) > 0);
    fds[1] = (int)syscall(SYS_pidfd_open, daemon, 0);
    memcpy(CMSG_DATA(&passed.header), fds, sizeof fds);
    must(sendmsg(ends[1], &message, 0) == 1);
}

/* ---- the daemon ---- */

static void open_null(void)
{
    int null = open("/dev/null", O_RDWR);
    must(null >= 0 && (level < JUDGED || fstat(null, &about) == 0));
    must(dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2 && close(null) == 0);
}

static int open_own(const char *path, int flags, bool named)
{
    int fd = open(path, flags | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    must(fd >= 0);
    if (level >= JUDGED)
        must(fstat(fd, &about) == 0 && (!named || lstat(path, &about) == 0));
    return fd;
}

static void open_files(const char *pidfile, const char *log)
{
    char text[24];
    int fd = open_own(pidfile, O_RDWR, true);
    int length = snprintf(text, sizeof text, "%d\n", (int)getpid());
    must(pwrite(fd, text, (size_t)length, 0) == length);
    fd = open_own(log, O_WRONLY, false);
    must(dup2(fd, 1) == 1 && dup2(fd, 2) == 2 && close(fd) == 0);
}

int main(int argc, char **argv)
{
    char byte;
    int lock;
    pid_t child;
    must(argc == 6);
    level = atoi(argv[1]);
    if (level >= JUDGED) {
        look(argv[5], X_OK, true);
        look(argv[2], W_OK, false);
        look(argv[3], W_OK, false);
        look(argv[4], W_OK, false);
    }
    must((level >= WATCHED ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) : pipe2(ends, O_CLOEXEC)) == 0);
    child = fork();
    must(child >= 0);
    if (child > 0)
        return wait_for_exec(child);
    must(setsid() > 0);
    child = fork();
    must(child >= 0);
    if (child > 0 && level >= WATCHED)
        pass_handles(child);
    if (child > 0)
        _exit(0);
    open_null();
    reset_signals();
    lock = open_own(argv[2], O_RDONLY, true);
    must(flock(lock, LOCK_EX | LOCK_NB) == 0);
    if (level >= FILES)
        open_files(argv[3], argv[4]);
    syscall(SYS_close_range, lock + 1, ~0U, 0);
    must(level < WATCHED || read(ends[1], &byte, 1) == 1);
    must(level < ANNOUNCED || write(ends[1], "", 1) == 1);
    execve(argv[5], argv + 5, environ);
    _exit(write(ends[1], "", 1) == 1 ? 1 : 2);
}
