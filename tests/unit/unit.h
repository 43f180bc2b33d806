/* unit.h - what the unit tests share: each test is a claim, named with the rows of tests/spec.md that it shows. */
#ifndef BLIVET_UNIT_H
#define BLIVET_UNIT_H
#include "../../core/internal.h"
#include "../../core/verdict.h"
#include "../../faults/script.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* "PID-2 ERR-4: a_second_instance_is_refused" */
#define CLAIM(rows, function) { rows ": " #function, function, NULL, NULL, NULL }

/* One launch through the scripted table. */
struct launch_case {
    struct blivet_config config;
    enum blivet_threads threads;
    const struct blivet_ops *ops;  /* NULL: the scripted ones as they are */
    struct blivet_context *daemon; /* what came back */
    struct blivet_error error;
};

static inline void launch_body(void *argument)
{
    struct launch_case *launch = argument;
    const struct blivet_ops *ops = launch->ops ? launch->ops : &blivet_script;
    launch->daemon = blivet_daemonize_on(&launch->config, ops, launch->threads, &launch->error);
}

/* How it ended; for SCRIPT_RETURNED the context or the error is in the case. */
static inline enum script_end launch_it(struct launch_case *launch) { return script_run(launch_body, launch); }

/* What the daemon told: code and text, without the newline. */
static inline void assert_told(int code, const char *text)
{
    assert_true(script.said_count >= 2);
    assert_int_equal((unsigned char)script.said[0], code);
    assert_int_equal(script.said[script.said_count - 1], '\n');
    script.said[script.said_count - 1] = '\0';
    if (!strstr(script.said + 1, text))
        fail_msg("told \"%s\", which does not contain \"%s\"", script.said + 1, text);
}

static inline void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}
#endif
