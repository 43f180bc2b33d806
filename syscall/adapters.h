/* adapters.h - for libc.c and posix.c, the two production tables: what both need where the C library's form is
 * variadic, or a variable. */
#ifndef BLIVET_ADAPTERS_H
#define BLIVET_ADAPTERS_H
#include "ops.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>

/* musl's open makes a second call for kernels that do not know O_CLOEXEC; its openat does not. */
static int open_3(const char *path, int flags, mode_t mode) { return openat(AT_FDCWD, path, flags, mode); }
static int fcntl_3(int fd, int command, int argument) { return fcntl(fd, command, argument); }
#ifdef __GLIBC__
static int getrlimit_2(int resource, struct rlimit *limit)
{
    return getrlimit((__rlimit_resource_t)resource, limit);
}
#define getrlimit getrlimit_2
#endif
/* glibc's eaccess asks for four ids before each call. */
static int eaccess_by_faccessat(const char *path, int mode) { return faccessat(AT_FDCWD, path, mode, AT_EACCESS); }
static int ids_differ(void) { return getuid() != geteuid() || getgid() != getegid(); }
static char **read_environ(void) { return environ; }
static void write_environ(char **entries) { environ = entries; }
static int columns_by_ioctl(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : -1;
}
static void nobody_watches(int step) { (void)step; }

#define fcntl fcntl_3
#define eaccess eaccess_by_faccessat
#define environment read_environ
#define set_environment write_environ
#define terminal_columns columns_by_ioctl
#define enter_step nobody_watches
#endif
