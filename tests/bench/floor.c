/* floor.c LOCK PROGRAM - the least that a start costs: what every daemonizer has to do, and nothing else.
 *
 * Two forks and a session between them, signals at their default, /dev/null on 0 to 2, a lock, no other descriptor,
 * exec; and a launcher that waits for it.  Nothing is validated, told apart or cleaned up: this is no daemonizer, but
 * the measure for them. */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int wait_for_exec(int end, pid_t child)
{
    char byte;
    int status;
    ssize_t said = read(end, &byte, 1); /* the other end is close-on-exec */
    waitpid(child, &status, 0);
    return said != 0 || status != 0;
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

int main(int argc, char **argv)
{
    int ends[2], null, lock;
    pid_t child;
    if (argc != 3 || pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0)
        return 1;
    if (child > 0) {
        close(ends[1]);
        return wait_for_exec(ends[0], child);
    }
    if (setsid() < 0 || (child = fork()) != 0)
        _exit(child < 0);
    reset_signals();
    null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || close(null) != 0)
        _exit(1);
    lock = openat(AT_FDCWD, argv[1], O_RDONLY | O_CREAT, 0644);
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0)
        _exit(1);
    syscall(SYS_close_range, lock + 1, ~0U, 0);
    execve(argv[2], argv + 2, environ);
    _exit(write(ends[1], "", 1) == 1 ? 1 : 2);
}
