/* program.h - the program to run: found, checked, executed (CLI-3, CLI-4, CLI-9, CLI-10). */
#ifndef DAEMONIZE_PROGRAM_H
#define DAEMONIZE_PROGRAM_H
#include "../core/seam.h"

/* Before the fork.  A name with a '/' becomes absolute, no link resolved, and must be an executable file; a bare
 * name stays as it is.  *absolute: what was made of a relative word, the caller's to free, even after a failure;
 * NULL where the word is good as it is.  0, or -1 with *error. */
int program_resolve(const char *word, char **absolute, const struct blivet_ops *ops, struct blivet_error *error);

/* In the daemon: argv[0] with its arguments.  Returns only if it failed, with *error filled in. */
void program_exec(char **argv, const struct blivet_ops *ops, struct blivet_error *error);
#endif
