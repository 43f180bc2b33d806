/* judge.h - plays a situation, notes the calls that it makes, and compares what came of it. */
#ifndef BLIVET_JUDGE_H
#define BLIVET_JUDGE_H
#include "promises.h"
#include "situations.h"

/* A call of a run in which nothing fails. */
struct made {
    char call[24], phase[24], subject[16];
    int nth; /* of its name */
};

/* What came of a run. */
struct outcome {
    enum script_end end;
    int code;
    char message[300];
    char state[6000]; /* all else, a line each */
    char rest[200];   /* and what is left out of it */
};

extern struct outcome outcome;
extern struct made record_of[];

const char *process_of(const struct situation *situation);
const char *condition_of(const struct situation *situation);
const char *errno_name(int error);

size_t record(const struct situation *situation); /* fills record_of */
void begin(const struct situation *situation);
void play(const struct situation *situation);

/* Empty where it is as promised, else what is wrong. */
const char *judge(const struct situation *situation, const struct expected *expected, const char *subject, int error);

/* The situation with descriptor N closed for each bit N. */
const char *judge_closed(const struct situation *situation, unsigned closed);
#endif
