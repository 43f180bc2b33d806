/* check_judge.c - what is right of a daemon, what is notable, what is wrong, each with one clause why (CHK-3).  Pure. */
#include "check_judge.h"
#include "../core/internal.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

__attribute__((format(printf, 5, 6)))
static void add(struct check_report *report, enum check_judgement judgement, const char *name, const char *why,
                const char *format, ...)
{
    struct check_point *point = &report->points[report->count++];
    va_list arguments;
    point->name = name;
    point->why = why;
    point->judgement = judgement;
    va_start(arguments, format);
    vsnprintf(point->found, sizeof point->found, format, arguments);
    va_end(arguments);
    report->counts[judgement]++;
}

static void unseen(struct check_report *report, const char *name)
{
    add(report, CHECK_UNSEEN, name, "only its own user and root can look", "not seen");
}

/* ---- where it stands among the processes ---- */

static void judge_session(const struct check_facts *facts, struct check_report *report)
{
    const struct check_stat *stat = &facts->stat;
    if (stat->session == stat->pid)
        add(report, CHECK_NOTABLE, "session", "opening a terminal without O_NOCTTY would make it the controlling one",
            "is the session leader");
    else if (stat->session == 0)
        add(report, CHECK_RIGHT, "session", "it does not lead it", "of a leader outside of this PID namespace");
    else if (facts->leader.alive)
        add(report, CHECK_NOTABLE, "session", "a terminal that the leader acquires would be its own too",
            "session of %s (pid %d), which lives", facts->leader.stat.name, (int)stat->session);
    else
        add(report, CHECK_RIGHT, "session", "no terminal can become its controlling one",
            "session %d, whose leader has ended", (int)stat->session);
}

static void judge_terminal(const struct check_facts *facts, struct check_report *report)
{
    unsigned tty = facts->stat.tty, number = (tty & 0xff) | (tty >> 12 & 0xfff00), driver = tty >> 8 & 0xfff;
    const char *why = "hang-up and the keyboard's signals reach it";
    if (tty == 0)
        add(report, CHECK_RIGHT, "terminal", "no hang-up, no keyboard signals", "none");
    else if (driver >= 136 && driver <= 143)
        add(report, CHECK_WRONG, "terminal", why, "has /dev/pts/%u", (driver - 136) * 256 + number);
    else if (driver == 4 && number < 64)
        add(report, CHECK_WRONG, "terminal", why, "has /dev/tty%u", number);
    else
        add(report, CHECK_WRONG, "terminal", why, "has the terminal with device number %u:%u", driver, number);
}

/* /proc does not say who is a subreaper.  An orphan has a parent of another session than its own, as has a session
 * leader; so has a child whose parent called setsid() after the fork, which no daemon is known for. */
static void judge_parent(const struct check_facts *facts, struct check_report *report)
{
    const struct check_stat *stat = &facts->stat, *parent = &facts->parent.stat;
    if (stat->parent == 1)
        add(report, CHECK_RIGHT, "parent", "its death is noticed and it leaves no zombie", "init");
    else if (stat->parent == 0)
        add(report, CHECK_RIGHT, "parent", "it is the init of its PID namespace, or was put into it",
            "outside of this PID namespace");
    else if (!facts->parent.alive)
        add(report, CHECK_NOTABLE, "parent", "it has just changed", "pid %d, which is gone", (int)stat->parent);
    else if (parent->session == stat->session)
        add(report, CHECK_WRONG, "parent", "it was not detached, or it is a daemon's worker: then ask about that one",
            "is still the child of %s (pid %d), in one session", parent->name, (int)stat->parent);
    else if (stat->session != stat->pid)
        add(report, CHECK_RIGHT, "parent", "a subreaper adopts as init does", "%s (pid %d), which has adopted it",
            parent->name, (int)stat->parent);
    else
        add(report, CHECK_NOTABLE, "parent", "either a subreaper or the one that started it: /proc does not tell which",
            "%s (pid %d)", parent->name, (int)stat->parent);
}

/* ---- files ---- */

/* True where a file that it has open is on the same file system, which is kept busy anyway. */
static bool has_file_there(const struct check_facts *facts)
{
    for (size_t i = 0; i < facts->fd_count; i++)
        if (S_ISREG(facts->fds[i].file.st_mode) && facts->fds[i].file.st_dev == facts->directory_file.st_dev)
            return true;
    return false;
}

static void judge_directory(const struct check_facts *facts, struct check_report *report)
{
    static const char name[] = "directory";
    const char *directory = facts->directory, *mount = facts->mount_point;
    if (!facts->directory_seen)
        unseen(report, name);
    else if (strcmp(directory, facts->root) == 0)
        add(report, CHECK_RIGHT, name, "no file system is kept busy", "%s", directory);
    else if (facts->directory_file.st_nlink == 0)
        add(report, CHECK_WRONG, name, "no relative path works", "%s", directory);
    else if (*mount == '\0')
        add(report, CHECK_NOTABLE, name, "which file system it keeps busy is not known", "%s", directory);
    else if (strcmp(mount, "/") == 0)
        add(report, CHECK_RIGHT, name, "on the root file system, which is never unmounted", "%s", directory);
    else if (has_file_there(facts))
        add(report, CHECK_NOTABLE, name, "it has files open there, which keep it busy anyway", "%s, on the mount %s",
            directory, mount);
    else
        add(report, CHECK_WRONG, name, "that file system cannot be unmounted, and nothing it has open is there",
            "%s, on the mount %s", directory, mount);
}

static void judge_umask(const struct check_facts *facts, struct check_report *report)
{
    unsigned umask = facts->status.umask;
    if (umask & 0700)
        add(report, CHECK_WRONG, "umask", "it cannot use the files that it creates", "%04o", umask);
    else if (!(umask & 02))
        add(report, CHECK_NOTABLE, "umask", "what it creates is as open to others as its code says, which must be exact",
            "%04o", umask);
    else
        add(report, CHECK_RIGHT, "umask", "others cannot write what it creates", "%04o", umask);
}

static bool is_terminal(const struct stat *file)
{
    unsigned driver = major(file->st_rdev);
    return S_ISCHR(file->st_mode) && (driver == 4 || driver == 5 || (driver >= 136 && driver <= 143));
}

static bool is_null(const struct stat *file) { return S_ISCHR(file->st_mode) && file->st_rdev == makedev(1, 3); }

static void judge_standard(const struct check_facts *facts, int number, struct check_report *report)
{
    static const char *const names[] = { "stdin", "stdout", "stderr" };
    const struct check_fd *fd = NULL;
    const char *name = names[number];
    if (!facts->fds_seen) {
        unseen(report, name);
        return;
    }
    for (size_t i = 0; i < facts->fd_count && !fd; i++)
        if (facts->fds[i].number == number)
            fd = &facts->fds[i];
    if (!fd)
        add(report, CHECK_WRONG, name, "the next file that it opens lands here", "closed");
    else if (facts->pidfile.path && blivet_same_inode(&fd->file, &facts->pidfile.file))
        add(report, CHECK_WRONG, name, "opened while this was closed: what it prints goes over the pid", "the pidfile");
    else if (is_terminal(&fd->file))
        add(report, CHECK_WRONG, name, "it fails once that terminal is gone", "%s", fd->target);
    else if (number > 0 && (fd->info.flags & O_ACCMODE) == O_RDONLY)
        add(report, CHECK_WRONG, name, "each write to it fails", "%s, for reading only", fd->target);
    else if (is_null(&fd->file))
        add(report, CHECK_RIGHT, name, "open, and leads nowhere", "%s", fd->target);
    else if (S_ISREG(fd->file.st_mode) && fd->file.st_nlink == 0)
        add(report, CHECK_NOTABLE, name, "nobody can read what is written there", "%s", fd->target);
    else if (S_ISREG(fd->file.st_mode) && number > 0)
        add(report, CHECK_RIGHT, name, "what it prints is kept", "%s", fd->target);
    else if (S_ISFIFO(fd->file.st_mode) && number > 0)
        add(report, CHECK_NOTABLE, name, "whoever waits for its end waits for the daemon; SIGPIPE once nobody reads",
            "%s", fd->target);
    else
        add(report, CHECK_NOTABLE, name, number == 0 ? "a daemon has nothing to read here" : "somebody must listen there",
            "%s", fd->target);
}

/* Of a pipe that it made to wake itself, or to see its parent's end by, a process has both ends. */
static bool has_other_end(const struct check_facts *facts, const struct check_fd *fd)
{
    for (size_t i = 0; i < facts->fd_count && S_ISFIFO(fd->file.st_mode); i++)
        if (&facts->fds[i] != fd && blivet_same_inode(&facts->fds[i].file, &fd->file) &&
            ((facts->fds[i].info.flags ^ fd->info.flags) & O_ACCMODE) != 0)
            return true;
    return false;
}

/* What is open across exec was inherited from whoever started it, or goes on to each program that it starts; which of
 * the two cannot be seen.  A lock that is held is meant so; sockets and what has no name may be. */
static bool is_stray(const struct check_facts *facts, const struct check_fd *fd)
{
    return fd->number > 2 && (is_terminal(&fd->file) ||
           (!(fd->info.flags & O_CLOEXEC) && !fd->info.locked && !S_ISSOCK(fd->file.st_mode) && !is_null(&fd->file) &&
            (fd->file.st_mode & S_IFMT) != 0 /* 0: epoll and its like */ && !has_other_end(facts, fd)));
}

static void judge_descriptors(const struct check_facts *facts, struct check_report *report)
{
    static const char name[] = "descriptors";
    const struct check_fd *first = NULL;
    size_t strays = 0, passing = 0, others = 0;
    if (!facts->fds_seen) {
        unseen(report, name);
        return;
    }
    for (size_t i = 0; i < facts->fd_count; i++) {
        const struct check_fd *fd = &facts->fds[i];
        others += fd->number > 2;
        passing += fd->number > 2 && !(fd->info.flags & O_CLOEXEC) && !fd->info.locked && !is_null(&fd->file);
        strays += is_stray(facts, fd);
        if (!first && is_stray(facts, fd))
            first = fd;
    }
    if (strays > 0)
        add(report, CHECK_WRONG, name, "without close-on-exec: inherited, or lent to each program that it starts",
            "%zu stray above 2: %d is %s", strays, first->number, first->target);
    else if (passing > 0)
        add(report, CHECK_NOTABLE, name, "without close-on-exec: inherited, or lent to each program that it starts",
            "%zu above 2, %zu of them sockets or the like that pass an exec", others, passing);
    else if (others > 0)
        add(report, CHECK_RIGHT, name, "none passes an exec but a lock", "%zu above 2", others);
    else
        add(report, CHECK_RIGHT, name, "no file, socket or pipe of others is held open", "none above 2");
}

/* ---- signals ---- */

static bool has_signal(uint64_t mask, int signal) { return mask >> (signal - 1) & 1; }

enum { ALL_SIGNALS = 2 * CHECK_NAME }; /* enough for the names of all 64 */

static const char *names_of(uint64_t mask, char *text, size_t size)
{
    size_t used = 0;
    *text = '\0';
    for (int signal = 1; signal <= 64; signal++)
        if (has_signal(mask, signal)) {
            const char *name = blivet_signal_name(signal);
            const char *comma = used ? ", " : "";
            bool known = strncmp(name, "SIG", 3) == 0; /* no real-time signal has a name */
            int length = known ? snprintf(text + used, size - used, "%s%s", comma, name)
                               : snprintf(text + used, size - used, "%s%d", comma, signal);
            used += (size_t)length;
        }
    return text;
}

static void judge_ignored(const struct check_facts *facts, struct check_report *report)
{
    static const char name[] = "ignored";
    uint64_t mask = facts->status.ignored;
    char names[ALL_SIGNALS];
    names_of(mask, names, sizeof names);
    if (has_signal(mask, SIGTERM))
        add(report, CHECK_WRONG, name, "with SIGTERM ignored, only SIGKILL stops it", "%s", names);
    else if (has_signal(mask, SIGCHLD))
        add(report, CHECK_NOTABLE, name, "if it did not choose to ignore SIGCHLD: wait() tells it nothing of its children", "%s",
            names);
    else if ((mask & ~((uint64_t)1 << (SIGPIPE - 1))) != 0)
        add(report, CHECK_NOTABLE, name, "by its own choice, or passed on by whoever started it", "%s", names);
    else if (mask != 0)
        add(report, CHECK_RIGHT, name, "as servers do: a lost client is an error of write()", "%s", names);
    else
        add(report, CHECK_RIGHT, name, "every signal does what it is for", "none");
}

static void judge_blocked(const struct check_facts *facts, struct check_report *report)
{
    static const char name[] = "blocked";
    bool takes = facts->waits_for_signal || facts->status.threads > 1;
    char names[ALL_SIGNALS];
    for (size_t i = 0; i < facts->fd_count; i++)
        takes |= strcmp(facts->fds[i].target, "anon_inode:[signalfd]") == 0;
    names_of(facts->status.blocked, names, sizeof names);
    if (facts->status.blocked == 0)
        add(report, CHECK_RIGHT, name, "every signal arrives", "none");
    else if (takes)
        add(report, CHECK_NOTABLE, name, "it has a signalfd, sigwait or another thread, which may take them", "%s",
            names);
    else if (!facts->fds_seen)
        add(report, CHECK_UNSEEN, name, "whether it takes them by signalfd or sigwait only its user and root can see",
            "%s", names);
    else
        add(report, CHECK_WRONG, name, "these never arrive, and nothing is seen that would take them", "%s", names);
}

/* ---- rights ---- */

static bool all_equal(const unsigned ids[4]) { return ids[0] == ids[1] && ids[0] == ids[2] && ids[0] == ids[3]; }

static void judge_ids(const struct check_facts *facts, struct check_report *report)
{
    const unsigned *uids = facts->status.uids, *gids = facts->status.gids;
    if (!all_equal(uids) || !all_equal(gids))
        add(report, CHECK_WRONG, "ids", "a half drop: the other identity can be had back",
            "uid %u, %u, %u, %u; gid %u, %u, %u, %u (real, effective, saved, file system)", uids[0], uids[1], uids[2],
            uids[3], gids[0], gids[1], gids[2], gids[3]);
    else if (uids[0] == 0)
        add(report, CHECK_NOTABLE, "ids", "what takes it over has the machine", "root, gid %u", gids[0]);
    else
        add(report, CHECK_RIGHT, "ids", "real, effective, saved and file system ids are the same", "uid %u, gid %u",
            uids[0], gids[0]);
}

static void judge_groups(const struct check_facts *facts, struct check_report *report)
{
    const struct check_status *status = &facts->status;
    if (status->uids[1] != 0 && (status->in_root_group || status->gids[1] == 0))
        add(report, CHECK_WRONG, "groups", "root's group was kept: files that only it may use are open to this user",
            status->in_root_group ? "%zu supplementary, group 0 among them" : "gid 0, and %zu supplementary",
            status->group_count);
    else if (status->group_count == 0)
        add(report, CHECK_RIGHT, "groups", "none was left over", "no supplementary ones");
    else
        add(report, CHECK_RIGHT, "groups", status->uids[1] == 0 ? "root has them all anyway" : "not root's among them",
            "%zu supplementary", status->group_count);
}

static void judge_capabilities(const struct check_facts *facts, struct check_report *report)
{
    const struct check_status *status = &facts->status;
    static const char name[] = "capabilities";
    unsigned long long held = status->permitted | status->effective;
    if (status->uids[1] == 0)
        add(report, CHECK_RIGHT, name, "what a process of root's has", "permitted 0x%llx",
            (unsigned long long)status->permitted);
    else if (held != 0)
        add(report, CHECK_NOTABLE, name, "root's rights without root's name", "permitted 0x%llx, effective 0x%llx",
            (unsigned long long)status->permitted, (unsigned long long)status->effective);
    else if ((status->inheritable | status->ambient) != 0)
        add(report, CHECK_NOTABLE, name, "a program that it starts may get them", "none; inheritable 0x%llx",
            (unsigned long long)status->inheritable);
    else
        add(report, CHECK_RIGHT, name, "nothing of root's is left", "none");
}

static void judge_new_privileges(const struct check_facts *facts, struct check_report *report)
{
    if (facts->status.no_new_privs)
        add(report, CHECK_RIGHT, "new privileges", "no program that it starts can gain any", "never");
    else
        add(report, CHECK_NOTABLE, "new privileges", "a set-user-ID program that it starts would gain some",
            "possible (no_new_privs is not set)");
}

/* ---- pidfile ---- */

/* Root's stop script believes it: who can write it chooses whom root kills. */
static void judge_pidfile_owner(const struct check_facts *facts, struct check_report *report)
{
    static const char name[] = "pidfile owner", why[] = "who can write it chooses whom root's stop script kills";
    const struct check_pidfile *pidfile = &facts->pidfile;
    unsigned owner = pidfile->file.st_uid, mode = pidfile->file.st_mode & 07777;
    bool others = mode & 022, foreign = owner != 0 && owner != facts->observer;
    if (S_ISLNK(pidfile->link.st_mode))
        add(report, CHECK_WRONG, name, "who owns the link chooses what is read", "a symbolic link");
    else
        add(report, others || foreign ? CHECK_WRONG : CHECK_RIGHT, name,
            others || foreign ? why : "nobody else can write it", "uid %u, mode %04o", owner, mode);
}

static void judge_pidfile_place(const struct check_facts *facts, struct check_report *report)
{
    static const char name[] = "pidfile place", why[] = "who can write there can put another pidfile in its place";
    const struct check_pidfile *pidfile = &facts->pidfile;
    if (!pidfile->place_seen)
        unseen(report, name);
    else if (*pidfile->open_to == '\0')
        add(report, CHECK_RIGHT, name, "nobody else can put another in its place", "%s", pidfile->path);
    else if (pidfile->open_mode)
        add(report, CHECK_WRONG, name, why, "others may write %s", pidfile->open_to);
    else
        add(report, CHECK_WRONG, name, why, "%s belongs to uid %u", pidfile->open_to, pidfile->open_owner);
}

static void judge_pidfile_content(const struct check_facts *facts, struct check_report *report)
{
    static const char name[] = "pidfile pid";
    const struct check_pidfile *pidfile = &facts->pidfile;
    if (pidfile->content == CHECK_NO_PID)
        add(report, CHECK_WRONG, name, "who asks it finds nobody", "none");
    else if (pidfile->named != facts->stat.pid)
        add(report, CHECK_WRONG, name, "who stops the daemon by it stops another", "%d, not %d", (int)pidfile->named,
            (int)facts->stat.pid);
    else if (pidfile->content == CHECK_PID_UNUSUAL)
        add(report, CHECK_NOTABLE, name, "a number and one newline is what every script reads", "%d, in another form",
            (int)pidfile->named);
    else
        add(report, CHECK_RIGHT, name, "what every script reads", "%d and a newline", (int)pidfile->named);
}

static void judge_pidfile_lock(const struct check_facts *facts, struct check_report *report)
{
    static const char name[] = "pidfile lock", right[] = "the lock ends with the daemon, so nobody can be deceived";
    const struct check_pidfile *pidfile = &facts->pidfile;
    for (size_t i = 0; i < facts->fd_count; i++) {
        const struct check_fd *fd = &facts->fds[i];
        if (!(fd->info.locked || fd->info.shared) || !blivet_same_inode(&fd->file, &pidfile->file))
            continue;
        if (fd->info.locked)
            add(report, CHECK_RIGHT, name, right, "held, by descriptor %d", fd->number);
        else
            add(report, CHECK_WRONG, name, "a second instance can have it at the same time", "a shared one, by descriptor %d",
                fd->number);
        return;
    }
    if (pidfile->locker == facts->stat.pid)
        add(report, CHECK_RIGHT, name, right, "held");
    else if (pidfile->locker > 0)
        add(report, CHECK_WRONG, name, "it is another one's pidfile", "held, taken by pid %d", (int)pidfile->locker);
    else if (!pidfile->locks_seen || (pidfile->locker < 0 && !facts->fds_seen))
        unseen(report, name);
    else if (pidfile->locker < 0)
        add(report, CHECK_WRONG, name, "it is another one's pidfile", "held by somebody else");
    else
        add(report, CHECK_WRONG, name, "after its death nothing tells the file from a live one's", "nobody holds one");
}

void check_judge(const struct check_facts *facts, struct check_report *report)
{
    memset(report, 0, sizeof *report);
    judge_session(facts, report);
    judge_terminal(facts, report);
    judge_parent(facts, report);
    judge_directory(facts, report);
    judge_umask(facts, report);
    for (int number = 0; number < 3; number++)
        judge_standard(facts, number, report);
    judge_descriptors(facts, report);
    judge_ignored(facts, report);
    judge_blocked(facts, report);
    judge_ids(facts, report);
    judge_groups(facts, report);
    judge_capabilities(facts, report);
    judge_new_privileges(facts, report);
    if (!facts->pidfile.path)
        return;
    judge_pidfile_owner(facts, report);
    judge_pidfile_place(facts, report);
    judge_pidfile_content(facts, report);
    judge_pidfile_lock(facts, report);
}
