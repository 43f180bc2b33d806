/* ops.h - the seam: the table through which core/ and cli/ reach the kernel, made from ops.def.
 *
 * A table is const and passed along; nothing can be swapped behind an embedder's back.  Promise: an
 * object outside syscall/ has no other undefined symbol that makes a system call or changes the
 * process (ASR-1); tests/audit.sh checks it. */
#ifndef BLIVET_OPS_H
#define BLIVET_OPS_H
#ifndef _GNU_SOURCE
#error "compile with -D_GNU_SOURCE: setresuid, pidfds and close_range are not POSIX"
#endif
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Else a log over 2 GiB could not be opened, nor a table of the embedder's own be understood. */
_Static_assert(sizeof(off_t) == 8, "compile with -D_FILE_OFFSET_BITS=64");

struct blivet_ops {
#define CALL(result, name, parameters, arguments, failure, errnos) result(*name) parameters;
#define VOID(name, parameters, arguments) void(*name) parameters;
#include "ops.def"
#undef CALL
#undef VOID
};

extern const struct blivet_ops blivet_libc; /* the C library itself (ASR-2) */

/* EINTR is no error, the call is repeated (SEQ-7). */
#define UNINTERRUPTED(result, call) \
    do \
        (result) = (call); \
    while ((result) == -1 && errno == EINTR)

#endif
