/* exec.c - become a daemon, then another program; the start is good only if that program runs.
 *
 *   cc -std=c11 -Icore tests/examples/exec.c build/core/libblivet.a -o exec
 *   ./exec PIDFILE PROGRAM [ARGUMENT ...]
 *
 * What daemonize(1) does, without its options: a start for whoever has work to do between the two. */
#define _POSIX_C_SOURCE 200809L
#include "blivet.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct blivet_config config = { .umask = 022 };
    struct blivet_error error;
    if (argc < 3) {
        fprintf(stderr, "usage: exec PIDFILE PROGRAM [ARGUMENT ...]\n");
        return EX_USAGE;
    }
    config.pidfile = argv[1];
    struct blivet_context *daemon = blivet_daemonize(&config, &error);
    if (!daemon) {
        fprintf(stderr, "exec: %s\n", error.message);
        return error.exit_code;
    }

    /* The lock is to live as long as the program: its descriptor must not be closed by exec. */
    if (fcntl(blivet_lockfile_fd(daemon), F_SETFD, 0) != 0) {
        blivet_set_error(&error, BLIVET_SYSTEM_FAILED, errno, "lock", config.pidfile, NULL);
        blivet_report_error(daemon, &error);
    }
    if (blivet_announce_exec(daemon, &error) == 0) { /* silence from here on means that it runs */
        execvp(argv[2], argv + 2);
        blivet_set_error(&error, BLIVET_PROGRAM_UNUSABLE, errno, "program", argv[2], NULL);
    }
    blivet_report_error(daemon, &error); /* a word after the announcement takes it back */
}
