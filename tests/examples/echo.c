/* echo.c - an echo server on 127.0.0.1: take the port as root, serve it as somebody else.
 *
 *   cc -std=c11 -Icore tests/examples/echo.c build/core/libblivet.a -o echo
 *   ./echo PORT PIDFILE [USER]
 *
 * Whoever starts it reads exit 0 only once it can be talked to; a port that is taken is an error message. */
#define _POSIX_C_SOURCE 200809L
#include "blivet.h"
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

static int listen_on(struct blivet_context *daemon, unsigned port)
{
    const struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                      .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener >= 0 && setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(listener, (const struct sockaddr *)&here, sizeof here) == 0 && listen(listener, SOMAXCONN) == 0)
        return listener;
    char message[100];
    snprintf(message, sizeof message, "port %u: %s", port, strerror(errno));
    blivet_fail(daemon, EX_UNAVAILABLE, message); /* takes the pidfile away, tells the launcher, ends us */
}

/* In a process of its own: it gives up its share of the lock and of the port, and keeps the client. */
static _Noreturn void serve(struct blivet_context *daemon, int listener, int client)
{
    char bytes[4096];
    ssize_t count;
    blivet_close(daemon);
    close(listener);
    while ((count = recv(client, bytes, sizeof bytes, 0)) > 0)
        for (ssize_t sent, at = 0; at < count; at += sent)
            if ((sent = send(client, bytes + at, (size_t)(count - at), MSG_NOSIGNAL)) < 0)
                _exit(EXIT_SUCCESS); /* the client has left */
    _exit(EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
    static const int endings[] = { SIGTERM, SIGINT, SIGHUP };
    struct blivet_config config = { .umask = 022 }; /* the rest is zero, the default */
    struct blivet_error error;
    char *end = NULL;
    unsigned long port = argc > 1 ? strtoul(argv[1], &end, 10) : 0;
    if (argc < 3 || argc > 4 || *end != '\0' || port < 1 || port > 65535) {
        fprintf(stderr, "usage: echo PORT PIDFILE [USER]\n");
        return EX_USAGE;
    }
    config.pidfile = argv[2];
    config.user = argv[3]; /* NULL where none was given: stay who we are */

    struct blivet_context *daemon = blivet_daemonize(&config, &error);
    if (!daemon) { /* still in the process that was started, and nothing has begun */
        fprintf(stderr, "echo: %s\n", error.message);
        return error.exit_code;
    }

    /* From here on this is the daemon.  Root's work first, then the drop, then "ready". */
    int listener = listen_on(daemon, (unsigned)port);
    if (blivet_remove_pidfile_on(daemon, endings, sizeof endings / sizeof endings[0], &error) != 0 ||
        blivet_drop_privileges(daemon, &error) != 0 || blivet_notify_parent(daemon, &error) != 0)
        blivet_report_error(daemon, &error);

    signal(SIGCHLD, SIG_IGN); /* workers end without being waited for */
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0 && errno != EINTR && errno != ECONNABORTED)
            break;
        if (client >= 0 && fork() == 0)
            serve(daemon, listener, client);
        if (client >= 0)
            close(client);
    }
    blivet_close(daemon); /* the pidfile goes, then the lock */
    return EX_OSERR;
}
