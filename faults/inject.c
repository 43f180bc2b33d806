/* inject.c - the injecting table; see inject.h.  With the physics that a call has: see physics.h, and a moved half. */
#define FIU_ENABLE
#include "inject.h"
#include "physics.h"
#include <fiu-control.h>
#include <fiu.h>
#include <stdlib.h>

enum {
#define CALL(result, name, parameters, arguments, failure, errnos) CALL_##name,
#define VOID(name, parameters, arguments) CALL_##name,
#include "../syscall/ops.def"
#undef CALL
#undef VOID
    CALLS
};

static const char *const names[CALLS] = {
#define CALL(result, name, parameters, arguments, failure, errnos) #name,
#define VOID(name, parameters, arguments) #name,
#include "../syscall/ops.def"
#undef CALL
#undef VOID
};

/* Instead of an errno; libfiu carries it as its failinfo. */
enum { HALF = -1, KILL = -2, KILLED = -3, NO_FAULT = -4 };

static struct fault {
    int process, call, nth, what;
    bool onwards;
} faults[INJECT_MOST];
static int fault_count;
static struct inject_count nowhere, *counter = &nowhere;

/* Of this process. */
static struct {
    int process, call; /* call: the one that is asking now */
    int made[CALLS];
    bool halve;
} here;

static struct blivet_ops next;

/* ---- which call ---- */

static const struct fault *strike(void)
{
    for (int i = 0; i < fault_count; i++) {
        const struct fault *fault = &faults[i];
        int nth = here.made[here.call];
        if (fault->process == here.process && fault->call == here.call &&
            (nth == fault->nth || (fault->onwards && nth > fault->nth)))
            return fault;
    }
    return NULL;
}

/* What libfiu asks at each point that was enabled. */
static int decide(const char *point, int *number, void **info, unsigned *flags)
{
    (void)point, (void)number, (void)flags;
    const struct fault *fault = strike();
    if (!fault)
        return 0;
    counter->fired[fault - faults]++;
    *info = (void *)(intptr_t)fault->what;
    return 1;
}

static int call_named(const char *name, size_t length)
{
    for (int call = 0; call < CALLS; call++)
        if (strlen(names[call]) == length && memcmp(names[call], name, length) == 0)
            return call;
    return -1;
}

static const char *parse_what(const char *text, int *what)
{
    static const struct { const char *word; int what; } words[] = { { "half", HALF }, { "killed", KILLED }, { "kill", KILL } };
    char *end;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strncmp(text, words[i].word, strlen(words[i].word)) == 0) {
            *what = words[i].what;
            return text + strlen(words[i].word);
        }
    *what = (int)strtol(text, &end, 10);
    return end;
}

/* Behind one fault, or NULL. */
static const char *parse_fault(const char *text, struct fault *fault)
{
    char *end;
    fault->process = (int)strtol(text, &end, 10);
    if (*end != ':')
        return NULL;
    const char *name = end + 1;
    fault->call = call_named(name, strcspn(name, ":"));
    name += strcspn(name, ":");
    if (fault->call < 0 || *name != ':')
        return NULL;
    fault->nth = (int)strtol(name + 1, &end, 10);
    fault->onwards = *end == '+';
    end += fault->onwards;
    if (*end != ':')
        return NULL;
    const char *rest = parse_what(end + 1, &fault->what);
    return *rest == '\0' || *rest == ' ' ? rest : NULL;
}

bool inject_faults(const char *text, struct inject_count *count)
{
    if (fiu_init(0) != 0)
        return false;
    counter = count ? count : &nowhere;
    while (*text) {
        char point[64] = "ops/";
        struct fault *fault = &faults[fault_count];
        text = fault_count < INJECT_MOST ? parse_fault(text, fault) : NULL;
        if (!text)
            return false;
        strcat(point, names[fault->call]);
        fault_count++;
        if (fiu_enable_external(point, 1, NULL, 0, decide) != 0)
            return false;
        text += strspn(text, " ");
    }
    return true;
}

/* ---- the calls ---- */

/* An errno, HALF, KILLED, or NO_FAULT. */
static int ask(int call, const char *point)
{
    int saved = errno, what = NO_FAULT;
    here.call = call;
    here.made[call]++;
    here.halve = false;
    if (fiu_fail(point))
        what = (int)(intptr_t)fiu_failinfo();
    if (what == KILL)
        raise(SIGKILL);
    here.halve = what == HALF;
    errno = saved;
    return what;
}

static void fail_as(const char *call, int error)
{
    if (signal_of(call, error) != 0)
        raise(signal_of(call, error)); /* as it is disposed of */
    errno = error;
}

static void answered(int call, intptr_t result, int what)
{
    if (what == KILLED)
        raise(SIGKILL);
    if (call == CALL_fork && result == 0) {
        here.process++;
        memset(here.made, 0, sizeof here.made);
    }
}

#define CALL(result, name, parameters, arguments, failure, errnos) \
    static result injected_##name parameters \
    { \
        int what = ask(CALL_##name, "ops/" #name); \
        if (what < 0) { \
            result answer = next.name arguments; \
            answered(CALL_##name, (intptr_t)answer, what); \
            return answer; \
        } \
        if (happens_anyway(#name)) \
            (void)next.name arguments; \
        fail_as(#name, what); \
        return failure; \
    }
#define VOID(name, parameters, arguments) \
    static void injected_##name parameters \
    { \
        int what = ask(CALL_##name, "ops/" #name); \
        next.name arguments; \
        answered(CALL_##name, 0, what); \
    }
#include "../syscall/ops.def"
#undef CALL
#undef VOID

static const struct blivet_ops table = {
#define CALL(result, name, parameters, arguments, failure, errnos) .name = injected_##name,
#define VOID(name, parameters, arguments) .name = injected_##name,
#include "../syscall/ops.def"
#undef CALL
#undef VOID
};

/* ---- an interrupted transfer has moved a part ---- */

static const struct blivet_ops *whole;

static size_t part(size_t count) { return here.halve && count > 1 ? count / 2 : count; }
static ssize_t part_read(int fd, void *bytes, size_t count) { return whole->read(fd, bytes, part(count)); }
static ssize_t part_recv(int fd, void *bytes, size_t count, int flags) { return whole->recv(fd, bytes, part(count), flags); }
static ssize_t part_write(int fd, const void *bytes, size_t count) { return whole->write(fd, bytes, part(count)); }
static ssize_t part_send(int fd, const void *bytes, size_t count, int flags) { return whole->send(fd, bytes, part(count), flags); }
static ssize_t part_pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    return whole->pwrite(fd, bytes, part(count), offset);
}

const struct blivet_ops *inject_into(const struct blivet_ops *below)
{
    whole = below;
    next = *below;
    next.read = part_read;
    next.recv = part_recv;
    next.write = part_write;
    next.send = part_send;
    next.pwrite = part_pwrite;
    return &table;
}
