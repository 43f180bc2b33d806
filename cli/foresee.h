/* foresee.h - what stands against a start, without beginning it (CLI-18). */
#ifndef DAEMONIZE_FORESEE_H
#define DAEMONIZE_FORESEE_H
#include "options.h"
#include <limits.h>

enum {
    IN_BEFORE,
#define STEP(number, symbol, name, purpose, hazard) IN_##symbol = (number),
#include "../core/steps.def"
#undef STEP
    IN_BEYOND
};
enum { MOST_PROBLEMS = 16 };

struct problem {
    int step;
    struct blivet_error error;
};

struct foresight {
    struct problem problems[MOST_PROBLEMS]; /* the first one is what the start would come upon */
    size_t count;
    bool pidfile_is_lock;   /* both are given, and are one file */
    char program[PATH_MAX]; /* what would be run; "" if it was not found */
};

/* The path of what would be run, searched as the daemon does; "" and *error where nothing would be. */
void foresee_program(char path[PATH_MAX], const struct options *options, const struct blivet_ops *ops,
                     struct blivet_error *error);

bool is_one_log(const struct blivet_config *config);

/* Asks what the start would ask, and changes nothing but options->program[0], which becomes absolute as there. */
void foresee(struct foresight *found, struct options *options, const struct blivet_ops *ops);
#endif
