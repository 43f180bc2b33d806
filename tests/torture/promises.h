/* promises.h - promises.txt, read and looked up. */
#ifndef BLIVET_PROMISES_H
#define BLIVET_PROMISES_H
#include <stdbool.h>
#include <stddef.h>

struct promise {
    char process[20], phase[60], call[60], subject[60], errnos[160]; /* each but the first: one, several, or "*" */
    struct expected {
        bool stops, or_lives, says_less, says_nothing, leaves_pidfile, leaves_signal, leaves_leader, leaves_daemon, leaves_null;
        int code;
        char message[160]; /* with its {names} */
        char words[200];   /* all of it, as it was read */
    } once, persisting;
    int line, uses;
};

struct failure {
    const char *condition; /* of the situation, or "" */
    const char *process, *phase, *call, *subject, *errno_name;
};

bool promises_read(const char *path); /* says what is wrong on stderr */
struct promise *promises_find(const struct failure *failure); /* the first that fits; NULL */
size_t promises_unused(void);         /* named on stdout, counted */
#endif
