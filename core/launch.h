/* launch.h - the launcher's view of one start; shared by launcher.c, watch.c, readiness.c and account.c. */
#ifndef BLIVET_LAUNCH_H
#define BLIVET_LAUNCH_H
#include "internal.h"
#include "verdict.h"

enum { TICK_MS = 20, TRACE_MS = 100 }; /* between looks at what no poll tells; for what the kernel has yet to note */

struct launch {
    struct blivet_context *daemon;
    const struct blivet_ops *ops;
    pid_t leader;
    int channel, stat, pidfd;
    bool leader_ended;
    int leader_status; /* as wait(2) has it; 0: it did its work */
    pid_t forked, pid; /* the daemon, and the main process that it may name instead; 0: see the page */
    int64_t deadline, limit_ms; /* 0: none */
    unsigned char bytes[BLIVET_VERDICT_SIZE];
    size_t count;
    bool ended, late, dead;
    int unreadable; /* errno of the channel, of the ear, or of the wait for the leader */
    struct blivet_verdict verdict;
    bool execed;         /* the program runs, and has yet to say that it is ready (NTF-15) */
    bool ready, hung_up; /* it said so; it closed its readiness descriptor instead */
    bool unheard;        /* nobody takes its status lines */
    int reported;        /* ERRNO=, what the program says it fails for */
};

/* watch.c */
pid_t blivet_daemon_pid(const struct launch *launch);
int blivet_wait_for(const struct blivet_ops *ops, pid_t pid, int options, siginfo_t *info);
int blivet_status_of(const siginfo_t *info);
bool blivet_is_dead(const struct launch *launch);
bool blivet_is_certainly_alive(const struct launch *launch);
bool blivet_dies_within(const struct launch *launch, int milliseconds);
bool blivet_has_execed(const struct launch *launch);
void blivet_gather(const struct launch *launch, struct blivet_evidence *evidence);
void blivet_await_group(const struct launch *launch);
void blivet_end_daemon(const struct launch *launch, bool ask_first);

/* readiness.c */
void blivet_hear(struct launch *launch);

/* account.c */
void blivet_describe_death(struct launch *launch, const char *who, bool known, int status);
void blivet_describe_lateness(struct launch *launch);
#endif
