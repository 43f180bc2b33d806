/* physics.h - what a failing call does all the same; shared by the scripted and the injecting table. */
#ifndef BLIVET_PHYSICS_H
#define BLIVET_PHYSICS_H
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

/* A close that fails has closed. */
static inline bool happens_anyway(const char *call) { return strcmp(call, "close") == 0; }

/* The signal that comes with a failure; 0: none. */
static inline int signal_of(const char *call, int error)
{
    if (strcmp(call, "write") != 0 && strcmp(call, "pwrite") != 0)
        return 0; /* send says MSG_NOSIGNAL */
    return error == EPIPE ? SIGPIPE : error == EFBIG ? SIGXFSZ : 0;
}
#endif
