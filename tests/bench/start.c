/* start.c [-d DESCRIPTORS] [-n LIMIT] ROUNDS - starts each command of standard input once a round, and measures.
 *
 * A command is a line: its label, then its words, with tabs between.  In each round the order is another, so that what
 * else the machine does falls on all alike.  The files pid, lock and log in the working directory are removed before
 * each start.  A line of output is one start: label, nanoseconds until the launcher returned and until the last process
 * of the start was done, microseconds of CPU and page faults of all of them, KiB that the launcher had at most.  A
 * command that fails is said to, and left out.
 *
 * Linked statically and small: what a command shows as its peak is never less than what this program has. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS = 64, WORDS = 32, LINE = 4096 };

struct command {
    char line[LINE];
    char *words[WORDS + 1]; /* the label first */
    int failed;
};

static struct command commands[COMMANDS];
extern char **environ;

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long microseconds(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000LL + usage->ru_utime.tv_usec +
           usage->ru_stime.tv_usec;
}

static int read_commands(void)
{
    int count = 0;
    while (count < COMMANDS && fgets(commands[count].line, LINE, stdin)) {
        char *rest = commands[count].line;
        rest[strcspn(rest, "\n")] = '\0';
        for (int word = 0; word < WORDS && rest; word++)
            commands[count].words[word] = strsep(&rest, "\t");
        count++;
    }
    return count;
}

static void inherit(long descriptors, long limit)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        fail("getrlimit");
    files.rlim_cur = limit > 0 ? (rlim_t)limit : files.rlim_cur;
    if (descriptors > 0 && (rlim_t)descriptors + 32 > files.rlim_cur)
        files.rlim_cur = (rlim_t)descriptors + 32;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        fail("setrlimit");
    for (long fd = 3; fd < descriptors + 3; fd++)
        if (dup2(2, (int)fd) < 0)
            fail("dup2");
}

static void start(struct command *command)
{
    struct rusage before, after, launcher;
    int status, failed;
    pid_t pid;
    unlink("pid");
    unlink("lock");
    unlink("log");
    getrusage(RUSAGE_CHILDREN, &before);
    long long begin = nanoseconds();
    failed = posix_spawn(&pid, command->words[1], NULL, NULL, command->words + 1, environ);
    if (failed != 0 || wait4(pid, &status, 0, &launcher) != pid)
        fail(command->words[1]);
    long long returned = nanoseconds();
    command->failed = status; /* and is started no more */
    while (wait(&status) > 0 || errno == EINTR)
        ;
    if (command->failed) {
        fprintf(stderr, "%s fails, status %#x\n", command->words[0], command->failed);
        return;
    }
    long long done = nanoseconds();
    getrusage(RUSAGE_CHILDREN, &after);
    printf("%s\t%lld\t%lld\t%lld\t%ld\t%ld\n", command->words[0], returned - begin, done - begin,
           microseconds(&after) - microseconds(&before), after.ru_minflt - before.ru_minflt, launcher.ru_maxrss);
}

int main(int argc, char **argv)
{
    long descriptors = 0, limit = 0;
    int option;
    while ((option = getopt(argc, argv, "d:n:")) != -1)
        *(option == 'd' ? &descriptors : &limit) = atol(optarg);
    int count = read_commands();
    if (optind != argc - 1 || count == 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return 1;
    inherit(descriptors, limit);
    long rounds = atol(argv[optind]);
    for (long round = -2; round < rounds; round++) /* two to warm up */
        for (int i = 0; i < count; i++) {
            if (round == 0 && i == 0)
                printf("begin\n");
            struct command *next = &commands[((round % 2 ? count - 1 - i : i) + round + 2) % count];
            if (!next->failed)
                start(next);
        }
    return 0;
}
