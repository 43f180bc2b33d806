/* table.c - see table.h. */
#include "table.h"
#include "../../faults/inject.h"
#include "../../syscall/trace.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void give_up(const char *what)
{
    perror(what);
    exit(125);
}

static char *map_file(const char *path, size_t *size)
{
    struct stat file;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file) != 0)
        give_up(path);
    *size = (size_t)file.st_size;
    void *memory = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED || *size <= TORTURE_TRACE_AT)
        give_up(path);
    close(fd);
    return memory;
}

const struct blivet_ops *torture_table(void)
{
    const char *path = getenv("TORTURE_MEMORY"), *faults = getenv("TORTURE_FAULTS");
    const struct blivet_ops *ops = &blivet_libc;
    size_t size = 0;
    char *memory = path ? map_file(path, &size) : NULL;
    if (faults && !inject_faults(faults, (struct inject_count *)(void *)memory))
        give_up("TORTURE_FAULTS");
    ops = inject_into(ops);
    if (memory)
        ops = blivet_trace_on(memory + TORTURE_TRACE_AT, size - TORTURE_TRACE_AT, ops);
    unsetenv("TORTURE_MEMORY");
    unsetenv("TORTURE_FAULTS");
    return ops;
}
