/* error.c - kinds, exit codes and messages: the one table (ERR).  Async-signal-safe. */
#include "blivet.h"
#include "internal.h"
#include "text.h"
#include <errno.h>
#include <string.h>
#include <sysexits.h>

/* ERR-1 to ERR-13, in the order of enum blivet_kind. */
static const unsigned char exit_codes[] = {
    [BLIVET_OK] = 0,
    [BLIVET_INVALID_CONFIG] = EX_USAGE,
    [BLIVET_PROGRAM_UNUSABLE] = EX_NOINPUT,
    [BLIVET_NO_SUCH_USER] = EX_NOUSER,
    [BLIVET_NO_SUCH_GROUP] = EX_NOUSER,
    [BLIVET_LOCK_HELD] = EX_UNAVAILABLE,
    [BLIVET_NOT_DROPPED] = EX_SOFTWARE,
    [BLIVET_THREADS] = EX_SOFTWARE,
    [BLIVET_FORK_FAILED] = EX_OSERR,
    [BLIVET_SETSID_FAILED] = EX_OSERR,
    [BLIVET_CHDIR_FAILED] = EX_OSERR,
    [BLIVET_SYSTEM_FAILED] = EX_OSERR,
    [BLIVET_EXEC_FAILED] = EX_OSERR,
    [BLIVET_NOTIFY_FAILED] = EX_OSERR,
    [BLIVET_LOCKFILE_FAILED] = EX_CANTCREAT,
    [BLIVET_PIDFILE_FAILED] = EX_CANTCREAT,
    [BLIVET_OUTPUT_FAILED] = EX_CANTCREAT,
    [BLIVET_CHOWN_FAILED] = EX_CANTCREAT,
    [BLIVET_PERMISSION_DENIED] = EX_NOPERM,
    [BLIVET_APPLICATION_FAILED] = EX_SOFTWARE,
    [BLIVET_LATE] = EX_TEMPFAIL,
    [BLIVET_MALFORMED_VERDICT] = EX_PROTOCOL,
    [BLIVET_ENDED_EARLY] = 1,
};

int blivet_exit_code(int kind)
{
    return kind >= 0 && kind < (int)(sizeof exit_codes) ? exit_codes[kind] : EX_SOFTWARE;
}

static void put_reason(struct blivet_text *text, int number)
{
    switch (number) {
#define REASON(symbol, words) \
    case symbol: \
        blivet_text_put(text, words); \
        return;
#include "errno.def"
#undef REASON
    }
    blivet_text_put(text, "errno ");
    blivet_text_number(text, (uintmax_t)(unsigned)number);
}

/* The subject in what is left, less what the reason needs: a long path must not push the reason out (CFG-12). */
static void put_subject(struct blivet_text *text, const char *subject, size_t reserved)
{
    static const char dots[] = "...";
    size_t withheld = reserved + sizeof dots - 1;
    if (withheld > text->left)
        withheld = text->left;
    text->left -= withheld;
    blivet_text_escaped(text, *subject ? subject : "''", *subject ? strlen(subject) : 2);
    text->left += withheld;
    if (text->cut) {
        text->cut = false;
        blivet_text_put(text, dots);
    }
}

void blivet_set_error(struct blivet_error *error, int kind, int system_errno, const char *what,
                      const char *subject, const char *why)
{
    struct blivet_text text;
    char words[160];
    blivet_text_begin(&text, words, sizeof words);
    if (!why && system_errno != 0)
        put_reason(&text, system_errno);
    const char *reason = why ? why : words;

    error->kind = kind;
    error->exit_code = blivet_exit_code(kind);
    error->system_errno = system_errno;
    error->step = 0;
    blivet_text_begin(&text, error->message, sizeof error->message);
    put_subject(&text, what, 0);
    if (subject) {
        blivet_text_put(&text, ": ");
        put_subject(&text, subject, strlen(reason) + 2);
    }
    if (*reason) {
        blivet_text_put(&text, ": ");
        blivet_text_escaped(&text, reason, strlen(reason));
    }
}

static int note(struct blivet_context *daemon, int kind, int number, const char *what, const char *subject,
                const char *why)
{
    blivet_set_error(&daemon->error, kind, number, what, subject, why);
    daemon->error.step = daemon->step >= 1 && daemon->step <= BLIVET_STEPS ? daemon->step : 0;
    return -1;
}

int blivet_failed(struct blivet_context *daemon, int kind, const char *what, const char *subject)
{
    return note(daemon, kind, errno, what, subject, NULL);
}

int blivet_refused(struct blivet_context *daemon, int kind, const char *what, const char *subject, const char *why)
{
    return note(daemon, kind, 0, what, subject, why);
}

int blivet_hand_error(const struct blivet_context *daemon, struct blivet_error *error)
{
    if (error)
        *error = daemon->error;
    return -1;
}

const char *blivet_step_name(int step)
{
    switch (step) {
#define STEP(number, symbol, name, purpose, hazard) \
    case number: \
        return name;
#include "steps.def"
#undef STEP
    }
    return NULL;
}

const char *blivet_version(void) { return BLIVET_VERSION; }
