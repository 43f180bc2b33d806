/* command.h - the command on a table. */
#ifndef DAEMONIZE_COMMAND_H
#define DAEMONIZE_COMMAND_H
#include "../syscall/ops.h"

/* Returns the exit status in the launcher if nothing has begun; otherwise it does not return. */
int daemonize_command(int argc, char **argv, const struct blivet_ops *ops);
#endif
