/* kernel.c - the invented kernel behind script.c: its table, and a fresh machine.  Enough of files, descriptors,
 * locks, identity and time for every branch of core/ and cli/, and nothing of the machine that the tests run on. */
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory, attributes ---- */

void *kernel_calloc(size_t count, size_t size)
{
    script.allocations++;
    if (script.pid != SCRIPT_CALLER_PID)
        script.allocations_after_fork++;
    return calloc(count, size);
}

void kernel_free(void *memory)
{
    if (memory)
        script.allocations--;
    free(memory);
}

void *kernel_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    only(!address && protection == (PROT_READ | PROT_WRITE) && flags == (MAP_SHARED | MAP_ANONYMOUS) && fd == -1 &&
         offset == 0);
    script.page = calloc(1, length);
    script.page_size = length;
    return script.page;
}

int kernel_munmap(void *address, size_t length)
{
    only(address == script.page && length == script.page_size);
    free(address);
    script.page = NULL;
    return 0;
}

mode_t kernel_umask(mode_t mask)
{
    mode_t old = script.umask;
    script.umask = mask & 0777;
    return old;
}

int kernel_chdir(const char *path)
{
    const struct script_file *file = script_walk(path, true);
    if (!file)
        return -1;
    if (!S_ISDIR(file->mode))
        return fail(ENOTDIR);
    snprintf(script.directory, sizeof script.directory, "%s", path);
    return 0;
}

char *kernel_getcwd(char *buffer, size_t size)
{
    snprintf(buffer, size, "%s", script.directory);
    return buffer;
}

int kernel_setenv(const char *name, const char *value, int overwrite)
{
    size_t length = strlen(name);
    only(overwrite == 1);
    for (int i = 0; i < 8; i++)
        if (script.names[i][0] == '\0' ||
            (strncmp(script.names[i], name, length) == 0 && script.names[i][length] == '=')) {
            snprintf(script.names[i], sizeof script.names[i], "%s=%s", name, value);
            return 0;
        }
    return fail(ENOMEM);
}

int kernel_unsetenv(const char *name)
{
    size_t length = strlen(name);
    for (int i = 0; i < 8; i++)
        if (strncmp(script.names[i], name, length) == 0 && script.names[i][length] == '=')
            script.names[i][0] = '\0';
    return 0;
}

char **kernel_environment(void) { return script.environment; }
void kernel_set_environment(char **entries) { script.environment = entries; }
void kernel_enter_step(int step) { (void)step; }

/* ---- the table, and a fresh machine ---- */

const struct blivet_ops script_kernel = {
#define CALL(result, name, parameters, arguments, failure, errnos) .name = kernel_##name,
#define VOID(name, parameters, arguments) .name = kernel_##name,
#include "../syscall/ops.def"
#undef CALL
#undef VOID
};

const char *script_path_of(int fd)
{
    const struct script_description *open_one = script_description(fd);
    return open_one && open_one->file >= 0 ? script.files[open_one->file].path : NULL;
}

int script_open_fds(void)
{
    int count = 0;
    for (int fd = 3; fd < SCRIPT_FDS; fd++)
        count += script.fds[fd] >= 0;
    return count;
}

bool script_is_locked(const char *path)
{
    const struct script_file *file = script_file(path);
    return file && file->locked_by != 0;
}

void script_begin(enum script_role role)
{
    static char *environment[] = { (char *)"PATH=/bin", (char *)"LANG=C", (char *)"strange", NULL };
    static const char *const folders[] = { "/", "/dev", "/run", "/tmp", "/var", "/var/log", "/bin" };
    memset(&script, 0, sizeof script);
    script.role = role;
    script.pid = SCRIPT_CALLER_PID;
    script.threads = 1;
    script.database_groups = 1;
    script.next_inode = 1000;
    script.environment = environment;
    script.umask = 022;
    script.capabilities = 0xffffffff;
    script.descriptions[0].users = 1; /* never given out: a lock by description 0 would read as unlocked */
    strcpy(script.directory, "/tmp");
    for (int fd = 0; fd < SCRIPT_FDS; fd++)
        script.fds[fd] = -1;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        script_add(folders[i], S_IFDIR | 0755, NULL);
    script_add("/dev/null", S_IFCHR | 0666, NULL);
    script_add("/dev/tty", S_IFCHR | 0666, NULL);
    script_add("/bin/true", S_IFREG | 0755, NULL);
    for (int fd = 0; fd < 3; fd++)
        script_install(SCRIPT_FILE, (int)(script_file("/dev/tty") - script.files), O_RDWR);
}
