/* notice.h - what a datagram of the sd_notify protocol says (NTF-15). */
#ifndef BLIVET_NOTICE_H
#define BLIVET_NOTICE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BLIVET_NOTICE_SIZE = 4096 }; /* systemd's own limit */

struct blivet_notice {
    bool ready;          /* READY=1 */
    int error;           /* ERRNO=, 0 where it is not said */
    int main_pid;        /* MAINPID=, 0 where it is not said */
    int64_t extend_ms;   /* EXTEND_TIMEOUT_USEC=, in milliseconds, rounded up */
    const char *status;  /* STATUS=, within the datagram, NULL where it is not said */
    size_t status_length;
};

/* Total: what is not understood is skipped. */
void blivet_parse_notice(const char *bytes, size_t count, struct blivet_notice *notice);
#endif
