/* output.h - what a command is run for, on standard output: all of it, or an error (CLI-19). */
#ifndef DAEMONIZE_OUTPUT_H
#define DAEMONIZE_OUTPUT_H
#include "../syscall/ops.h"

/* Before the first word of it. */
void output_begin(const struct blivet_ops *ops);

/* Behind the last one.  The exit code: the one given, or EX_IOERR where not all of it could be written; then a line on
 * standard error has the reason, but for a reader that has gone, who does not care. */
int output_end(const struct blivet_ops *ops, int code);
#endif
