/* library.c - an application of the library on the table of the torture: it drops, says that it is ready, closes.
 *
 *     library-faulty [pidfile=PATH] [stdout=PATH] [user=NAME] [foreground]
 *
 * In the end it prints "closed" on its standard output. */
#include "table.h"
#include "../../core/seam.h"
#include <stdio.h>
#include <string.h>

static const char *value_of(const char *word, const char *name)
{
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static void configure(struct blivet_config *config, const char *word)
{
    const char *value;
    if ((value = value_of(word, "pidfile")))
        config->pidfile = value;
    if ((value = value_of(word, "stdout")))
        config->stdout_path = value;
    if ((value = value_of(word, "user")))
        config->user = value;
    if (strcmp(word, "foreground") == 0)
        config->flags |= BLIVET_FOREGROUND;
}

int main(int argc, char **argv)
{
    static const int endings[] = { SIGTERM };
    struct blivet_config config = { 0 };
    struct blivet_error error;
    for (int i = 1; i < argc; i++)
        configure(&config, argv[i]);
    const struct blivet_ops *ops = torture_table();
    struct blivet_context *daemon = blivet_daemonize_on(&config, ops, BLIVET_COUNT_THREADS, &error);
    if (!daemon) {
        fprintf(stderr, "library: %s\n", error.message);
        return error.exit_code;
    }
    if (blivet_remove_pidfile_on(daemon, endings, 1, &error) != 0 || blivet_drop_privileges(daemon, &error) != 0 ||
        blivet_notify_parent(daemon, &error) != 0)
        blivet_report_error(daemon, &error);
    ops->enter_step(TORTURE_CLOSE);
    blivet_close(daemon);
    puts("closed");
    return 0;
}
