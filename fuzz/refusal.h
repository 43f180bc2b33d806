/* refusal.h - what a refused configuration must look like; for the targets that validate. */
#ifndef BLIVET_REFUSAL_H
#define BLIVET_REFUSAL_H
#include "../core/seam.h"
#include "../faults/script.h"
#include "fuzz.h"

/* Of the right kind, naming what and why (CFG-12, ERR-11), and printed as one line (CLI-7). */
static inline void demand_refusal(const struct blivet_error *error, const char *const *fields)
{
    demand(error->kind == BLIVET_INVALID_CONFIG || error->kind == BLIVET_PERMISSION_DENIED);
    demand(error->exit_code == (error->kind == BLIVET_INVALID_CONFIG ? 64 : 77) && error->step == 0);
    demand(memchr(error->message, '\0', sizeof error->message) != NULL);
    demand_printable(error->message);
    while (*fields && (strncmp(error->message, *fields, strlen(*fields)) != 0 ||
                       strncmp(error->message + strlen(*fields), ": ", 2) != 0))
        fields++;
    demand(*fields != NULL);
    const char *reason = strstr(error->message, ": ");
    while (strstr(reason + 1, ": "))
        reason = strstr(reason + 1, ": ");
    demand(reason[2] != '\0');

    memset(script.printed, 0, sizeof script.printed);
    demand(blivet_say(&blivet_script, 2, error->message));
    char *end = strchr(script.printed, '\n');
    demand(end && end[1] == '\0' && strstr(script.printed, error->message));
    *end = '\0';
    demand_printable(script.printed);
}

/* Two answers to one question. */
static inline void demand_same_answer(int one, const struct blivet_error *a, int other, const struct blivet_error *b)
{
    demand(one == other && a->kind == b->kind && a->exit_code == b->exit_code && a->system_errno == b->system_errno);
    demand(strcmp(a->message, b->message) == 0);
}

/* Only these calls were made: each that the trace has, with a space behind. */
static inline void demand_only(const char *const *allowed)
{
    int known = 0, all = 0;
    for (; *allowed; allowed++)
        known += script_count(*allowed);
    for (const char *at = script.trace; (at = strchr(at, ' ')); at++)
        all++;
    demand(known == all);
}
/* The invented machine is as it was, but for the count of the calls. */
static inline void demand_nothing_changed(const struct script *before)
{
    memcpy(script.trace, before->trace, sizeof script.trace);
    script.traced = before->traced;
    script.calls = before->calls;
    script.first = before->first;
    script.second = before->second;
    demand(memcmp(before, &script, sizeof script) == 0);
}
#endif
