/* torture.c - every call of every process of a start fails with every errno that its manual page lists (ASR-3).
 *
 *   torture PROMISES RESULTS [SITUATION]
 *
 * For each situation: a run in which nothing fails says which calls there are.  Then one run for each call and each
 * errno, in which just that call fails, and one in which each call of its name fails from there on (for what comes
 * and goes, such as EINTR: three in a row).  Each run is judged by the first promise that fits (promises.txt), and always:
 *   it ends, after a bounded number of calls, neither by a signal nor by a call of the kernel's that nobody may make;
 *   where it lives, everything is as in the run in which nothing failed;
 *   where it stops, nothing is left: no descriptor, no lock, no memory, no process, no pidfile that names it;
 *   nothing is allocated after the fork, and nothing called after _exit, which comes back twice to see it.
 * And each situation is played with 0, 1 or both closed from the start (SEQ-9).
 * What all runs of a situation take together, in calls and in invented milliseconds, is in lengths.txt, beside PROMISES: a
 * wait that is longer or a call more or less in any of them, for which no promise has words, is seen.  With
 * TORTURE_WRITE set it is written anew.
 * With TORTURE_ABORT set the first failure ends it.
 * Prints a line in the end, and one for each case that is not as promised; RESULTS has them all, a JSON object a line. */
#include "judge.h"
#include "promises.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- what a manual page lists ---- */

static const struct {
    const char *call;
    int errnos[32];
} listed[] = {
#define ERRNOS(...) { __VA_ARGS__, END }
#define CALL(result, name, parameters, arguments, failure, errnos) { #name, errnos },
#define VOID(name, parameters, arguments)
#define END INT32_MAX
#include "../../syscall/ops.def"
#undef CALL
#undef VOID
#undef ERRNOS
};

static const int *errnos_of(const char *call)
{
    static const int none[] = { END };
    for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++)
        if (strcmp(listed[i].call, call) == 0)
            return listed[i].errnos;
    return none;
}

static bool can_move_half(const char *call)
{
    return strcmp(call, "write") == 0 || strcmp(call, "pwrite") == 0 || strcmp(call, "send") == 0 ||
           strcmp(call, "recv") == 0;
}

/* ---- counts ---- */

static struct {
    size_t cases, wrong, lived, stopped;
} total;
static FILE *results, *lengths;
static bool writing; /* lengths.txt */
static struct {
    unsigned long calls, milliseconds;
} length; /* of the situation so far */

static void put_json(const char *name, const char *text)
{
    fprintf(results, "\"%s\": \"", name);
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            fprintf(results, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            fprintf(results, "\\u%04x", (unsigned char)*text);
        else
            fputc(*text, results);
    fputs("\", ", results);
}

/* ---- one case ---- */

struct attempt {
    const struct situation *situation;
    const struct made *made; /* the call that fails */
    int error;
    bool persists;
};

/* What cannot persist: a signal that interrupts, and that nothing is there after poll has said that there is. */
static bool comes_and_goes(const struct attempt *attempt)
{
    return attempt->error == EINTR || (attempt->error == EAGAIN && strncmp(attempt->made->call, "re", 2) == 0);
}

static void plan(const struct attempt *attempt)
{
    int times = attempt->persists && comes_and_goes(attempt) ? 3 : 1;
    if (attempt->persists && !comes_and_goes(attempt))
        script_fail_from(attempt->made->call, attempt->made->nth, attempt->error);
    else
        while (times-- > 0)
            script_fail(attempt->made->call, attempt->made->nth, attempt->error);
}

static void count_wrong(void)
{
    total.wrong++;
    if (!getenv("TORTURE_ABORT"))
        return;
    fflush(stdout);
    exit(1);
}

static void report(const struct attempt *attempt, const struct expected *expected, const char *wrong)
{
    const struct made *made = attempt->made;
    const char *error = errno_name(attempt->error);
    fprintf(results, "{");
    put_json("config", attempt->situation->name);
    put_json("process", process_of(attempt->situation));
    put_json("phase", made->phase);
    put_json("call", made->call);
    put_json("subject", made->subject);
    put_json("errno", error);
    put_json("promise", expected ? expected->words : "none");
    put_json("message", outcome.message);
    put_json("wrong", wrong);
    fprintf(results, "\"nth\": %d, \"persists\": %s, \"code\": %d, \"calls\": %d, \"ms\": %lld, \"ok\": %s}\n", made->nth,
            attempt->persists ? "true" : "false", outcome.code, script.calls, (long long)script.clock_ms, *wrong ? "false" : "true");
    if (!*wrong)
        return;
    printf("FAIL %s: %s %s %s, the %d. %s (%s)%s\n     promised: %s\n     got: %d %s\n     %s\n",
           attempt->situation->name, process_of(attempt->situation), made->phase, error, made->nth, made->call,
           made->subject, attempt->persists ? " and each from there on" : "", expected ? expected->words : "nothing",
           outcome.code, outcome.message, wrong);
    count_wrong();
}

static void measure(void)
{
    length.calls += (unsigned long)script.calls;
    length.milliseconds += (unsigned long)script.clock_ms;
}

static void compare_length(const struct situation *situation)
{
    char now[200], line[200] = "nothing\n";
    size_t name = strlen(situation->name) + 1;
    snprintf(now, sizeof now, "%s: %lu calls, %lu ms\n", situation->name, length.calls, length.milliseconds);
    if (writing) {
        fputs(now, lengths);
        return;
    }
    rewind(lengths);
    while (fgets(line, sizeof line, lengths) && strncmp(line, now, name) != 0)
        ;
    if (strcmp(line, now) == 0)
        return;
    printf("FAIL %s     lengths.txt: %s     if that is meant: TORTURE_WRITE=1; else compare what RESULTS has of each case with "
           "what it had\n", now, line);
    count_wrong();
}

static bool open_lengths(const char *promises)
{
    char path[4096];
    const char *slash = strrchr(promises, '/');
    writing = getenv("TORTURE_WRITE") != NULL;
    snprintf(path, sizeof path, "%.*slengths.txt", slash ? (int)(slash - promises) + 1 : 0, promises);
    lengths = fopen(path, writing ? "w" : "r");
    if (lengths && writing)
        fputs("# lengths.txt - calls and invented milliseconds of all cases of a situation together; made by torture.c\n", lengths);
    return lengths != NULL;
}

static void try(const struct attempt *attempt)
{
    const struct made *made = attempt->made;
    const struct failure failure = { condition_of(attempt->situation), process_of(attempt->situation), made->phase, made->call, made->subject,
                                     errno_name(attempt->error) };
    struct promise *promise = promises_find(&failure);
    const struct expected *expected = !promise ? NULL : attempt->persists ? &promise->persisting : &promise->once;
    total.cases++;
    begin(attempt->situation);
    plan(attempt);
    play(attempt->situation);
    measure();
    const char *wrong = "no promise says what becomes of it";
    if (promise) {
        promise->uses++;
        wrong = judge(attempt->situation, expected, made->subject, attempt->error);
        *(expected->stops ? &total.stopped : &total.lived) += 1;
    }
    if (script.faults_fired == 0)
        wrong = "the call was not made";
    report(attempt, expected, wrong);
}

/* ---- all cases of a situation ---- */

static void torture(const struct situation *situation)
{
    memset(&length, 0, sizeof length);
    size_t count = record(situation);
    measure();
    for (unsigned closed = 1; closed < 4; closed++) { /* 2 stays: words are read from it */
        const char *wrong = judge_closed(situation, closed);
        total.cases++;
        measure();
        if (*wrong) {
            printf("FAIL %s, with descriptors closed (%u)\n     %s\n", situation->name, closed, wrong);
            count_wrong();
        }
    }
    for (size_t i = 0; i < count; i++)
        for (int persists = 0; persists < 2; persists++) {
            if (persists && strcmp(record_of[i].call, "clock_gettime") == 0)
                continue; /* without any clock there is no limit, and no kernel is without */
            const int *error = errnos_of(record_of[i].call);
            if (error[0] == 0 && error[1] == END)
                continue; /* it cannot fail */
            for (; *error != END; error++)
                try(&(struct attempt){ situation, &record_of[i], *error, persists });
            if (can_move_half(record_of[i].call) && !persists)
                try(&(struct attempt){ situation, &record_of[i], SCRIPT_HALF, false });
        }
    compare_length(situation);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    double begun = now();
    if (argc < 3 || !promises_read(argv[1]) || !open_lengths(argv[1]) || !(results = fopen(argv[2], "w"))) {
        fprintf(stderr, "usage: torture PROMISES RESULTS [SITUATION]\n");
        return 64;
    }
    for (size_t i = 0; i < situation_count; i++)
        if (argc == 3 || strcmp(situations[i].name, argv[3]) == 0)
            torture(&situations[i]);
    fclose(results);
    fclose(lengths);
    size_t unused = argc == 3 ? promises_unused() : 0;
    printf("%s ASR-3  torture in process: %zu situations, %zu cases: %zu lived through, %zu stopped, %zu not as promised, "
           "%zu promises unused; %.1f s\n", total.wrong || unused ? "FAIL" : "ok  ", situation_count, total.cases,
           total.lived, total.stopped, total.wrong, unused, now() - begun);
    return total.wrong || unused ? 1 : 0;
}
