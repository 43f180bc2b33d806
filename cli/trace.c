/* trace.c - a start that is watched (CLI-16, CLI-17).
 *
 * The recording table writes into memory that the three processes share; it was mapped before the first fork and is
 * gone at exec.  The launcher ends inside the library, so beneath the recording table lies one that shows the record
 * before the launcher's _exit, and in foreground mode before exec. */
#include "trace.h"
#include "foresee.h"
#include "show_trace.h"
#include "terminal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { OUT_OF_THE_WAY = 1000 };

/* The calls of a table have no argument to carry this. */
static struct {
    const struct blivet_ops *ops; /* what we were given */
    struct blivet_ops beneath;
    struct blivet_trace *trace;
    pid_t launcher;
    bool foreground, as_json, told, catches;
    struct sheet sheet;
    const char *path;                        /* of the file; NULL: none */
    int stderr_fd;                           /* the launcher's; -1: none */
    char message[BLIVET_MESSAGE_SIZE + 320]; /* what the launcher said last */
    const char *success;
} watch;

/* ---- showing ---- */

/* A copy where it is in nobody's way: the descriptors of the start have the numbers that they would have without it. */
static int move_away(int fd)
{
    int moved = -1;
    for (int floor = OUT_OF_THE_WAY; floor > 2 && moved < 0; floor /= 10)
        UNINTERRUPTED(moved, watch.ops->fcntl(fd, F_DUPFD_CLOEXEC, floor));
    return moved;
}

/* Once, of a file that does not hold all of the trace: the start has happened, and its exit code is its own. */
static void tell_loss(void)
{
    struct sheet *sheet = &watch.sheet;
    struct blivet_error error;
    int copy = -1;
    if (sheet->error == 0)
        copy = move_away(sheet->fd); /* to be closed: a file system may tell of a full disk or a quota only then */
    if (copy >= 0 && watch.ops->close(copy) != 0 && errno != EINTR)
        sheet->error = errno;
    if (sheet->error == 0 || watch.told)
        return;
    watch.told = true;
    blivet_set_error(&error, BLIVET_OUTPUT_FAILED, sheet->error, "trace", watch.path, NULL);
    blivet_say(watch.ops, watch.stderr_fd, error.message);
}

/* A file anew each time, for an exec can fail after it was shown; a stream goes on. */
static void show(const char *undecided, int code)
{
    struct sheet *sheet = &watch.sheet;
    const char *message = undecided ? undecided : code == 0 ? watch.success : watch.message;
    const struct ending ending = { watch.foreground, undecided, code, message };
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction pipe_before, size_before;
    watch.ops->sigaction(SIGPIPE, &ignore, &pipe_before);
    watch.ops->sigaction(SIGXFSZ, &ignore, &size_before);
    if (sheet->is_file && watch.ops->ftruncate(sheet->fd, 0) == 0)
        sheet->offset = sheet->shown = 0;
    else if (sheet->is_file)
        sheet->error = errno;
    (watch.as_json ? trace_as_json : trace_as_text)(sheet, watch.trace, &ending);
    watch.ops->sigaction(SIGPIPE, &pipe_before, NULL);
    watch.ops->sigaction(SIGXFSZ, &size_before, NULL);
    if (sheet->is_file)
        tell_loss();
}

static bool in_launcher(void) { return watch.ops->getpid() == watch.launcher; }

static void leave_at_once(int status)
{
    if (in_launcher())
        show(NULL, status);
    watch.ops->_exit(status);
}

static void leave(int status)
{
    if (in_launcher())
        show(NULL, status);
    watch.ops->exit(status);
}

static int become(const char *path, char *const argv[], char *const envp[])
{
    struct stat file;
    const bool likely = in_launcher() && watch.ops->stat(path, &file) == 0 && S_ISREG(file.st_mode) &&
                        watch.ops->eaccess(path, X_OK) == 0; /* the others of a search are sure to fail */
    if (likely)
        show("the process goes on as the program", 0);
    watch.ops->execve(path, argv, envp);
    if (likely && watch.sheet.shown > 0)
        watch.sheet.shown--; /* it comes once more, with its errno */
    return -1;
}

/* Only the launcher writes; what it says on the way out is the message of the verdict. */
static ssize_t say(int fd, const void *bytes, size_t count)
{
    snprintf(watch.message, sizeof watch.message, "%.*s", (int)count, (const char *)bytes);
    watch.message[strcspn(watch.message, "\n")] = '\0';
    return watch.ops->write(fd, bytes, count);
}

/* ---- interrupted ---- */

static volatile sig_atomic_t interruption; /* a signal, or 0 */

static void note_interruption(int signal) { interruption = signal; }

/* Those that would end the launcher at once, and what is known with it. */
static void catch_interruptions(void)
{
    static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
    const struct sigaction caught = { .sa_handler = note_interruption }; /* no SA_RESTART: it interrupts poll */
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction before = ignore;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        watch.ops->sigaction(signals[i], NULL, &before);
        if (before.sa_handler == SIG_DFL)
            watch.ops->sigaction(signals[i], &caught, NULL);
    }
    watch.catches = true;
}

/* By that signal, as without a trace. */
static void end_interrupted(void)
{
    const struct sigaction standard = { .sa_handler = SIG_DFL };
    const int signal = interruption;
    interruption = 0;
    snprintf(watch.message, sizeof watch.message, "the launcher was ended by signal %d while it waited", signal);
    show(watch.message, -1);
    watch.ops->sigaction(signal, &standard, NULL);
    watch.ops->raise(signal);
}

/* Where the launcher waits; no other process does.  In pieces: a signal that comes just before poll does not interrupt it. */
static int wait_in_pieces(struct pollfd *fds, nfds_t count, int milliseconds)
{
    enum { PIECE_MS = 100 };
    if (count > 0 && fds->events == POLLOUT) /* that is a message, and soon over */
        return watch.ops->poll(fds, count, milliseconds);
    if (!watch.catches)
        catch_interruptions();
    for (;;) {
        const int piece = milliseconds < 0 || milliseconds > PIECE_MS ? PIECE_MS : milliseconds;
        int ready = watch.ops->poll(fds, count, piece);
        if (interruption)
            end_interrupted();
        if (ready != 0 || piece == milliseconds)
            return ready;
        milliseconds -= milliseconds > 0 ? piece : 0;
    }
}

/* ---- the file ---- */

static int unwritable(struct blivet_error *error, int number, const char *path, const char *why)
{
    blivet_set_error(error, BLIVET_OUTPUT_FAILED, number, "trace", path, why);
    return -1;
}

/* What else the start uses the file for, so that two would write it, or it would be run; NULL: nothing. */
static const char *use_of(const struct stat *file, const struct options *options)
{
    static const char *const uses[] = { "is the pidfile", "is the lockfile", "is stdout", "is stderr",
                                        "is the program" };
    const struct blivet_config *config = &options->config;
    char program[PATH_MAX];
    const char *const paths[] = { config->pidfile, config->lockfile, config->stdout_path, config->stderr_path,
                                  program };
    struct blivet_error unwanted;
    snprintf(program, sizeof program, "%s", options->program[0]);
    if (!strchr(program, '/')) /* else it begins where we are, not where the daemon will be */
        foresee_program(program, options, watch.ops, &unwanted);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct stat other;
        if (paths[i] && watch.ops->stat(paths[i], &other) == 0 && other.st_dev == file->st_dev &&
            other.st_ino == file->st_ino)
            return uses[i];
    }
    return NULL;
}

static int judge_file(const struct options *options, int fd, bool created, struct blivet_error *error)
{
    struct stat file;
    const char *path = options->trace_file;
    if (watch.ops->fstat(fd, &file) != 0)
        return unwritable(error, errno, path, NULL);
    if (!S_ISREG(file.st_mode))
        return unwritable(error, 0, path, "is not a regular file");
    if (file.st_nlink != 1)
        return unwritable(error, 0, path, "has several names");
    const char *use = use_of(&file, options);
    if (!use)
        return 0;
    if (created)
        watch.ops->unlink(path);
    blivet_set_error(error, BLIVET_INVALID_CONFIG, 0, "option --trace", path, use);
    return -1;
}

/* Nothing is followed, waited for or emptied before it has been looked at. */
static int open_file(const struct options *options, struct blivet_error *error)
{
    const int flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    const char *path = options->trace_file;
    int fd;
    UNINTERRUPTED(fd, watch.ops->open(path, flags | O_CREAT | O_EXCL, 0644));
    bool created = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        UNINTERRUPTED(fd, watch.ops->open(path, flags, 0));
    if (fd < 0)
        return unwritable(error, errno, path, errno == ELOOP ? "is a symbolic link" : NULL);
    if (judge_file(options, fd, created, error) == 0)
        return fd;
    watch.ops->close(fd);
    return -1;
}

/* Past step 13, in foreground mode; of a launcher that waits, all stays as it is. */
static void keep_until_exec(struct options *options, int fd)
{
    if (watch.foreground && fd >= 0)
        options->keep_fds[options->config.keep_fds_count++] = fd;
}

static int open_sheet(struct options *options, struct blivet_error *error)
{
    struct sheet *sheet = &watch.sheet;
    int fd = 2;
    sheet->ops = watch.ops;
    watch.stderr_fd = 2;
    watch.path = options->trace_file;
    if (watch.path && (fd = open_file(options, error)) < 0)
        return -1;
    sheet->is_file = watch.path != NULL;
    sheet->colour = !sheet->is_file && terminal_colour(watch.ops, fd);
    sheet->width = !sheet->is_file && watch.ops->isatty(fd) == 1 ? terminal_width(watch.ops, fd) : 0;
    if (sheet->is_file) {
        sheet->fd = move_away(fd);
        int number = errno;
        watch.ops->close(fd);
        if (sheet->fd < 0)
            return unwritable(error, number, watch.path, NULL);
        keep_until_exec(options, sheet->fd);
    }
    if (watch.foreground) /* what it was started with, where -e has replaced it */
        keep_until_exec(options, watch.stderr_fd = move_away(2));
    if (!sheet->is_file)
        sheet->fd = watch.stderr_fd;
    return 0;
}

/* ---- begin and end ---- */

static bool ends_in_json(const char *path)
{
    static const char ending[] = ".json";
    size_t length = path ? strlen(path) : 0;
    return length > strlen(ending) && strcmp(path + length - strlen(ending), ending) == 0;
}

const struct blivet_ops *trace_begin(struct options *options, const struct blivet_ops *ops, struct blivet_error *error)
{
    const size_t size = sizeof *watch.trace + TRACE_CALLS * sizeof watch.trace->records[0];
    memset(&watch, 0, sizeof watch);
    watch.ops = ops;
    watch.foreground = (options->config.flags & BLIVET_FOREGROUND) != 0;
    watch.as_json = ends_in_json(options->trace_file);
    watch.launcher = ops->getpid();
    watch.success = options->config.ready == BLIVET_READY_EXEC ? "the program runs" : "the program is ready";
    if (open_sheet(options, error) != 0)
        return NULL;
    void *memory = ops->mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        blivet_set_error(error, BLIVET_SYSTEM_FAILED, errno, "memory", NULL, NULL);
        return NULL;
    }
    watch.beneath = *ops;
    watch.beneath._exit = leave_at_once;
    watch.beneath.exit = leave;
    watch.beneath.execve = become;
    watch.beneath.write = say;
    if (!watch.foreground)
        watch.beneath.poll = wait_in_pieces;
    watch.trace = memory;
    return blivet_trace_on(memory, size, &watch.beneath);
}

void trace_end(int status) { show(NULL, status); }
