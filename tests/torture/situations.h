/* situations.h - the starts that are tortured: a process, a configuration, and what its machine is like. */
#ifndef BLIVET_SITUATIONS_H
#define BLIVET_SITUATIONS_H
#include "../../core/internal.h"
#include "../../faults/script.h"

enum ending { SAYS_READY, FAILS_ITSELF, CLOSES_UNTOLD }; /* what the application does after the sequence */

struct situation {
    const char *name;
    enum script_role role; /* SCRIPT_DAEMON in foreground mode too, which forks nobody */
    const char *words;     /* a command line, with one blank between words; NULL: the library is called */
    struct blivet_config config;
    enum blivet_threads threads;
    enum ending ending;
    void (*machine)(void); /* what is there besides a fresh machine; may be NULL */
};

extern const struct situation situations[];
extern const size_t situation_count;

#define PIDFILE "/run/x.pid"
#define LOCKFILE "/run/x.lock"
#define STDOUT "/var/log/x.out"
#define STDERR "/var/log/x.err"
#endif
