/* embedder.c - the two-file form with a table of one's own: each setsid is logged, and refused where one says so.
 *
 *   cc -std=c11 -I FOLDER tests/install/embedder.c FOLDER/blivet.c -o embedder
 *   ./embedder [refuse] */
#define _GNU_SOURCE
#define BLIVET_SEAM
#include "blivet.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int refuses;

static pid_t logged_setsid(void)
{
    static const char line[] = "setsid\n";
    if (write(1, line, sizeof line - 1) < 0 || refuses) {
        errno = EPERM;
        return -1;
    }
    return setsid();
}

int main(int argc, char **argv)
{
    struct blivet_ops ops = blivet_libc;
    struct blivet_config config = { .umask = 022 };
    struct blivet_error error;
    refuses = argc > 1 && strcmp(argv[1], "refuse") == 0;
    ops.setsid = logged_setsid;
    struct blivet_context *daemon = blivet_daemonize_on(&config, &ops, BLIVET_COUNT_THREADS, &error);
    if (!daemon) {
        fprintf(stderr, "embedder: %s\n", error.message);
        return error.exit_code;
    }
    if (blivet_notify_parent(daemon, &error) != 0)
        blivet_report_error(daemon, &error);
    blivet_close(daemon);
    return 0;
}
