/* coverage.c - in the coverage build, how a process saves what it has counted (linked by --wrap).
 *
 * _exit, exec and a deadly signal would lose the counters; a child would count once more what its parent has counted.
 * Each save has a folder of its own, SAVES/PID.NUMBER, which gets its last name, *.whole, when all is written: a process
 * that is killed, or may not write, while it saves spoils no other's.  tests/coverage.sh adds them up. */
#include <gcov.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
int __real_execve(const char *path, char *const argv[], char *const envp[]);
int __wrap_execve(const char *path, char *const argv[], char *const envp[]);
int __real_raise(int signal);
int __wrap_raise(int signal);
pid_t __real_fork(void);
pid_t __wrap_fork(void);
char *__real_getenv(const char *name);
char *__wrap_getenv(const char *name);

static char folder[512]; /* of the save under way */

/* Where to save is said to libgcov alone: in the environment, exec and the tests would see it. */
char *__wrap_getenv(const char *name)
{
    return folder[0] != '\0' && strcmp(name, "GCOV_PREFIX") == 0 ? folder : __real_getenv(name);
}

static void save(void)
{
    struct rlimit files,
        none = { RLIM_INFINITY, RLIM_INFINITY }; /* a file that ends too early would be as good as torn */
    if (getrlimit(RLIMIT_FSIZE, &files) != 0 ||
        (files.rlim_cur != RLIM_INFINITY && setrlimit(RLIMIT_FSIZE, &none) != 0))
        return;
    struct timespec now; /* a number alone is given to several processes, in PID namespaces */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(folder, sizeof folder, COVERAGE_SAVES "/%d.%lld%09ld", getpid(), (long long)now.tv_sec, now.tv_nsec);
    __gcov_dump();
    char whole[sizeof folder + sizeof ".whole"];
    (void)snprintf(whole, sizeof whole, "%s.whole", folder);
    (void)rename(folder, whole);
    folder[0] = '\0';
    (void)setrlimit(RLIMIT_FSIZE, &files);
}

__attribute__((constructor)) static void save_at_exit(void) { (void)atexit(save); }

void __wrap__exit(int status)
{
    save();
    __real__exit(status);
}

int __wrap_execve(const char *path, char *const argv[], char *const envp[])
{
    save();
    int result = __real_execve(path, argv, envp);
    __gcov_reset();
    return result;
}

int __wrap_raise(int signal)
{
    save();
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
