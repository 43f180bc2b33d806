/* trace.h - a start that is watched: --trace (CLI-16, CLI-17). */
#ifndef DAEMONIZE_TRACE_H
#define DAEMONIZE_TRACE_H
#include "options.h"

/* The table to start with; it records what all three processes do, and shows it when the launcher ends, wherever that
 * is.  In foreground mode a descriptor more is kept until exec: options->config is changed.  NULL, with *error, if the
 * file of --trace cannot be written, or if there is no memory to share. */
const struct blivet_ops *trace_begin(struct options *options, const struct blivet_ops *ops, struct blivet_error *error);

/* Shows it where the launcher returns. */
void trace_end(int status);
#endif
