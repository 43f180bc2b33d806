/* test_check_read.c - daemoncheck reads /proc: every call may fail, and /proc may say what it likes (CHK-1 to CHK-3). */
#include "unit.h"
#include "../../cli/check_judge.h"
#include "../../cli/check_read.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* ---- the C library, with one call that fails, and some files that are others ---- */

static struct {
    const char *call;
    int nth, error, count;
} fault;
static struct {
    const char *ending; /* of a path */
    int nth;            /* 0: each time */
    const char *text;   /* what is read in its place */
    int count;
} forged;
static char forgery[96];
static int allocations;
static uid_t owner_of_folders; /* (uid_t)-1: as it is */
static char folder[64], pidfile[80];
static struct {
    const char *foreign; /* the ending of a place that is another user's, NULL: none */
    const char *text;    /* what the link in the folder says, NULL: as it is */
    mode_t mode;         /* of the folder, 0: 0755 */
    int links;           /* that link was read so often */
} way;

static bool strikes(const char *call)
{
    if (!fault.call || strcmp(fault.call, call) != 0 || ++fault.count != fault.nth)
        return false;
    errno = fault.error;
    return true;
}

static bool ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    return length >= tail && strcmp(path + length - tail, ending) == 0;
}

static int hidden; /* the errno of what /proc says of descriptors; 0: it says it */

static int open_another(const char *path, int flags, mode_t mode)
{
    if (hidden && strstr(path, "/fdinfo/")) {
        errno = hidden;
        return -1;
    }
    if (!(flags & O_DIRECTORY)) /* a FIFO holds nobody up, a terminal is not acquired, nothing is changed */
        assert_int_equal(flags, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (strikes("open"))
        return -1;
    bool other = forged.ending && ends_in(path, forged.ending) && (++forged.count == forged.nth || forged.nth == 0);
    return blivet_libc.open(other ? forgery : path, flags, mode);
}

static bool slowly;     /* a byte at a time */
static bool long_links; /* each target is longer than there is room for */

static ssize_t read_or_fail(int fd, void *bytes, size_t count)
{
    count = slowly ? 1 : count;
    return strikes("read") ? -1 : blivet_libc.read(fd, bytes, count);
}

static ssize_t readlink_or_fail(const char *path, char *bytes, size_t count)
{
    way.links += ends_in(path, "/link");
    if (long_links) {
        memset(bytes, 'y', count);
        return (ssize_t)count;
    }
    if (way.text && ends_in(path, "/link")) {
        memcpy(bytes, way.text, strlen(way.text));
        return (ssize_t)strlen(way.text);
    }
    return strikes("readlink") ? -1 : blivet_libc.readlink(path, bytes, count);
}

static int tell(const char *path, int result, struct stat *file)
{
    if (result == 0 && S_ISDIR(file->st_mode) && owner_of_folders != (uid_t)-1) {
        file->st_uid = owner_of_folders;
        file->st_mode = S_IFDIR | (way.mode && ends_in(path, folder) ? way.mode : 0755);
    }
    if (result == 0 && way.foreign && ends_in(path, way.foreign))
        file->st_uid = 44;
    return result;
}

static int stat_or_fail(const char *path, struct stat *file)
{
    return tell(path, strikes("stat") ? -1 : blivet_libc.stat(path, file), file);
}

static int lstat_or_fail(const char *path, struct stat *file)
{
    return tell(path, strikes("lstat") ? -1 : blivet_libc.lstat(path, file), file);
}

static char *getcwd_or_fail(char *path, size_t size)
{
    return strikes("getcwd") ? NULL : blivet_libc.getcwd(path, size);
}

static ssize_t getdents_or_fail(int fd, void *bytes, size_t count)
{
    return strikes("getdents") ? -1 : blivet_libc.getdents(fd, bytes, count);
}

static void *count_memory(size_t count, size_t size)
{
    if (strikes("calloc"))
        return NULL;
    allocations++;
    return calloc(count, size);
}

static void count_free(void *memory)
{
    allocations -= memory != NULL;
    free(memory);
}

static uid_t be_somebody(void) { return 1000; }

static struct blivet_ops table(void)
{
    struct blivet_ops ops = blivet_libc;
    ops.open = open_another;
    ops.read = read_or_fail;
    ops.readlink = readlink_or_fail;
    ops.stat = stat_or_fail;
    ops.lstat = lstat_or_fail;
    ops.getcwd = getcwd_or_fail;
    ops.getdents = getdents_or_fail;
    ops.calloc = count_memory;
    ops.free = count_free;
    ops.geteuid = be_somebody;
    return ops;
}

/* ---- one look ---- */

static struct check_facts facts;
static struct blivet_error error;

static int prepare(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_check_read.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(pidfile, sizeof pidfile, "%s/pid", folder);
    snprintf(forgery, sizeof forgery, "%s/forgery", folder);
    FILE *file = fopen(pidfile, "w");
    fprintf(file, "%d\n", (int)getpid());
    return fclose(file);
}

static int tidy(void **state)
{
    (void)state;
    unlink(forgery);
    unlink(pidfile);
    return rmdir(folder);
}

/* Nothing stays open, and no memory is lost. */
static int look(pid_t pid, const char *path)
{
    const struct blivet_ops ops = table();
    int before = dup(0);
    close(before);
    memset(&facts, 0, sizeof facts);
    memset(&error, 0, sizeof error);
    int code = check_read(&facts, pid, path, &ops, &error);
    int after = dup(0);
    close(after);
    assert_int_equal(after, before);
    assert_true(code == 0 || error.message[0] != '\0');
#ifdef BLIVET_PORTABLE /* it says what is missing, and has nothing else to look at */
    assert_int_equal(code, 71);
    assert_string_equal(error.message, "/proc: is not as Linux has it, or is not mounted");
    print_message("skipped: no /proc in this build\n");
    skip();
#endif
    return code;
}

static void done(void)
{
    const struct blivet_ops ops = table();
    check_free(&facts, &ops);
    assert_int_equal(allocations, 0);
    fault.call = NULL;
    forged.ending = NULL;
    owner_of_folders = (uid_t)-1;
    memset(&way, 0, sizeof way);
}

static int wrong_points(void)
{
    struct check_report report;
    check_judge(&facts, &report);
    return (int)report.counts[CHECK_WRONG];
}

static void forge(const char *ending, int nth, const char *text)
{
    FILE *file = fopen(forgery, "w");
    fputs(text, file);
    fclose(file);
    forged.ending = ending;
    forged.nth = nth;
    forged.count = 0;
}

/* ---- tests ---- */

static void a_process_is_seen_whole(void **state)
{
    (void)state;
    char program[PATH_MAX] = "";
    assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0); /* an emulator's loader, perhaps */
    owner_of_folders = (uid_t)-1;
    assert_int_equal(look(0, pidfile), 0);
    assert_int_equal(facts.stat.pid, getpid());
    assert_int_equal(facts.pidfile.named, getpid());
    assert_int_equal(facts.pidfile.content, CHECK_PID_AND_NEWLINE);
    assert_true(facts.fds_seen && facts.directory_seen && facts.pidfile.locks_seen && facts.parent.alive);
    assert_true(facts.fd_count > 2);
    assert_string_equal(facts.program, program);
    done();
}

static void the_lock_of_the_pidfile_is_found_among_all(void **state)
{
    (void)state;
    char locks[160];
    struct stat file;
    assert_int_equal(stat(pidfile, &file), 0);
    snprintf(locks, sizeof locks,
             "1: FLOCK  ADVISORY  WRITE 7 00:00:1 0 EOF\n2: FLOCK  ADVISORY  WRITE 4711 %02x:%02x:%llu 0 EOF\n",
             major(file.st_dev), minor(file.st_dev), (unsigned long long)file.st_ino);
    forge("/proc/locks", 0, locks);
    assert_int_equal(look(getpid(), pidfile), 0);
    assert_true(facts.pidfile.locks_seen);
    assert_int_equal(facts.pidfile.locker, 4711);
    done();
}

static bool is_same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino && one->st_mode == other->st_mode;
}

static void each_descriptor_is_seen_as_it_is(void **state)
{
    (void)state;
    enum { SOME = 40 };
    int copies[SOME];
    char here[CHECK_NAME], link[32], target[CHECK_NAME];
    struct stat file;
    size_t listed = 0;
    for (int i = 0; i < SOME; i++)
        assert_true((copies[i] = open(i % 2 ? pidfile : "/dev/null", i % 3 ? O_RDONLY | O_CLOEXEC : O_RDWR)) > 2);
    assert_int_equal(look(getpid(), NULL), 0);
    for (size_t i = 0; i < facts.fd_count; i++) {
        const struct check_fd *fd = &facts.fds[i];
        if (fstat(fd->number, &file) != 0) /* that of the listing */
            continue;
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd->number);
        memset(target, 0, sizeof target);
        assert_true(readlink(link, target, sizeof target - 1) > 0);
        assert_string_equal(fd->target, target);
        assert_true(is_same(&fd->file, &file));
        for (int which = 0; which < SOME; which++)
            if (fd->number == copies[which]) {
                assert_int_equal(fd->info.flags & (O_ACCMODE | O_CLOEXEC), which % 3 ? O_RDONLY | O_CLOEXEC : O_RDWR);
                listed++;
            }
    }
    assert_int_equal(listed, SOME);
    for (int i = 0; i < SOME; i++)
        close(copies[i]);
    assert_string_equal(facts.directory, getcwd(here, sizeof here));
    assert_string_equal(facts.root, "/");
    assert_int_equal(stat(".", &file), 0);
    assert_true(is_same(&facts.directory_file, &file));
    assert_int_equal(readlink("/proc/self/exe", here, sizeof here), strlen(facts.program));
    assert_int_equal(facts.observer, 1000);
    assert_false(facts.waits_for_signal);
    assert_null(facts.pidfile.path);
    done();
}

static void whom_there_is_not_is_said(void **state)
{
    (void)state;
    const struct {
        pid_t pid;
        const char *path;
        int code;
        const char *message;
    } cases[] = {
        { 2147483647, NULL, 69, "process: 2147483647: does not exist" },
        { 0, "/no/such file", 66, "pidfile: /no/such file: no such file or directory" },
        { getpid(), "/no/such file", 66, "pidfile: /no/such file: no such file or directory" },
        { 0, "/dev/null", 66, "pidfile: /dev/null: is not a regular file" },
        { getpid(), folder, 66, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(look(cases[i].pid, cases[i].path), cases[i].code);
        if (cases[i].code == 69 || strstr(error.message, ": is not a regular file"))
            assert_int_equal(error.system_errno, 0);
        if (cases[i].message)
            assert_string_equal(error.message, cases[i].message);
        done();
    }
}

static void memory_may_end_within_a_long_text(void **state)
{
    (void)state;
    static char mounts[40000];
    memset(mounts, 'x', sizeof mounts - 1);
    for (int nth = 1, fired = 1; fired; nth++) {
        forge("/mountinfo", 0, mounts);
        fault.call = "calloc";
        fault.nth = nth;
        fault.error = ENOMEM;
        fault.count = 0;
        int code = look(getpid(), NULL);
        fired = fault.count >= nth;
        assert_true(code == 0 || code == 69 || code == 71);
        done();
    }
}

/* Root in a container can list the numbers, and no more; what is closed in the meantime hides nothing. */
static void descriptors_that_are_hidden_are_not_seen(void **state)
{
    (void)state;
    static const int errors[] = { EACCES, EPERM, ENOENT };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        hidden = errors[i];
        int code = look(getpid(), NULL);
        hidden = 0;
        assert_int_equal(code, 0);
        assert_int_equal(facts.fd_count, 0);
        assert_int_equal(facts.fds_seen, errors[i] == ENOENT);
        done();
    }
    int zero = fcntl(0, F_DUPFD_CLOEXEC, 0), none = open("/dev/null", O_RDONLY);
    dup2(none, 0);
    assert_int_equal(look(getpid(), NULL), 0);
    assert_int_equal(facts.fds[0].number, 0); /* the first of them is one too */
    if (zero >= 0)
        dup2(zero, 0);
    close(zero);
    close(none);
    done();
}

/* Not even one that is told far down, when memory ends. */
static void a_lock_is_never_taken_for_none(void **state)
{
    (void)state;
    static char locks[20000];
    struct stat file;
    assert_int_equal(stat(pidfile, &file), 0);
    memset(locks, 'x', sizeof locks - 1);
    snprintf(locks + 19000, sizeof locks - 19000, "\n1: FLOCK  ADVISORY  WRITE 4711 %02x:%02x:%llu 0 EOF\n",
             major(file.st_dev), minor(file.st_dev), (unsigned long long)file.st_ino);
    for (int reads = 0; reads < 2; reads++)
        for (int nth = 1, fired = 1; fired; nth++) {
            forge("/proc/locks", 0, locks);
            fault.call = reads ? "read" : "calloc";
            fault.nth = nth;
            fault.error = reads ? EIO : ENOMEM;
            fault.count = 0;
            if (look(getpid(), pidfile) == 0)
                assert_true(!facts.pidfile.locks_seen || facts.pidfile.locker == 4711);
            fired = fault.count >= nth;
            done();
        }
}

static void what_comes_byte_by_byte_is_read_whole(void **state)
{
    (void)state;
    slowly = true;
    int code = look(0, pidfile);
    slowly = false;
    assert_int_equal(code, 0);
    assert_int_equal(facts.stat.pid, getpid());
    assert_true(facts.fds_seen && facts.parent.alive);
    assert_string_equal(facts.mount_point[0] == '/' ? "/" : "", "/");
    done();
}

static void a_directory_that_all_may_write_is_open_unless_it_is_sticky(void **state)
{
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++) {
        owner_of_folders = (uid_t)-1;
        assert_int_equal(chmod(folder, sticky ? 01777 : 0777), 0);
        int code = look(0, pidfile);
        assert_int_equal(chmod(folder, 0700), 0);
        assert_int_equal(code, 0);
        assert_int_equal(facts.pidfile.open_mode, !sticky);
        if (!sticky)
            assert_string_equal(facts.pidfile.open_to, folder);
        done();
    }
}

static void a_name_that_is_too_long_is_cut(void **state)
{
    (void)state;
    long_links = true;
    int code = look(getpid(), NULL);
    long_links = false;
    assert_int_equal(code, 0);
    assert_int_equal(strlen(facts.program), CHECK_NAME - 1);
    assert_int_equal(strlen(facts.directory), CHECK_NAME - 1);
    assert_int_equal(strlen(facts.root), CHECK_NAME - 1);
    for (size_t i = 0; i < facts.fd_count; i++)
        assert_int_equal(strlen(facts.fds[i].target), CHECK_NAME - 1);
    done();
}

static void a_pidfile_that_cannot_be_read_says_why(void **state)
{
    (void)state;
    char want[160];
    fault.call = "open"; /* behind that of our own entry in /proc */
    fault.nth = 2;
    fault.error = EACCES;
    fault.count = 0;
    assert_int_equal(look(0, pidfile), 66);
    snprintf(want, sizeof want, "pidfile: %s: permission denied", pidfile);
    assert_string_equal(error.message, want);
    done();
}

static void with_stdin_closed_all_is_seen(void **state)
{
    (void)state;
    int zero = fcntl(0, F_DUPFD_CLOEXEC, 3);
    close(0);
    int code = look(0, pidfile);
    dup2(zero, 0);
    close(zero);
    assert_int_equal(code, 0);
    assert_true(facts.fds_seen && facts.directory_seen && facts.pidfile.locks_seen && facts.parent.alive);
    done();
}

static void memory_for_the_descriptors_may_be_none(void **state)
{
    (void)state;
    int told = 0;
    for (int nth = 1, fired = 1; fired; nth++) {
        fault.call = "calloc";
        fault.nth = nth;
        fault.error = ENOMEM;
        fault.count = 0;
        if (look(getpid(), NULL) == 71)
            told += strcmp(error.message, "memory: cannot allocate memory") == 0;
        fired = fault.count >= nth;
        done();
    }
    assert_true(told > 0);
}

/* What fails is not seen, or is the error; it never makes a process better or worse than it is. */
static void each_call_may_fail(void **state)
{
    (void)state;
    static const char *const calls[] = { "open", "read", "readlink", "stat", "lstat", "getdents", "calloc" };
    static const int errors[] = { EACCES, EINTR, EPERM };
    assert_int_equal(look(0, pidfile), 0);
    int wrong = wrong_points();
    done();
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (int kind = 0; kind < (i < 2 ? 3 : 1); kind++)
            for (int nth = 1, fired = 1; fired; nth++) {
                fault.call = calls[i];
                fault.nth = nth;
                fault.error = errors[kind];
                fault.count = 0;
                int code = look(0, pidfile);
                fired = fault.count >= nth;
                assert_true(code == 0 || code == 66 || code == 69 || code == 71);
                if (kind == 1 || !fired)
                    assert_int_equal(code, 0);
                if (code == 0)
                    assert_in_range(wrong_points(), 0, wrong + 1); /* a descriptor not seen counts as closed */
                done();
            }
}

static void what_proc_says_is_judged_before_it_is_believed(void **state)
{
    (void)state;
    static const char other[] = "1 (x) S 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0 0";
    /* ours, the process's, its parent's, its session leader's, and again; those outside the PID namespace have none */
    assert_int_equal(look(0, pidfile), 0);
    const int again = 3 + (facts.stat.parent > 0) + (facts.stat.session > 0);
    done();
    const struct {
        const char *ending;
        int nth;
        const char *text;
        int code;
        const char *message;
    } cases[] = {
        { "/stat", 1, "nonsense", 71, "/proc: is not as Linux has it, or is not mounted" },
        { "/stat", 2, "nonsense", 69, "does not exist" },
        { "/stat", 2, "1 (x) Z 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0 0", 69, "has ended, and its parent" },
        { "/stat", 2, "1 (x) Z 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 5 0 0", 69, "has ended, and its parent" },
        { "/stat", 2, "1 (x) Z 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 2 0 5 0 0", 69, "goes on without its first thread" },
        { "/stat", again, other, 69, "has ended while it was looked at" },
        { "/stat", again, "", 69, "has ended while it was looked at" },
        { "/status", 1, "nonsense", 69, "has ended while it was looked at" },
        { "/pid", 0, "0\n", 66, "names no process" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        forge(cases[i].ending, cases[i].nth, cases[i].text);
        assert_int_equal(look(0, pidfile), cases[i].code);
        assert_contains(error.message, cases[i].message);
        assert_int_equal(error.system_errno, 0); /* no call has failed */
        done();
    }
}

static void a_thread_is_no_process(void **state)
{
    (void)state;
    char whole[96];
    forge("/status", 0,
          "Name:\tx\nUmask:\t0022\nTgid:\t7\nUid:\t0 0 0 0\nGid:\t0 0 0 0\nGroups:\t\nThreads:\t2\n"
          "SigBlk:\t0\nSigIgn:\t0\nCapInh:\t0\nCapPrm:\t0\nCapEff:\t0\nCapAmb:\t0\nNoNewPrivs:\t0\n");
    assert_int_equal(look(getpid(), NULL), 69);
    snprintf(whole, sizeof whole, "process: %d: is a thread of process 7: ask about that one", (int)getpid());
    assert_string_equal(error.message, whole);
    done();
}

static void relatives_may_be_none_or_dead(void **state)
{
    (void)state;
    char stat[128];
    forge("/stat", 3, "9 (x) Z 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0 0");
    assert_int_equal(look(0, pidfile), 0);
    assert_false(facts.parent.alive);
    done();
    forge("/stat", 3, "9 (x) Z 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 2 0 5 0 0"); /* without its first thread */
    assert_int_equal(look(0, pidfile), 0);
    assert_true(facts.parent.alive);
    done();
    snprintf(stat, sizeof stat, "%d (x) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0 0", (int)getpid());
    forge("/stat", 0, stat);
    assert_int_equal(look(0, pidfile), 0);
    assert_false(facts.parent.alive || facts.leader.alive);
    done();
    snprintf(stat, sizeof stat, "%d (x) S 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0 0", (int)getpid());
    forge("/stat", 0, stat);
    assert_int_equal(look(0, pidfile), 0);
    assert_true(facts.parent.alive && facts.leader.alive); /* init is one too */
    done();
}

static void long_texts_and_strange_ones_are_read(void **state)
{
    (void)state;
    static char mounts[40000] = "1 0 8:1 / /nowhere rw\n";
    memset(mounts + strlen(mounts), ' ', sizeof mounts - 1 - strlen(mounts));
    strcpy(mounts + sizeof mounts - 40, "\n1 0 8:1 / / rw - ext4 x rw\n");
    forge("/mountinfo", 0, mounts);
    assert_int_equal(look(0, pidfile), 0);
    assert_string_equal(facts.mount_point, "/");
    done();
    forge("/mountinfo", 0, "1 0 8:1 / /nowhere rw\n");
    assert_int_equal(look(0, pidfile), 0);
    assert_string_equal(facts.mount_point, "");
    done();
    forge("/wchan", 0, "do_sigtimedwait");
    assert_int_equal(look(0, pidfile), 0);
    assert_true(facts.waits_for_signal);
    done();
    forge("/fdinfo/0", 0, "nonsense");
    assert_int_equal(look(0, pidfile), 0);
    assert_true(facts.fds_seen);
    for (size_t i = 0; i < facts.fd_count; i++)
        assert_int_not_equal(facts.fds[i].number, 0);
    done();
    memset(mounts, '7', sizeof mounts - 1); /* as a pidfile: no more of it is read than a pid needs */
    forge("/pid", 0, mounts);
    assert_int_equal(look(0, pidfile), 66);
    done();
}

static void whoever_can_replace_the_pidfile_is_named(void **state)
{
    (void)state;
    char here[256];
    static const struct {
        uid_t owner;
        bool open;
    } cases[] = { { 0, false }, { 1000, false }, { 44, true } };
    assert_non_null(getcwd(here, sizeof here));
    for (size_t i = 0; i < 3; i++)
        for (int relative = 0; relative < 4; relative++) {
            static const char *const paths[] = { NULL, "pid", "./pid", "././pid" };
            owner_of_folders = cases[i].owner;
            assert_int_equal(chdir(folder), 0);
            assert_int_equal(look(0, relative ? paths[relative] : pidfile), 0);
            assert_int_equal(chdir(here), 0);
            assert_int_equal(*facts.pidfile.open_to != '\0', cases[i].open);
            assert_int_equal(facts.pidfile.open_owner, cases[i].owner);
            done();
        }
}

/* Below the folder: a/b/pid and c/pid, and links to a/b. */
static const char *below(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s%s", folder, name);
    return path;
}

static void build_ways(void)
{
    char whole[128];
    assert_int_equal(mkdir(below("/a"), 0755) | mkdir(below("/a/b"), 0755) | mkdir(below("/c"), 0755), 0);
    strcpy(whole, below("/a/b/pid"));
    assert_int_equal(rename(pidfile, whole), 0);
    assert_int_equal(close(creat(below("/c/pid"), 0644)), 0);
    assert_int_equal(symlink("a/b", below("/link")) | symlink("c/second", below("/first")), 0);
    assert_int_equal(symlink("../a//b", below("/c/second")), 0);
    strcpy(whole, below("/a/b"));
    assert_int_equal(symlink(whole, below("/whole")), 0);
}

static void remove_ways(void)
{
    static const char *const files[] = { "/link", "/first", "/c/second", "/whole", "/c/pid" };
    static const char *const folders[] = { "/a/b", "/a", "/c" };
    char whole[128];
    strcpy(whole, below("/a/b/pid"));
    assert_int_equal(rename(whole, pidfile), 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_int_equal(unlink(below(files[i])), 0);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        assert_int_equal(rmdir(below(folders[i])), 0);
}

/* By a path that begins with "/" for the folder, or from a directory below that. */
static void look_by(const char *from, const char *path)
{
    char here[256];
    char whole[128];
    strcpy(whole, below(path));
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(below(from)), 0);
    owner_of_folders = 0;
    int code = look(getpid(), *path == '/' ? whole : path);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(code, 0);
}

static void each_directory_that_the_kernel_goes_through_is_looked_at(void **state)
{
    (void)state;
    static const struct {
        const char *from, *path, *foreign;
        mode_t mode;
        bool open;
    } cases[] = {
        { "", "/a/b/pid", "/a", 0, true },
        { "", "/a/b/pid", "/c", 0, false },
        { "/a/b", "pid", "/a", 0, true },
        { "/a/b", "pid", "/c", 0, false },
        { "/a/b", "./../b//pid", "/a", 0, true },
        { "", "/link/pid", "/a/b", 0, true },
        { "", "/link/pid", "/a", 0, true },
        { "", "/link/pid", "/c", 0, false },
        { "", "/link/pid", "/pid", 0, false }, /* another point's */
        { "", "/whole/pid", "/a", 0, true },
        { "", "/first/pid", "/c", 0, true }, /* which holds the link that the first one leads to */
        { "", "/first/pid", "/a", 0, true },
        { "/c", "second/pid", "/a", 0, true },
        { "/c", "second/pid", "/c", 0, true },
        { "", "/link/pid", "/link", 0, false }, /* its owner cannot replace it */
        { "", "/link/pid", "/link", 01777, true },
        { "", "/link/pid", "/link", 01720, true },
        { "", "/link/pid", "/link", 01702, true },
        { "", "/link/pid", "/link", 01755, false },
        { "", "/link/pid", "/c", 01777, false },
        { "/c", "second/pid", "/second", 01777, false },
    };
    build_ways();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        way.foreign = cases[i].foreign;
        way.mode = cases[i].mode;
        look_by(cases[i].from, cases[i].path);
        assert_true(facts.pidfile.place_seen);
        assert_int_equal(*facts.pidfile.open_to != '\0', cases[i].open);
        if (cases[i].open) {
            assert_true(ends_in(facts.pidfile.open_to, cases[i].foreign));
            assert_int_equal(facts.pidfile.open_owner, 44);
            assert_false(facts.pidfile.open_mode);
        }
        done();
    }
    remove_ways();
}

static void a_directory_that_others_may_write_is_open_however_one_comes_there(void **state)
{
    (void)state;
    static const char *const ways[][2] = { { "", "/a/b/pid" }, { "/a/b", "pid" }, { "", "/first/pid" } };
    static const struct {
        mode_t mode;
        bool open;
    } cases[] = { { 0777, true }, { 0720, true }, { 0702, true }, { 01777, false }, { 07755, false }, { 0755, false } };
    build_ways();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t which = 0; which < sizeof ways / sizeof ways[0]; which++) {
            way.mode = cases[i].mode;
            look_by(ways[which][0], ways[which][1]);
            assert_true(facts.pidfile.place_seen);
            assert_int_equal(facts.pidfile.open_mode, cases[i].open);
            assert_string_equal(facts.pidfile.open_to, cases[i].open ? folder : "");
            assert_int_equal(facts.pidfile.open_owner, 0);
            done();
        }
    remove_ways();
}

/* A link of /proc's may lead to another root than its text, and one that changes meanwhile may lead round for ever. */
static void a_link_is_believed_only_where_it_leads_to_the_pidfile(void **state)
{
    (void)state;
    static const char *const texts[] = { "/nowhere", "", "/c" };
    char whole[128];
    build_ways();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (int foreign = 0; foreign < 3; foreign++) {
            strcpy(whole, i == 2 ? below(texts[i]) : texts[i]);
            way.text = whole;
            way.foreign = foreign == 0 ? NULL : foreign == 1 ? "/a" : "/link";
            look_by("", "/link/pid");
            assert_true(facts.pidfile.place_seen);
            assert_string_equal(facts.pidfile.open_to, foreign == 2 ? below("/link") : "");
            done();
        }
    strcpy(whole, below("/link"));
    way.text = whole;
    look_by("", "/link/pid");
    assert_true(facts.pidfile.place_seen);
    assert_string_equal(facts.pidfile.open_to, "");
    assert_int_equal(way.links, 40);
    done();
    remove_ways();
}

/* The kernel follows it all the same: it never has the whole way in one piece. */
static void a_way_that_is_too_long_to_be_written_down_is_not_seen(void **state)
{
    (void)state;
    static char text[PATH_MAX];
    build_ways();
    for (int i = 0; i < 4; i++) {
        const bool fits = i & 1, relative = i & 2; /* to the folder that the link is in */
        size_t length = sizeof text - strlen("/pid") - (fits ? 1 : 0) - (relative ? strlen(below("/")) : 0);
        const char *place = relative ? "a/b" : below("/a/b");
        memset(text, '/', length);
        memcpy(text, place, strlen(place));
        text[length] = '\0';
        way.text = text;
        look_by("", "/link/pid");
        assert_int_equal(facts.pidfile.place_seen, fits);
        done();
    }
    remove_ways();
}

static void a_way_that_cannot_be_looked_along_is_not_seen(void **state)
{
    (void)state;
    static const struct {
        const char *call, *path, *text;
        int nth;
    } cases[] = {
        { "getcwd", "pid", NULL, 1 },           { "stat", "pid", NULL, 2 },
        { "lstat", "/a/b/pid", NULL, 2 },       { "lstat", "/a/b/pid", NULL, 4 },
        { "stat", "/link/pid", "/nowhere", 4 },
    };
    build_ways();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fault.call = cases[i].call;
        fault.nth = cases[i].nth;
        fault.error = EACCES;
        fault.count = 0;
        way.text = cases[i].text;
        look_by("/a/b", cases[i].path);
        assert_int_equal(fault.count >= fault.nth, true);
        assert_false(facts.pidfile.place_seen);
        done();
    }
    remove_ways();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CHK-3 CHK-4", a_process_is_seen_whole),
        CLAIM("CHK-3 CHK-4", each_descriptor_is_seen_as_it_is),
        CLAIM("CHK-6", the_lock_of_the_pidfile_is_found_among_all),
        CLAIM("CHK-1", whom_there_is_not_is_said),
        CLAIM("CHK-3", descriptors_that_are_hidden_are_not_seen),
        CLAIM("CHK-3 CHK-6", a_lock_is_never_taken_for_none),
        CLAIM("CHK-3", what_comes_byte_by_byte_is_read_whole),
        CLAIM("CHK-6", a_directory_that_all_may_write_is_open_unless_it_is_sticky),
        CLAIM("CHK-4", a_name_that_is_too_long_is_cut),
        CLAIM("CHK-1", a_pidfile_that_cannot_be_read_says_why),
        CLAIM("CHK-3", with_stdin_closed_all_is_seen),
        CLAIM("CHK-3", memory_for_the_descriptors_may_be_none),
        CLAIM("CHK-3", memory_may_end_within_a_long_text),
        CLAIM("CHK-3", each_call_may_fail),
        CLAIM("CHK-1 CHK-7", what_proc_says_is_judged_before_it_is_believed),
        CLAIM("CHK-1", a_thread_is_no_process),
        CLAIM("CHK-4", relatives_may_be_none_or_dead),
        CLAIM("CHK-4 CHK-7", long_texts_and_strange_ones_are_read),
        CLAIM("CHK-6", whoever_can_replace_the_pidfile_is_named),
        CLAIM("CHK-6", each_directory_that_the_kernel_goes_through_is_looked_at),
        CLAIM("CHK-6", a_directory_that_others_may_write_is_open_however_one_comes_there),
        CLAIM("CHK-6", a_link_is_believed_only_where_it_leads_to_the_pidfile),
        CLAIM("CHK-3 CHK-6", a_way_that_cannot_be_looked_along_is_not_seen),
        CLAIM("CHK-3 CHK-6", a_way_that_is_too_long_to_be_written_down_is_not_seen),
    };
    return cmocka_run_group_tests_name("check_read", tests, prepare, tidy);
}
