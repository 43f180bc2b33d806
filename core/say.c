/* say.c - one line on a descriptor, come what may (CLI-12). */
#include "internal.h"
#include "text.h"
#include <errno.h>
#include <string.h>

enum { PATIENCE_MS = 1000, RESERVED = BLIVET_MESSAGE_SIZE + 1 /* ": " and a message */ };

/* False where nobody makes room in time: a pipe that is never emptied would hold us for ever.  So it does where others
 * write into it too, and take the room between this look and our write. */
static bool has_room(const struct blivet_ops *ops, int fd, int64_t deadline)
{
    struct pollfd reader = { .fd = fd, .events = POLLOUT };
    int ready;
    do {
        int64_t left = deadline - blivet_now_ms(ops);
        ready = ops->poll(&reader, 1, left > 0 ? (int)left : 0);
    } while (ready < 0 && errno == EINTR);
    return ready != 0;
}

static bool write_all(const struct blivet_ops *ops, int fd, const char *bytes, size_t count)
{
    int64_t deadline = blivet_now_ms(ops) + PATIENCE_MS;
    while (count > 0) {
        ssize_t written;
        if (!has_room(ops, fd, deadline))
            return false;
        UNINTERRUPTED(written, ops->write(fd, bytes, count));
        if (written <= 0)
            return false;
        bytes += written;
        count -= (size_t)written;
    }
    return true;
}

bool blivet_say(const struct blivet_ops *ops, int fd, const char *message)
{
    char line[BLIVET_MESSAGE_SIZE + 300];
    struct blivet_text text;
    struct sigaction pipe_before, size_before;
    if (fd < 0) /* poll would wait for it in vain */
        return false;
    blivet_text_begin(&text, line, sizeof line - 1 - RESERVED); /* a long name must not push the reason out */
    blivet_text_escaped(&text, program_invocation_short_name, strnlen(program_invocation_short_name, 255));
    text.cut = false;
    text.left += RESERVED;
    blivet_text_put(&text, ": ");
    blivet_text_escaped(&text, message, strlen(message));
    *text.at++ = '\n';
    bool pipe_ignored = blivet_ignore_signal(ops, SIGPIPE, &pipe_before);
    bool size_ignored = blivet_ignore_signal(ops, SIGXFSZ, &size_before);
    bool written = write_all(ops, fd, line, (size_t)(text.at - line));
    if (pipe_ignored)
        ops->sigaction(SIGPIPE, &pipe_before, NULL);
    if (size_ignored)
        ops->sigaction(SIGXFSZ, &size_before, NULL);
    return written;
}
