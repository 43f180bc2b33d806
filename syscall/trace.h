/* trace.h - a table that records each call and passes it on to another table.
 *
 * Tables stack: trace(faults(libc)).  The record lies in memory of the caller's; where that is shared (MAP_SHARED)
 * the launcher, the session leader and the daemon write into the same one, in the order in which they call. */
#ifndef BLIVET_TRACE_H
#define BLIVET_TRACE_H
#include "ops.h"
#include <stdbool.h>

/* Of so many calls of one name, in a row or in a step, there are records, as where descriptors are closed one by one; the
 * last of them counts the others, so that there is room for what comes after them. */
enum { BLIVET_TRACE_ARGUMENTS = 128, BLIVET_TRACE_IN_A_ROW = 100, BLIVET_TRACE_IN_A_STEP = 500 };

struct blivet_trace_record {
    int64_t began_ns, ended_ns; /* since the trace began */
    int64_t result;             /* a pointer as a number */
    int32_t error;              /* errno, where the call failed */
    int32_t pid;
    uint32_t more;              /* calls of that name that came after it in its process and step, and are not recorded */
    int16_t process;            /* how many forks on the way to it answered 0: launcher, session leader, daemon */
    int16_t step;               /* the step of steps.def that it is in; 0 before the first */
    int16_t call;               /* see blivet_call_name() */
    int16_t state;              /* BLIVET_CALL_... */
    char arguments[BLIVET_TRACE_ARGUMENTS]; /* "\"/dev/null\", O_RDWR|O_NOCTTY, 0"; "..." where it was cut */
};

/* An exec that worked, an exit and the call in which a process was killed never return. */
enum { BLIVET_CALL_NONE, BLIVET_CALL_BEGUN, BLIVET_CALL_RETURNED };

struct blivet_trace {
    _Atomic uint32_t count; /* of the calls that were begun; those past capacity were passed on, but not recorded */
    uint32_t capacity;
    int64_t start_ns;       /* CLOCK_MONOTONIC */
    struct blivet_trace_record records[];
};

/* Begins an empty trace in that memory, which is aligned for a structure, and gives the table that writes into it.
 * One at a time in a process: the calls have no argument to carry another. */
const struct blivet_ops *blivet_trace_on(void *memory, size_t size, const struct blivet_ops *next);

/* The name in ops.def. */
const char *blivet_call_name(int call);
#endif
