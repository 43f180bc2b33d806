/* seam.h - the calls of blivet.h on a table of your own.  No part of the installed interface, since the table
 * grows with each row of ops.def; in the source for embedders who audit, and for the command. */
#ifndef BLIVET_SEAM_H
#define BLIVET_SEAM_H
#include "blivet.h"
#include "../syscall/ops.h"
#include <stdbool.h>

/* TRUST_CALLER: it vouches for a single thread; TRUST_COMMAND: and that stdio holds nothing to be flushed. */
enum blivet_threads { BLIVET_COUNT_THREADS, BLIVET_TRUST_CALLER, BLIVET_TRUST_COMMAND };

int blivet_validate_on(const struct blivet_config *config, const struct blivet_ops *ops, struct blivet_error *error);
/* All that is asked before the first fork, user and group too, and nothing begun: no file, no socket, no pipe.
 * *pidfile_is_lock: whether pidfile and lockfile are one file, as soon as that can be told. */
int blivet_rehearse_on(const struct blivet_config *config, const struct blivet_ops *ops, bool *pidfile_is_lock,
                       struct blivet_error *error);

struct blivet_context *blivet_daemonize_on(const struct blivet_config *config, const struct blivet_ops *ops,
                                           enum blivet_threads threads, struct blivet_error *error);

/* "program: message" on a descriptor: one line, escaped (NTF-5).  It never ends the process by a signal, and waits
 * for a reader for a second at the most (CLI-12).  False: it could not be written, which changes nothing else. */
bool blivet_say(const struct blivet_ops *ops, int fd, const char *message);
#endif
