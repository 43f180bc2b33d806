/* test_check.c - daemoncheck's parsing, judging and printing, with texts of /proc as hostile as a process can make them. */
#include "unit.h"
#include "../../cli/check_judge.h"
#include "../../cli/check_options.h"
#include "../../cli/check_print.h"
#include "../../cli/terminal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* ---- parsing ---- */

static void stat_is_read_behind_the_last_parenthesis_whatever_the_name(void **state)
{
    (void)state;
    static const char *const names[] = { "sleep", "", ")", "a) Z 1 1 1 34816 (b", "a b\nc", ") R 2 2 2 2", "((((", "\\n" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[400];
        struct check_stat stat;
        snprintf(text, sizeof text, "42 (%s) S 7 41 40 34818 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 99887766 1 2 3\n", names[i]);
        assert_true(check_parse_stat(text, &stat));
        assert_string_equal(stat.name, names[i]);
        assert_int_equal(stat.pid, 42);
        assert_int_equal(stat.state, 'S');
        assert_int_equal(stat.parent, 7);
        assert_int_equal(stat.session, 40);
        assert_int_equal(stat.tty, 34818);
        assert_int_equal(stat.threads, 9);
        assert_int_equal(stat.start, 99887766);
    }
}

static void what_is_no_stat_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "42", "42 (a", "42 a) S 1", ") (", "42 (a)", "42 (a) ", "42 (a) S 1 2 3", "42 (a)S 1" };
    struct check_stat stat;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(check_parse_stat(texts[i], &stat));
#define ALL_FIELDS "1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5"
    assert_true(check_parse_stat("42 (a) S " ALL_FIELDS, &stat));
    assert_false(check_parse_stat("42 ) S " ALL_FIELDS " (", &stat)); /* it closes before it opens */
    assert_false(check_parse_stat("42 (a)S " ALL_FIELDS, &stat));
    assert_false(check_parse_stat("42 (a) \0" ALL_FIELDS, &stat)); /* what is behind the end is not read */
#undef ALL_FIELDS
    char longest[600], name[301];
    memset(name, 'n', 300);
    name[300] = '\0';
    snprintf(longest, sizeof longest, "1 (%s) S 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5", name);
    assert_true(check_parse_stat(longest, &stat));
    assert_int_equal(strlen(stat.name), sizeof stat.name - 1);
    for (size_t length = sizeof stat.name - 2; length <= sizeof stat.name + 1; length++) {
        snprintf(longest, sizeof longest, "1 (%.*s) S 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5", (int)length, name);
        assert_true(check_parse_stat(longest, &stat));
        assert_int_equal(strlen(stat.name), length < sizeof stat.name ? length : sizeof stat.name - 1);
        assert_int_equal(stat.pid, 1);
    }
}

static const char status_text[] =
    "Name:\ta\\nUmask:\t0777\nUmask:\t0027\nState:\tS (sleeping)\nTgid:\t42\nUid:\t11\t12\t13\t14\nGid:\t15\t16\t17\t18\n"
    "Groups:\t10 0 9 4294967294 \nThreads:\t30\nSigBlk:\t8000000000000001\nSigIgn:\t0000000000001000\n"
    "CapInh:\t0000000000000011\nCapPrm:\t0000000000000400\nCapEff:\t000001ffffffffff\nCapAmb:\t0000000000000020\n"
    "NoNewPrivs:\t19\n";

static void status_is_read_and_no_name_forges_a_line(void **state)
{
    (void)state;
    struct check_status status;
    assert_true(check_parse_status(status_text, &status));
    assert_int_equal(status.umask, 027);
    assert_int_equal(status.process, 42);
    assert_int_equal(status.threads, 30);
    assert_int_equal(status.no_new_privs, 19); /* more than 1 is none that there is: what is said, is taken */
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(status.uids[i], i + 11);
        assert_int_equal(status.gids[i], i + 15);
    }
    assert_int_equal(status.group_count, 4);
    assert_true(status.in_root_group);
    assert_true(status.blocked == 0x8000000000000001);
    assert_true(status.ignored == 0x1000);
    assert_true(status.inheritable == 0x11 && status.permitted == 0x400 && status.effective == 0x1ffffffffff);
    assert_true(status.ambient == 0x20);
    static char others[sizeof status_text];
    strcpy(others, status_text);
    memcpy(strstr(others, "10 0 "), "10 20", 5);
    assert_true(check_parse_status(others, &status));
    assert_false(status.in_root_group);
    for (const char *line = status_text; (line = strchr(line, '\n')) && line[1]; line++) { /* each line but State is needed */
        char without[sizeof status_text];
        size_t before = (size_t)(line + 1 - status_text), length = strcspn(line + 1, "\n") + 1;
        memcpy(without, status_text, before);
        strcpy(without + before, line + 1 + length);
        if (check_parse_status(without, &status) && strncmp(line + 1, "State", 5) != 0)
            fail_msg("not missed: %.*s", (int)length, line + 1);
    }
}

static void locks_are_told_by_device_and_inode_and_who_waits_has_none(void **state)
{
    (void)state;
    static const char locks[] = "1: FLOCK  ADVISORY  WRITE 123 fe:00:42 0 EOF\n"
                                "2: POSIX  ADVISORY  READ  124 fe:00:43 0 EOF\n"
                                "2: -> POSIX  ADVISORY  WRITE 125 fe:00:43 0 EOF\n"
                                "3: OFDLCK ADVISORY  WRITE -1 fe:00:44 0 EOF\n"
                                "4: POSIX  ADVISORY  WRITE 126 fe:01:42 0 EOF\n"
                                "5: FLOCK  ADVISORY  WRITE 0 fe:00:45 0 EOF\n"
                                "5: FLOCK  ADVISORY  WRITE 127 fe:1f:48 0 EOF\n"
                                "6: FLOCK  ADVISORY  WRITE 4294967297 fe:00:46 0 EOF\n"
                                "7: FLOCK  ADVISORY  WRITE 2147483647 fe:00:49 0 EOF\n"
                                "8: FLOCK  ADVISORY  WRITE 1 fe:00:50 0 EOF\n"
                                " WRITE 128 fe:00:51 0 EOF\n"
                                "9: A-KIND-OF-TOMORROW  ADVISORY  WRITE 129 fe:00:52 0 EOF";
    assert_int_equal(check_parse_locks(locks, makedev(0xfe, 0), 42), 123);
    assert_int_equal(check_parse_locks(locks, makedev(0xfe, 0), 43), 0);
    assert_int_equal(check_parse_locks(locks, makedev(0xfe, 0), 44), -1);
    assert_int_equal(check_parse_locks(locks, makedev(0xfe, 1), 42), 126);
    assert_int_equal(check_parse_locks(locks, makedev(0xfe, 0), 45), -1);
    assert_int_equal(check_parse_locks(locks, makedev(0xfe, 0x1f), 48), 127);
    assert_int_equal(check_parse_locks(locks, makedev(0xfe, 0), 46), -1);
    assert_int_equal(check_parse_locks(locks, makedev(0xfe, 0), 49), 2147483647);
    assert_int_equal(check_parse_locks(locks, makedev(0xfe, 0), 50), 1);
    assert_int_equal(check_parse_locks(locks, makedev(0xfe, 0), 51), 128);
    assert_int_equal(check_parse_locks(locks, makedev(0xfe, 0), 52), 129);
    assert_int_equal(check_parse_locks(locks, makedev(0xfe, 0), 4), 0);
    assert_int_equal(check_parse_locks("", 0, 0), 0);
    assert_int_equal(check_parse_locks("nonsense WRITE \n", 0, 0), 0);

    struct check_fdinfo info;
    assert_true(check_parse_fdinfo("pos:\t0\nflags:\t02100000\nmnt_id:\t1\nlock:\t1: FLOCK  ADVISORY  WRITE 1 00:01:2 0 EOF\n",
                                   &info));
    assert_true(info.locked && (info.flags & O_CLOEXEC));
    assert_true(check_parse_fdinfo("pos:\t0\nflags:\t0100000\nlock:\t1: FLOCK  ADVISORY  READ 1 00:01:2 0 EOF\n", &info));
    assert_true(!info.locked && !(info.flags & O_CLOEXEC));
    assert_false(check_parse_fdinfo("pos:\t0\n", &info));
    assert_true(check_parse_fdinfo("pos:\t0\nflags:\t0100000\nlock:\t1: -> FLOCK ADVISORY WRITE 1 00:01:2 0 EOF\n"
                                   "lock:\t2: FLOCK ADVISORY READ 1 00:01:2 0 EOF\nlock:\t3: FLOCK ADVISORY WRITE ", &info));
    assert_true(info.locked && info.shared && info.flags == 0100000);
    assert_true(check_parse_fdinfo("pos:\t0\nflags:\t01\nlock:\t1: FLOCK ADVISORY READ ", &info) && info.shared);
}

static void the_mount_of_a_path_is_the_longest_and_the_last(void **state)
{
    (void)state;
    static const char mounts[] = "1 0 8:1 / / rw - ext4 x rw\n2 1 0:1 / /var rw - tmpfs x rw\n"
                                 "3 1 0:1 / /var/lib/a\\040b rw - tmpfs x rw\n4 1 0:1 / /variety rw - tmpfs x rw\n"
                                 "5 1 0:1 / /back\\134slash rw - tmpfs x rw\n"
                                 "6 1 0:1 / /no\\/a0escape rw - tmpfs x rw\n7 1 0:1 / /cut\\04 rw - tmpfs x rw\n"
                                 "8 1 0:1 / /end\\040 rw - tmpfs x rw\n9 1 0:1 / /nul\\000/x rw - tmpfs x rw\n10";
    static const char *const cases[][2] = {
        { "/", "/" }, { "/usr", "/" }, { "/var", "/var" }, { "/var/x", "/var" }, { "/variable", "/" },
        { "/var/lib/a b", "/var/lib/a b" }, { "/var/lib/a b/c", "/var/lib/a b" }, { "/var/lib/a", "/var" },
        { "/back\\slash/x", "/back\\slash" }, { "/variety/x", "/variety" },
        { "/no\\/a0escape", "/no\\/a0escape" }, { "/cut\\04/x", "/cut\\04" },
        { "/end /x", "/end " }, { "/nul\0/x", "/" },
    };
    char found[256];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(check_parse_mount(mounts, cases[i][0], found, sizeof found));
        assert_string_equal(found, cases[i][1]);
    }
    assert_false(check_parse_mount("1 0 8:1 / /srv rw\n", "/usr", found, sizeof found));
    assert_false(check_parse_mount("1 0 8:1 / ( rw\n", "(unreachable)/srv", found, sizeof found));
    assert_false(check_parse_mount("", "/usr", found, sizeof found));
}

static void a_pidfile_holds_a_pid_and_a_newline(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum check_content content;
        pid_t pid;
    } cases[] = {
        { "1\n", CHECK_PID_AND_NEWLINE, 1 }, { "2147483647\n", CHECK_PID_AND_NEWLINE, 2147483647 },
        { "2147483648\n", CHECK_NO_PID, 0 }, { "4194304\n", CHECK_PID_AND_NEWLINE, 4194304 },
        { "12", CHECK_PID_UNUSUAL, 12 }, { " 12\n", CHECK_PID_UNUSUAL, 12 }, { "12\r\n", CHECK_PID_UNUSUAL, 12 },
        { "12\n/var/lib/x\n7\n", CHECK_PID_UNUSUAL, 12 }, { "12 \n13", CHECK_PID_UNUSUAL, 12 },
        { "12\n\n", CHECK_PID_UNUSUAL, 12 }, { "", CHECK_NO_PID, 0 }, { "\n", CHECK_NO_PID, 0 }, { "0\n", CHECK_NO_PID, 0 },
        { "-1\n", CHECK_NO_PID, 0 }, { "1 2\n", CHECK_NO_PID, 0 }, { "1x\n", CHECK_NO_PID, 0 }, { "0x1\n", CHECK_NO_PID, 0 },
        { "99999999999999999999\n", CHECK_NO_PID, 0 }, { "\n1\n", CHECK_NO_PID, 0 },
        { "1:\n", CHECK_NO_PID, 0 }, { "\t12\n", CHECK_PID_UNUSUAL, 12 }, { "12\t\n", CHECK_PID_UNUSUAL, 12 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pid_t pid = 0;
        if (check_parse_pidfile(cases[i].text, strlen(cases[i].text), &pid) != cases[i].content)
            fail_msg("judged otherwise: %s", cases[i].text);
        assert_int_equal(pid, cases[i].pid);
    }
    pid_t pid = 0;
    assert_int_equal(check_parse_pidfile("1\0\n", 3, &pid), CHECK_NO_PID);
    assert_int_equal(check_parse_pidfile("\0" "1\n", 3, &pid), CHECK_NO_PID);
}

/* ---- judging ---- */

static struct check_fd fds[5];

/* A daemon that is right in every point. */
static struct check_facts good_daemon(void)
{
    struct check_facts facts;
    memset(&facts, 0, sizeof facts);
    memset(fds, 0, sizeof fds);
    facts.stat = (struct check_stat){ .pid = 42, .parent = 1, .session = 41, .state = 'S', .name = "good" };
    facts.status = (struct check_status){ .umask = 022, .threads = 1, .no_new_privs = 1, .uids = { 9, 9, 9, 9 },
                                          .gids = { 9, 9, 9, 9 } };
    facts.directory_seen = facts.fds_seen = true;
    strcpy(facts.directory, "/");
    strcpy(facts.root, "/");
    strcpy(facts.mount_point, "/");
    facts.directory_file = (struct stat){ .st_dev = 5, .st_nlink = 2 };
    for (int i = 0; i < 5; i++) {
        fds[i].number = i;
        fds[i].file = (struct stat){ .st_mode = S_IFCHR, .st_rdev = makedev(1, 3) };
        fds[i].info.flags = i < 3 ? O_RDWR : 0;
        strcpy(fds[i].target, "/dev/null");
    }
    fds[3].file = (struct stat){ .st_mode = S_IFREG | 0644, .st_dev = 7, .st_ino = 8, .st_nlink = 1 };
    fds[3].info.locked = true;
    fds[4].file = (struct stat){ .st_mode = S_IFREG | 0644, .st_dev = 6, .st_ino = 8, .st_nlink = 1 };
    fds[4].info.flags = O_CLOEXEC;
    facts.fds = fds;
    facts.fd_count = 5;
    facts.pidfile = (struct check_pidfile){ .path = "/run/pid", .place_seen = true, .link = fds[3].file, .file = fds[3].file,
                                            .content = CHECK_PID_AND_NEWLINE, .named = 42, .locks_seen = true, .locker = 42 };
    return facts;
}

static const char *judged_too = ""; /* another point, in the same way */

static void assert_judged(const struct check_facts *facts, const char *point, enum check_judgement judgement, const char *found)
{
    struct check_report report;
    check_judge(facts, &report);
    assert_int_equal(report.count, facts->pidfile.path ? 19 : 15);
    for (size_t i = 0; i < report.count; i++)
        if (found && strcmp(report.points[i].name, point) == 0) {
            char both[3 * CHECK_NAME];
            snprintf(both, sizeof both, "%s: %s", report.points[i].found, report.points[i].why);
            assert_string_equal(both, found);
        }
    for (size_t i = 0; i < report.count; i++)
        if (report.points[i].judgement != (strcmp(report.points[i].name, point) == 0 || strcmp(report.points[i].name, judged_too) == 0
                                               ? judgement : CHECK_RIGHT))
            fail_msg("with %s to be judged: %s is judged %d: %s", point, report.points[i].name,
                     (int)report.points[i].judgement, report.points[i].found);
    assert_int_equal(report.counts[judgement], judgement == CHECK_RIGHT ? report.count : *judged_too ? 2 : 1);
    judged_too = "";
}

#define JUDGED(point, judgement, found, ...) \
    do { \
        struct check_facts facts = good_daemon(); \
        __VA_ARGS__; \
        assert_judged(&facts, point, judgement, found); \
    } while (0)

static void a_good_daemon_is_right_in_each_point(void **state)
{
    (void)state;
    static const char *const points[] = {
        "session: session 41, whose leader has ended: no terminal can become its controlling one",
        "terminal: none: no hang-up, no keyboard signals",
        "parent: init: its death is noticed and it leaves no zombie",
        "directory: /: no file system is kept busy",
        "umask: 0022: others cannot write what it creates",
        "stdin: /dev/null: open, and leads nowhere",
        "stdout: /dev/null: open, and leads nowhere",
        "stderr: /dev/null: open, and leads nowhere",
        "descriptors: 2 above 2: none passes an exec but a lock",
        "ignored: none: every signal does what it is for",
        "blocked: none: every signal arrives",
        "ids: uid 9, gid 9: real, effective, saved and file system ids are the same",
        "groups: no supplementary ones: none was left over",
        "capabilities: none: nothing of root's is left",
        "new privileges: never: no program that it starts can gain any",
        "pidfile owner: uid 0, mode 0644: nobody else can write it",
        "pidfile place: /run/pid: nobody else can put another in its place",
        "pidfile pid: 42 and a newline: what every script reads",
        "pidfile lock: held, by descriptor 3: the lock ends with the daemon, so nobody can be deceived",
    };
    const struct check_facts facts = good_daemon();
    struct check_report report;
    check_judge(&facts, &report);
    assert_int_equal(report.count, sizeof points / sizeof points[0]);
    for (size_t i = 0; i < report.count; i++) {
        char all[3 * CHECK_NAME];
        snprintf(all, sizeof all, "%s: %s: %s", report.points[i].name, report.points[i].found, report.points[i].why);
        assert_string_equal(all, points[i]);
    }
}

static void processes_are_judged(void **state)
{
    (void)state;
    JUDGED("", CHECK_RIGHT, NULL, (void)0);
    JUDGED("session", CHECK_NOTABLE, "is the session leader: opening a terminal without O_NOCTTY would make it the controlling one",
           facts.stat.session = 42);
    JUDGED("session", CHECK_RIGHT, "session 1, whose leader has ended: no terminal can become its controlling one",
           facts.stat.session = 1);
    JUDGED("session", CHECK_RIGHT, "of a leader outside of this PID namespace: it does not lead it",
           facts.stat.session = 0);
    JUDGED("session", CHECK_NOTABLE, "session of boss (pid 41), which lives: a terminal that the leader acquires would be its own too",
           facts.leader.alive = true; strcpy(facts.leader.stat.name, "boss"));
    JUDGED("terminal", CHECK_WRONG, "has /dev/pts/2: hang-up and the keyboard's signals reach it",
           facts.stat.tty = 34818);
    JUDGED("terminal", CHECK_WRONG, "has /dev/tty1: hang-up and the keyboard's signals reach it",
           facts.stat.tty = 1025);
    JUDGED("terminal", CHECK_WRONG, "has the terminal with device number 5:0: hang-up and the keyboard's signals reach it",
           facts.stat.tty = 0x0500);
    JUDGED("terminal", CHECK_WRONG, "has the terminal with device number 144:0: hang-up and the keyboard's signals reach it",
           facts.stat.tty = 144 << 8);
    JUDGED("terminal", CHECK_WRONG, "has the terminal with device number 4:64: hang-up and the keyboard's signals reach it",
           facts.stat.tty = 4 << 8 | 64);
    JUDGED("terminal", CHECK_WRONG, "has /dev/tty63: hang-up and the keyboard's signals reach it",
           facts.stat.tty = 4 << 8 | 63);
    JUDGED("terminal", CHECK_WRONG, "has /dev/pts/2047: hang-up and the keyboard's signals reach it",
           facts.stat.tty = 143 << 8 | 255);
    JUDGED("terminal", CHECK_WRONG, "has /dev/pts/74500: hang-up and the keyboard's signals reach it",
           facts.stat.tty = 136 << 8 | 0x12300004);
    JUDGED("terminal", CHECK_WRONG, "has the terminal with device number 135:0: hang-up and the keyboard's signals reach it",
           facts.stat.tty = 135 << 8);
    JUDGED("terminal", CHECK_WRONG, "has the terminal with device number 5:1: hang-up and the keyboard's signals reach it",
           facts.stat.tty = 5 << 8 | 1);
    JUDGED("parent", CHECK_NOTABLE, "up (pid 7): either a subreaper or the one that started it: /proc does not tell which",
           facts.stat.parent = 7; facts.parent.alive = true; facts.parent.stat = (struct check_stat){ .session = 7, .name = "up" };
           facts.stat.session = 42; judged_too = "session");
    JUDGED("parent", CHECK_RIGHT, "outside of this PID namespace: it is the init of its PID namespace, or was put into it",
           facts.stat.parent = 0);
    JUDGED("parent", CHECK_NOTABLE, "pid 2, which is gone: it has just changed", facts.stat.parent = 2);
    JUDGED("parent", CHECK_NOTABLE, "pid 7, which is gone: it has just changed", facts.stat.parent = 7);
    JUDGED("parent", CHECK_RIGHT, "up (pid 7), which has adopted it: a subreaper adopts as init does",
           facts.stat.parent = 7; facts.parent.alive = true; facts.parent.stat = (struct check_stat){ .session = 7, .name = "up" });
    JUDGED("parent", CHECK_WRONG,
           "is still the child of up (pid 7), in one session: it was not detached, or it is a daemon's worker: then ask about that one",
           facts.stat.parent = 7; facts.parent.alive = true; facts.parent.stat = (struct check_stat){ .session = 41, .name = "up" });
}

static void files_are_judged(void **state)
{
    (void)state;
    JUDGED("directory", CHECK_UNSEEN, "not seen: only its own user and root can look", facts.directory_seen = false);
    JUDGED("directory", CHECK_RIGHT, "/srv: on the root file system, which is never unmounted",
           strcpy(facts.directory, "/srv"));
    JUDGED("directory", CHECK_WRONG, "/srv (deleted): no relative path works",
           strcpy(facts.directory, "/srv (deleted)"); facts.directory_file.st_nlink = 0);
    JUDGED("directory", CHECK_WRONG, "/srv/x, on the mount /srv: that file system cannot be unmounted, and nothing it has open is there",
           strcpy(facts.directory, "/srv/x"); strcpy(facts.mount_point, "/srv"));
    JUDGED("directory", CHECK_NOTABLE, "/srv/x, on the mount /srv: it has files open there, which keep it busy anyway",
           strcpy(facts.directory, "/srv/x"); strcpy(facts.mount_point, "/srv");
           facts.directory_file.st_dev = 6);
    JUDGED("directory", CHECK_NOTABLE, "/srv/x: which file system it keeps busy is not known",
           strcpy(facts.directory, "/srv/x"); *facts.mount_point = '\0');
    JUDGED("directory", CHECK_RIGHT, "/jail: no file system is kept busy",
           strcpy(facts.directory, "/jail"); strcpy(facts.root, "/jail"));
    JUDGED("directory", CHECK_WRONG, NULL, strcpy(facts.directory, "/srv/x"); strcpy(facts.mount_point, "/srv");
           facts.directory_file.st_dev = 6; facts.fd_count = 4); /* behind the last one is none */
    JUDGED("umask", CHECK_NOTABLE, "0000: what it creates is as open to others as its code says, which must be exact",
           facts.status.umask = 0);
    JUDGED("umask", CHECK_NOTABLE, "0020: what it creates is as open to others as its code says, which must be exact",
           facts.status.umask = 020);
    JUDGED("umask", CHECK_NOTABLE, "0001: what it creates is as open to others as its code says, which must be exact",
           facts.status.umask = 01);
    JUDGED("umask", CHECK_RIGHT, "0002: others cannot write what it creates", facts.status.umask = 02);
    JUDGED("umask", CHECK_RIGHT, "0077: others cannot write what it creates", facts.status.umask = 077);
    JUDGED("umask", CHECK_WRONG, "0777: it cannot use the files that it creates", facts.status.umask = 0777);
    JUDGED("umask", CHECK_WRONG, "0122: it cannot use the files that it creates", facts.status.umask = 0122);
}

static void standard_descriptors_are_judged(void **state)
{
    (void)state;
    JUDGED("stdout", CHECK_NOTABLE, "/dev/null: whoever waits for its end waits for the daemon; SIGPIPE once nobody reads",
           fds[1].file.st_mode = S_IFIFO);
    JUDGED("stdout", CHECK_WRONG, "the pidfile: opened while this was closed: what it prints goes over the pid",
           fds[1].file = facts.pidfile.file);
    JUDGED("stdin", CHECK_WRONG, "the pidfile: opened while this was closed: what it prints goes over the pid",
           fds[0].file = facts.pidfile.file);
    JUDGED("stdout", CHECK_WRONG, "/dev/null, for reading only: each write to it fails", fds[1].info.flags = O_RDONLY);
    JUDGED("stderr", CHECK_WRONG, "/dev/null, for reading only: each write to it fails", fds[2].info.flags = O_CLOEXEC);
    JUDGED("stderr", CHECK_RIGHT, "/dev/null: open, and leads nowhere", fds[2].info.flags = O_WRONLY);
    JUDGED("stdin", CHECK_RIGHT, "/dev/null: open, and leads nowhere", fds[0].info.flags = O_RDONLY);
    JUDGED("stdin", CHECK_WRONG, "closed: the next file that it opens lands here", facts.fds++; facts.fd_count--);
    JUDGED("stderr", CHECK_WRONG, "closed: the next file that it opens lands here", fds[2].number = 3);
    JUDGED("stderr", CHECK_WRONG, "closed: the next file that it opens lands here", facts.fd_count = 2);
    JUDGED("stdout", CHECK_WRONG, "/dev/null: it fails once that terminal is gone",
           fds[1].file.st_rdev = makedev(136, 1));
    JUDGED("stdout", CHECK_WRONG, "/dev/null: it fails once that terminal is gone",
           fds[1].file.st_rdev = makedev(5, 1));
    JUDGED("stdout", CHECK_RIGHT, "/dev/null: what it prints is kept",
           fds[1].file = (struct stat){ .st_mode = S_IFREG, .st_nlink = 1 });
    JUDGED("stdin", CHECK_NOTABLE, "/dev/null: a daemon has nothing to read here",
           fds[0].file = (struct stat){ .st_mode = S_IFREG, .st_nlink = 1 });
    JUDGED("stdout", CHECK_NOTABLE, "/dev/null: nobody can read what is written there",
           fds[1].file = (struct stat){ .st_mode = S_IFREG });
    JUDGED("stderr", CHECK_NOTABLE, "/dev/null: whoever waits for its end waits for the daemon; SIGPIPE once nobody reads",
           fds[2].file.st_mode = S_IFIFO);
    JUDGED("stderr", CHECK_NOTABLE, "/dev/null: somebody must listen there", fds[2].file.st_mode = S_IFSOCK);
    JUDGED("stdin", CHECK_NOTABLE, "/dev/null: a daemon has nothing to read here", fds[0].file.st_mode = S_IFIFO);
    JUDGED("stdin", CHECK_WRONG, "/dev/null: it fails once that terminal is gone", fds[0].file.st_rdev = makedev(4, 1));
    JUDGED("stdin", CHECK_WRONG, "/dev/null: it fails once that terminal is gone",
           fds[0].file.st_rdev = makedev(143, 1));
    JUDGED("stdin", CHECK_NOTABLE, "/dev/null: a daemon has nothing to read here",
           fds[0].file.st_rdev = makedev(144, 1));
    JUDGED("stdin", CHECK_NOTABLE, "/dev/null: a daemon has nothing to read here",
           fds[0].file.st_rdev = makedev(135, 1));
    JUDGED("stdin", CHECK_NOTABLE, "/dev/null: a daemon has nothing to read here", fds[0].file.st_rdev = makedev(1, 5));
    JUDGED("stdin", CHECK_NOTABLE, "/dev/null: a daemon has nothing to read here", fds[0].file.st_mode = S_IFBLK);
}

static void descriptors_above_2_are_judged(void **state)
{
    (void)state;
    JUDGED("descriptors", CHECK_WRONG,
           "2 stray above 2: 3 is /dev/null: without close-on-exec: inherited, or lent to each program that it starts",
           fds[3].info.locked = false; fds[4].info.flags = 0; facts.pidfile.path = NULL);
    JUDGED("descriptors", CHECK_WRONG,
           "1 stray above 2: 3 is /dev/null: without close-on-exec: inherited, or lent to each program that it starts",
           facts.pidfile.path = NULL; fds[3].info.locked = false);
    JUDGED("descriptors", CHECK_WRONG,
           "1 stray above 2: 4 is /dev/null: without close-on-exec: inherited, or lent to each program that it starts",
           fds[4].info.flags = 0);
    JUDGED("descriptors", CHECK_WRONG,
           "1 stray above 2: 4 is /dev/null: without close-on-exec: inherited, or lent to each program that it starts",
           fds[4].info.flags = 0; fds[4].file.st_mode = S_IFDIR);
    JUDGED("descriptors", CHECK_WRONG,
           "1 stray above 2: 4 is /dev/null: without close-on-exec: inherited, or lent to each program that it starts",
           fds[4].info.flags = 0; fds[4].file.st_mode = S_IFIFO);
    JUDGED("descriptors", CHECK_WRONG,
           "1 stray above 2: 4 is /dev/null: without close-on-exec: inherited, or lent to each program that it starts",
           fds[3].info.flags = fds[4].info.flags = O_RDONLY;
           fds[3].file = fds[4].file = (struct stat){ .st_ino = 99, .st_mode = S_IFIFO });
    JUDGED("descriptors", CHECK_NOTABLE,
           "2 above 2, 1 of them sockets or the like that pass an exec: without close-on-exec: "
           "inherited, or lent to each program that it starts",
           fds[3].info.flags = O_RDONLY; fds[4].info.flags = O_WRONLY;
           fds[3].file = fds[4].file = (struct stat){ .st_ino = 99, .st_mode = S_IFIFO });
    JUDGED("descriptors", CHECK_WRONG,
           "1 stray above 2: 4 is /dev/null: without close-on-exec: inherited, or lent to each program that it starts",
           fds[4].file.st_mode = S_IFCHR; fds[4].file.st_rdev = makedev(136, 0));
    JUDGED("descriptors", CHECK_NOTABLE,
           "2 above 2, 1 of them sockets or the like that pass an exec: without close-on-exec: "
           "inherited, or lent to each program that it starts",
           fds[4].info.flags = 0; fds[4].file.st_mode = S_IFSOCK);
    JUDGED("descriptors", CHECK_NOTABLE,
           "2 above 2, 1 of them sockets or the like that pass an exec: without close-on-exec: "
           "inherited, or lent to each program that it starts",
           fds[4].info.flags = 0; fds[4].file.st_mode = 0600);
    JUDGED("descriptors", CHECK_WRONG,
           "1 stray above 2: 4 is /dev/null: without close-on-exec: inherited, or lent to each program that it starts",
           fds[3].info.flags = fds[4].info.flags = O_WRONLY;
           fds[3].file = fds[4].file = (struct stat){ .st_ino = 99, .st_mode = S_IFIFO });
    JUDGED("descriptors", CHECK_RIGHT, "1 above 2: none passes an exec but a lock", facts.fd_count = 4; fds[4].info.flags = 0);
    JUDGED("descriptors", CHECK_WRONG,
           "1 stray above 2: 3 is /dev/null: without close-on-exec: inherited, or lent to each program that it starts",
           fds[3].info.flags = O_RDONLY; fds[4].info.flags = O_WRONLY; fds[3].info.locked = false; facts.pidfile.path = NULL;
           fds[3].file = fds[4].file = (struct stat){ .st_ino = 99, .st_mode = S_IFIFO }; facts.fd_count = 4);
    JUDGED("descriptors", CHECK_RIGHT, "none above 2: no file, socket or pipe of others is held open",
           facts.fd_count = 3; (void)0);
    JUDGED("descriptors", CHECK_NOTABLE,
           "2 above 2, 1 of them sockets or the like that pass an exec: without close-on-exec: "
           "inherited, or lent to each program that it starts",
           fds[3].info.locked = false; fds[3].file.st_mode = fds[4].file.st_mode = S_IFSOCK);
    JUDGED("descriptors", CHECK_RIGHT, "2 above 2: none passes an exec but a lock",
           facts.pidfile.path = NULL; fds[3].file = fds[1].file; fds[3].info.locked = false);
}

static const char *found_of(const struct check_facts *facts, const char *point)
{
    static struct check_report report;
    check_judge(facts, &report);
    for (size_t i = 0; i < report.count; i++)
        if (strcmp(report.points[i].name, point) == 0)
            return report.points[i].found;
    return "";
}

static const char *why_of(const struct check_facts *facts, const char *point)
{
    static struct check_report report;
    check_judge(facts, &report);
    for (size_t i = 0; i < report.count; i++)
        if (strcmp(report.points[i].name, point) == 0)
            return report.points[i].why;
    return "";
}

/* Whoever begins with 0 to 2 closed has others in the first places. */
static void the_first_descriptor_counts_as_any_other(void **state)
{
    (void)state;
    struct check_facts facts = good_daemon();
    facts.fds += 3;
    facts.fd_count -= 3;
    assert_string_equal(found_of(&facts, "descriptors"), "2 above 2");
    assert_string_equal(found_of(&facts, "pidfile lock"), "held, by descriptor 3");
    strcpy(facts.directory, "/srv/x");
    strcpy(facts.mount_point, "/srv");
    facts.directory_file.st_dev = fds[3].file.st_dev;
    assert_string_equal(why_of(&facts, "directory"), "it has files open there, which keep it busy anyway");
    fds[3].info = (struct check_fdinfo){ .flags = O_RDONLY | O_CLOEXEC };
    fds[4].info.flags = O_WRONLY;
    fds[3].file = fds[4].file = (struct stat){ .st_ino = 99, .st_mode = S_IFIFO };
    assert_string_equal(found_of(&facts, "descriptors"), "2 above 2, 1 of them sockets or the like that pass an exec");
}

static void every_signal_is_named_to_the_last(void **state)
{
    (void)state;
    struct check_facts facts = good_daemon();
    facts.status.blocked = ~(uint64_t)0;
    const char *found = found_of(&facts, "blocked");
    assert_int_equal(strncmp(found, "SIGHUP, SIGINT, ", 16), 0);
    assert_contains(found, "SIGTERM, SIGSTKFLT, SIGCHLD");
    assert_contains(found, "SIGIO, SIGPWR, SIGSYS, 32, ");
    assert_string_equal(found + strlen(found) - 10, "62, 63, 64");
}

static void a_session_of_another_namespace_is_said_to_be_one(void **state)
{
    (void)state;
    struct check_facts facts = good_daemon();
    facts.stat.session = 0;
    assert_string_equal(found_of(&facts, "session"), "of a leader outside of this PID namespace");
    assert_judged(&facts, "session", CHECK_RIGHT, "of a leader outside of this PID namespace: it does not lead it");
}

static void a_shared_lock_excludes_nobody(void **state)
{
    (void)state;
    struct check_fdinfo info;
    assert_true(check_parse_fdinfo("pos:\t0\nflags:\t0100000\nlock:\t1: FLOCK  ADVISORY  READ 7 fe:00:44 0 EOF\n", &info));
    assert_true(info.shared);
    assert_false(info.locked);
    assert_true(check_parse_fdinfo("pos:\t0\nflags:\t0100000\nlock:\t1: FLOCK  ADVISORY  WRITE 7 fe:00:44 0 EOF\n", &info));
    assert_false(info.shared);
    struct check_facts facts = good_daemon();
    fds[3].info.locked = false;
    fds[3].info.shared = true;
    facts.pidfile.locker = 0;
    assert_string_equal(found_of(&facts, "pidfile lock"), "a shared one, by descriptor 3");
}

static void signals_are_judged(void **state)
{
    (void)state;
    const uint64_t one = 1;
    JUDGED("ignored", CHECK_RIGHT, "SIGPIPE: as servers do: a lost client is an error of write()",
           facts.status.ignored = one << (SIGPIPE - 1));
    JUDGED("ignored", CHECK_NOTABLE, "SIGHUP, SIGPIPE: by its own choice, or passed on by whoever started it",
           facts.status.ignored = one << (SIGPIPE - 1) | 1);
    JUDGED("ignored", CHECK_NOTABLE, "SIGHUP: by its own choice, or passed on by whoever started it",
           facts.status.ignored = one << (SIGHUP - 1));
    JUDGED("ignored", CHECK_NOTABLE, "64: by its own choice, or passed on by whoever started it",
           facts.status.ignored = one << 63);
    JUDGED("ignored", CHECK_NOTABLE, "SIGHUP, SIGCHLD: if it did not choose to ignore SIGCHLD: wait() tells it nothing of its children",
           facts.status.ignored = one << (SIGCHLD - 1) | one << (SIGHUP - 1));
    JUDGED("ignored", CHECK_WRONG, "SIGTERM: with SIGTERM ignored, only SIGKILL stops it",
           facts.status.ignored = one << (SIGTERM - 1));
    JUDGED("ignored", CHECK_WRONG, "SIGTERM, SIGCHLD: with SIGTERM ignored, only SIGKILL stops it",
           facts.status.ignored = one << (SIGTERM - 1) | one << (SIGCHLD - 1));
    JUDGED("blocked", CHECK_WRONG, "SIGHUP: these never arrive, and nothing is seen that would take them",
           facts.status.blocked = 1);
    JUDGED("blocked", CHECK_WRONG, NULL, facts.status.blocked = ~(uint64_t)0);
    JUDGED("blocked", CHECK_NOTABLE, "SIGHUP: it has a signalfd, sigwait or another thread, which may take them",
           facts.status.blocked = 1; facts.status.threads = 2);
    JUDGED("blocked", CHECK_NOTABLE, "SIGHUP: it has a signalfd, sigwait or another thread, which may take them",
           facts.status.blocked = 1; facts.waits_for_signal = true);
    JUDGED("blocked", CHECK_NOTABLE, "SIGHUP: it has a signalfd, sigwait or another thread, which may take them",
           facts.status.blocked = 1; strcpy(fds[4].target, "anon_inode:[signalfd]"));
    JUDGED("blocked", CHECK_WRONG, "SIGHUP: these never arrive, and nothing is seen that would take them",
           facts.status.blocked = 1; strcpy(fds[4].target, "anon_inode:[signalfd]"); facts.fd_count = 4);
    JUDGED("blocked", CHECK_NOTABLE, "SIGHUP: it has a signalfd, sigwait or another thread, which may take them",
           facts.status.blocked = 1; strcpy(fds[0].target, "anon_inode:[signalfd]"));
}

static void rights_are_judged(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        JUDGED("ids", CHECK_WRONG, NULL, facts.status.uids[i] = 8);
        JUDGED("ids", CHECK_WRONG, NULL, facts.status.gids[i] = 8);
    }
    JUDGED("ids", CHECK_WRONG,
           "uid 1, 2, 3, 4; gid 5, 6, 7, 8 (real, effective, saved, file system): a half drop: the other identity can be had back",
           for (int i = 0; i < 4; i++) {
               facts.status.uids[i] = (unsigned)i + 1;
               facts.status.gids[i] = (unsigned)i + 5;
           });
    JUDGED("ids", CHECK_NOTABLE, "root, gid 9: what takes it over has the machine",
           memset(facts.status.uids, 0, sizeof facts.status.uids));
    JUDGED("ids", CHECK_NOTABLE, "root, gid 9: what takes it over has the machine",
           memset(facts.status.uids, 0, sizeof facts.status.uids); facts.status.in_root_group = true;
           facts.status.permitted = 0x1ffffffffff);
    JUDGED("groups", CHECK_WRONG,
           "2 supplementary, group 0 among them: root's group was kept: files that only it may use are open to this user",
           facts.status.in_root_group = true; facts.status.group_count = 2);
    JUDGED("groups", CHECK_WRONG,
           "gid 0, and 0 supplementary: root's group was kept: files that only it may use are open to this user",
           memset(facts.status.gids, 0, sizeof facts.status.gids));
    JUDGED("groups", CHECK_RIGHT, "3 supplementary: not root's among them", facts.status.group_count = 3);
    JUDGED("ids", CHECK_NOTABLE, "root, gid 9: what takes it over has the machine",
           memset(facts.status.uids, 0, sizeof facts.status.uids); facts.status.group_count = 3);
    JUDGED("capabilities", CHECK_NOTABLE, "permitted 0x400, effective 0x0: root's rights without root's name",
           facts.status.permitted = 0x400);
    JUDGED("capabilities", CHECK_NOTABLE, "permitted 0x0, effective 0x400: root's rights without root's name",
           facts.status.effective = 0x400);
    JUDGED("capabilities", CHECK_NOTABLE, "none; inheritable 0x400: a program that it starts may get them",
           facts.status.inheritable = 0x400);
    JUDGED("capabilities", CHECK_NOTABLE, "none; inheritable 0x0: a program that it starts may get them",
           facts.status.ambient = 0x400);
    JUDGED("capabilities", CHECK_NOTABLE, "permitted 0x400, effective 0x1: root's rights without root's name",
           facts.status.permitted = 0x400; facts.status.effective = 1);
    JUDGED("new privileges", CHECK_NOTABLE, "possible (no_new_privs is not set): a set-user-ID program that it starts would gain some",
           facts.status.no_new_privs = 0);
    /* What it may do is decided by the effective ids. */
    JUDGED("ids", CHECK_WRONG, NULL, facts.status.uids[1] = 0; facts.status.in_root_group = true;
           facts.status.permitted = 0x400);
    JUDGED("ids", CHECK_WRONG, NULL, facts.status.gids[1] = 0; judged_too = "groups");
    JUDGED("ids", CHECK_WRONG, NULL, facts.status.gids[0] = facts.status.gids[2] = facts.status.gids[3] = 0);
    JUDGED("ids", CHECK_WRONG, NULL, memset(facts.status.uids, 0, sizeof facts.status.uids); facts.status.uids[1] = 9;
           facts.status.in_root_group = true; judged_too = "groups");
    struct check_facts other = good_daemon();
    other.status.uids[0] = other.status.uids[1] = other.status.uids[2] = other.status.uids[3] = 1;
    assert_string_equal(found_of(&other, "ids"), "uid 1, gid 9");
    struct check_facts root = good_daemon();
    memset(root.status.uids, 0, sizeof root.status.uids);
    root.status.permitted = 0x1ff;
    assert_string_equal(found_of(&root, "capabilities"), "permitted 0x1ff");
    assert_string_equal(found_of(&root, "ids"), "root, gid 9");
    root.status.group_count = 1;
    assert_string_equal(why_of(&root, "groups"), "root has them all anyway");
    root.status.uids[0] = root.status.uids[2] = 9;
    assert_string_equal(why_of(&root, "groups"), "root has them all anyway");
    root.status.uids[1] = 9;
    assert_string_equal(why_of(&root, "groups"), "not root's among them");
}

static void pidfiles_are_judged(void **state)
{
    (void)state;
    JUDGED("pidfile owner", CHECK_WRONG, "uid 0, mode 0664: who can write it chooses whom root's stop script kills",
           facts.pidfile.file.st_mode = S_IFREG | 0664);
    JUDGED("pidfile owner", CHECK_WRONG, "uid 0, mode 0602: who can write it chooses whom root's stop script kills",
           facts.pidfile.file.st_mode = S_IFREG | 0602);
    JUDGED("pidfile owner", CHECK_WRONG, "uid 9, mode 0644: who can write it chooses whom root's stop script kills",
           facts.pidfile.file.st_uid = 9);
    JUDGED("pidfile owner", CHECK_WRONG, "uid 1, mode 0644: who can write it chooses whom root's stop script kills",
           facts.pidfile.file.st_uid = 1);
    JUDGED("pidfile owner", CHECK_RIGHT, "uid 0, mode 7755: nobody else can write it",
           facts.pidfile.file.st_mode = S_IFREG | 07755);
    JUDGED("pidfile owner", CHECK_RIGHT, "uid 9, mode 0644: nobody else can write it",
           facts.pidfile.file.st_uid = facts.observer = 9);
    JUDGED("pidfile owner", CHECK_WRONG, "a symbolic link: who owns the link chooses what is read",
           facts.pidfile.link.st_mode = S_IFLNK | 0777);
    JUDGED("pidfile place", CHECK_WRONG, "/run belongs to uid 8: who can write there can put another pidfile in its place",
           strcpy(facts.pidfile.open_to, "/run"); facts.pidfile.open_owner = 8);
    JUDGED("pidfile place", CHECK_WRONG, "others may write /run: who can write there can put another pidfile in its place",
           strcpy(facts.pidfile.open_to, "/run"); facts.pidfile.open_mode = true; facts.pidfile.open_owner = 8);
    JUDGED("pidfile place", CHECK_UNSEEN, "not seen: only its own user and root can look",
           facts.pidfile.place_seen = false);
    JUDGED("pidfile pid", CHECK_WRONG, "43, not 42: who stops the daemon by it stops another",
           facts.pidfile.named = 43);
    JUDGED("pidfile pid", CHECK_WRONG, "none: who asks it finds nobody", facts.pidfile.content = CHECK_NO_PID);
    JUDGED("pidfile pid", CHECK_NOTABLE, "42, in another form: a number and one newline is what every script reads",
           facts.pidfile.content = CHECK_PID_UNUSUAL);
    JUDGED("pidfile lock", CHECK_RIGHT, "held, by descriptor 3: the lock ends with the daemon, so nobody can be deceived",
           facts.pidfile.locker = 0);
    JUDGED("pidfile lock", CHECK_RIGHT, "held: the lock ends with the daemon, so nobody can be deceived",
           fds[3].file.st_ino = 9);
    JUDGED("pidfile lock", CHECK_WRONG, "held, taken by pid 43: it is another one's pidfile",
           fds[3].file.st_ino = 9; facts.pidfile.locker = 43);
    JUDGED("pidfile lock", CHECK_WRONG, "held, taken by pid 1: it is another one's pidfile",
           fds[3].file.st_ino = 9; facts.pidfile.locker = 1);
    JUDGED("pidfile lock", CHECK_WRONG, "nobody holds one: after its death nothing tells the file from a live one's",
           fds[3].file.st_ino = 9; facts.pidfile.locker = 0);
    JUDGED("pidfile lock", CHECK_WRONG, "nobody holds one: after its death nothing tells the file from a live one's",
           fds[3].file.st_ino = 9; facts.pidfile.locker = 0; fds[4].file = facts.pidfile.file; fds[4].info.locked = true;
           facts.fd_count = 4);
    JUDGED("pidfile lock", CHECK_WRONG, "held by somebody else: it is another one's pidfile",
           fds[3].file.st_ino = 9; facts.pidfile.locker = -1);
    JUDGED("pidfile lock", CHECK_UNSEEN, "not seen: only its own user and root can look",
           fds[3].file.st_ino = 9; facts.pidfile.locks_seen = false; facts.pidfile.locker = 0);
}

static void another_users_process_is_not_seen_where_it_cannot_be(void **state)
{
    (void)state;
    struct check_facts facts = good_daemon();
    struct check_report report;
    facts.directory_seen = facts.fds_seen = false;
    facts.fd_count = 0;
    check_judge(&facts, &report);
    assert_int_equal(report.counts[CHECK_UNSEEN], 5);
    assert_int_equal(report.counts[CHECK_WRONG], 0);
    facts.pidfile.locker = 0;
    assert_string_equal(found_of(&facts, "pidfile lock"), "nobody holds one"); /* that much is seen */
    facts.pidfile.locker = -1;
    facts.status.blocked = 1;
    check_judge(&facts, &report);
    assert_int_equal(report.counts[CHECK_UNSEEN], 7);
}

/* ---- printing ---- */

static char *printed(const struct check_facts *facts, bool json, bool colour)
{
    static char text[1 << 16];
    struct check_report report;
    FILE *file = tmpfile();
    check_judge(facts, &report);
    if (json)
        check_print_json(file, facts, &report);
    else
        check_print_text(file, facts, &report, colour, 79);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void every_byte_of_a_name_is_harmless(void **state)
{
    (void)state;
    struct check_facts facts = good_daemon();
    for (int byte = 1; byte < 256; byte++) {
        memset(facts.directory, byte, sizeof facts.directory - 1);
        memset(fds[1].target, byte, sizeof fds[1].target - 1);
        memset(facts.stat.name, byte, sizeof facts.stat.name - 1);
        fds[1].file = (struct stat){ .st_mode = S_IFREG, .st_nlink = 1 };
        for (int json = 0; json < 2; json++)
            for (const char *at = printed(&facts, json, false); *at; at++)
                if (((unsigned char)*at < 0x20 && *at != '\n') || (unsigned char)*at >= 0x7f)
                    fail_msg("byte %d is printed as %d", byte, *at);
        if (byte == '"' || byte == '\\')
            assert_contains(printed(&facts, true, false), byte == '"' ? "\\\"\\\"" : "\\\\\\\\");
    }
}

static void lines_are_narrower_than_80_columns(void **state)
{
    (void)state;
    struct check_facts facts = good_daemon();
    strcpy(facts.directory, "/srv/a place with a name of many words, each of which is short, so that it can be wrapped");
    for (const char *line = printed(&facts, false, false); *line; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 0, 79);
    assert_null(strchr(printed(&facts, false, false), '\033'));
    assert_contains(printed(&facts, false, true), "\033[32mok   \033[0m");
    facts.stat.tty = 34818;
    assert_contains(printed(&facts, false, false), "WRONG  terminal       has /dev/pts/2:");
    assert_contains(printed(&facts, false, false), "\n18 right, 0 notable, 1 wrong, 0 not seen\n");
}

/* ---- options ---- */

static void options_are_read(void **state)
{
    (void)state;
    struct check_options options;
    struct blivet_error error;
    char name[] = "daemoncheck", p[] = "-p", path[] = "/run/pid", json[] = "--format=json", pid[] = "42";
    char *words[] = { name, p, path, json, pid, NULL };
    assert_int_equal(check_options_parse(&options, 5, words, &error), 0);
    assert_string_equal(options.pidfile, "/run/pid");
    assert_true(options.json);
    assert_int_equal(options.pid, 42);
    assert_int_equal(check_options_parse(&options, 3, words, &error), 0);
    assert_int_equal(options.pid, 0);
    assert_int_equal(check_options_parse(&options, 1, words, &error), -1);
    assert_int_equal(error.exit_code, 64);
    assert_int_equal(check_options_parse(&options, 0, words + 5, &error), -1);
    char xml[] = "--format=xml", *unknown[] = { name, xml, pid, NULL };
    assert_int_equal(check_options_parse(&options, 3, unknown, &error), -1);
    assert_int_equal(error.exit_code, 64);
    assert_contains(error.message, "xml");
}

static int parse_words(struct check_options *options, const char *line, struct blivet_error *error)
{
    static char copy[256], *words[16];
    char *rest = copy;
    int count = 0;
    snprintf(copy, sizeof copy, "daemoncheck %s", line);
    while ((words[count] = strsep(&rest, " ")))
        count++;
    return check_options_parse(options, count, words, error);
}

static void a_refusal_says_which_word_is_wrong_and_why(void **state)
{
    (void)state;
    static const struct { const char *line, *message; } cases[] = {
        { "x", "pid: x: is not a number" },
        { "", "pid: '': is not a number" },
        { "12345678901", "pid: 12345678901: is not a number" },
        { "1x", "pid: 1x: is not a number" },
        { "0", "pid: 0: is no process's" },
        { "2147483648", "pid: 2147483648: is no process's" },
        { "1 2", "pid: 2: is one too many" },
        { "-p", "option: -p: needs an argument" },
        { "--format", "option: --format: needs an argument" },
        { "--format=xml 1", "option --format: xml: is neither text nor json" },
        { "--pidfile= 1", "option --pidfile: the path is empty" },
        { "-x 1", "option: -x: is unknown, ambiguous, or takes no argument" },
        { "--help=1", "option: --help=1: is unknown, ambiguous, or takes no argument" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct check_options options;
        struct blivet_error error;
        assert_int_equal(parse_words(&options, cases[i].line, &error), -1);
        assert_string_equal(error.message, cases[i].message);
        assert_int_equal(error.exit_code, 64);
        assert_int_equal(error.system_errno, 0);
    }
}

/* Not even where the last one ended within a word.  Behind the end of an empty argv, which execve allows, nothing is read. */
static void each_call_is_read_from_its_beginning(void **state)
{
    (void)state;
    struct check_options options;
    struct blivet_error error;
    char name[] = "daemoncheck", *words[] = { name, NULL };
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *edge = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(edge != MAP_FAILED);
    assert_int_equal(mprotect(edge + page, page, PROT_NONE), 0);
    for (int argc = 0; argc < 2; argc++) {
        assert_int_equal(parse_words(&options, "-xq 1", &error), -1);
        assert_int_equal(check_options_parse(&options, argc, argc ? words : (char **)(void *)(edge + page) - 1, &error), -1);
        assert_string_equal(error.message, "pid: none is given, nor a pidfile");
    }
    munmap(edge, 2 * page);
}

static void what_is_asked_for_is_taken(void **state)
{
    (void)state;
    struct check_options options;
    struct blivet_error error;
    assert_int_equal(parse_words(&options, "--format=text 2147483647", &error), 0);
    assert_false(options.json);
    assert_int_equal(options.pid, 2147483647);
    assert_int_equal(parse_words(&options, "1", &error), 0);
    assert_int_equal(options.pid, 1);
    assert_int_equal(parse_words(&options, "-h 0", &error), 0);
    assert_true(options.help && !options.version);
    assert_int_equal(parse_words(&options, "--version 0", &error), 0);
    assert_true(options.version && !options.help);
}

static void the_help_names_each_option(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    check_options_help(stream);
    fclose(stream);
    assert_contains(text, "Usage: daemoncheck [options] pid\n");
    assert_contains(text, "\n  -p, --pidfile PATH ");
    assert_contains(text, "\n      --format=text|json ");
    assert_contains(text, "\n  -h, --help   ");
    assert_contains(text, "Exit status: ");
    free(text);
}

static void a_program_is_named_where_it_is_known(void **state)
{
    (void)state;
    struct check_facts facts = good_daemon();
    assert_memory_equal(printed(&facts, false, false), "good (pid 42)\n", 14);
    strcpy(facts.program, "/usr/bin/good");
    assert_memory_equal(printed(&facts, false, false), "good (pid 42), /usr/bin/good\n", 29);
}

static void texts_that_end_early_are_no_texts(void **state)
{
    (void)state;
    struct check_status status;
    struct check_fdinfo info;
    char text[2 * sizeof status_text], found[4];
    pid_t pid;
    for (size_t length = 0; length < sizeof status_text - 1; length++) {
        memcpy(text, status_text, length);
        text[length] = '\0';
        if (check_parse_status(text, &status) && length < strlen(status_text) - 2)
            fail_msg("taken for whole: %s", text);
    }
    const char *uid = strstr(status_text, "Uid:");
    snprintf(text, sizeof text, "%.*sUid:\t1\tx%s", (int)(uid - status_text), status_text, strchr(uid, '\n'));
    assert_false(check_parse_status(text, &status));
    memset(text, 'x', sizeof text);
    memcpy(text, "1 0 8:1 / /\\040", 14);
    text[sizeof text - 1] = '\0';
    assert_false(check_parse_fdinfo("x\nflagsx:\t1\nflags", &info));
    assert_false(check_parse_mount("1 0 8:1 / /long rw\n", "/long/x", found, sizeof found)); /* no room for it */
    assert_false(check_parse_mount("1 0 8:1 / /two rw\n", "/two/x", found, sizeof found));
    assert_true(check_parse_mount("1 0 8:1 / /of rw\n", "/of/x", found, sizeof found));
    assert_string_equal(found, "/of");
    assert_true(check_parse_fdinfo("pos:0\nflags:17\n", &info) && info.flags == 017); /* without a blank */
    assert_false(check_parse_fdinfo("pos:\t0\n\0\nflags:\t1\n", &info)); /* what is behind the end is not read */
    static char mounts[9000] = "1 0 8:1 / /";
    memset(mounts + strlen(mounts), 'x', sizeof mounts - 20); /* a name that no path can be under */
    assert_false(check_parse_mount(mounts, "/xxx", text, sizeof text));
    assert_int_equal(check_parse_locks("1: FLOCK  ADVISORY  WRITE 5 fe:01:42 0 EOF\n", makedev(0xfe, 0), 42), 0);
    assert_int_equal(check_parse_locks("1: FLOCK  ADVISORY  WRITE 5 fd:00:42 0 EOF\n", makedev(0xfe, 0), 42), 0);
    assert_int_equal(check_parse_pidfile("12x", 2, &pid), CHECK_PID_UNUSUAL); /* no more than it is given */
    assert_int_equal(check_parse_pidfile("12\t", 3, &pid), CHECK_PID_UNUSUAL);
    assert_int_equal(check_parse_pidfile("129", 2, &pid), CHECK_PID_UNUSUAL);
    assert_int_equal(pid, 12);
}

static void groups_are_counted_to_the_end_of_the_text(void **state)
{
    (void)state;
    struct check_status status;
    char text[sizeof status_text + 32];
    const char *groups = strstr(status_text, "Groups:"), *behind = strchr(groups, '\n');
    snprintf(text, sizeof text, "%.*s%s\nGroups:\t1 x:0a", (int)(groups - status_text), status_text, behind + 1);
    assert_true(check_parse_status(text, &status));
    assert_int_equal(status.group_count, 2);
    assert_true(status.in_root_group);
}

static void on_a_narrow_terminal_the_indent_is_narrow_too(void **state)
{
    (void)state;
    struct check_facts facts = good_daemon();
    struct check_report report;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    check_judge(&facts, &report);
    check_print_text(stream, &facts, &report, false, 40);
    fclose(stream);
    assert_contains(text, "\n       "); /* 7 rather than 22 */
    assert_null(strstr(text, "\n                      "));
    free(text);
}

static void a_long_word_is_broken_at_a_slash_or_left_whole(void **state)
{
    (void)state;
    static const struct {
        size_t column;
        const char *words, *shown;
    } cases[] = {
        { 0, "at /on/two/three", "at\n  /on/two/\n  three" },
        { 0, "at /one/twelve-is-long/x", "at\n  /one/\n  twelve-is-long/x" },
        { 0, "no-slash-in-it at /x", "no-slash-in-it\n  at /x" },
        { 0, "/12345678/x", "/12345678/\n  x" }, /* it fits to the last column */
        { 0, "/\303\2512345678/x", "/\303\2512345678/\n  x" },
        { 12, "/one/two", "/one/two" }, /* no room at all */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = NULL;
        size_t size;
        FILE *stream = open_memstream(&text, &size);
        struct fold fold = { .stream = stream, .indent = 2, .width = 10, .column = cases[i].column };
        terminal_fold(&fold, cases[i].words);
        fclose(stream);
        assert_string_equal(text, cases[i].shown);
        free(text);
    }
}

static void colour_is_for_a_terminal_and_for_who_wants_it(void **state)
{
    (void)state;
    static const struct { const char *entry; bool colour; } cases[] = {
        { "A=1", true },     { "NO_COLOR=", true }, { "NO_COLOR=1", false }, { "NO_COLORS=1", true },
        { "TERM=xterm", true }, { "TERM=dumb", false }, { NULL, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *environment[] = { (char *)cases[i].entry, NULL };
        script_begin(SCRIPT_LAUNCHER);
        script.environment = environment;
        assert_int_equal(terminal_colour(&blivet_script, 1), cases[i].colour);
    }
    script.environment = NULL;
    assert_true(terminal_colour(&blivet_script, 1));
    script_fail("isatty", 1, ENOTTY);
    assert_false(terminal_colour(&blivet_script, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CHK-7", stat_is_read_behind_the_last_parenthesis_whatever_the_name),
        CLAIM("CHK-7", what_is_no_stat_is_refused),
        CLAIM("CHK-7", status_is_read_and_no_name_forges_a_line),
        CLAIM("CHK-6", locks_are_told_by_device_and_inode_and_who_waits_has_none),
        CLAIM("CHK-4", the_mount_of_a_path_is_the_longest_and_the_last),
        CLAIM("CHK-1 CHK-6", a_pidfile_holds_a_pid_and_a_newline),
        CLAIM("CHK-3", a_good_daemon_is_right_in_each_point),
        CLAIM("CHK-4 CHK-5", processes_are_judged),
        CLAIM("CHK-4 CHK-5", files_are_judged),
        CLAIM("CHK-4 CHK-5", standard_descriptors_are_judged),
        CLAIM("CHK-4 CHK-5", descriptors_above_2_are_judged),
        CLAIM("CHK-4 CHK-5", signals_are_judged),
        CLAIM("CHK-4 CHK-5", the_first_descriptor_counts_as_any_other),
        CLAIM("CHK-3", every_signal_is_named_to_the_last),
        CLAIM("CHK-3", a_session_of_another_namespace_is_said_to_be_one),
        CLAIM("CHK-6", a_shared_lock_excludes_nobody),
        CLAIM("CHK-4 CHK-5", rights_are_judged),
        CLAIM("CHK-6", pidfiles_are_judged),
        CLAIM("CHK-3", another_users_process_is_not_seen_where_it_cannot_be),
        CLAIM("CHK-7", every_byte_of_a_name_is_harmless),
        CLAIM("CHK-7", lines_are_narrower_than_80_columns),
        CLAIM("CHK-7 CLI-18", a_long_word_is_broken_at_a_slash_or_left_whole),
        CLAIM("CHK-1", options_are_read),
        CLAIM("CHK-1", a_refusal_says_which_word_is_wrong_and_why),
        CLAIM("CHK-1", each_call_is_read_from_its_beginning),
        CLAIM("CHK-1", what_is_asked_for_is_taken),
        CLAIM("CHK-1", the_help_names_each_option),
        CLAIM("CHK-3", a_program_is_named_where_it_is_known),
        CLAIM("CHK-7", texts_that_end_early_are_no_texts),
        CLAIM("CHK-7", groups_are_counted_to_the_end_of_the_text),
        CLAIM("CHK-7", on_a_narrow_terminal_the_indent_is_narrow_too),
        CLAIM("CHK-7", colour_is_for_a_terminal_and_for_who_wants_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
