/* say.c - one line on a descriptor, come what may (CLI-12). */
#include "internal.h"
#include "text.h"
#include <errno.h>
#include <string.h>

enum { STUCK_READER_MS = 1000 };

void blivet_say(const struct blivet_ops *ops, int fd, const char *message)
{
    char line[BLIVET_MESSAGE_SIZE + 300];
    struct blivet_text text;
    struct sigaction pipe_before, size_before;
    struct pollfd reader = { .fd = fd, .events = POLLOUT };
    blivet_text_begin(&text, line, sizeof line - 1);
    blivet_text_escaped(&text, program_invocation_short_name, strnlen(program_invocation_short_name, 255));
    blivet_text_put(&text, ": ");
    blivet_text_escaped(&text, message, strlen(message));
    *text.at++ = '\n';
    blivet_ignore_signal(ops, SIGPIPE, &pipe_before);
    blivet_ignore_signal(ops, SIGXFSZ, &size_before);
    /* A pipe that nobody empties would hold us for ever. */
    const char *at = line;
    while (at < text.at && ops->poll(&reader, 1, STUCK_READER_MS) > 0) {
        ssize_t written = ops->write(fd, at, (size_t)(text.at - at));
        if (written < 0 && errno != EINTR)
            break;
        at += written > 0 ? written : 0;
    }
    ops->sigaction(SIGPIPE, &pipe_before, NULL);
    ops->sigaction(SIGXFSZ, &size_before, NULL);
}
