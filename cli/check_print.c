/* check_print.c - a report for people, as wide as their terminal, and for machines (CHK-7).  A process chooses its
 * name and its files' names: they are escaped, so that they steer no terminal and end no string. */
#include "check_print.h"
#include "terminal.h"
#include "../core/text.h"
#include <string.h>

enum { INDENT = 22, NARROW = 60, ROOM = 8 * CHECK_NAME }; /* an escape is four bytes of one */

static const struct {
    const char *word, *json, *colour;
} judgements[] = {
    [CHECK_RIGHT] = { "ok", "right", "32" },
    [CHECK_NOTABLE] = { "note", "notable", "33" },
    [CHECK_WRONG] = { "WRONG", "wrong", "1;31" },
    [CHECK_UNSEEN] = { "?", "unseen", "36" },
};

static const char *escaped(const char *bytes, char text[ROOM])
{
    struct blivet_text bounded;
    blivet_text_begin(&bounded, text, ROOM);
    blivet_text_escaped(&bounded, bytes, strlen(bytes));
    return text;
}

static void print_point(FILE *stream, const struct check_point *point, bool colour, size_t width)
{
    char text[ROOM];
    struct fold fold = { .stream = stream, .indent = width < NARROW ? INDENT / 3 : INDENT, .width = width, .column = INDENT };
    const char *word = judgements[point->judgement].word;
    if (colour)
        fprintf(stream, "\033[%sm%-5s\033[0m  %-15s", judgements[point->judgement].colour, word, point->name);
    else
        fprintf(stream, "%-5s  %-15s", word, point->name);
    escaped(point->found, text);
    strcat(text, ":"); /* fits: an escape is no more than four bytes for each of half as many */
    terminal_fold(&fold, text);
    terminal_fold(&fold, point->why);
    fputs("\n", stream);
}

void check_print_text(FILE *stream, const struct check_facts *facts, const struct check_report *report, bool colour,
                      size_t width)
{
    char text[ROOM];
    fprintf(stream, "%s (pid %d)", escaped(facts->stat.name, text), (int)facts->stat.pid);
    fprintf(stream, "%s%s\n\n", *facts->program ? ", " : "", escaped(facts->program, text));
    for (size_t i = 0; i < report->count; i++)
        print_point(stream, &report->points[i], colour, width);
    snprintf(text, sizeof text, "%zu right, %zu notable, %zu wrong, %zu not seen", report->counts[CHECK_RIGHT],
             report->counts[CHECK_NOTABLE], report->counts[CHECK_WRONG], report->counts[CHECK_UNSEEN]);
    fputs("\n", stream);
    terminal_fold(&(struct fold){ .stream = stream, .width = width }, text);
    fputs("\n", stream);
}

static void print_string(FILE *stream, const char *name, const char *value)
{
    char text[ROOM];
    fprintf(stream, "\"%s\": \"", name);
    for (const char *at = escaped(value, text); *at; at++)
        fprintf(stream, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
    fputs("\"", stream);
}

void check_print_json(FILE *stream, const struct check_facts *facts, const struct check_report *report)
{
    fprintf(stream, "{\n  \"pid\": %d,\n  ", (int)facts->stat.pid);
    print_string(stream, "name", facts->stat.name);
    fputs(",\n  ", stream);
    print_string(stream, "program", facts->program);
    for (int i = 0; i < CHECK_JUDGEMENTS; i++)
        fprintf(stream, ",\n  \"%s\": %zu", judgements[i].json, report->counts[i]);
    fputs(",\n  \"points\": [", stream);
    for (size_t i = 0; i < report->count; i++) {
        const struct check_point *point = &report->points[i];
        fputs(i > 0 ? ",\n    {" : "\n    {", stream);
        print_string(stream, "point", point->name);
        fputs(", ", stream);
        print_string(stream, "judgement", judgements[point->judgement].json);
        fputs(", ", stream);
        print_string(stream, "found", point->found);
        fputs(", ", stream);
        print_string(stream, "why", point->why);
        fputs("}", stream);
    }
    fputs("\n  ]\n}\n", stream);
}
