/* script.c - the table that notes each call and fails the one that the test has named; made from ops.def. */
#include "script.h"
#include "physics.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct script script;

static void note(const char *call, uintptr_t first, uintptr_t second)
{
    size_t length = strlen(call);
    script.half = false;
    script.first = first;
    script.second = second;
    bool is_exit = strcmp(call, "_exit") == 0 || strcmp(call, "exit") == 0;
    if (script.running && script.exits > 0 && !is_exit && !*script.called_after_exit)
        snprintf(script.called_after_exit, sizeof script.called_after_exit, "%s", call);
    if (++script.calls > script.most_calls && script.most_calls > 0)
        script_stop(SCRIPT_HUNG);
    if (script.watch)
        script.watch(call);
    if (script.traced + length + 2 > sizeof script.trace)
        return;
    memcpy(script.trace + script.traced, call, length);
    script.trace[script.traced + length] = ' ';
    script.traced += length + 1;
}

enum { PASSES, FAILS, LIES };

static int strikes(const char *call)
{
    for (size_t i = 0; i < sizeof script.faults / sizeof script.faults[0]; i++) {
        struct script_fault *fault = &script.faults[i];
        if (!fault->call || strcmp(fault->call, call) != 0)
            continue;
        if (fault->nth > 1) {
            fault->nth--;
            continue;
        }
        if (fault->nth == 1 && !fault->persists)
            fault->call = ""; /* spent */
        script.faults_fired++;
        if (fault->error == SCRIPT_HALF) {
            script.half = true;
            return PASSES;
        }
        if (fault->error == SCRIPT_LIES)
            return LIES;
        errno = fault->error;
        return FAILS;
    }
    return PASSES;
}

/* Some failures come with a signal. */
static void deliver_signal_of(const char *call, int error)
{
    int signal = signal_of(call, error);
    if (signal == 0 || script.actions[signal].sa_handler == SIG_IGN)
        return;
    script.raised = signal;
    script_stop(SCRIPT_KILLED);
}

/* The first two arguments as numbers, 0 where there is none: the sum makes something of an empty place. */
#define FIRST(...) FIRST_OF(__VA_ARGS__, )
#define FIRST_OF(first, ...) ((uintptr_t)first + 0)
#define SECOND(...) SECOND_OF(__VA_ARGS__, , )
#define SECOND_OF(first, second, ...) ((uintptr_t)second + 0)

#define CALL(result, name, parameters, arguments, failure, errnos) \
    static result scripted_##name parameters \
    { \
        note(#name, FIRST arguments, SECOND arguments); \
        int strike = strikes(#name), error = errno; \
        if (strike == LIES) \
            return (result)0; \
        if (strike == FAILS) { \
            script.clock_ms += strcmp(#name, "poll") == 0; /* or who polls up to a limit would never reach it */ \
            if (happens_anyway(#name)) \
                (void)script_kernel.name arguments; \
            deliver_signal_of(#name, error); \
            errno = error; \
            return failure; \
        } \
        errno = error; \
        return script_kernel.name arguments; \
    }
#define VOID(name, parameters, arguments) \
    static void scripted_##name parameters \
    { \
        note(#name, FIRST arguments, SECOND arguments); \
        script_kernel.name arguments; \
    }
#include "../syscall/ops.def"
#undef CALL
#undef VOID

const struct blivet_ops blivet_script = {
#define CALL(result, name, parameters, arguments, failure, errnos) .name = scripted_##name,
#define VOID(name, parameters, arguments) .name = scripted_##name,
#include "../syscall/ops.def"
#undef CALL
#undef VOID
};

static void plan(struct script_fault fault)
{
    for (size_t i = 0; i < sizeof script.faults / sizeof script.faults[0]; i++)
        if (!script.faults[i].call) {
            script.faults[i] = fault;
            return;
        }
}

void script_fail(const char *call, int nth, int error) { plan((struct script_fault){ call, nth, error, false }); }
void script_fail_from(const char *call, int nth, int error) { plan((struct script_fault){ call, nth, error, true }); }

int script_count(const char *call)
{
    int count = 0;
    size_t length = strlen(call);
    for (const char *at = script.trace; (at = strstr(at, call)); at += length)
        if ((at == script.trace || at[-1] == ' ') && at[length] == ' ')
            count++;
    return count;
}

bool script_called(const char *call) { return script_count(call) > 0; }

enum script_end script_run(void (*body)(void *), void *argument)
{
    script.running = true;
    int end = setjmp(script.end);
    if (end == 0)
        body(argument);
    script.running = false;
    return (enum script_end)end;
}

void script_stop(enum script_end how)
{
    if (!script.running)
        abort(); /* the test must play this in script_run */
    longjmp(script.end, (int)how);
}
