/* show_trace.c - a trace as text, a line a call, or for trace viewers (CLI-16, CLI-17).
 *
 * For viewers: the Chrome trace-event format, a JSON object with "traceEvents", which Perfetto, chrome://tracing and
 * others open.  Steps and calls are complete events ("ph": "X") with times in microseconds, a row a process. */
#include "show_trace.h"
#include "../core/blivet.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 1000, LINE = 2 * BLIVET_MESSAGE_SIZE + 512 };

/* ---- the sheet ---- */

/* False where nobody makes room in time: a pipe that nobody empties would hold the launcher (CLI-12). */
static bool put_bytes(struct sheet *sheet, const char *bytes, size_t count)
{
    struct pollfd reader = { .fd = sheet->fd, .events = POLLOUT };
    ssize_t written;
    if (sheet->is_file)
        UNINTERRUPTED(written, sheet->ops->pwrite(sheet->fd, bytes, count, sheet->offset));
    else if (sheet->ops->poll(&reader, 1, PATIENCE_MS) == 0)
        written = 0;
    else
        UNINTERRUPTED(written, sheet->ops->write(sheet->fd, bytes, count));
    if (written <= 0) {
        sheet->error = errno;
        return false;
    }
    sheet->offset += written;
    return (size_t)written == count || put_bytes(sheet, bytes + written, count - (size_t)written);
}

static void flush(struct sheet *sheet)
{
    if (sheet->fd >= 0 && !put_bytes(sheet, sheet->bytes, sheet->used))
        sheet->fd = -1; /* and the rest is not tried */
    sheet->used = 0;
}

__attribute__((__format__(__printf__, 2, 3))) static void put(struct sheet *sheet, const char *format, ...)
{
    char line[LINE];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    size_t count = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    if (sheet->used + count > sizeof sheet->bytes)
        flush(sheet);
    memcpy(sheet->bytes + sheet->used, line, count); /* fits: a line is shorter than the sheet */
    sheet->used += count;
}
_Static_assert(LINE <= sizeof((struct sheet *)NULL)->bytes, "a line fits on an empty sheet");

/* ---- records ---- */

static const char *const result_types[] = {
#define CALL(result, name, parameters, arguments, failure, errnos) #result,
#define VOID(name, parameters, arguments) "",
#include "../syscall/ops.def"
#undef CALL
#undef VOID
};

static const char *error_name(int number)
{
#define REASON(name, text) \
    if (number == name) \
        return #name;
#include "../core/errno.def"
#undef REASON
    return "?";
}

static bool is_call(const struct blivet_trace_record *record, const char *name)
{
    return strcmp(blivet_call_name(record->call), name) == 0;
}

static bool is_step(const struct blivet_trace_record *record) { return is_call(record, "enter_step"); }

static const char *step_name(int step)
{
    const char *name = blivet_step_name(step);
    return name ? name : "after the sequence";
}

/* " = 3", " = -1 ENOENT", " = 0x5581..."; empty for what returns nothing. */
static void describe_result(char *text, size_t size, const struct blivet_trace_record *record)
{
    const char *type = result_types[record->call];
    const char *star = strchr(type, '*');
    *text = '\0';
    if (record->state != BLIVET_CALL_RETURNED)
        snprintf(text, size, "%s", *type == '\0' || is_call(record, "execve") ? "" : " = ?"); /* it never returned */
    else if (record->error)
        snprintf(text, size, " = %s %s", star ? "NULL" : "-1", error_name(record->error));
    else if (star && record->result == 0)
        snprintf(text, size, " = NULL");
    else if (star)
        snprintf(text, size, " = %#llx", (unsigned long long)record->result);
    else if (strcmp(type, "mode_t") == 0 && (int32_t)record->result < 0) /* glibc's hands on what the kernel answers */
        snprintf(text, size, " = -1 %s", error_name((int)-(int32_t)record->result));
    else if (strcmp(type, "mode_t") == 0)
        snprintf(text, size, " = %#llo", (unsigned long long)record->result);
    else if (*type)
        snprintf(text, size, " = %lld", (long long)record->result);
}

static uint32_t recorded(const struct blivet_trace *trace)
{
    return trace->count < trace->capacity ? trace->count : trace->capacity;
}

const char *trace_process_name(int process, bool foreground)
{
    return process == 0 ? foreground ? "foreground" : "launcher" : process == 1 ? "leader" : "daemon";
}

/* ---- as text ---- */

/* On a terminal, which would break it anywhere: between arguments and flags, and below its beginning where there is
 * room for that.  A longer word is left whole. */
static void put_folded(struct sheet *sheet, const char *text)
{
    enum { BEGINNING = 26, MARGIN = 8, NARROW = 60 };
    const bool narrow = sheet->width < NARROW;
    size_t indent = narrow ? MARGIN : BEGINNING, column = BEGINNING;
    if (sheet->width > 0 && narrow && column + strlen(text) > sheet->width) {
        put(sheet, "\n%*s", MARGIN, "");
        column = indent;
    }
    while (sheet->width > 0 && column + strlen(text) > sheet->width) {
        size_t cut = sheet->width > column ? sheet->width - column : 0;
        while (cut > 0 && text[cut - 1] != ' ' && text[cut - 1] != '|')
            cut--;
        if (cut == 0)
            cut = strcspn(text, " |") + 1;
        if (cut >= strlen(text))
            break;
        put(sheet, "%.*s\n%*s", (int)(cut - (text[cut - 1] == ' ')), text, (int)indent, "");
        text += cut;
        column = indent;
    }
    put(sheet, "%s", text);
}

/* A line up to the call. */
static void put_beginning(struct sheet *sheet, const char *time, const struct blivet_trace_record *record,
                          bool foreground)
{
    char step[8] = "-";
    if (record->step > 0 && blivet_step_name(record->step))
        snprintf(step, sizeof step, "%d", record->step);
    else if (record->step > 0)
        snprintf(step, sizeof step, "+");
    put(sheet, "%10s %-10s %2s  ", time, trace_process_name(record->process, foreground), step);
}

static void put_counted(struct sheet *sheet, const struct blivet_trace_record *record, bool foreground,
                        const char *what)
{
    put_beginning(sheet, "...", record, foreground);
    put_folded(sheet, what);
    put(sheet, "\n");
}

static void put_line(struct sheet *sheet, const struct blivet_trace_record *record, bool foreground)
{
    const char *bold = sheet->colour ? "\033[1m" : "", *red = sheet->colour ? "\033[31m" : "";
    const char *plain = sheet->colour ? "\033[0m" : "";
    char result[64], call[LINE / 2], time[32];
    snprintf(time, sizeof time, "%.3f", (double)record->began_ns / 1e6);
    put_beginning(sheet, time, record, foreground);
    put(sheet, "%s", is_step(record) ? bold : record->error ? red : "");
    describe_result(result, sizeof result, record);
    if (is_step(record))
        snprintf(call, sizeof call, "-- %s", step_name(record->step));
    else
        snprintf(call, sizeof call, "%s(%s)%s", blivet_call_name(record->call), record->arguments, result);
    put_folded(sheet, call);
    put(sheet, "%s\n", is_step(record) || record->error ? plain : "");
    if (record->more > 0) {
        snprintf(call, sizeof call, "%s(...), %lu times more", blivet_call_name(record->call),
                 (unsigned long)record->more);
        put_counted(sheet, record, foreground, call);
    }
}

static void put_missing(struct sheet *sheet, const struct blivet_trace *trace)
{
    if (trace->count > trace->capacity)
        put(sheet, "%10s %lu calls more, for which there was no room\n", "...",
            (unsigned long)(trace->count - trace->capacity));
}

/* Two processes that call at once may have taken their places the other way round: in the order of their times. */
static size_t arrange(const struct blivet_trace *trace, uint32_t first, const struct blivet_trace_record *lines[])
{
    size_t count = 0;
    for (uint32_t i = first; i < recorded(trace); i++) {
        const struct blivet_trace_record *record = &trace->records[i];
        size_t at = count;
        if (record->state == BLIVET_CALL_NONE)
            continue;
        for (; at > 0 && lines[at - 1]->began_ns > record->began_ns; at--)
            lines[at] = lines[at - 1];
        lines[at] = record;
        count++;
    }
    return count;
}

static bool is_again(const struct blivet_trace_record *one, const struct blivet_trace_record *other)
{
    return one->call == other->call && one->process == other->process && one->step == other->step &&
           one->result == other->result && one->error == other->error && one->more == 0 && other->more == 0 &&
           strcmp(one->arguments, other->arguments) == 0;
}

/* Who waits asks the same again and again.  How many lines repeat those before them, in rounds of *round; 0: too few to
 * be worth counting. */
static size_t repeated(const struct blivet_trace_record *const lines[], size_t count, size_t *round)
{
    enum { LONGEST = 4, FEWEST = 3 };
    for (*round = 1; *round <= LONGEST; ++*round) {
        size_t same = 0;
        while (*round + same < count && is_again(lines[same], lines[*round + same]))
            same++;
        if (same / *round >= FEWEST)
            return same - same % *round;
    }
    return 0;
}

/* lines: the repeated ones. */
static void put_rounds(struct sheet *sheet, const struct blivet_trace_record *const lines[], size_t count, size_t round,
                       bool foreground)
{
    char text[LINE / 2];
    size_t length = 0;
    for (size_t i = 0; i < round; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s, ", blivet_call_name(lines[i]->call));
    snprintf(text + length, sizeof text - length, "%zu times more, for %.3f ms", count / round,
             (double)(lines[count - 1]->ended_ns - lines[0]->began_ns) / 1e6);
    put_counted(sheet, lines[0], foreground, text);
}

static void put_lines(struct sheet *sheet, const struct blivet_trace *trace, bool foreground)
{
    static const struct blivet_trace_record *lines[TRACE_CALLS];
    size_t count = arrange(trace, sheet->shown, lines), round;
    for (size_t i = 0; i < count;) {
        size_t more = repeated(lines + i, count - i, &round);
        for (size_t end = i + (more ? round : 1); i < end; i++)
            put_line(sheet, lines[i], foreground);
        if (more)
            put_rounds(sheet, lines + i, more, round, foreground);
        i += more;
    }
    sheet->shown = recorded(trace);
}

void trace_as_text(struct sheet *sheet, const struct blivet_trace *trace, const struct ending *ending)
{
    if (sheet->shown == 0)
        put(sheet, "        ms process  step  call\n");
    put_lines(sheet, trace, ending->foreground);
    put_missing(sheet, trace);
    if (ending->undecided)
        put(sheet, "verdict: none; %s\n", ending->undecided);
    else
        put(sheet, "verdict: exit %d%s%s\n", ending->code, *ending->message ? ", " : "", ending->message);
    flush(sheet);
}

/* ---- for viewers ---- */

static void put_json_text(struct sheet *sheet, const char *text)
{
    put(sheet, "\"");
    for (; *text; text++)
        if ((unsigned char)*text < ' ')
            put(sheet, "\\u%04x", (unsigned)*text);
        else
            put(sheet, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    put(sheet, "\"");
}

static void put_microseconds(struct sheet *sheet, const char *name, int64_t ns)
{
    put(sheet, ", \"%s\": %lld.%03d", name, (long long)(ns / 1000), (int)(ns % 1000));
}

static int64_t end_of(const struct blivet_trace_record *record)
{
    return record->ended_ns > record->began_ns ? record->ended_ns : record->began_ns;
}

/* A step lasts until the next one of its process, the last one as long as its process makes calls. */
static int64_t end_of_step(const struct blivet_trace *trace, uint32_t index)
{
    const struct blivet_trace_record *step = &trace->records[index];
    int64_t end = step->began_ns;
    for (uint32_t i = index + 1; i < recorded(trace); i++) {
        const struct blivet_trace_record *record = &trace->records[i];
        if (record->process != step->process || record->state == BLIVET_CALL_NONE)
            continue;
        if (is_step(record))
            return record->began_ns;
        end = end_of(record) > end ? end_of(record) : end;
    }
    return end;
}

static void put_event(struct sheet *sheet, const struct blivet_trace *trace, uint32_t index)
{
    const struct blivet_trace_record *record = &trace->records[index];
    char result[64];
    put(sheet, ",\n{\"ph\": \"X\", \"pid\": %d, \"tid\": %d", (int)record->pid, (int)record->pid);
    put_microseconds(sheet, "ts", record->began_ns);
    put_microseconds(sheet, "dur", (is_step(record) ? end_of_step(trace, index) : end_of(record)) - record->began_ns);
    put(sheet, ", \"cat\": \"%s\", \"name\": ", is_step(record) ? "step" : "call");
    put_json_text(sheet, is_step(record) ? step_name(record->step) : blivet_call_name(record->call));
    put(sheet, ", \"args\": {\"step\": %d", record->step);
    if (!is_step(record)) {
        describe_result(result, sizeof result, record);
        put(sheet, ", \"arguments\": ");
        put_json_text(sheet, record->arguments);
        put(sheet, ", \"result\": ");
        put_json_text(sheet, *result ? result + strlen(" = ") : "");
        if (record->more > 0)
            put(sheet, ", \"times more\": %lu", (unsigned long)record->more);
    }
    put(sheet, "}}");
}

/* The row's name, at the first record of each process. */
static void put_row(struct sheet *sheet, const struct blivet_trace *trace, uint32_t index, bool foreground)
{
    const struct blivet_trace_record *record = &trace->records[index];
    for (uint32_t i = 0; i < index; i++)
        if (trace->records[i].pid == record->pid)
            return;
    put(sheet, "%s\n{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": %d, \"args\": {\"name\": \"%s\"}}",
        index ? "," : "", (int)record->pid, trace_process_name(record->process, foreground));
    put(sheet, ",\n{\"ph\": \"M\", \"name\": \"process_sort_index\", \"pid\": %d, \"args\": {\"sort_index\": %d}}",
        (int)record->pid, record->process);
}

void trace_as_json(struct sheet *sheet, const struct blivet_trace *trace, const struct ending *ending)
{
    put(sheet, "{\"traceEvents\": [");
    for (uint32_t i = 0; i < recorded(trace); i++)
        if (trace->records[i].state != BLIVET_CALL_NONE) {
            put_row(sheet, trace, i, ending->foreground);
            put_event(sheet, trace, i);
        }
    put(sheet, "\n],\n\"otherData\": {\"not recorded\": %lu, ", (unsigned long)(trace->count - recorded(trace)));
    if (ending->undecided)
        put(sheet, "\"exit\": null");
    else
        put(sheet, "\"exit\": %d", ending->code);
    put(sheet, ", \"message\": ");
    put_json_text(sheet, ending->message);
    put(sheet, "}}\n");
    flush(sheet);
}
