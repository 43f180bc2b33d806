/* show_trace.h - a trace as text, a line a call, or for trace viewers (CLI-16, CLI-17). */
#ifndef DAEMONIZE_SHOW_TRACE_H
#define DAEMONIZE_SHOW_TRACE_H
#include "../syscall/trace.h"

enum { TRACE_CALLS = 4096 }; /* for which there is room */

/* Where it is written: a regular file, from its beginning, or whatever is on a descriptor. */
struct sheet {
    const struct blivet_ops *ops;
    int fd;    /* -1: it is not written */
    int error; /* errno, where not all of it could be */
    bool is_file, colour;
    size_t width; /* of a terminal, where lines are folded; 0: it is none */
    off_t offset;
    uint32_t shown; /* records */
    size_t used;
    char bytes[4096];
};

/* How it ended.  undecided: why there is no exit code (yet); NULL where there is one. */
struct ending {
    bool foreground;
    const char *undecided;
    int code;
    const char *message; /* "" where nothing was said */
};

void trace_as_text(struct sheet *sheet, const struct blivet_trace *trace, const struct ending *ending);
void trace_as_json(struct sheet *sheet, const struct blivet_trace *trace, const struct ending *ending);

const char *trace_process_name(int process, bool foreground);
#endif
