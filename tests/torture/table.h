/* table.h - the table of the torture: trace(faults(libc)), told by the environment. */
#ifndef BLIVET_TORTURE_TABLE_H
#define BLIVET_TORTURE_TABLE_H
#include "../../core/internal.h"
#include "../../syscall/ops.h"

/* TORTURE_MEMORY  a file: at first a struct inject_count, from TORTURE_TRACE_AT on the trace
 * TORTURE_FAULTS  see faults/inject.h
 * Both are taken out of the environment.  What cannot be done ends the process with 125. */
enum { TORTURE_TRACE_AT = 4096 };

enum { TORTURE_CLOSE = STEP_APPLICATION + 1 }; /* library.c notes that it closes as one more step */

const struct blivet_ops *torture_table(void);
#endif
