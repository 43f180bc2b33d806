/* verdict.h - the bytes on the channel, and what is concluded from them (NTF-1 to NTF-5). */
#ifndef BLIVET_VERDICT_H
#define BLIVET_VERDICT_H
#include "blivet.h"
#include <stdbool.h>

enum { BLIVET_BYTE_READY = 0x00, BLIVET_BYTE_EXEC = 0xFF };

/* The longest: an announcement, then a code, a message and a newline. */
enum { BLIVET_VERDICT_SIZE = 1 + 1 + BLIVET_MESSAGE_SIZE };

enum blivet_state {
    BLIVET_WAITING,   /* nothing complete yet */
    BLIVET_SILENT,    /* the end, and nothing was said */
    BLIVET_READY,     /* NTF-1 */
    BLIVET_FAILED,    /* NTF-2: code and message */
    BLIVET_ANNOUNCED, /* NTF-3: exec follows; more may come, or the end */
    BLIVET_MALFORMED  /* NTF-4: message says what was seen */
};

struct blivet_verdict {
    enum blivet_state state;
    int code; /* BLIVET_FAILED: 1 to 254 */
    char message[BLIVET_MESSAGE_SIZE];
};

/* What the bytes seen so far mean; ended: no more will come.  Total. */
void blivet_decode(const unsigned char *bytes, size_t count, bool ended, struct blivet_verdict *verdict);

/* Code, escaped message and newline; returns how many bytes.  Async-signal-safe. */
size_t blivet_encode_failure(unsigned char bytes[BLIVET_VERDICT_SIZE], int code, const char *message);

/* Bits of field 9 of /proc/PID/stat, unmoved since Linux 2.6.  fork sets PF_FORKNOEXEC; execve clears it before
 * it closes the channel, so whoever has seen the end of the channel can trust it. */
enum { BLIVET_PF_EXITING = 0x04, BLIVET_PF_FORKNOEXEC = 0x40 };

/* What the system tells of a daemon whose channel has ended without a verdict. */
struct blivet_evidence {
    bool announced; /* it had said that exec follows */
    bool seen;      /* /proc/PID/stat could be read: the process is there, dying or a zombie */
    unsigned flags; /* of that file, field 9 */
    bool known;     /* its wait status is known */
    int status;
    bool alive;     /* it is certainly running, by pidfd or kill(2) */
};

enum blivet_fate {
    BLIVET_STARTED,  /* it runs, or ran, the program */
    BLIVET_DIED,     /* it ended before it was ready */
    BLIVET_HUNG_UP,  /* it runs, but closed the channel without a word */
    BLIVET_STRAYED   /* it runs another program without having announced it */
};

enum blivet_fate blivet_judge(const struct blivet_evidence *evidence);
#endif
