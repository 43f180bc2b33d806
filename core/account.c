/* account.c - what the launcher says of a daemon that is not ready: which step, which signal, how long (NTF-14). */
#include "launch.h"
#include "text.h"

/* "in step 12, output files" (NTF-14) */
static void put_step(struct blivet_text *text, const struct launch *launch)
{
    int step = launch->daemon->page->step;
    if (launch->leader_status != 0 && step > STEP_SECOND_FORK)
        step = STEP_SECOND_FORK; /* the leader's last; the page has the daemon's by then */
    const char *name = blivet_step_name(step);
    if (launch->execed)
        return;
    if (!name) {
        blivet_text_put(text, step == STEP_APPLICATION ? " after the last step, in its own start" : "");
        return;
    }
    blivet_text_put(text, " in step ");
    blivet_text_number(text, (uintmax_t)step);
    blivet_text_put(text, ", ");
    blivet_text_put(text, name);
}

void blivet_describe_death(struct launch *launch, const char *who, bool known, int status)
{
    struct blivet_text text;
    char words[200];
    blivet_text_begin(&text, words, sizeof words);
    blivet_text_put(&text, who);
    if (known && (status & 0x7f)) {
        blivet_text_put(&text, " was killed by ");
        blivet_text_put(&text, blivet_signal_name(status & 0x7f));
    } else
        blivet_text_put(&text, " ended before it was ready");
    if (known && !(status & 0x7f)) {
        blivet_text_put(&text, ", with exit status ");
        blivet_text_number(&text, (uintmax_t)((status >> 8) & 0xff));
        blivet_text_put(&text, launch->execed ? "" : ",");
    }
    if (launch->execed && launch->pid == launch->forked && launch->reported == 0 && (!known || status == 0))
        blivet_text_put(&text, "; one that backgrounds itself must be run in its foreground mode");
    put_step(&text, launch);
    blivet_set_error(&launch->daemon->error, BLIVET_ENDED_EARLY, launch->reported, words, NULL, NULL);
}

void blivet_describe_lateness(struct launch *launch)
{
    struct blivet_text text;
    char words[160];
    int64_t limit = launch->limit_ms;
    char fraction[] = { '.', (char)('0' + limit / 100 % 10), (char)('0' + limit / 10 % 10), (char)('0' + limit % 10), 0 };
    blivet_text_begin(&text, words, sizeof words);
    blivet_text_put(&text, launch->execed ? "program was not ready after " : "daemon was not ready after ");
    blivet_text_number(&text, (uintmax_t)limit / 1000);
    blivet_text_put(&text, limit % 1000 ? fraction : "");
    blivet_text_put(&text, limit == 1000 ? " second" : " seconds");
    put_step(&text, launch);
    blivet_set_error(&launch->daemon->error, BLIVET_LATE, launch->reported, words, NULL, NULL);
}

