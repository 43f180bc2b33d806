/* inject.h - real calls that fail on purpose: a libfiu point "ops/CALL" before each, made from ops.def.
 *
 * Libfiu counts calls, and fork copies its counters: "the third close" would strike in each process.  So a fault
 * names the process too.  Plain libfiu works as well, for each call of a name in whichever process:
 *
 *   LD_PRELOAD=/usr/lib/fiu/fiu_run_preload.so FIU_ENABLE="enable name=ops/setsid,failinfo=1" daemonize-faulty ... */
#ifndef BLIVET_INJECT_H
#define BLIVET_INJECT_H
#include "../syscall/ops.h"
#include <stdbool.h>

enum { INJECT_MOST = 8 };

/* In memory that the processes share: how often each of the faults struck, whichever process it was in. */
struct inject_count {
    _Atomic int fired[INJECT_MOST];
};

/* faults: up to INJECT_MOST words with spaces between, each "PROCESS:CALL:NTH:WHAT"; of two that fit the first strikes.
 *   PROCESS  0, 1, 2: how many forks on the way to it answered 0
 *   NTH      1 the first of that name in that process; with a '+' behind: it and each that follows
 *   WHAT     a number: the errno (0: it fails without one); "half": half of the bytes are moved, for read, recv,
 *            write, pwrite and send; "kill": SIGKILL just before; "killed": just after
 * False: they cannot be read that way, or libfiu refuses.  count may be NULL. */
bool inject_faults(const char *faults, struct inject_count *count);

/* The table; one at a time in a process. */
const struct blivet_ops *inject_into(const struct blivet_ops *next);
#endif
