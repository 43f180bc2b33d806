/* libdaemon.c PIDFILE PROGRAM - a start by libdaemon, as its own documentation does it, up to the exec of a program. */
#include <libdaemon/daemon.h>
#include <unistd.h>

static const char *pidfile;
static const char *pidfile_name(void) { return pidfile; }

int main(int argc, char **argv)
{
    pid_t pid;
    if (argc != 3)
        return 1;
    pidfile = argv[1];
    daemon_pid_file_ident = daemon_log_ident = daemon_ident_from_argv0(argv[0]);
    daemon_pid_file_proc = pidfile_name;
    if (daemon_reset_sigs(-1) < 0 || daemon_unblock_sigs(-1) < 0 || daemon_pid_file_is_running() >= 0 ||
        daemon_retval_init() < 0 || (pid = daemon_fork()) < 0)
        return 1;
    if (pid > 0)
        return daemon_retval_wait(20) != 0;
    if (daemon_close_all(-1) < 0 || daemon_pid_file_create() < 0) {
        daemon_retval_send(1);
        return 1;
    }
    daemon_retval_send(0);
    execv(argv[2], argv + 2);
    return 1;
}
