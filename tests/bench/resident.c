/* resident.c MIB HOW - what it costs to leave a process that has MIB megabytes in memory, in ordinary pages of 4 KiB.
 *
 *   blivet   blivet_daemonize
 *   two      two bare forks
 *   one      the intermediate shares the memory (clone with CLONE_VM and CLONE_VFORK), the daemon gets the one copy
 *
 * Prints, in nanoseconds: until the daemon runs, and until the launcher is gone. */
#include "../../core/blivet.h"
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct { long long begin, runs; } *times; /* shared */
static char stack[65536] __attribute__((aligned(64)));
static jmp_buf here;

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int leave(void *unused)
{
    (void)unused;
    if (setsid() < 0)
        _exit(1);
    pid_t child = fork();
    if (child == 0)
        longjmp(here, 1);
    _exit(child < 0);
}

static void daemonize(const char *how)
{
    struct blivet_error error;
    struct blivet_config config = { .flags = 0 };
    pid_t leader;
    if (strcmp(how, "blivet") == 0) {
        struct blivet_context *daemon = blivet_daemonize(&config, &error);
        times->runs = nanoseconds();
        if (!daemon || blivet_notify_parent(daemon, &error) != 0)
            _exit(1);
        return;
    }
    if (strcmp(how, "one") == 0) {
        if (setjmp(here) != 0) {
            times->runs = nanoseconds();
            return;
        }
        leader = clone(leave, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    } else {
        leader = fork();
        if (leader == 0) {
            if (setsid() < 0 || fork() != 0)
                _exit(0);
            times->runs = nanoseconds();
            return;
        }
    }
    waitpid(leader, NULL, 0);
    _exit(leader < 0);
}

int main(int argc, char **argv)
{
    int status;
    if (argc != 3)
        return 1;
    size_t size = (size_t)atol(argv[1]) << 20;
    times = mmap(NULL, sizeof *times, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (times == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return 1;
    pid_t launcher = fork(); /* the one that looks on has nothing in memory */
    if (launcher == 0) {
        if (size > 0) {
            char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (memory == MAP_FAILED || madvise(memory, size, MADV_NOHUGEPAGE) != 0)
                _exit(1);
            for (size_t at = 0; at < size; at += 4096)
                memory[at] = 1;
        }
        times->begin = nanoseconds();
        daemonize(argv[2]);
        _exit(0); /* the daemon */
    }
    if (waitpid(launcher, &status, 0) != launcher || status != 0)
        return 1;
    long long gone = nanoseconds();
    while (wait(NULL) > 0)
        ;
    printf("%lld\t%lld\n", times->runs - times->begin, gone - times->begin);
    return times->runs == 0;
}
