/* kernel_identity.c - the invented kernel: root, www, two broken entries, and no others. */
#include "kernel.h"
#include <errno.h>
#include <string.h>

uid_t kernel_getuid(void) { return script.uids[0]; }
uid_t kernel_geteuid(void) { return script.uids[1]; }
gid_t kernel_getgid(void) { return script.gids[0]; }
gid_t kernel_getegid(void) { return script.gids[1]; }
int kernel_issetugid(void) { return script.uids[0] != script.uids[1] || script.gids[0] != script.gids[1]; }

#define USER(name, uid, gid, home) \
    { .pw_name = (char *)(name), .pw_uid = (uid), .pw_gid = (gid), .pw_dir = (char *)(home) }
static struct passwd users[] = { USER("root", 0, 0, "/root"), USER("www", 33, 33, "/var/www"),
                                 USER("ghost", (uid_t)-1, 5, "/"), USER("lost", 5, (gid_t)-1, "/") };
static struct group groups[] = { { .gr_name = (char *)"adm", .gr_gid = 4 },
                                 { .gr_name = (char *)"ghost", .gr_gid = (gid_t)-1 } };

struct passwd *kernel_getpwnam(const char *name)
{
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++)
        if (strcmp(users[i].pw_name, name) == 0)
            return &users[i];
    return NULL;
}

struct passwd *kernel_getpwuid(uid_t uid)
{
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++)
        if (users[i].pw_uid == uid)
            return &users[i];
    return NULL;
}

struct group *kernel_getgrnam(const char *name)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (strcmp(groups[i].gr_name, name) == 0)
            return &groups[i];
    return NULL;
}

/* The user's own group, then 44 and as many more as the test says; not sorted, as databases have it. */
int kernel_getgrouplist(const char *user, gid_t group, gid_t *list, int *count)
{
    int room = *count, has = strcmp(user, "www") == 0 ? 1 + script.database_groups : 1;
    *count = has;
    for (int i = 0; i < has && i < room; i++)
        list[i] = i == 0 ? group : (gid_t)(44 + has - i - 1);
    return has <= room ? has : -1;
}

int kernel_setgroups(size_t count, const gid_t *list)
{
    if (script.uids[1] != 0)
        return fail(EPERM);
    if (count > SCRIPT_GROUPS)
        return fail(EINVAL);
    memcpy(script.groups, list, count * sizeof *list);
    script.group_count = (int)count;
    return 0;
}

int kernel_getgroups(int count, gid_t *list)
{
    if (count != 0 && count < script.group_count)
        return fail(EINVAL);
    for (int i = 0; count != 0 && i < script.group_count; i++)
        list[i] = script.groups[script.group_count - 1 - i]; /* in no order that one could rely on */
    return script.group_count;
}

int kernel_setresgid(gid_t real, gid_t effective, gid_t saved)
{
    only(real == effective && effective == saved);
    if (script.uids[1] != 0)
        return fail(EPERM);
    script.gids[0] = real;
    script.gids[1] = effective;
    script.gids[2] = saved;
    return 0;
}

int kernel_setresuid(uid_t real, uid_t effective, uid_t saved)
{
    const uid_t asked[3] = { real, effective, saved };
    bool may = script.uids[1] == 0;
    only(real == saved); /* all to one, or the effective one tried */
    for (int i = 0; i < 3 && !may; i++)
        if (asked[i] != (uid_t)-1 && asked[i] != script.uids[0] && asked[i] != script.uids[1] &&
            asked[i] != script.uids[2])
            return fail(EPERM);
    for (int i = 0; i < 3; i++)
        if (asked[i] != (uid_t)-1)
            script.uids[i] = asked[i];
    if (script.blocks_for_ids)
        sigfillset(&script.mask);
    if (script.uids[1] != 0 && !script.keeps_capabilities)
        script.capabilities = 0;
    return 0;
}

int kernel_getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
    *real = script.gids[0];
    *effective = script.gids[1];
    *saved = script.gids[2];
    return 0;
}

int kernel_getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
    *real = script.uids[0];
    *effective = script.uids[1];
    *saved = script.uids[2];
    return 0;
}

int kernel_capget(uint32_t header[2], uint32_t sets[6])
{
    only(header[0] == 0x20080522 && header[1] == 0); /* capget(2): version 3, of oneself */
    memcpy(sets, script.left_capabilities, sizeof script.left_capabilities);
    sets[0] |= script.capabilities;
    sets[1] |= script.capabilities;
    return 0;
}

int kernel_capset(uint32_t header[2], uint32_t sets[6])
{
    uint32_t now[6];
    kernel_capget(header, now);
    for (int i = 0; i < 6; i++)
        if (sets[i] & ~now[i])
            return fail(EPERM);
    script.capabilities &= sets[0] & sets[1];
    memcpy(script.left_capabilities, sets, sizeof script.left_capabilities);
    return 0;
}
