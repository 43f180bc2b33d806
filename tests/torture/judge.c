/* judge.c - plays a situation, notes the calls that it makes, and compares what came of it. */
#include "judge.h"
#include "../../cli/command.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CALLS = 100000, MOST_MADE = 1000 };

struct outcome outcome;
struct made record_of[MOST_MADE];
static size_t recorded;
static struct outcome untouched; /* what comes of the situation where nothing fails */
static char facts[80];           /* conditions of a situation that its machine has made */
static char **environment_before;
static char before[4000];        /* the machine before the start */

static struct blivet_context *context; /* what the library returned */
static const char *application;        /* the phase after the sequence; NULL: not there yet */
static bool returned;                  /* the library, without a context, or the command */
static struct blivet_error error;
static int status;

/* ---- words ---- */

const char *errno_name(int number)
{
    switch (number) {
    case 0: return "0";
    case SCRIPT_HALF: return "HALF";
#define REASON(symbol, words) case symbol: return #symbol;
#include "../../core/errno.def"
#undef REASON
    }
    return "?";
}

static const char *errno_words(int number)
{
    switch (number) {
#define REASON(symbol, words) case symbol: return words;
#include "../../core/errno.def"
#undef REASON
    }
    return "";
}

static bool is_foreground(const struct situation *situation)
{
    return (situation->config.flags & BLIVET_FOREGROUND) || (situation->words && strncmp(situation->words, "-f ", 3) == 0);
}

static void put(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    size_t used = strlen(text);
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

const char *condition_of(const struct situation *situation)
{
    static char conditions[200];
    const struct blivet_config *config = &situation->config;
    const char *words = situation->words ? situation->words : "";
    bool user = config->user || config->group || strstr(words, "-u ");
    bool apart = config->lockfile || (config->flags & BLIVET_NO_LOCK) || strstr(words, "-l ");
    bool one_log = config->stdout_path && config->stderr_path && strcmp(config->stdout_path, config->stderr_path) == 0;
    bool search = situation->words && !strstr(words, "/bin/true");
    bool files = config->pidfile || config->stdout_path || config->stderr_path || strstr(words, "-p ");
    snprintf(conditions, sizeof conditions, "%s%s%s%s%s%s%s", files ? "+files" : "", search ? "+search" : "", user ? "+user" : "",
             user && !(config->flags & BLIVET_NO_CHOWN) ? "+given" : "", apart ? "+apart" : "", one_log ? "+one-log" : "",
             untouched.code != 0 ? "+fails" : "");
    put(conditions, sizeof conditions, "%s%s", config->flags & BLIVET_LEAVE_ON_TIMEOUT ? "+left" : "", facts);
    return conditions;
}

const char *process_of(const struct situation *situation)
{
    static const char *const names[] = { "launcher", "leader", "daemon" };
    return is_foreground(situation) ? "foreground" : names[situation->role];
}

/* ---- what a call is about ---- */

static const char *subject_of_path(const char *path)
{
    static const struct { const char *path, *subject; } names[] = {
        { PIDFILE, "pidfile" }, { LOCKFILE, "lockfile" }, { STDOUT, "stdout" }, { STDERR, "stderr" },
        { "/dev/null", "null" }, { "/proc/102/stat", "stat" }, { "/proc/103/stat", "stat" },
        { "/proc/self", "self" }, { "/proc/self/fd", "fds" }, { "/proc/self/task", "task" },
        { "/run", "folder" }, { "/var/log", "folder" }, { "/var", "directory" }, { "/", "directory" },
        { "/bin/true", "program" }, { "/tmp/../bin/true", "program" },
    };
    for (size_t i = 0; path && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(path, names[i].path) == 0)
            return names[i].subject;
    return path && strncmp(path, "/proc/self/fd/", 14) == 0 ? "ready" : "-";
}

static const char *subject_of_fd(int fd)
{
    if (fd < 0 || fd >= SCRIPT_FDS || script.fds[fd] < 0)
        return "-";
    switch (script.descriptions[script.fds[fd]].kind) {
    case SCRIPT_CHANNEL: return "channel";
    case SCRIPT_PIDFD: return "pidfd";
    case SCRIPT_LISTING: return "fds";
    case SCRIPT_SOCKET: return application ? "manager" : "ear";
    case SCRIPT_PIPE: return script.role == SCRIPT_LEADER ? "ready" : "ear";
    default: return subject_of_path(script_path_of(fd));
    }
}

static bool is_one_of(const char *call, const char *const *calls)
{
    for (; *calls; calls++)
        if (strcmp(call, *calls) == 0)
            return true;
    return false;
}

/* "nap": for nothing; "verdict": for the channel and the daemon at once. */
static const char *subject_of_poll(const struct pollfd *fds, size_t count)
{
    if (count == 0)
        return "nap";
    if (fds[0].events == POLLOUT)
        return "-";
    const char *subject = subject_of_fd(fds[0].fd);
    return count == 2 && strcmp(subject, "channel") == 0 ? "verdict" : subject;
}

static const char *subject_of(const char *call)
{
    static const char *const by_path[] = { "open", "stat", "lstat", "eaccess", "readlink", "unlink", "chdir", "execve", NULL };
    static const char *const by_signal[] = { "sigaction", "stop_ignoring", "raise", NULL };
    static const char *const by_entry[] = { "setenv", "unsetenv", NULL };
    static const char *const by_fd[] = { "close", "dup2", "fcntl", "fstat", "pread", "pwrite", "write", "ftruncate", "lseek",
                                         "flock", "fchown", "send", "recv", "sendmsg", "recvmsg", "read", "bind",
                                         "getsockname", "setsockopt", "connect", "shutdown", "getdents",
                                         "pidfd_send_signal", "pidfd_exit_status", NULL };
    if (strcmp(call, "open") == 0 && (script.second & O_CREAT)) {
        static char created[32];
        snprintf(created, sizeof created, "new-%s", subject_of_path((const char *)script.first));
        return created;
    }
    if (is_one_of(call, by_path))
        return subject_of_path((const char *)script.first);
    if (is_one_of(call, by_signal))
        return strncmp(blivet_signal_name((int)script.first), "SIG", 3) == 0 ? blivet_signal_name((int)script.first) : "-";
    if (is_one_of(call, by_entry))
        return (const char *)script.first;
    if (is_one_of(call, by_fd))
        return subject_of_fd((int)script.first);
    if (strcmp(call, "waitid") == 0)
        return (pid_t)script.second != SCRIPT_LEADER_PID ? "daemon" : script_called("recv") ? "zombie" : "leader";
    if (strcmp(call, "setresuid") == 0)
        return (uid_t)script.first == (uid_t)-1 ? "proof" : "-";
    if (strcmp(call, "poll") == 0)
        return subject_of_poll((const struct pollfd *)script.first, (size_t)script.second);
    return "-";
}

/* ---- in which phase it is made ---- */

/* Foreground mode has no memory that is shared: the step is told by the call that begins it. */
static const char *foreground_phase(const char *call, const char *subject)
{
    static char phase[24];
    const char *next = NULL;
    if (strncmp(subject, "new-", 4) == 0)
        subject += 4;
    if (script.calls == 1)
        next = "prepare";
    else if (strcmp(call, "umask") == 0)
        next = "umask";
    else if (strcmp(call, "chdir") == 0)
        next = "working-directory";
    else if (strcmp(call, "open") == 0 && strcmp(subject, "null") == 0)
        next = "dev-null";
    else if (strcmp(call, "open") == 0 && (strcmp(subject, "lockfile") == 0 || strcmp(subject, "pidfile") == 0))
        next = script_is_locked(LOCKFILE) || script_is_locked(PIDFILE) ? "pidfile" : "lock";
    else if (strcmp(subject, "SIGHUP") == 0)
        next = "signal-dispositions";
    else if (strcmp(call, "sigprocmask") == 0 && !script_called("close_range"))
        next = "signal-mask";
    else if (strcmp(call, "set_environment") == 0)
        next = "environment";
    else if (strcmp(call, "open") == 0 && (strcmp(subject, "stdout") == 0 || strcmp(subject, "stderr") == 0))
        next = "output-files";
    else if (strcmp(call, "close_range") == 0)
        next = "inherited-descriptors";
    else if (script_called("close_range"))
        next = "application";
    if (next)
        strcpy(phase, next);
    return phase;
}

static bool cleaning_up; /* the launcher has begun to end the daemon */

static const char *phase_of(const char *call, const char *subject)
{
    static const char *const steps[] = {
        "prepare", "first-fork", "session", "second-fork", "umask", "working-directory", "dev-null", "lock", "pidfile",
        "signal-dispositions", "signal-mask", "environment", "output-files", "inherited-descriptors", "hand-over",
        "application",
    };
    const struct blivet_page *page = script.page;
    if (application)
        return application;
    if (script.role == SCRIPT_DAEMON && script.pid == SCRIPT_CALLER_PID && !page)
        return foreground_phase(call, subject);
    cleaning_up |= strcmp(call, "pidfd_send_signal") == 0 || (strcmp(call, "kill") == 0 && script.second != 0);
    if (script.role == SCRIPT_LAUNCHER && script_called("fork"))
        return cleaning_up ? "clean-up" : "wait";
    return steps[page ? page->step : 0];
}

/* ---- play ---- */

static void use_library(void *argument)
{
    static const int signals[] = { SIGTERM, SIGINT };
    const struct situation *situation = argument;
    struct blivet_error problem;
    context = blivet_daemonize_on(&situation->config, &blivet_script, situation->threads, &error);
    returned = !context;
    if (returned)
        return;
    application = "application";
    if (situation->ending == FAILS_ITSELF)
        blivet_fail(context, 65, "port is taken");
    if (situation->ending == SAYS_READY &&
        (blivet_remove_pidfile_on(context, signals, context->pidfile_fd >= 0 ? 2 : 0, &problem) != 0 ||
         blivet_chown_paths(context, situation->config.flags & BLIVET_NO_CHOWN ? 0 : BLIVET_CHOWN_ALL, &problem) != 0 ||
         blivet_drop_privileges(context, &problem) != 0 || blivet_notify_parent(context, &problem) != 0))
        blivet_report_error(context, &problem);
    application = "close";
    blivet_close(context);
    context = NULL;
}

static void use_command(void *argument)
{
    static char copy[400];
    static char *words[40];
    const struct situation *situation = argument;
    char *rest = copy;
    int count = 2; /* room in front, as the shell's start needs it, and the command's name */
    snprintf(copy, sizeof copy, "%s", situation->words);
    words[1] = (char *)"daemonize";
    while ((words[count] = strsep(&rest, " ")))
        count++;
    status = daemonize_command(count - 1, words + 1, &blivet_script);
    returned = true;
}

/* Links, folders and what /proc shows are not ours to change. */
static void describe_files(char *text, size_t size)
{
    for (int i = 0; i < SCRIPT_FILES; i++) {
        const struct script_file *file = &script.files[i];
        bool emptied = strcmp(file->path, PIDFILE) == 0 && file->size == 0; /* as good as removed: it names nobody */
        if (file->inode != 0 && S_ISREG(file->mode) && *file->path && strncmp(file->path, "/proc", 5) != 0 && !emptied)
            put(text, size, "%s %o %u:%u %zu [%.*s]\n", file->path, (unsigned)file->mode, file->uid, file->gid,
                file->size, (int)strcspn(file->content, "\n"), file->content);
    }
}

static bool has_ended(void) { return outcome.end == SCRIPT_EXITED && !*script.executed; }

/* What ends takes its descriptors with it, and exec those that are close-on-exec. */
static int surviving_descriptors(void)
{
    int count = 0;
    for (int fd = 3; fd < SCRIPT_FDS; fd++)
        count += script.fds[fd] >= 0 && !(*script.executed && script.cloexec[fd]);
    return has_ended() ? 0 : count;
}

static void describe_descriptors(char *text, size_t size)
{
    for (int fd = 0; fd < 3; fd++)
        put(text, size, "%d is %s\n", fd, script.fds[fd] < 0 ? "closed" : script_path_of(fd));
    put(text, size, "%d descriptors above 2\n", surviving_descriptors());
}

static void describe_process(char *text, size_t size)
{
    unsigned mask = 0, handled = 0;
    if (has_ended())
        return;
    for (int signal = 1; signal < 32; signal++) {
        mask |= (unsigned)sigismember(&script.mask, signal) << signal;
        handled |= (unsigned)(script.actions[signal].sa_handler != SIG_DFL) << signal;
    }
    put(text, size, "not at default %x\n", handled);
    put(text, size, "in %s, umask %o, mask %x\n", script.directory, (unsigned)script.umask, mask);
    put(text, size, "ids %u %u %u, %u %u %u, %d groups, capabilities %x\n", script.uids[0], script.uids[1],
        script.uids[2], script.gids[0], script.gids[1], script.gids[2], script.group_count, script.capabilities);
    for (int i = 0; i < 8 && *script.names[i]; i++)
        put(text, size, "%s\n", script.names[i]);
    for (char **entry = script.environment; entry && *entry; entry++)
        put(text, size, "%s\n", *entry);
}

static void describe_all(char *text, size_t size)
{
    *text = '\0';
    describe_process(text, size);
    describe_descriptors(text, size);
    describe_files(text, size);
    put(text, size, "manager %s told \"%s\", executed %s %s\n", script.manager, script.told_manager, script.executed,
        script.executed_argv);
    put(text, size, "leader reaped %d\n", script.leader_reaped);
    put(text, size, "daemon dead %d, a stranger struck %d\n", script.daemon_dead, script.struck_stranger);
}

/* What a failure lived through may change. */
static void describe_rest(char *text, size_t size)
{
    *text = '\0';
    put(text, size, "handles sent %d, %d\n", script.handles_sent, script.handles_kind);
    for (int i = 0; i < script.other_count; i++)
        put(text, size, "process %d killed %d\n", (int)script.others[i].pid, script.others[i].killed);
}

/* What the launcher says of one of the others that has said nothing itself (NTF-3, NTF-14). */
static void describe_silence(const struct situation *situation, int code)
{
    const struct blivet_page *page = script.page;
    const char *who = situation->role == SCRIPT_LEADER ? "session leader" : "daemon";
    outcome.code = 1;
    snprintf(outcome.message, sizeof outcome.message, "%s ended before it was ready, with exit status %d%s", who, code,
             page && page->step > BLIVET_STEPS ? ", after the last step, in its own start" : "");
    if (page && page->step <= BLIVET_STEPS)
        put(outcome.message, sizeof outcome.message, ", in step %d, %s", page->step, blivet_step_name(page->step));
}

/* The code and the words that whoever started us sees in the end. */
static void conclude(const struct situation *situation)
{
    outcome.code = returned && situation->words ? status : script.exit_code;
    outcome.message[0] = '\0';
    if (returned && !situation->words) {
        outcome.code = error.exit_code;
        strcpy(outcome.message, error.message);
    } else if (script.said_count > 1 || (script.said_count == 1 && script.said[0] != 0 && script.said[0] != (char)0xff)) {
        size_t announced = script.said[0] == (char)0xff;
        outcome.code = (unsigned char)script.said[announced];
        snprintf(outcome.message, sizeof outcome.message, "%.*s", (int)(script.said_count - announced - 2),
                 script.said + announced + 1);
    } else if (script.printed[0] != '\0') {
        const char *last = script.printed + strlen(script.printed) - 1; /* the last line, without the name before it */
        while (last > script.printed && last[-1] != '\n')
            last--;
        const char *colon = strstr(last, ": ");
        put(outcome.message, sizeof outcome.message, "%s", colon ? colon + 2 : last);
        outcome.message[strcspn(outcome.message, "\n")] = '\0';
    } else if (outcome.end == SCRIPT_EXITED && situation->role != SCRIPT_LAUNCHER && script.exit_code != 0 &&
               !is_foreground(situation))
        describe_silence(situation, script.exit_code);
    else if (situation->ending == CLOSES_UNTOLD && outcome.end == SCRIPT_RETURNED)
        describe_silence(situation, 0);
    if (outcome.code == 0) /* -v has said this and that */
        outcome.message[0] = '\0';
}

void begin(const struct situation *situation)
{
    script_begin(situation->role);
    memset(&outcome, 0, sizeof outcome);
    script.most_calls = MOST_CALLS;
    script.exit_returns = 2; /* what would follow is seen to */
    if (situation->machine)
        situation->machine();
    environment_before = script.environment;
    before[0] = '\0';
    describe_process(before, sizeof before);
    describe_descriptors(before, sizeof before);
    describe_files(before, sizeof before);
}

void play(const struct situation *situation)
{
    void *argument = (void *)(uintptr_t)situation;
    application = NULL;
    context = NULL;
    returned = false;
    status = 0;
    memset(&error, 0, sizeof error);
    outcome.end = script_run(situation->words ? use_command : use_library, argument);
    script.watch = NULL;
    conclude(situation);
    describe_all(outcome.state, sizeof outcome.state);
    describe_rest(outcome.rest, sizeof outcome.rest);
    if (context) /* the one global of the library */
        blivet_take_handlers_away(context);
}

/* ---- record ---- */

static pid_t recording; /* calls of this process */

static bool is_alike(const struct made *one, const struct made *other)
{
    return strcmp(one->call, other->call) == 0 && strcmp(one->phase, other->phase) == 0 &&
           strcmp(one->subject, other->subject) == 0;
}

/* A loop that waits asks the same thing hundreds of times: the first rounds stand for the others. */
static void note_call(const char *call)
{
    enum { ROUNDS = 8 };
    const char *subject = subject_of(call);
    struct made made = { .nth = script_count(call) + 1 };
    int earlier = 0;
    snprintf(made.call, sizeof made.call, "%s", call);
    snprintf(made.subject, sizeof made.subject, "%.15s", subject);
    snprintf(made.phase, sizeof made.phase, "%s", phase_of(call, subject));
    for (size_t i = 0; i < recorded; i++)
        earlier += is_alike(&record_of[i], &made);
    if (script.pid != recording || earlier == ROUNDS)
        return;
    if (recorded == MOST_MADE)
        abort(); /* MOST_MADE is too small */
    record_of[recorded++] = made;
}

static void note_facts(void)
{
    const struct script_file *pidfile = script_file(PIDFILE);
    snprintf(facts, sizeof facts, "%s%s%s%s%s%s", pidfile && pidfile->size >= 8 ? "+longer" : "",
             script.daemon_is_child ? "+subreaper" : "", script.status_kept ? "+reaped" : "",
             script.in_session > 0 ? "+mainpid" : "", script.has_pidfd ? "" : "+no-pidfd",
             script.leader_stopped ? "+stopped" : "");
}

size_t record(const struct situation *situation)
{
    static const pid_t pids[] = { SCRIPT_CALLER_PID, SCRIPT_LEADER_PID, SCRIPT_DAEMON_PID };
    recorded = 0;
    recording = is_foreground(situation) ? SCRIPT_CALLER_PID : pids[situation->role];
    begin(situation);
    note_facts();
    cleaning_up = false;
    script.watch = note_call;
    play(situation);
    untouched = outcome;
    return recorded;
}

/* ---- judge ---- */

static char reason[900];

static const char *wrong(const char *format, const char *one, const char *other)
{
    snprintf(reason, sizeof reason, format, one, other);
    return reason;
}

static const char *common(void)
{
    static const char *const ends[] = { "returned", "ended", "hangs", "was killed by a signal" };
    if (outcome.end == SCRIPT_HUNG || outcome.end == SCRIPT_KILLED)
        return wrong("it %s%s", ends[outcome.end], "");
    if (script.allocations_after_fork > 0)
        return "memory was allocated after the fork";
    if (*script.called_after_exit)
        return wrong("%s was called after _exit%s", script.called_after_exit, "");
    return "";
}

/* The first line in which two texts differ. */
static const char *differ(const char *got, const char *expected)
{
    while (*got && *got == *expected) {
        const char *end = strchr(got, '\n');
        size_t length = end ? (size_t)(end - got) + 1 : strlen(got);
        if (strncmp(got, expected, length) != 0)
            break;
        got += length;
        expected += length;
    }
    static char line[2][200];
    snprintf(line[0], sizeof line[0], "%.*s", (int)strcspn(got, "\n"), got);
    snprintf(line[1], sizeof line[1], "%.*s", (int)strcspn(expected, "\n"), expected);
    return wrong("it is \"%s\", and was \"%s\"", line[0], line[1]);
}

/* Without the line that begins so. */
static void forget(char *state, const char *beginning)
{
    char *line = strstr(state, beginning);
    char *end = line ? strchr(line, '\n') : NULL;
    if (end)
        memmove(line, end + 1, strlen(end + 1) + 1);
}

static void forget_what_may_stay(char *state, const struct expected *expected)
{
    if (expected->leaves_pidfile)
        forget(state, PIDFILE " ");
    if (expected->leaves_signal)
        forget(state, "not at default ");
    if (expected->leaves_leader)
        forget(state, "leader reaped ");
    if (expected->leaves_daemon)
        forget(state, "daemon dead ");
    if (expected->leaves_null)
        for (int i = 0; i < 3; i++)
            forget(state, (const char *[]){ "0 is ", "1 is ", "2 is " }[i]);
}

static const char *judge_life(const struct expected *expected)
{
    char state[sizeof untouched.state];
    strcpy(state, untouched.state);
    forget_what_may_stay(outcome.state, expected);
    forget_what_may_stay(state, expected);
    bool same_words = strcmp(outcome.message, untouched.message) == 0 || expected->says_less;
    if (expected->says_nothing)
        same_words = *outcome.message == '\0';
    if (outcome.end != untouched.end || outcome.code != untouched.code || !same_words)
        return wrong("without the failure it ends otherwise: %s%s", untouched.message, "");
    if (strcmp(outcome.state, state) != 0)
        return differ(outcome.state, state);
    return "";
}

/* The pid that a file which is locked by another process reads as. */
static const char *holder(const char *subject)
{
    static char words[40];
    const struct script_file *file = script_file(strcmp(subject, "lockfile") == 0 ? LOCKFILE : PIDFILE);
    int pid = file ? atoi(file->content) : 0;
    snprintf(words, sizeof words, " (pid %d)", pid);
    return pid > 0 ? words : "";
}

static const char *file; /* "pidfile: /run/x.pid", for one of the four */

/* A template's {names}. */
static void expand(const struct situation *situation, const char *template, const char *subject, int number, char *text,
                   size_t size)
{
    const char *directory = situation->config.working_directory;
    if (situation->words)
        directory = strstr(situation->words, "-c /var") ? "/var" : NULL;
    const char *program = situation->words && strstr(situation->words, "/bin/true") ? "/bin/true" : "true";
    if (situation->words && strstr(situation->words, "../bin/true"))
        program = "/tmp/../bin/true";
    const char *const names[][2] = {
        { "{errno}", errno_words(number) }, { "{pidfile}", PIDFILE }, { "{lockfile}", LOCKFILE }, { "{stdout}", STDOUT },
        { "{stderr}", STDERR }, { "{directory}", directory ? directory : "/" }, { "{user}", "www" }, { "{group}", "adm" },
        { "{program}", program }, { "{word}", "../bin/true" }, { "{manager}", "/run/notify" },
        { "{file}", file }, { "{holder}", holder(subject) }, { "{subject}", *subject == '-' ? "a signal without a name" : subject },
    };
    *text = '\0';
    while (*template) {
        size_t i = 0, length = 1, count = sizeof names / sizeof names[0];
        while (i < count && strncmp(template, names[i][0], strlen(names[i][0])) != 0)
            i++;
        if (i < count)
            length = strlen(names[i][0]);
        put(text, size, "%.*s", (int)(i < count ? strlen(names[i][1]) : 1), i < count ? names[i][1] : template);
        template += length;
    }
}

/* To the letter, but for what is "..." in the end, and for the hint that the command adds to what is wrong with its
 * call. */
static bool says(const char *expected)
{
    size_t length = strlen(expected);
    if (length >= 3 && strcmp(expected + length - 3, "...") == 0)
        return strncmp(outcome.message, expected, length - 3) == 0;
    return strncmp(outcome.message, expected, length) == 0 &&
           (outcome.message[length] == '\0' || strcmp(outcome.message + length, "; try 'daemonize --help'") == 0);
}

/* It is gone, or as it was, or empty: no number that could be taken for a process of ours. */
static bool pidfile_names_us(void)
{
    const struct script_file *pidfile = script_file(PIDFILE);
    int pid = pidfile && pidfile->size > 0 ? atoi(pidfile->content) : 0;
    return pid >= SCRIPT_CALLER_PID && pid <= SCRIPT_DAEMON_PID + 1;
}

/* Given back to the caller: nothing of ours open, locked, mapped, allocated or changed (SEQ-4, SEQ-5). */
static const char *judge_return(const struct situation *situation, const struct expected *expected)
{
    char now[4000] = "";
    describe_process(now, sizeof now);
    describe_descriptors(now, sizeof now);
    if (script.allocations != 0 && script.environment == environment_before) /* one that was installed stays */
        return "memory is left";
    if (script.page)
        return "shared memory is left";
    if (script_is_locked(LOCKFILE) || (script_is_locked(PIDFILE) && script_file(PIDFILE)->locked_by != -1))
        return "a lock is left";
    const char *descriptors = strstr(now, "0 is "), *earlier = strstr(before, "0 is ");
    if (strncmp(descriptors, earlier, strlen(descriptors)) != 0 && !expected->leaves_null)
        return differ(descriptors, earlier);
    /* The command ends now; foreground mode is as far as it got. */
    if (!is_foreground(situation) && !situation->words && !expected->leaves_signal && strncmp(now, before, strlen(now)) != 0)
        return differ(now, before);
    return "";
}

static const char *judge_stop(const struct situation *situation, const struct expected *expected, const char *subject,
                              int number)
{
    static const char *const files[] = { "pidfile: " PIDFILE, "lockfile: " LOCKFILE, "stdout: " STDOUT, "stderr: " STDERR,
                                         "stderr: " STDOUT /* where they are one */ };
    char message[300];
    bool said = expected->says_less && *outcome.message == '\0';
    if (outcome.code != expected->code)
        return wrong("the exit code is another%s%s", "", "");
    for (size_t i = 0; i < sizeof files / sizeof files[0] && !said; i++) {
        file = files[i];
        expand(situation, expected->message, subject, number, message, sizeof message);
        said = says(message);
    }
    if (!said)
        return wrong("it does not say \"%s\"%s", message, "");
    if (pidfile_names_us() && !expected->leaves_pidfile)
        return "the pidfile still names us";
    if (situation->role == SCRIPT_LAUNCHER && !returned && !script.leader_reaped && !expected->leaves_leader)
        return "the session leader was not reaped";
    if (situation->role == SCRIPT_LAUNCHER && !returned && !script.daemon_dead && !expected->leaves_daemon)
        return "the daemon lives";
    if (script.struck_stranger)
        return "a stranger was struck";
    return returned ? judge_return(situation, expected) : "";
}

/* Started with some of descriptors 0 to 2 closed everything is as it was, but for those (SEQ-9). */
const char *judge_closed(const struct situation *situation, unsigned closed)
{
    static const char *const lines[] = { "0 is ", "1 is ", "2 is " };
    char state[sizeof untouched.state];
    strcpy(state, untouched.state);
    begin(situation);
    for (int fd = 0; fd < 3; fd++)
        if (closed & 1u << fd)
            script_kernel.close(fd);
    play(situation);
    for (size_t fd = 0; fd < 3; fd++) {
        forget(state, lines[fd]);
        forget(outcome.state, lines[fd]);
    }
    if (outcome.end != untouched.end || outcome.code != untouched.code || strcmp(outcome.message, untouched.message) != 0)
        return wrong("it ends otherwise: %s, and not: %s", outcome.message, untouched.message);
    if (strcmp(outcome.rest, untouched.rest) != 0)
        return differ(outcome.rest, untouched.rest);
    return strcmp(outcome.state, state) == 0 ? "" : differ(outcome.state, state);
}

const char *judge(const struct situation *situation, const struct expected *expected, const char *subject, int number)
{
    const char *problem = common();
    if (*problem)
        return problem;
    problem = expected->stops ? judge_stop(situation, expected, subject, number) : judge_life(expected);
    if (*problem && expected->or_lives)
        return judge_life(expected);
    return problem;
}
