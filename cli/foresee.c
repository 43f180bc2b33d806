/* foresee.c - what stands against a start (CLI-18).
 *
 * Nothing is begun: the library rehearses (blivet_rehearse_on), and the program is looked for on a table whose execve
 * only looks.  To find more than the first thing that is wrong, what is at fault is taken back and it is asked again. */
#include "foresee.h"
#include "program.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

bool is_one_log(const struct blivet_config *config)
{
    return config->stdout_path && config->stderr_path && strcmp(config->stdout_path, config->stderr_path) == 0;
}

/* One thing that was asked for is taken back.  Returns the step that it concerns, IN_BEFORE behind the last one. */
static int take_back(struct blivet_config *config, size_t which)
{
    switch (which) {
    case 0: config->working_directory = NULL; return IN_DIRECTORY;
    case 1: config->lockfile = NULL; return IN_LOCK;
    case 2: config->pidfile = NULL; return IN_PIDFILE;
    case 3:
        if (is_one_log(config))
            config->stderr_path = NULL;
        config->stdout_path = NULL;
        return IN_OUTPUT;
    case 4: config->stderr_path = NULL; return IN_OUTPUT;
    case 5: config->user = NULL; return IN_BEYOND;
    case 6: config->group = NULL; return IN_BEYOND;
    }
    which -= 7;
    if (which > config->keep_fds_count)
        return IN_BEFORE;
    if (which == config->keep_fds_count) {
        config->ready = BLIVET_READY_EXEC;
        config->ready_fd = 0;
        return IN_DESCRIPTORS;
    }
    int *fds = (int *)config->keep_fds, first = fds[0]; /* the command's own list, and in no order */
    fds[0] = fds[which];
    fds[which] = first;
    config->keep_fds++;
    config->keep_fds_count--;
    return IN_DESCRIPTORS;
}

static void add(struct foresight *found, int step, const struct blivet_error *error)
{
    if (found->count < MOST_PROBLEMS)
        found->problems[found->count++] = (struct problem){ step, *error };
}

/* The first answer is the one that the start would get; then those behind it. */
static void rehearse(struct foresight *found, struct blivet_config config, const struct blivet_ops *ops)
{
    struct blivet_error error = { 0 }, other;
    bool same, is_lock = false;
    while (blivet_rehearse_on(&config, ops, &is_lock, &error) != 0) {
        struct blivet_config less;
        int step;
        size_t which = 0;
        do {
            less = config;
            step = take_back(&less, which++);
            same = step != IN_BEFORE && blivet_rehearse_on(&less, ops, &is_lock, &other) != 0 &&
                   strcmp(error.message, other.message) == 0;
        } while (same);
        add(found, step, &error);
        if (step == IN_BEFORE)
            break; /* nothing that was asked for is at fault */
        config = less;
    }
    found->pidfile_is_lock = is_lock;
}

/* As F_DUPFD would: the launcher's own descriptors have to be above the program's (NTF-15). */
static void look_at_ready_fd(struct foresight *found, const struct blivet_config *config, const struct blivet_ops *ops)
{
    struct blivet_error error;
    struct rlimit limit;
    char digits[24];
    if (config->ready != BLIVET_READY_FD || (config->flags & BLIVET_FOREGROUND) ||
        ops->getrlimit(RLIMIT_NOFILE, &limit) != 0 || (rlim_t)config->ready_fd + 1 < limit.rlim_cur)
        return;
    snprintf(digits, sizeof digits, "%d", config->ready_fd);
    blivet_set_error(&error, BLIVET_INVALID_CONFIG, 0, "readiness descriptor", digits,
                     "is too close to the limit of open files");
    add(found, IN_FIRST_FORK, &error);
}

/* Whether one may enter it is left to the step, too. */
static void look_at_directory(struct foresight *found, const struct blivet_config *config, const struct blivet_ops *ops)
{
    const char *path = config->working_directory;
    struct blivet_error error;
    struct stat file;
    if (!path || ops->stat(path, &file) != 0 || ops->eaccess(path, X_OK) == 0)
        return;
    blivet_set_error(&error, BLIVET_CHDIR_FAILED, errno, "working directory", path, NULL);
    add(found, IN_DIRECTORY, &error);
}

/* An output that its step would refuse: a directory, a socket, and of one that is given to the user, whatever others may have
 * chosen (PRV-8).  NULL with *number 0: nothing. */
static const char *fault_of_output(const char *path, bool given, const struct blivet_ops *ops, int *number)
{
    struct stat file;
    *number = 0;
    if (given && ops->lstat(path, &file) == 0 && S_ISLNK(file.st_mode))
        return "is a symbolic link";
    if (ops->stat(path, &file) != 0)
        return NULL;
    if (given && S_ISREG(file.st_mode) && file.st_nlink > 1)
        return "is a file with several names";
    *number = S_ISDIR(file.st_mode) ? EISDIR : S_ISSOCK(file.st_mode) ? ENXIO : 0;
    return NULL;
}

/* What validation leaves to the step of the output files (CFG-5). */
static void look_at_outputs(struct foresight *found, const struct blivet_config *config, const struct blivet_ops *ops)
{
    const char *const paths[] = { config->stdout_path, config->stderr_path };
    const bool given = (config->user || config->group) && !(config->flags & BLIVET_NO_CHOWN);
    struct blivet_error error;
    for (int i = 0; i < 2; i++) {
        int number;
        if (!paths[i] || *paths[i] != '/' || (i == 1 && is_one_log(config)))
            continue;
        const char *why = fault_of_output(paths[i], given, ops, &number);
        if (!why && number == 0)
            continue;
        blivet_set_error(&error, BLIVET_OUTPUT_FAILED, number, i == 0 ? "stdout" : "stderr", paths[i], why);
        add(found, IN_OUTPUT, &error);
    }
}

/* The calls of a table have no argument to carry this. */
static struct {
    const struct blivet_ops *ops;
    const char *directory; /* the daemon's: from there on it searches a relative PATH, and an interpreter */
    char path[PATH_MAX];   /* the first that could be executed */
    char interpreter[256]; /* that one lacked */
    char *entries[2];      /* the PATH that is configured, if it is */
} search;

/* What a script names behind its "#!"; "" where it is none, or cannot be read. */
static void find_interpreter(const char *path, char *name, size_t size)
{
    int fd;
    ssize_t count;
    *name = '\0';
    UNINTERRUPTED(fd, search.ops->open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0));
    if (fd < 0)
        return;
    UNINTERRUPTED(count, search.ops->pread(fd, name, size - 1, 0));
    search.ops->close(fd);
    name[count > 0 ? count : 0] = '\0';
    const bool is_script = strncmp(name, "#!", 2) == 0;
    const char *begin = is_script ? name + 2 + strspn(name + 2, " \t") : "";
    size_t length = strcspn(begin, " \t\n");
    memmove(name, begin, length);
    name[length] = '\0';
}

enum { PLACE = 2 * PATH_MAX };

static const char *from_directory(const char *path, char place[PLACE])
{
    if (*path == '/')
        return path;
    snprintf(place, PLACE, "%s/%s", search.directory, path);
    return place;
}

static int look_at_file(const char *path)
{
    struct stat file;
    if (search.ops->stat(path, &file) != 0)
        return -1;
    if (S_ISREG(file.st_mode))
        return search.ops->eaccess(path, X_OK);
    errno = EACCES;
    return -1;
}

static int look(const char *path, char *const argv[], char *const envp[])
{
    char place[PLACE], beside[PLACE], interpreter[sizeof search.interpreter];
    (void)argv;
    (void)envp;
    path = from_directory(path, place);
    if (look_at_file(path) != 0)
        return -1;
    find_interpreter(path, interpreter, sizeof interpreter);
    if (*interpreter && look_at_file(from_directory(interpreter, beside)) != 0) {
        memcpy(search.interpreter, interpreter, sizeof interpreter);
        return -1;
    }
    memcpy(search.path, path, strlen(path) + 1); /* fits: the kernel takes nothing longer */
    errno = EPERM;                               /* ends the search */
    return -1;
}

static char **searched_environment(void) { return search.entries[0] ? search.entries : search.ops->environment(); }

void foresee_program(char path[PATH_MAX], const struct options *options, const struct blivet_ops *ops,
                     struct blivet_error *error)
{
    const struct blivet_config *config = &options->config;
    struct blivet_ops table = *ops;
    memset(&search, 0, sizeof search);
    search.ops = ops;
    search.directory = config->working_directory ? config->working_directory : "";
    table.execve = look;
    table.environment = searched_environment;
    for (size_t i = config->env_count; i-- > 0 && !search.entries[0];) {
        size_t size = strlen(config->env[i].value) + sizeof "PATH=";
        if (strcmp(config->env[i].name, "PATH") == 0 && (search.entries[0] = ops->calloc(1, size)))
            snprintf(search.entries[0], size, "PATH=%s", config->env[i].value);
    }
    program_exec(options->program, &table, error);
    ops->free(search.entries[0]);
    memcpy(path, search.path, sizeof search.path);
    if (*path == '\0' && *search.interpreter)
        blivet_set_error(error, error->kind, error->system_errno, "interpreter of the program", search.interpreter,
                         NULL);
}

static void find_program(struct foresight *found, const struct options *options, const struct blivet_ops *ops)
{
    struct blivet_error error;
    foresee_program(found->program, options, ops, &error);
    if (*found->program == '\0')
        add(found, IN_BEYOND, &error);
}

/* In the order in which the start would come upon it. */
void foresee(struct foresight *found, struct options *options, const struct blivet_ops *ops)
{
    struct blivet_error unusable, error;
    bool usable = program_resolve(options->program[0], &options->program_path, ops, &unusable) == 0;
    if (options->program_path)
        options->program[0] = options->program_path;
    if (!usable && blivet_validate_on(&options->config, ops, &error) == 0)
        add(found, IN_BEYOND, &unusable);
    bool early = found->count > 0;
    rehearse(found, options->config, ops);
    look_at_ready_fd(found, &options->config, ops);
    look_at_directory(found, &options->config, ops);
    look_at_outputs(found, &options->config, ops);
    if (usable)
        find_program(found, options, ops);
    else if (!early)
        add(found, IN_BEYOND, &unusable);
}
