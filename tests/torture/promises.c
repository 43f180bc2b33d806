/* promises.c - promises.txt, read and looked up: the first row that fits. */
#include "promises.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 400 };
static struct promise promises[MOST];
static size_t count;

/* Cuts an addition off the end of the text. */
static bool ends_with(char *text, const char *addition)
{
    size_t length = strlen(text), part = strlen(addition);
    if (length < part || strcmp(text + length - part, addition) != 0)
        return false;
    text[length - part] = '\0';
    return true;
}

static bool read_expected(char *text, struct expected *expected)
{
    char *message;
    snprintf(expected->words, sizeof expected->words, "%s", text);
    const struct {
        const char *text;
        bool *told;
    } additions[] = { { ", saying less", &expected->says_less },       { ", saying nothing", &expected->says_nothing },
                      { ", leaving the pidfile", &expected->leaves_pidfile },
                      { ", leaving the signal", &expected->leaves_signal }, { ", leaving the leader", &expected->leaves_leader },
                      { ", leaving the daemon", &expected->leaves_daemon }, { ", on /dev/null", &expected->leaves_null } };
    size_t i = 0, kinds = sizeof additions / sizeof additions[0];
    while (i < kinds) /* in whatever order */
        if (ends_with(text, additions[i].text)) {
            *additions[i].told = true;
            i = 0;
        } else
            i++;
    if (strcmp(text, "lives") == 0)
        return true;
    expected->or_lives = strncmp(text, "lives or ", 9) == 0;
    text += expected->or_lives ? 9 : 0;
    if (strncmp(text, "stops ", 6) != 0)
        return false;
    expected->stops = true;
    expected->code = (int)strtol(text + 6, &message, 10);
    if (*message != ' ' || strlen(message + 1) >= sizeof expected->message)
        return false;
    strcpy(expected->message, message + 1);
    return expected->code > 0;
}

/* "once" or "once | persisting", blanks around them cut. */
static bool read_promise(char *text, struct promise *promise)
{
    char *bar = strstr(text, " | ");
    if (bar)
        *bar = '\0';
    for (char *end = text + strlen(text); end > text && end[-1] == ' ';)
        *--end = '\0';
    if (!read_expected(text, &promise->once))
        return false;
    promise->persisting = promise->once;
    if (!bar)
        return true;
    memset(&promise->persisting, 0, sizeof promise->persisting);
    return read_expected(bar + 3 + strspn(bar + 3, " "), &promise->persisting);
}

static bool read_row(char *line, struct promise *promise)
{
    int at = 0;
    line[strcspn(line, "\n")] = '\0';
    memset(promise, 0, sizeof *promise);
    return sscanf(line, "%19s %59s %59s %59s %159s %n", promise->process, promise->phase, promise->call,
                  promise->subject, promise->errnos, &at) == 5 &&
           at > 0 && read_promise(line + at, promise);
}

bool promises_read(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "r");
    bool good = file != NULL;
    if (!file)
        fprintf(stderr, "%s: cannot be read\n", path);
    for (int number = 1; good && fgets(line, sizeof line, file); number++) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        good = count < MOST && read_row(line, &promises[count]);
        if (!good)
            fprintf(stderr, "%s:%d: is no promise\n", path, number);
        promises[count++].line = number;
    }
    if (file)
        fclose(file);
    return good;
}

/* One of several, with commas. */
static bool fits_list(const char *list, const char *word)
{
    size_t length = strlen(word);
    if (strcmp(list, "*") == 0)
        return true;
    for (const char *at = list; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

/* "daemon+user" is one in a situation with that condition. */
static bool fits_process(const char *pattern, const struct failure *failure)
{
    size_t length = strcspn(pattern, "+");
    if (pattern[length] == '+' && !strstr(failure->condition, pattern + length))
        return false;
    return strncmp(pattern, "*", length) == 0 ||
           (strlen(failure->process) == length && strncmp(pattern, failure->process, length) == 0);
}

struct promise *promises_find(const struct failure *failure)
{
    for (size_t i = 0; i < count; i++)
        if (fits_process(promises[i].process, failure) && fits_list(promises[i].phase, failure->phase) &&
            fits_list(promises[i].call, failure->call) && fits_list(promises[i].subject, failure->subject) &&
            fits_list(promises[i].errnos, failure->errno_name))
            return &promises[i];
    return NULL;
}

size_t promises_unused(void)
{
    size_t unused = 0;
    for (size_t i = 0; i < count; i++)
        if (promises[i].uses == 0 && !strstr(promises[i].process, "+real")) {
            printf("FAIL promises.txt:%d: no case has used it: %s %s %s %s %s\n", promises[i].line, promises[i].process,
                   promises[i].phase, promises[i].call, promises[i].subject, promises[i].errnos);
            unused++;
        }
    return unused;
}
