/* output.c - what a command is run for, on standard output: all of it, or an error (CLI-19). */
#include "output.h"
#include "../core/seam.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>

void output_begin(const struct blivet_ops *ops)
{
    static char room[1 << 16]; /* for nearly all that is printed: then there is one write, and its errno is known */
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    ops->sigaction(SIGPIPE, &ignore, NULL);
    ops->sigaction(SIGXFSZ, &ignore, NULL);
    setvbuf(stdout, room, _IOFBF, sizeof room);
}

/* A file system may tell of a full disk or a quota only now; it does so for each descriptor of the file. */
static bool closes(const struct blivet_ops *ops)
{
    int copy;
    UNINTERRUPTED(copy, ops->fcntl(1, F_DUPFD_CLOEXEC, 0));
    return copy < 0 || ops->close(copy) == 0 || errno == EINTR;
}

int output_end(const struct blivet_ops *ops, int code)
{
    struct blivet_error error;
    errno = EIO; /* where a write failed long before, and why is not known any more */
    if (fflush(stdout) == 0 && !ferror(stdout) && closes(ops))
        return code;
    blivet_set_error(&error, BLIVET_OUTPUT_FAILED, errno, "standard output", NULL, NULL);
    if (errno != EPIPE)
        blivet_say(ops, 2, error.message);
    return EX_IOERR;
}
