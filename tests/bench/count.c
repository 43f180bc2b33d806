/* count.c COMMAND - runs it step by step and prints three numbers: the instructions that it and what it forks execute
 * in user mode, up to the exec of a program; the KiB that the launcher has in memory when it ends; and those of them
 * that it shares with nobody.
 *
 * For machines that lend no counters of the processor to their guests.  A repeated string instruction counts as often
 * as it is repeated. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void print_memory(pid_t pid)
{
    char path[64], line[256];
    long rss = 0, own = 0, kib;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "Rss: %ld", &kib) == 1)
            rss = kib;
        else if (sscanf(line, "Private_%*[^:]: %ld", &kib) == 1)
            own += kib;
    }
    if (file)
        fclose(file);
    printf("%ld\t%ld\n", rss, own);
}

/* A signal is passed on; the stops of tracing itself are not. */
static void step(pid_t pid, int status)
{
    int signal = WSTOPSIG(status);
    if (signal == SIGTRAP || signal == SIGSTOP || status >> 16)
        signal = 0;
    ptrace(PTRACE_SINGLESTEP, pid, NULL, (void *)(long)signal);
}

int main(int argc, char **argv)
{
    const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
                         PTRACE_O_TRACEEXIT;
    long instructions = 0;
    int status;
    pid_t pid, launcher = argc > 1 ? fork() : -1;
    if (launcher < 0)
        return 1;
    if (launcher == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    waitpid(launcher, &status, 0); /* its exec */
    if (!WIFSTOPPED(status) || ptrace(PTRACE_SETOPTIONS, launcher, NULL, (void *)options) != 0)
        return 1;
    step(launcher, status);
    while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        if (pid <= 0 || !WIFSTOPPED(status))
            continue;
        int event = status >> 16;
        if (event == PTRACE_EVENT_EXEC) { /* the program: none of the launcher's business */
            ptrace(PTRACE_DETACH, pid, NULL, NULL);
            continue;
        }
        if (event == PTRACE_EVENT_EXIT && pid == launcher)
            print_memory(pid);
        instructions += event == 0 && WSTOPSIG(status) == SIGTRAP;
        step(pid, status);
    }
    printf("%ld\n", instructions);
    return 0;
}
