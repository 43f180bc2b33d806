/* prepare.c - everything that needs memory, before the fork (SEQ-11).
 *
 * Copies of what the configuration points to, the identity (looked up in identity.c), the new environment: whatever
 * can fail for want of memory fails here, in the launcher, where it can still be returned. */
#include "internal.h"
#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

static int copy_string(struct blivet_context *daemon, char **copy, const char *original)
{
    if (!original)
        return 0;
    *copy = daemon->ops->calloc(1, strlen(original) + 1);
    if (!*copy)
        return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "memory", NULL);
    strcpy(*copy, original); /* fits: just measured */
    return 0;
}

static int compare_fds(const void *left, const void *right)
{
    int one = *(const int *)left, other = *(const int *)right;
    return (one > other) - (one < other);
}

static int copy_configuration(struct blivet_context *daemon, const struct blivet_config *config, bool pidfile_is_lock)
{
    daemon->umask = (mode_t)config->umask;
    daemon->flags = config->flags;
    daemon->timeout_ms = config->ready_timeout_ms;
    daemon->ready = config->ready;
    daemon->ready_fd = config->ready == BLIVET_READY_FD ? config->ready_fd : -1;
    if (copy_string(daemon, &daemon->pidfile, config->pidfile) != 0 ||
        copy_string(daemon, &daemon->directory, config->working_directory ? config->working_directory : "/") != 0 ||
        copy_string(daemon, &daemon->stdout_path, config->stdout_path) != 0 ||
        copy_string(daemon, &daemon->stderr_path, config->stderr_path) != 0)
        return -1;
    /* A lockfile that is the pidfile, however it is spelled, is locked and written through one descriptor. */
    if (!pidfile_is_lock && copy_string(daemon, &daemon->lockfile, config->lockfile) != 0)
        return -1;
    daemon->keep_count = config->keep_fds_count;
    daemon->keep_fds = daemon->ops->calloc(config->keep_fds_count + BLIVET_OWN_FDS, sizeof *daemon->keep_fds);
    if (!daemon->keep_fds)
        return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "memory", NULL);
    for (size_t i = 0; i < config->keep_fds_count; i++)
        daemon->keep_fds[i] = config->keep_fds[i];
    qsort(daemon->keep_fds, daemon->keep_count, sizeof *daemon->keep_fds, compare_fds);
    return 0;
}

/* ---- the environment (CFG-2) ---- */

struct name {
    const char *text;
    size_t length;
    size_t position; /* among the configured entries */
};

static int compare_names(const void *left, const void *right)
{
    const struct name *one = left, *other = right;
    size_t shorter = one->length < other->length ? one->length : other->length;
    int order = memcmp(one->text, other->text, shorter);
    if (order == 0)
        order = (one->length > other->length) - (one->length < other->length);
    return order;
}

/* The last configured entry of a name comes first. */
static int compare_entries(const void *left, const void *right)
{
    const struct name *one = left, *other = right;
    int order = compare_names(one, other);
    return order ? order : (one->position < other->position) - (one->position > other->position);
}

static char *join(const struct blivet_ops *ops, const struct blivet_env *entry)
{
    size_t length = strlen(entry->name);
    char *joined = ops->calloc(1, length + 1 + strlen(entry->value) + 1);
    if (!joined)
        return NULL;
    memcpy(joined, entry->name, length);
    joined[length] = '=';
    strcpy(joined + length + 1, entry->value); /* fits: just measured */
    return joined;
}

/* Configured names, each once, with the position of the entry that wins; returns how many. */
static size_t sort_names(const struct blivet_config *config, struct name *names)
{
    size_t unique = 0;
    for (size_t i = 0; i < config->env_count; i++)
        names[i] = (struct name){ config->env[i].name, strlen(config->env[i].name), i };
    qsort(names, config->env_count, sizeof *names, compare_entries);
    for (size_t i = 0; i < config->env_count; i++)
        if (i == 0 || compare_names(&names[i], &names[unique - 1]) != 0)
            names[unique++] = names[i];
    return unique;
}

/* What was inherited and is not configured stays, to the byte; then the configured entries. */
static int fill_environment(struct blivet_context *daemon, const struct blivet_config *config, char **inherited,
                            const struct name *names, size_t unique)
{
    size_t count = 0;
    for (; inherited && *inherited; inherited++) {
        const char *sign = strchr(*inherited, '=');
        struct name name = { *inherited, sign ? (size_t)(sign - *inherited) : 0, 0 };
        if (!sign || !bsearch(&name, names, unique, sizeof *names, compare_names))
            daemon->environment[count++] = *inherited;
    }
    daemon->inherited_entries = count;
    for (size_t i = 0; i < unique; i++) {
        daemon->environment[count] = join(daemon->ops, &config->env[names[i].position]);
        if (!daemon->environment[count++])
            return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "memory", NULL);
    }
    return 0;
}

static int build_environment(struct blivet_context *daemon, const struct blivet_config *config)
{
    const struct blivet_ops *ops = daemon->ops;
    char **inherited = ops->environment();
    size_t count = 0;
    if (config->env_count == 0)
        return 0;
    while (inherited && inherited[count])
        count++;
    struct name *names = ops->calloc(config->env_count, sizeof *names);
    daemon->environment = ops->calloc(count + config->env_count + 1, sizeof *daemon->environment);
    int result = -1;
    if (!names || !daemon->environment)
        blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "memory", NULL);
    else
        result = fill_environment(daemon, config, inherited, names, sort_names(config, names));
    ops->free(names);
    return result;
}

/* With NOTIFY_SOCKET, over whatever was configured or inherited, where the program is to use it (NTF-15). */
static int prepare_environment(struct blivet_context *daemon, const struct blivet_config *config)
{
    char name[BLIVET_NOTIFY_NAME] = "";
    struct blivet_config with = *config;
    if (blivet_open_ear(daemon, name) != 0)
        return -1;
    if (*name == '\0')
        return build_environment(daemon, config);
    struct blivet_env *entries = daemon->ops->calloc(config->env_count + 1, sizeof *entries);
    if (!entries)
        return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "memory", NULL);
    for (size_t i = 0; i < config->env_count; i++)
        entries[i] = config->env[i];
    entries[config->env_count] = (struct blivet_env){ "NOTIFY_SOCKET", name };
    with.env = entries;
    with.env_count++;
    int result = build_environment(daemon, &with);
    daemon->ops->free(entries);
    return result;
}

/* Only where it was never installed. */
static void discard_environment(struct blivet_context *daemon)
{
    for (char **joined = daemon->environment + daemon->inherited_entries; *joined; joined++)
        daemon->ops->free(*joined);
    daemon->ops->free(daemon->environment);
}

/* ---- the whole ---- */

static void begin_empty(struct blivet_context *daemon, const struct blivet_ops *ops)
{
    int *const descriptors[] = { &daemon->channel, &daemon->launcher_end, &daemon->lock_fd, &daemon->pidfile_fd,
                                 &daemon->log_fds[0], &daemon->log_fds[1], &daemon->original[0],
                                 &daemon->original[1], &daemon->original[2], &daemon->ear,
                                 &daemon->ready_write, &daemon->ready_fd };
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++)
        *descriptors[i] = -1;
    daemon->ops = ops;
    daemon->process = CALLER;
}

struct blivet_context *blivet_prepare(const struct blivet_config *config, const struct blivet_ops *ops,
                                      struct blivet_error *error)
{
    bool pidfile_is_lock;
    if (blivet_check_config(config, ops, &pidfile_is_lock, error) != 0)
        return NULL;
    struct blivet_context *daemon = ops->calloc(1, sizeof *daemon);
    if (!daemon) {
        blivet_set_error(error, BLIVET_SYSTEM_FAILED, errno, "memory", NULL, NULL);
        return NULL;
    }
    begin_empty(daemon, ops);
    if (blivet_look_up_identity(daemon, config) == 0 && copy_configuration(daemon, config, pidfile_is_lock) == 0 &&
        prepare_environment(daemon, config) == 0)
        return daemon;
    *error = daemon->error;
    blivet_close_all(daemon);
    blivet_discard(daemon);
    return NULL;
}

/* An environment that was installed is not freed: the process lives on it (SEQ-11). */
void blivet_discard(struct blivet_context *daemon)
{
    void (*release)(void *) = daemon->ops->free;
    if (daemon->environment && !daemon->environment_given)
        discard_environment(daemon);
    release(daemon->pidfile);
    release(daemon->lockfile);
    release(daemon->directory);
    release(daemon->stdout_path);
    release(daemon->stderr_path);
    release(daemon->keep_fds);
    release(daemon->identity.name);
    release(daemon->identity.home);
    release(daemon->identity.groups);
    release(daemon);
}

/* What the program would say "ready" by is left out where it would be made (CLI-18). */
int blivet_rehearse_on(const struct blivet_config *config, const struct blivet_ops *ops, bool *pidfile_is_lock,
                       struct blivet_error *error)
{
    struct blivet_config unheard = *config;
    if (!(config->flags & BLIVET_FOREGROUND)) {
        unheard.ready = BLIVET_READY_EXEC;
        unheard.ready_fd = 0;
    }
    if (blivet_check_config(config, ops, pidfile_is_lock, error) != 0)
        return -1;
    struct blivet_context *daemon = blivet_prepare(&unheard, ops, error);
    if (!daemon)
        return -1;
    blivet_discard(daemon);
    return 0;
}

/* Before the first descriptor changes: what the caller has printed must reach the caller's file, once, and not
 * one of ours (SEQ-12).  What its file refuses is dropped, or a later flush would put it into our log. */
void blivet_flush_stdio(const struct blivet_ops *ops)
{
    struct sigaction pipe_before, size_before;
    bool pipe_ignored = blivet_ignore_signal(ops, SIGPIPE, &pipe_before); /* or a flush could end us (CLI-12) */
    bool size_ignored = blivet_ignore_signal(ops, SIGXFSZ, &size_before);
    fflush(NULL);
    __fpurge(stdout); /* some C libraries keep it, others do not */
    __fpurge(stderr);
    if (pipe_ignored)
        ops->sigaction(SIGPIPE, &pipe_before, NULL);
    if (size_ignored)
        ops->sigaction(SIGXFSZ, &size_before, NULL);
}
