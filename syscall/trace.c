/* trace.c - the recording table, made from ops.def; see trace.h.
 *
 * Async-signal-safe, and nothing is allocated: it runs between fork and exec.  What a call did to errno stays. */
#include "trace.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>

enum {
#define CALL(result, name, parameters, arguments, failure, errnos) CALL_##name,
#define VOID(name, parameters, arguments) CALL_##name,
#include "ops.def"
#undef CALL
#undef VOID
    CALLS
};

static const struct {
    const char *name, *arguments; /* as "(fd, status)" */
} calls[CALLS] = {
#define CALL(result, name, parameters, arguments, failure, errnos) { #name, #arguments },
#define VOID(name, parameters, arguments) { #name, #arguments },
#include "ops.def"
#undef CALL
#undef VOID
};

/* Of this process; a child begins with its parent's. */
static struct {
    struct blivet_trace *trace;
    const struct blivet_ops *next;
    int16_t process, step;
    struct { /* in this step */
        struct blivet_trace_record *last;
        int count;
    } made[CALLS];
    int previous, in_a_row; /* the call before, and how many of its name */
} here;

const char *blivet_call_name(int call) { return call >= 0 && call < CALLS ? calls[call].name : "?"; }

/* ---- arguments as text ---- */

enum kind { END, NUMBER, TEXT, BYTES, ACTION, SIGNALS, WORDS, INTEGERS, POLLS, POINTER };

struct argument {
    enum kind kind;
    intptr_t value;
};

struct line {
    char *at;
    size_t left; /* without the zero at the end */
};

static struct line *put(struct line *line, const char *text)
{
    for (; *text && line->left > 0; line->left--)
        *line->at++ = *text++;
    *line->at = '\0';
    return line;
}

static void put_number(struct line *line, intptr_t number, unsigned base)
{
    char digits[24], *at = digits + sizeof digits;
    uintmax_t rest = number < 0 ? -(uintmax_t)number : (uintmax_t)number;
    *--at = '\0';
    do
        *--at = (char)('0' + rest % base);
    while ((rest /= base) > 0);
    if (base == 8 && number != 0)
        *--at = '0';
    put(line, number < 0 ? "-" : "");
    put(line, at);
}

static void put_bytes(struct line *line, const char *bytes, size_t count)
{
    enum { LONGEST = 60 };
    put(line, "\"");
    for (size_t i = 0; i < count && i < LONGEST; i++) {
        char byte[] = { bytes[i], '\0' };
        bool plain = bytes[i] >= ' ' && bytes[i] <= '~';
        put(line, plain && bytes[i] != '"' && bytes[i] != '\\' ? "" : "\\");
        if (plain)
            put(line, byte);
        else if (bytes[i] == '\n')
            put(line, "n");
        else
            for (int shift = 6; shift >= 0; shift -= 3)
                put_number(line, (unsigned char)bytes[i] >> shift & 7, 10);
    }
    put(line, count > LONGEST ? "\"..." : "\"");
}

static bool concerns(const char *row, const char *call) { return *row == '*' || strcmp(row, call) == 0; }

/* By its name in names.def; what is left of it, or has none, as a number. */
static void put_named(struct line *line, const char *call, const char *argument, intptr_t number)
{
    intptr_t rest = number;
    const char *bar = "";
    const unsigned base = strcmp(argument, "mode") == 0 || strcmp(argument, "mask") == 0 ? 8 : 10;
#define NAME(of, which, symbol) \
    if (concerns(of, call) && strcmp(which, argument) == 0 && number == (intptr_t)(symbol)) { \
        put(line, #symbol); \
        return; \
    }
#define FLAG(of, which, symbol) \
    if (concerns(of, call) && strcmp(which, argument) == 0 && (rest & (symbol)) == (symbol)) { \
        put(line, bar); \
        put(line, #symbol); \
        bar = "|"; \
        rest &= ~(intptr_t)(symbol); \
    }
#define PART(of, which, mask, symbol) \
    if (concerns(of, call) && strcmp(which, argument) == 0 && (number & (mask)) == (symbol)) { \
        put(line, #symbol); \
        bar = "|"; \
        rest &= ~(intptr_t)(mask); \
    }
#include "names.def"
#undef NAME
#undef FLAG
#undef PART
    if (rest == 0 && *bar)
        return;
    put(line, bar);
    put_number(line, rest, base);
}

static void put_action(struct line *line, const struct sigaction *action)
{
    bool simple = !(action->sa_flags & SA_SIGINFO);
    put(line, simple && action->sa_handler == SIG_DFL   ? "SIG_DFL"
              : simple && action->sa_handler == SIG_IGN ? "SIG_IGN"
                                                        : "handler");
}

static void put_signals(struct line *line, const sigset_t *set)
{
    int members = 0;
    for (int signal = 1; signal < NSIG; signal++)
        members += sigismember(set, signal) == 1;
    put(line, members == 0 ? "none" : members > NSIG / 2 ? "all" : "some");
}

static void put_words(struct line *line, char *const *words)
{
    enum { MOST = 8 };
    put(line, "[");
    for (int i = 0; i < MOST && words[i]; i++) {
        put(line, i ? ", " : "");
        put_bytes(line, words[i], strlen(words[i]));
        if (i == MOST - 1 && words[MOST])
            put(line, ", ...");
    }
    put(line, "]");
}

/* Where there is no room for more: a text and a list that are begun are closed, so that it reads as one. */
static void close_cut(char *text, size_t size)
{
    enum { CLOSING = sizeof "\"...]" };
    const char *list = "";
    bool in_text = false;
    size_t at = 0;
    while (at < size - CLOSING) {
        if (text[at] == '"')
            in_text = !in_text;
        else if (!in_text && (text[at] == '[' || text[at] == ']'))
            list = text[at] == '[' ? "]" : "";
        size_t length = in_text && text[at] == '\\' ? 2 : 1;
        if (at + length > size - CLOSING) /* half of an escape */
            break;
        at += length;
    }
    struct line line = { text + at, size - 1 - at };
    put(put(put(&line, in_text ? "\"" : ""), "..."), list);
}

static void put_pair(struct line *line, const int *ends)
{
    put_number(put(line, "["), ends[0], 10);
    put_number(put(line, ", "), ends[1], 10);
    put(line, "]");
}

static void put_polls(struct line *line, const struct pollfd *fds, size_t count)
{
    put(line, "[");
    for (size_t i = 0; i < count; i++)
        put_number(put(line, i ? ", " : ""), fds[i].fd, 10);
    put(line, "]");
}

static void put_argument(struct line *line, int call, const char *name, const struct argument *argument, bool answered)
{
    const void *pointer = (const void *)argument->value;
    if (argument->kind != NUMBER && !pointer) {
        put(line, "NULL");
        return;
    }
    switch (argument->kind) {
    case NUMBER: put_named(line, calls[call].name, name, argument->value); break;
    case TEXT: put_bytes(line, pointer, strlen(pointer)); break;
    case BYTES: put_bytes(line, pointer, (size_t)argument[1].value); break; /* their number follows */
    case ACTION: put_action(line, pointer); break;
    case SIGNALS: put_signals(line, pointer); break;
    case POLLS: put_polls(line, pointer, (size_t)argument[1].value); break;
    default:
        if (argument->kind == WORDS && strcmp(name, "argv") == 0)
            put_words(line, pointer);
        else if (argument->kind == INTEGERS && strcmp(name, "ends") == 0 && answered)
            put_pair(line, pointer);
        else
            put(put(line, "&"), name);
    }
}

/* answered: what the call has filled in can be read. */
static void put_arguments(struct blivet_trace_record *record, const struct argument *arguments, bool answered)
{
    struct line line = { record->arguments, sizeof record->arguments - 1 };
    const char *names = calls[record->call].arguments + 1;
    for (size_t i = 0; arguments[i].kind != END; i++) {
        char name[24] = "";
        size_t length = strcspn(names, ",)");
        memcpy(name, names, length < sizeof name ? length : sizeof name - 1);
        names += length + strspn(names + length, ", ");
        put(&line, i ? ", " : "");
        put_argument(&line, record->call, name, &arguments[i], answered);
    }
    if (line.left == 0)
        close_cut(record->arguments, sizeof record->arguments);
}

/* ---- one call ---- */

static int64_t now_ns(void)
{
    struct timespec time = { 0, 0 };
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* False: it has been counted, which is enough. */
static bool is_to_be_recorded(int call)
{
    here.in_a_row = call == here.previous ? here.in_a_row + 1 : 1;
    here.previous = call;
    if (here.in_a_row <= BLIVET_TRACE_IN_A_ROW && ++here.made[call].count <= BLIVET_TRACE_IN_A_STEP)
        return true;
    if (here.made[call].last)
        here.made[call].last->more++;
    return false;
}

static struct blivet_trace_record *begin(int call, const struct argument *arguments)
{
    struct blivet_trace *trace = here.trace;
    int saved = errno;
    if (call == CALL_enter_step) {
        here.step = (int16_t)arguments[0].value;
        memset(here.made, 0, sizeof here.made);
    }
    if (!is_to_be_recorded(call))
        return NULL;
    uint32_t index = trace->count++;
    if (index >= trace->capacity)
        return NULL;
    struct blivet_trace_record *record = &trace->records[index];
    record->pid = getpid();
    record->process = here.process;
    record->step = here.step;
    record->call = (int16_t)call;
    put_arguments(record, arguments, false);
    record->began_ns = now_ns() - trace->start_ns;
    record->state = BLIVET_CALL_BEGUN;
    here.made[call].last = record;
    errno = saved;
    return record;
}

/* before: errno, which a call that worked leaves alone. */
static void end(struct blivet_trace_record *record, int call, const struct argument *arguments, intptr_t result,
                bool failed, int before)
{
    int error = errno;
    if (call == CALL_fork && result == 0) {
        here.process++; /* the record is its parent's */
        memset(here.made, 0, sizeof here.made);
    } else if (record) {
        record->ended_ns = now_ns() - here.trace->start_ns;
        record->result = result;
        record->error = failed ? error : 0;
        if (!failed && (call == CALL_pipe2 || call == CALL_socketpair))
            put_arguments(record, arguments, true);
        record->state = BLIVET_CALL_RETURNED;
    }
    errno = error ? error : before;
}

/* ---- the table ---- */

#define KIND(argument) \
    _Generic((argument), \
        int: NUMBER, unsigned: NUMBER, long: NUMBER, unsigned long: NUMBER, long long: NUMBER, \
        unsigned long long: NUMBER, const char *: TEXT, const void *: BYTES, const struct sigaction *: ACTION, \
        const sigset_t *: SIGNALS, char *const *: WORDS, int *: INTEGERS, struct pollfd *: POLLS, default: POINTER)
#define ARGUMENT(argument) { KIND(argument), (intptr_t)(argument) },

/* LIST(a, b) is ARGUMENT(a) ARGUMENT(b), for up to six.  The preprocessor takes no argument for one that is empty:
 * COMMA a () becomes a comma only where a is nothing. */
#define SEVENTH(a, b, c, d, e, f, g, ...) g
#define COUNT(...) SEVENTH(__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0)
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define COMMA(...) ,
#define LIST(...) JOIN(LIST_, COUNT(__VA_ARGS__))(__VA_ARGS__)
#define LIST_1(a) JOIN(LIST_1_, COUNT(COMMA a()))(a)
#define LIST_1_1(a) ARGUMENT(a)
#define LIST_1_2(a)
#define LIST_2(a, ...) ARGUMENT(a) LIST_1(__VA_ARGS__)
#define LIST_3(a, ...) ARGUMENT(a) LIST_2(__VA_ARGS__)
#define LIST_4(a, ...) ARGUMENT(a) LIST_3(__VA_ARGS__)
#define LIST_5(a, ...) ARGUMENT(a) LIST_4(__VA_ARGS__)
#define LIST_6(a, ...) ARGUMENT(a) LIST_5(__VA_ARGS__)

#define CALL(result, name, parameters, arguments, failure, errnos) \
    static result traced_##name parameters \
    { \
        const struct argument list[] = { LIST arguments{ END, 0 } }; \
        int before = errno; \
        struct blivet_trace_record *record = begin(CALL_##name, list); \
        errno = 0; \
        result answer = here.next->name arguments; \
        end(record, CALL_##name, list, (intptr_t)answer, answer == failure, before); \
        return answer; \
    }
#define VOID(name, parameters, arguments) \
    static void traced_##name parameters \
    { \
        const struct argument list[] = { LIST arguments{ END, 0 } }; \
        int before = errno; \
        struct blivet_trace_record *record = begin(CALL_##name, list); \
        errno = 0; \
        here.next->name arguments; \
        end(record, CALL_##name, list, 0, false, before); \
    }
#include "ops.def"
#undef CALL
#undef VOID

static const struct blivet_ops table = {
#define CALL(result, name, parameters, arguments, failure, errnos) .name = traced_##name,
#define VOID(name, parameters, arguments) .name = traced_##name,
#include "ops.def"
#undef CALL
#undef VOID
};

const struct blivet_ops *blivet_trace_on(void *memory, size_t size, const struct blivet_ops *next)
{
    struct blivet_trace *trace = memory;
    memset(memory, 0, size);
    trace->capacity = (uint32_t)((size - sizeof *trace) / sizeof *trace->records);
    trace->start_ns = now_ns();
    here.trace = trace;
    here.next = next;
    here.process = here.step = 0;
    here.in_a_row = 0;
    memset(here.made, 0, sizeof here.made);
    return &table;
}
