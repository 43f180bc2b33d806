/* identity.c - who the daemon becomes: look up, hand over, drop, prove (PRV).
 *
 * The look-up happens in the launcher, where a directory service may take its time and nothing has been created
 * yet.  The rest happens in the daemon, after blivet_daemonize() has returned, in this order and only so:
 * ownership, environment, groups, gid, uid, proof.  Promise: there is no way out of here with half an identity
 * that goes on to work. */
#include "internal.h"
#include "text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- look up, in the launcher (PRV-2) ---- */

/* Digits alone are a number; it is not empty. */
static bool is_number(const char *text) { return text[strspn(text, "0123456789")] == '\0'; }

/* False where it does not fit an id; (uid_t)-1 does not: the kernel reads it as "leave as it is". */
static bool parse_id(const char *text, uint32_t *id)
{
    uint64_t value = 0;
    for (; *text && value <= UINT32_MAX; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    *id = (uint32_t)value;
    return value < UINT32_MAX;
}

/* A missing entry and an answer that the database is not there mean the same: there is no such user. */
static int not_found(struct blivet_context *daemon, int kind, const char *what, const char *name)
{
    if (errno == 0 || errno == ENOENT || errno == ESRCH || errno == EBADF || errno == EPERM)
        return blivet_refused(daemon, kind, what, name, "not found");
    return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, what, name);
}

static int look_up_user(struct blivet_context *daemon, const char *asked)
{
    const struct blivet_ops *ops = daemon->ops;
    struct blivet_identity *identity = &daemon->identity;
    struct passwd *entry;
    uint32_t number = 0;
    if (*asked == '\0')
        return blivet_refused(daemon, BLIVET_NO_SUCH_USER, "user", asked, "is empty");
    if (is_number(asked) && !parse_id(asked, &number))
        return blivet_refused(daemon, BLIVET_NO_SUCH_USER, "user", asked, "is no valid user id");
    do {
        errno = 0;
        entry = is_number(asked) ? ops->getpwuid((uid_t)number) : ops->getpwnam(asked);
    } while (!entry && errno == EINTR);
    if (!entry)
        return not_found(daemon, BLIVET_NO_SUCH_USER, "user", asked);
    if (entry->pw_uid == (uid_t)-1 || entry->pw_gid == (gid_t)-1)
        return blivet_refused(daemon, BLIVET_NO_SUCH_USER, "user", asked, "has no valid id in the user database");
    identity->wanted = identity->has_user = true;
    identity->uid = entry->pw_uid;
    identity->gid = entry->pw_gid;
    identity->name = ops->calloc(1, strlen(entry->pw_name) + 1);
    identity->home = ops->calloc(1, strlen(entry->pw_dir) + 1);
    if (!identity->name || !identity->home)
        return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "memory", NULL);
    strcpy(identity->name, entry->pw_name); /* fit: just measured */
    strcpy(identity->home, entry->pw_dir);
    return 0;
}

static int look_up_group(struct blivet_context *daemon, const char *asked, gid_t *gid)
{
    struct group *entry;
    uint32_t number = 0;
    if (*asked == '\0')
        return blivet_refused(daemon, BLIVET_NO_SUCH_GROUP, "group", asked, "is empty");
    if (is_number(asked)) {
        if (!parse_id(asked, &number))
            return blivet_refused(daemon, BLIVET_NO_SUCH_GROUP, "group", asked, "is no valid group id");
        *gid = (gid_t)number;
        return 0;
    }
    do {
        errno = 0;
        entry = daemon->ops->getgrnam(asked);
    } while (!entry && errno == EINTR);
    if (!entry)
        return not_found(daemon, BLIVET_NO_SUCH_GROUP, "group", asked);
    if (entry->gr_gid == (gid_t)-1)
        return blivet_refused(daemon, BLIVET_NO_SUCH_GROUP, "group", asked, "has no valid id in the group database");
    *gid = entry->gr_gid;
    return 0;
}

static int compare_groups(const void *left, const void *right)
{
    gid_t one = *(const gid_t *)left, other = *(const gid_t *)right;
    return (one > other) - (one < other);
}

/* PRV-3: those of the database with the user's own; for a group alone that group and no other, so that root's
 * supplementary groups do not stay behind. */
static int look_up_supplementary_groups(struct blivet_context *daemon)
{
    enum { MOST_GROUPS = 65536 }; /* NGROUPS_MAX on Linux */
    struct blivet_identity *identity = &daemon->identity;
    const struct blivet_ops *ops = daemon->ops;
    for (int room = 64;; room *= 2) {
        int count = room;
        identity->groups = ops->calloc((size_t)room * 2, sizeof *identity->groups);
        if (!identity->groups)
            return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "memory", NULL);
        if (!identity->has_user) {
            identity->groups[0] = identity->gid;
            identity->group_count = 1;
            return 0;
        }
        if (ops->getgrouplist(identity->name, identity->gid, identity->groups, &count) >= 0) {
            identity->group_count = count;
            qsort(identity->groups, (size_t)count, sizeof *identity->groups, compare_groups);
            return 0;
        }
        ops->free(identity->groups);
        identity->groups = NULL;
        if (room >= MOST_GROUPS)
            return blivet_refused(daemon, BLIVET_SYSTEM_FAILED, "supplementary groups", identity->name,
                                  "cannot be looked up");
    }
}

int blivet_look_up_identity(struct blivet_context *daemon, const struct blivet_config *config)
{
    struct blivet_identity *identity = &daemon->identity;
    if (!config->user && !config->group)
        return 0;
    if (config->user && look_up_user(daemon, config->user) != 0)
        return -1;
    if (!config->user) {
        identity->wanted = true;
        if (look_up_group(daemon, config->group, &identity->gid) != 0)
            return -1;
        return look_up_supplementary_groups(daemon);
    }
    if (look_up_supplementary_groups(daemon) != 0) /* with the user's own group, whichever gid follows */
        return -1;
    return config->group ? look_up_group(daemon, config->group, &identity->gid) : 0;
}

/* ---- hand over, in the daemon (PRV-6, PRV-7) ---- */

static int give_away(struct blivet_context *daemon, int fd, const char *what, const char *path)
{
    struct stat file;
    int result;
    if (fd < 0)
        return 0;
    if (daemon->ops->fstat(fd, &file) != 0)
        return blivet_failed(daemon, BLIVET_CHOWN_FAILED, what, path);
    if (!S_ISREG(file.st_mode))
        return 0; /* or root's fchown would give /dev/null itself away */
    if (file.st_nlink > 1)
        return blivet_refused(daemon, BLIVET_CHOWN_FAILED, what, path, "is a file with several names");
    uid_t owner = daemon->identity.has_user ? daemon->identity.uid : (uid_t)-1;
    UNINTERRUPTED(result, daemon->ops->fchown(fd, owner, daemon->identity.gid));
    return result == 0 ? 0 : blivet_failed(daemon, BLIVET_CHOWN_FAILED, what, path);
}

static int hand_over_logs(struct blivet_context *daemon)
{
    if (daemon->logs_followed && (daemon->log_fds[0] >= 0 || daemon->log_fds[1] >= 0))
        return blivet_refused(daemon, BLIVET_CHOWN_FAILED, "change of owner", "log files",
                              "were opened where links are followed");
    if (give_away(daemon, daemon->log_fds[0], "stdout", daemon->stdout_path) != 0)
        return -1;
    return give_away(daemon, daemon->log_fds[1], "stderr", daemon->stderr_path);
}

int blivet_refuse_if_broken(struct blivet_context *daemon)
{
    if (!daemon->broken)
        return 0;
    return blivet_refused(daemon, BLIVET_PERMISSION_DENIED, "identity", NULL,
                          "half changed: only a report of failure or the end is possible");
}

static int chown_paths(struct blivet_context *daemon, unsigned which)
{
    if (blivet_refuse_if_broken(daemon) != 0)
        return -1;
    if (!daemon->identity.wanted)
        return 0;
    if ((which & BLIVET_CHOWN_LOGS) && hand_over_logs(daemon) != 0)
        return -1;
    if ((which & BLIVET_CHOWN_PIDFILE) && give_away(daemon, daemon->pidfile_fd, "pidfile", daemon->pidfile) != 0)
        return -1;
    if ((which & BLIVET_CHOWN_LOCKFILE) && daemon->lockfile &&
        give_away(daemon, daemon->lock_fd, "lockfile", daemon->lockfile) != 0)
        return -1;
    daemon->handed_over = true;
    return 0;
}

int blivet_chown_paths(struct blivet_context *daemon, unsigned which, struct blivet_error *error)
{
    return chown_paths(daemon, which) == 0 ? 0 : blivet_hand_error(daemon, error);
}

/* ---- drop (PRV-3, PRV-5) ---- */

static int change_environment(struct blivet_context *daemon)
{
    const char *const entries[][2] = { { "USER", daemon->identity.name },
                                       { "LOGNAME", daemon->identity.name },
                                       { "HOME", daemon->identity.home } };
    if (!daemon->identity.has_user)
        return 0;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        if (daemon->ops->unsetenv(entries[i][0]) != 0 || /* each entry of that name, should there be several */
            daemon->ops->setenv(entries[i][0], entries[i][1], 1) != 0)
            return blivet_failed(daemon, BLIVET_SYSTEM_FAILED, "environment", entries[i][0]);
    return 0;
}

/* Groups first, uid last: each needs the privilege that the next one gives up. */
static int change_identity(struct blivet_context *daemon)
{
    const struct blivet_ops *ops = daemon->ops;
    const struct blivet_identity *identity = &daemon->identity;
    uid_t uid = identity->uid;
    gid_t gid = identity->gid;
    if (ops->setgroups((size_t)identity->group_count, identity->groups) != 0)
        return blivet_failed(daemon, BLIVET_PERMISSION_DENIED, "supplementary groups", NULL);
    if (ops->setresgid(gid, gid, gid) != 0)
        return blivet_failed(daemon, BLIVET_PERMISSION_DENIED, "group id", NULL);
    if (identity->has_user && ops->setresuid(uid, uid, uid) != 0)
        return blivet_failed(daemon, BLIVET_PERMISSION_DENIED, "user id", NULL);
    return 0;
}

/* ---- prove (PRV-4) ---- */

static int unproved(struct blivet_context *daemon, const char *what)
{
    return blivet_refused(daemon, BLIVET_PERMISSION_DENIED, what, NULL, "not what was asked for after the change");
}

static int prove_ids(struct blivet_context *daemon)
{
    const struct blivet_identity *identity = &daemon->identity;
    uid_t uids[3];
    gid_t gids[3];
    if (daemon->ops->getresgid(&gids[0], &gids[1], &gids[2]) != 0 ||
        daemon->ops->getresuid(&uids[0], &uids[1], &uids[2]) != 0)
        return blivet_failed(daemon, BLIVET_PERMISSION_DENIED, "ids", NULL);
    for (int i = 0; i < 3; i++) {
        if (gids[i] != identity->gid)
            return unproved(daemon, "group id");
        if (identity->has_user && uids[i] != identity->uid)
            return unproved(daemon, "user id");
    }
    return 0;
}

static int prove_groups(struct blivet_context *daemon)
{
    const struct blivet_identity *identity = &daemon->identity;
    gid_t *now = identity->groups + identity->group_count;
    size_t size = (size_t)identity->group_count * sizeof *now;
    int count = daemon->ops->getgroups(0, NULL);
    if (count == identity->group_count)
        count = daemon->ops->getgroups(count, now);
    if (count < 0)
        return blivet_failed(daemon, BLIVET_PERMISSION_DENIED, "supplementary groups", NULL);
    if (count != identity->group_count)
        return unproved(daemon, "supplementary groups");
    qsort(now, (size_t)identity->group_count, sizeof *now, compare_groups);
    return memcmp(now, identity->groups, size) == 0 ? 0 : unproved(daemon, "supplementary groups");
}

/* A change of ids leaves the inheritable ones, which a file that allows it gives to its program: they are given up.
 * An inherited no_setuid_fixup securebit leaves the others to whoever was root: that is refused. */
static int prove_no_capabilities(struct blivet_context *daemon)
{
    enum { EFFECTIVE, PERMITTED, INHERITABLE, SETS };
    uint32_t header[2] = { 0x20080522 /* version 3 */, 0 };
    uint32_t sets[2 * SETS] = { 0 };
    int result = daemon->ops->capget(header, sets);
    if (result == 0 && (sets[INHERITABLE] | sets[SETS + INHERITABLE])) {
        sets[INHERITABLE] = sets[SETS + INHERITABLE] = 0;
        result = daemon->ops->capset(header, sets);
        if (result == 0)
            result = daemon->ops->capget(header, sets);
    }
    if (result != 0)
        return blivet_failed(daemon, BLIVET_PERMISSION_DENIED, "capabilities", NULL);
    if (sets[EFFECTIVE] | sets[PERMITTED] | sets[SETS + EFFECTIVE] | sets[SETS + PERMITTED] | sets[INHERITABLE] |
        sets[SETS + INHERITABLE])
        return blivet_refused(daemon, BLIVET_PERMISSION_DENIED, "capabilities", NULL, "some are left");
    return 0;
}

static int prove_powerless(struct blivet_context *daemon)
{
    if (!daemon->identity.has_user || daemon->identity.uid == 0)
        return 0;
    if (daemon->ops->setresuid((uid_t)-1, 0, (uid_t)-1) == 0)
        return blivet_refused(daemon, BLIVET_PERMISSION_DENIED, "user id", NULL, "uid 0 can be had back");
    if (errno != EPERM) /* not for want of the right to */
        return blivet_failed(daemon, BLIVET_PERMISSION_DENIED, "user id", NULL);
    return prove_no_capabilities(daemon);
}

static int drop_privileges(struct blivet_context *daemon)
{
    if (blivet_refuse_if_broken(daemon) != 0)
        return -1;
    if (!daemon->identity.wanted || daemon->dropped)
        return 0;
    unsigned logs = daemon->flags & BLIVET_NO_CHOWN ? 0 : BLIVET_CHOWN_LOGS;
    if (!daemon->handed_over && chown_paths(daemon, logs) != 0)
        return -1;
    if (change_environment(daemon) != 0)
        return -1;
    if (change_identity(daemon) != 0 || prove_ids(daemon) != 0 || prove_groups(daemon) != 0 ||
        prove_powerless(daemon) != 0) {
        daemon->broken = true;
        return -1;
    }
    daemon->dropped = true;
    blivet_release_logs(daemon); /* held for the hand-over only (PRV-6) */
    return 0;
}

int blivet_drop_privileges_unchecked(struct blivet_context *daemon, struct blivet_error *error)
{
    return drop_privileges(daemon) == 0 ? 0 : blivet_hand_error(daemon, error);
}

int blivet_drop_privileges(struct blivet_context *daemon, struct blivet_error *error)
{
    /* setenv and threads do not go together (PRV-10). */
    if (daemon->identity.has_user && !daemon->dropped && !daemon->broken &&
        blivet_require_one_thread(daemon->ops, &daemon->error) != 0)
        return blivet_hand_error(daemon, error);
    return blivet_drop_privileges_unchecked(daemon, error);
}
