/* situations.c - every branch of every step is in one of them. */
#include "situations.h"
#include <fcntl.h>
#include <string.h>

/* ---- what the machine of the daemon is like ---- */

static void files_are_there(void)
{
    script_add(PIDFILE, S_IFREG | 0644, "4194304\n\n\n");
    script_add(LOCKFILE, S_IFREG | 0644, "");
    script_add(STDOUT, S_IFREG | 0644, "old\n");
    script_add(STDERR, S_IFREG | 0644, "old\n");
    script_kernel.open("/dev/null", O_RDONLY, 0); /* 3, kept; 4, inherited */
    script_kernel.open("/dev/null", O_RDONLY, 0);
}

static void standard_descriptors_are_closed(void)
{
    for (int fd = 0; fd < 3; fd++)
        script_kernel.close(fd);
}

static void descriptors_0_and_1_are_closed(void)
{
    script_kernel.close(0);
    script_kernel.close(1);
}

static void a_long_file_is_there(void)
{
    script_add(PIDFILE, S_IFREG | 0644, "1\n")->size = 5000;
}

static void anybody_can_write_the_pidfile(void) { script_add(PIDFILE, S_IFREG | 0666, "1\n"); }

static void another_instance_runs(void) { script_add(PIDFILE, S_IFREG | 0644, "77\n")->locked_by = -1; }

static void stdout_is_a_directory(void) { script_add(STDOUT, S_IFDIR | 0755, NULL); }

static void close_range_is_missing(void) { script.no_close_range = true; }

static void proc_is_missing(void)
{
    script.no_proc = script.no_close_range = true;
    script.most_calls = 2000000; /* every descriptor that there can be is closed, one by one */
}

static void a_manager_listens(void)
{
    static char *environment[] = { (char *)"NOTIFY_SOCKET=/run/notify", NULL };
    script.environment = environment;
}

static void a_manager_listens_and_files_are_there(void)
{
    a_manager_listens();
    files_are_there();
}

static void capabilities_are_inheritable(void) { script.left_capabilities[2] = 1 << 10; }

static void a_supervisor_waits_for_a_newline(void)
{
    int ends[2];
    script_kernel.pipe2(ends, 0); /* 3, 4 */
}

/* ---- what the launcher meets ---- */

#define ALIVE "102 (x) S 101 101 101 0 -1 64 0"
#define EXECED "102 (x) S 101 101 101 0 -1 0 0"
#define KILLED "102 (x) Z 101 101 101 0 -1 68 0 9"

static void the_children_begin(void)
{
    struct blivet_page *page = script.page;
    page->pid = SCRIPT_DAEMON_PID;
    page->step = STEP_HAND_OVER;
}

static void meet(const char *hears, size_t count, bool ends, const char *stat_line)
{
    script.meanwhile = the_children_begin;
    script.hears = hears;
    script.hears_count = count;
    script.hears_end = ends;
    script.stat_line = stat_line;
    script.has_stat = script.has_pidfd = true;
}

static void they_leave_a_pidfile(void)
{
    the_children_begin();
    script_add(PIDFILE, S_IFREG | 0644, "102\n");
    script_add(LOCKFILE, S_IFREG | 0644, "");
}

static void they_leave_a_pidfile_and_start_others(void)
{
    static const struct script_other others[] = { { 201, 7, "", "/dev/null", 0, false, true },
                                                  { 202, 7, "", "/dev/null", 0, false, false } };
    they_leave_a_pidfile();
    ((struct blivet_page *)script.page)->step = STEP_APPLICATION;
    memcpy(script.others, others, sizeof others);
    script.other_count = 2;
}

static void a_pidfile_stays_behind(void) { script.meanwhile = they_leave_a_pidfile; }

static void it_is_ready(void) { meet("\0", 1, false, ALIVE); }

static void it_is_ready_and_descriptors_are_closed(void)
{
    it_is_ready();
    descriptors_0_and_1_are_closed();
}

static void it_execs(void) { meet("\xff", 1, true, EXECED); }

static void it_execs_and_a_worker_holds_the_channel(void) { meet("\xff", 1, false, EXECED); }

static void it_execs_without_handles(void)
{
    it_execs();
    script.has_stat = script.has_pidfd = false;
    script.no_proc = true;
}

static void it_fails(void)
{
    meet("\x49stdout: /x: no space\n", 21, true, KILLED);
    script.daemon_dead = true;
}

static void it_is_killed(void)
{
    meet("", 0, true, KILLED);
    script.daemon_dead = true;
    a_pidfile_stays_behind();
}

/* Its status is with the pidfd alone. */
static void it_is_killed_and_reaped(void)
{
    it_is_killed();
    script.stat_line = NULL;
    script.status_kept = true;
    script.daemon_status = SIGKILL;
}

static void it_is_killed_without_handles(void)
{
    it_is_killed();
    script.has_stat = script.has_pidfd = false;
}

static void it_is_killed_and_the_launcher_is_a_subreaper(void)
{
    it_is_killed_and_reaped();
    script.status_kept = false;
    script.daemon_is_child = true;
}

static void it_hangs(void)
{
    meet("", 0, false, ALIVE);
    a_pidfile_stays_behind();
}

static void its_application_hangs_with_others_in_the_session(void)
{
    it_hangs();
    script.meanwhile = they_leave_a_pidfile_and_start_others;
}

static void it_hangs_and_is_deaf(void)
{
    it_hangs();
    script.deaf_to_sigterm = true;
}

static void it_hangs_with_stat_alone(void)
{
    it_hangs();
    script.has_pidfd = false;
}

static void the_leader_hangs(void)
{
    meet("", 0, false, ALIVE);
    script.leader_stopped = true;
}

static void the_leader_fails(void)
{
    meet("\x47setsid: operation not permitted\n", 33, true, NULL);
    script.meanwhile = NULL;
    script.leader_status = 71 << 8;
    script.daemon_dead = true;
}

static void it_talks_nonsense(void) { meet("\xff\x00", 2, false, EXECED); }

static void notice(int64_t at_ms, pid_t sender, const char *text)
{
    script.notices[script.notice_count++] = (struct script_notice){ at_ms, sender, text };
}

static void it_notifies(void)
{
    it_execs();
    notice(10, SCRIPT_DAEMON_PID, "STATUS=loading\nEXTEND_TIMEOUT_USEC=5000000");
    notice(20, SCRIPT_DAEMON_PID, "READY=1");
}

static void it_names_another_main_process(void)
{
    it_execs();
    a_pidfile_stays_behind();
    script.in_session = 103;
    notice(10, SCRIPT_DAEMON_PID, "MAINPID=103\nREADY=1");
}

static void it_writes_a_newline(void)
{
    it_execs();
    notice(10, 0, "\n");
}

static void it_closes_its_readiness_descriptor(void)
{
    it_execs();
    notice(10, 0, NULL);
}

static void it_never_notifies(void)
{
    it_execs();
    a_pidfile_stays_behind();
}

/* ---- the list ---- */

static const struct blivet_env entries[] = { { "COLOUR", "red" }, { "LANG", "" } };
static const int kept[] = { 3 };

#define FULL \
    .pidfile = PIDFILE, .lockfile = LOCKFILE, .stdout_path = STDOUT, .stderr_path = STDERR, .user = "www", \
    .group = "adm", .env = entries, .env_count = 2, .working_directory = "/var", .umask = 027

const struct situation situations[] = {
    { "daemon, minimal", .role = SCRIPT_DAEMON },
    { "daemon, full", .role = SCRIPT_DAEMON, .machine = files_are_there,
      .config = { FULL, .keep_fds = kept, .keep_fds_count = 1 } },
    { "daemon, full, new files", .role = SCRIPT_DAEMON, .machine = capabilities_are_inheritable, .config = { FULL } },
    { "daemon, pidfile as lock", .role = SCRIPT_DAEMON, .config = { .pidfile = PIDFILE, .stdout_path = STDOUT } },
    { "daemon, pidfile as lock, to be given away", .role = SCRIPT_DAEMON,
      .config = { .pidfile = PIDFILE, .user = "www", .flags = BLIVET_GIVE_PIDFILE } },
    { "daemon, pidfile not locked, one log", .role = SCRIPT_DAEMON,
      .config = { .pidfile = PIDFILE, .stdout_path = STDOUT, .stderr_path = STDOUT, .flags = BLIVET_NO_LOCK } },
    { "daemon, logs appended to and kept", .role = SCRIPT_DAEMON, .machine = files_are_there,
      .config = { .stdout_path = STDOUT, .stderr_path = STDERR, .user = "www",
                  .flags = BLIVET_APPEND | BLIVET_NO_CHOWN } },
    { "daemon, group alone", .role = SCRIPT_DAEMON, .config = { .group = "adm", .stderr_path = STDERR } },
    { "daemon, standard descriptors closed", .role = SCRIPT_DAEMON, .machine = standard_descriptors_are_closed,
      .config = { .pidfile = PIDFILE, .stderr_path = STDERR } },
    { "daemon, a long pidfile", .role = SCRIPT_DAEMON, .machine = a_long_file_is_there,
      .config = { .pidfile = PIDFILE } },
    { "daemon, an unsafe pidfile", .role = SCRIPT_DAEMON, .machine = anybody_can_write_the_pidfile,
      .config = { .pidfile = PIDFILE } },
    { "daemon, no close_range", .role = SCRIPT_DAEMON, .machine = close_range_is_missing },
    { "daemon, neither close_range nor /proc", .role = SCRIPT_DAEMON, .machine = proc_is_missing },
    { "daemon, program found by PATH", .role = SCRIPT_DAEMON, .words = "true now" },
    { "daemon, program with everything", .role = SCRIPT_DAEMON, .machine = files_are_there,
      .words = "-p " PIDFILE " -l " LOCKFILE " -o " STDOUT " -e " STDERR " -u www -g adm -c /var --chown all /bin/true" },
    { "daemon, program that a pidfile's lock outlives", .role = SCRIPT_DAEMON, .words = "-p " PIDFILE " /bin/true" },
    { "daemon, a lock that is held", .role = SCRIPT_DAEMON, .machine = another_instance_runs,
      .config = { .pidfile = PIDFILE } },
    { "daemon, a log that cannot be opened", .role = SCRIPT_DAEMON, .machine = stdout_is_a_directory,
      .config = { .pidfile = PIDFILE, .stdout_path = STDOUT } },
    { "daemon, the application fails", .role = SCRIPT_DAEMON, .config = { .pidfile = PIDFILE },
      .ending = FAILS_ITSELF },
    { "daemon, the application ends without a word", .role = SCRIPT_DAEMON, .config = { .pidfile = PIDFILE },
      .ending = CLOSES_UNTOLD },

    { "leader, minimal", .role = SCRIPT_LEADER },
    { "leader, no /proc", .role = SCRIPT_LEADER, .machine = proc_is_missing },
    { "leader, readiness descriptor", .role = SCRIPT_LEADER,
      .config = { .ready = BLIVET_READY_FD, .ready_fd = 7 } },
    { "leader, notify socket", .role = SCRIPT_LEADER, .config = { .ready = BLIVET_READY_NOTIFY } },

    { "launcher, minimal", .role = SCRIPT_LAUNCHER, .machine = it_is_ready },
    { "launcher, full", .role = SCRIPT_LAUNCHER, .config = { FULL }, .machine = it_is_ready,
      .threads = BLIVET_COUNT_THREADS },
    { "launcher, descriptors 0 and 1 closed", .role = SCRIPT_LAUNCHER,
      .machine = it_is_ready_and_descriptors_are_closed },
    { "launcher, program with everything", .role = SCRIPT_LAUNCHER, .machine = it_execs,
      .words = "-v -p " PIDFILE " -o " STDOUT " -E A=b -u www -t 30 ../bin/true" },
    { "launcher, a worker holds the channel", .role = SCRIPT_LAUNCHER,
      .machine = it_execs_and_a_worker_holds_the_channel, .words = "-t 30 /bin/true" },
    { "launcher, no handles", .role = SCRIPT_LAUNCHER, .machine = it_execs_without_handles, .words = "/bin/true" },
    { "launcher, the daemon fails", .role = SCRIPT_LAUNCHER, .machine = it_fails },
    { "launcher, the daemon is killed", .role = SCRIPT_LAUNCHER, .machine = it_is_killed,
      .config = { .pidfile = PIDFILE } },
    { "launcher, the daemon is killed and reaped", .role = SCRIPT_LAUNCHER, .machine = it_is_killed_and_reaped,
      .config = { .pidfile = PIDFILE, .lockfile = LOCKFILE } },
    { "launcher, the daemon is killed, no handles", .role = SCRIPT_LAUNCHER, .machine = it_is_killed_without_handles,
      .config = { .pidfile = PIDFILE, .flags = BLIVET_NO_LOCK } },
    { "launcher, a subreaper, the daemon is killed", .role = SCRIPT_LAUNCHER,
      .machine = it_is_killed_and_the_launcher_is_a_subreaper, .config = { .pidfile = PIDFILE } },
    { "launcher, a limit passes", .role = SCRIPT_LAUNCHER, .machine = it_hangs,
      .config = { .pidfile = PIDFILE, .ready_timeout_ms = 50 } },
    { "launcher, a limit passes, others in the session", .role = SCRIPT_LAUNCHER,
      .machine = its_application_hangs_with_others_in_the_session,
      .config = { .pidfile = PIDFILE, .ready_timeout_ms = 50 } },
    { "launcher, a limit passes, deaf daemon", .role = SCRIPT_LAUNCHER, .machine = it_hangs_and_is_deaf,
      .config = { .pidfile = PIDFILE, .ready_timeout_ms = 50 } },
    { "launcher, a limit passes, no pidfd", .role = SCRIPT_LAUNCHER, .machine = it_hangs_with_stat_alone,
      .config = { .pidfile = PIDFILE, .ready_timeout_ms = 50 } },
    { "launcher, a limit passes, daemon left", .role = SCRIPT_LAUNCHER, .machine = it_hangs,
      .config = { .pidfile = PIDFILE, .ready_timeout_ms = 50, .flags = BLIVET_LEAVE_ON_TIMEOUT } },
    { "launcher, the leader hangs", .role = SCRIPT_LAUNCHER, .machine = the_leader_hangs,
      .config = { .ready_timeout_ms = 50 } },
    { "launcher, the leader fails", .role = SCRIPT_LAUNCHER, .machine = the_leader_fails },
    { "launcher, nonsense", .role = SCRIPT_LAUNCHER, .machine = it_talks_nonsense },
    { "launcher, notify", .role = SCRIPT_LAUNCHER, .machine = it_notifies,
      .words = "-v --ready=notify -t 3 /bin/true" },
    { "launcher, notify, another main process", .role = SCRIPT_LAUNCHER, .machine = it_names_another_main_process,
      .words = "--ready=notify -p " PIDFILE " /bin/true" },
    { "launcher, notify, a limit passes", .role = SCRIPT_LAUNCHER, .machine = it_never_notifies,
      .words = "--ready=notify -t 2 -p " PIDFILE " /bin/true" },
    { "launcher, newline", .role = SCRIPT_LAUNCHER, .machine = it_writes_a_newline, .words = "--ready=fd:7 /bin/true" },
    { "launcher, no newline", .role = SCRIPT_LAUNCHER, .machine = it_closes_its_readiness_descriptor,
      .words = "--ready=fd:7 /bin/true" },

    { "foreground, minimal", .role = SCRIPT_DAEMON, .config = { .flags = BLIVET_FOREGROUND } },
    { "foreground, full", .role = SCRIPT_DAEMON, .machine = a_manager_listens_and_files_are_there,
      .config = { FULL, .keep_fds = kept, .keep_fds_count = 1, .flags = BLIVET_FOREGROUND } },
    { "foreground, readiness descriptor", .role = SCRIPT_DAEMON, .machine = a_supervisor_waits_for_a_newline,
      .config = { .ready = BLIVET_READY_FD, .ready_fd = 4, .flags = BLIVET_FOREGROUND } },
    { "foreground, pidfile as lock", .role = SCRIPT_DAEMON,
      .config = { .pidfile = PIDFILE, .stderr_path = STDERR, .flags = BLIVET_FOREGROUND },
      .machine = descriptors_0_and_1_are_closed },
    { "foreground, a log that cannot be opened", .role = SCRIPT_DAEMON, .machine = stdout_is_a_directory,
      .config = { .pidfile = PIDFILE, .stdout_path = STDOUT, .flags = BLIVET_FOREGROUND } },
    { "foreground, the application fails", .role = SCRIPT_DAEMON,
      .config = { .pidfile = PIDFILE, .stderr_path = STDERR, .flags = BLIVET_FOREGROUND }, .ending = FAILS_ITSELF },
    { "foreground, program", .role = SCRIPT_DAEMON, .machine = a_manager_listens_and_files_are_there,
      .words = "-f -p " PIDFILE " -e " STDERR " -u www /bin/true" },
};
const size_t situation_count = sizeof situations / sizeof situations[0];
