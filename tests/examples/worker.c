/* worker.c - a worker under a supervisor, which holds the socket, the log and the process: foreground mode.
 *
 *   cc -std=c11 -Icore tests/examples/worker.c build/core/libblivet.a -o worker
 *   systemd-socket-activate -l 127.0.0.1:7777 ./worker [USER]
 *
 * What the supervisor left open in error is closed, what it handed over is kept, and "ready" goes to it. */
#define _POSIX_C_SOURCE 200809L
#include "blivet.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum { FIRST = 3, MOST = 16 }; /* handed-over descriptors begin at 3, as sd_listen_fds(3) has it */

/* How many there are; none if the variables were meant for an ancestor, who forgot to remove them. */
static size_t count_handed_over(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (!pid || !count || strtol(pid, NULL, 10) != (long)getpid())
        return 0;
    return strtoul(count, NULL, 10);
}

static void answer(int client)
{
    char line[80];
    int length = snprintf(line, sizeof line, "process %ld, user %ld\n", (long)getpid(), (long)geteuid());
    send(client, line, (size_t)length, MSG_NOSIGNAL); /* a client that has left is no concern of ours */
    close(client);
}

int main(int argc, char **argv)
{
    struct blivet_config config = { .flags = BLIVET_FOREGROUND, .umask = 022 };
    struct blivet_error error;
    struct pollfd sockets[MOST];
    int kept[MOST];
    size_t count = count_handed_over();
    if (argc > 2 || count < 1 || count > MOST) {
        fprintf(stderr, "usage: worker [USER], with 1 to %d sockets by LISTEN_FDS and LISTEN_PID\n", MOST);
        return EX_USAGE;
    }
    for (size_t i = 0; i < count; i++)
        sockets[i] = (struct pollfd){ .fd = kept[i] = FIRST + (int)i, .events = POLLIN };
    config.keep_fds = kept; /* all others above 2 are closed */
    config.keep_fds_count = count;
    config.user = argv[1];

    struct blivet_context *daemon = blivet_daemonize(&config, &error); /* the same process: the supervisor's child */
    if (!daemon) {
        fprintf(stderr, "worker: %s\n", error.message);
        return error.exit_code;
    }
    unsetenv("LISTEN_PID"); /* ours, not our children's */
    unsetenv("LISTEN_FDS");
    if (blivet_drop_privileges(daemon, &error) != 0 || blivet_notify_parent(daemon, &error) != 0)
        blivet_report_error(daemon, &error); /* on the supervisor's stderr, with the exit code of the reason */

    while (poll(sockets, (nfds_t)count, -1) >= 0 || errno == EINTR)
        for (size_t i = 0; i < count; i++) {
            int client = sockets[i].revents ? accept(sockets[i].fd, NULL, NULL) : -1;
            if (client >= 0)
                answer(client);
        }
    blivet_close(daemon);
    return EX_OSERR;
}
