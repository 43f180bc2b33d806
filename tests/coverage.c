/* coverage.c - in the coverage build, the counters of a process that does not end by exit(3) (linked by --wrap).
 *
 * _exit, exec and a deadly signal would lose them; a child would count once more what its parent has counted. */
#include <gcov.h>
#include <signal.h>
#include <unistd.h>

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
int __real_execve(const char *path, char *const argv[], char *const envp[]);
int __wrap_execve(const char *path, char *const argv[], char *const envp[]);
int __real_raise(int signal);
int __wrap_raise(int signal);
pid_t __real_fork(void);
pid_t __wrap_fork(void);

void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}

int __wrap_execve(const char *path, char *const argv[], char *const envp[])
{
    __gcov_dump();
    int result = __real_execve(path, argv, envp);
    __gcov_reset();
    return result;
}

int __wrap_raise(int signal)
{
    __gcov_dump();
    int result = __real_raise(signal);
    __gcov_reset();
    return result;
}

pid_t __wrap_fork(void)
{
    pid_t child = __real_fork();
    if (child == 0)
        __gcov_reset();
    return child;
}
