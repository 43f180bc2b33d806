/* check_judge.h - from facts to judgements.  Pure. */
#ifndef DAEMONCHECK_JUDGE_H
#define DAEMONCHECK_JUDGE_H
#include "check_facts.h"

enum check_judgement { CHECK_RIGHT, CHECK_NOTABLE, CHECK_WRONG, CHECK_UNSEEN, CHECK_JUDGEMENTS };

struct check_point {
    const char *name, *why; /* why: one clause */
    enum check_judgement judgement;
    char found[2 * CHECK_NAME]; /* raw bytes of names among it: to be escaped where it is printed */
};

enum { CHECK_POINTS = 24 };

struct check_report {
    struct check_point points[CHECK_POINTS];
    size_t count, counts[CHECK_JUDGEMENTS];
};

void check_judge(const struct check_facts *facts, struct check_report *report);
#endif
