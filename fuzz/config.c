/* config.c - validation on any configuration and any disk (CFG-3 to CFG-14), through the invented kernel.
 *
 * The input is text.  Lines that begin with a small letter make the disk, the others the configuration:
 *
 *   d755 /srv     a directory (f: file, h: file with two names, p: FIFO, c: device), its mode, its path
 *   l/tmp /run/x  a link, what it says, its path
 *   u33           the effective user
 *   P/run/x.pid   pidfile; likewise L W O E U G; VNAME=VALUE; K, M, F, R, D, X: a number
 */
#include "../core/blivet.h"
#include "refusal.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

enum { MOST = 8, MOST_FILES = 24 };

struct input {
    char text[8192];
    struct blivet_config config;
    struct blivet_env env[MOST];
    int keep_fds[MOST];
    int files;
};

static const char *const fields[] = { "configuration", "umask", "readiness descriptor", "lockfile", "pidfile",
                                      "working directory", "stdout", "stderr", "env", "keep-fd", "user", "group",
                                      NULL };

static void make_file(struct input *input, char *line)
{
    static const mode_t kinds['z'] = { ['d'] = S_IFDIR, ['f'] = S_IFREG, ['h'] = S_IFREG, ['p'] = S_IFIFO,
                                       ['c'] = S_IFCHR, ['l'] = S_IFLNK };
    mode_t kind = kinds[(unsigned char)*line % 'z'], mode = 0777;
    char *path = strchr(line, ' ');
    if (kind == 0 || !path || strlen(path + 1) >= sizeof script.files[0].path || input->files >= MOST_FILES)
        return;
    *path++ = '\0';
    if (script_file(path) || line[1] == '\0' || strlen(line) >= sizeof script.files[0].target)
        return; /* no link says nothing, and no file has no mode */
    if (kind != S_IFLNK)
        mode = (mode_t)strtoul(line + 1, NULL, 8) & 0777;
    struct script_file *file = script_add(path, kind | mode, kind == S_IFLNK ? line + 1 : NULL);
    file->links = *line == 'h' ? 2 : 1;
    file->uid = 0;
    input->files++;
}

static void set_variable(struct input *input, char *word)
{
    struct blivet_config *config = &input->config;
    char *sign = strrchr(word, '='); /* the last one: a name may be wrong too */
    if (sign)
        *sign = '\0';
    if (config->env_count < MOST)
        input->env[config->env_count++] = (struct blivet_env){ word, sign ? sign + 1 : NULL };
    config->env = input->env;
}

static void set_field(struct input *input, char *line)
{
    struct blivet_config *config = &input->config;
    char *word = line + 1;
    unsigned number = (unsigned)strtoul(word, NULL, 0);
    switch (*line) {
    case 'P': config->pidfile = word; break;
    case 'L': config->lockfile = word; break;
    case 'W': config->working_directory = word; break;
    case 'O': config->stdout_path = word; break;
    case 'E': config->stderr_path = word; break;
    case 'U': config->user = word; break;
    case 'G': config->group = word; break;
    case 'V': set_variable(input, word); break;
    case 'K':
        if (config->keep_fds_count < MOST)
            input->keep_fds[config->keep_fds_count++] = (int)number;
        config->keep_fds = input->keep_fds;
        break;
    case 'M': config->umask = number; break;
    case 'F': config->flags = number; break;
    case 'R': config->ready = number; break;
    case 'D': config->ready_fd = (int)number; break;
    case 'X': config->reserved[number % 8] = number; break;
    case 'u': script.uids[1] = number; break;
    default: make_file(input, line);
    }
}

static void read_input(struct input *input, const uint8_t *bytes, size_t count)
{
    memset(input, 0, sizeof *input);
    memcpy(input->text, bytes, count);
    script_begin(SCRIPT_LAUNCHER);
    for (char *line = input->text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        set_field(input, line);
    }
}

/* What was accepted keeps what validation promises, by the word of the kernel. */
static void demand_kept(const struct blivet_config *config)
{
    struct stat file;
    const char *directory = config->working_directory;
    demand(config->umask <= 07777 && config->ready <= BLIVET_READY_FD);
    demand(!directory || (*directory == '/' && script_kernel.stat(directory, &file) == 0 && S_ISDIR(file.st_mode)));
    demand(!(config->user || config->group) || script.uids[1] == 0);
    demand(!config->lockfile || !(config->flags & BLIVET_NO_LOCK));
    for (size_t i = 0; i < config->env_count; i++)
        demand(config->env[i].name[0] != '\0' && !strchr(config->env[i].name, '=') && config->env[i].value);
    for (size_t i = 0; i < config->keep_fds_count; i++)
        demand(config->keep_fds[i] > 2 && script_kernel.fcntl(config->keep_fds[i], F_GETFD, 0) != -1);
}

/* A forecast that comes true (CFG-6): the descriptor, or -1 with errno. */
static int open_it(const char *path, bool own)
{
    return script_kernel.open(path, O_WRONLY | O_CREAT | (own ? O_NOFOLLOW : 0), 0644);
}

static ino_t inode_of(const char *path, bool own)
{
    struct stat file;
    if (!path)
        return 0;
    demand(*path == '/');
    int fd = open_it(path, own);
    if (fd < 0) { /* left for step 12, where only outputs can be */
        demand(!own && script_kernel.stat(path, &file) == 0 && (S_ISDIR(file.st_mode) || S_ISFIFO(file.st_mode)));
        return file.st_ino;
    }
    demand(script_kernel.fstat(fd, &file) == 0);
    demand(!own || (S_ISREG(file.st_mode) && file.st_nlink == 1));
    return file.st_ino;
}

/* No log is a pidfile or a lock, however it is spelled (CFG-7): the opened files are different ones. */
static void demand_distinct(const struct blivet_config *config)
{
    ino_t own[] = { inode_of(config->pidfile, true), inode_of(config->lockfile, true) };
    ino_t output[] = { inode_of(config->stdout_path, false), inode_of(config->stderr_path, false) };
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            demand(own[i] == 0 || own[i] != output[j]);
}

/* A refusal that quotes the kernel is no invention: what was forecast to fail does. */
static void demand_true(const struct blivet_config *config, const struct blivet_error *error)
{
    const struct { const char *field, *path; bool own; } files[] = {
        { "pidfile: ", config->pidfile, true },       { "lockfile: ", config->lockfile, true },
        { "stdout: ", config->stdout_path, false },   { "stderr: ", config->stderr_path, false },
    };
    if (error->system_errno == 0)
        return;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strncmp(error->message, files[i].field, strlen(files[i].field)) == 0)
            demand(open_it(files[i].path, files[i].own) < 0);
    if (strncmp(error->message, "working directory: ", 19) == 0)
        demand(script_kernel.chdir(config->working_directory) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const char *const harmless[] = { "stat", "lstat", "readlink", "eaccess", "fcntl", "geteuid", NULL };
    static struct input input;
    static struct script before;
    struct blivet_error error, again, untouched;
    if (count >= sizeof input.text)
        return 0;
    read_input(&input, bytes, count);
    if (memmem(bytes, count, "/proc", 5)) /* of it the invented kernel has only what the library reads there */
        return 0;
    memcpy(&before, &script, sizeof script);
    memset(&untouched, 0, sizeof untouched);
    strcpy(untouched.message, "left alone");
    error = again = untouched;
    int answer = blivet_validate_on(&input.config, &blivet_script, &error);
    demand(answer == 0 || answer == -1);
    demand_only(harmless); /* no user database, and nothing that changes anything (CFG-3, CFG-10) */
    demand_same_answer(answer, &error, blivet_validate_on(&input.config, &blivet_script, &again), &again);
    demand(blivet_validate_on(&input.config, &blivet_script, NULL) == answer);
    demand_nothing_changed(&before);
    if (answer == 0) {
        demand(memcmp(&error, &untouched, sizeof error) == 0);
        demand_kept(&input.config);
        demand_distinct(&input.config);
    } else {
        demand_refusal(&error, fields);
        demand_true(&input.config, &error);
    }
    return 0;
}
