/* test_libc.c - the production table, where it is not the C library's own function: the adapters, on the real system;
 * in a build with -DBLIVET_PORTABLE=ON those of posix.c. */
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct blivet_ops *const ops = &blivet_libc;

#ifndef BLIVET_PORTABLE
static void an_ignored_signal_of_the_librarys_is_reset_and_a_handler_stays(void **state)
{
    (void)state;
    struct sigaction before, now;
    const struct sigaction ignore = { .sa_handler = SIG_IGN }, standard = { .sa_handler = SIG_DFL };
    assert_int_equal(sigaction(SIGUSR1, &ignore, &before), 0); /* any number will do */
    assert_int_equal(ops->stop_ignoring(SIGUSR1), 0);
    sigaction(SIGUSR1, NULL, &now);
    assert_ptr_equal(now.sa_handler, SIG_DFL);
    assert_int_equal(ops->stop_ignoring(SIGUSR1), 0);
    sigaction(SIGUSR1, NULL, &now);
    assert_ptr_equal(now.sa_handler, SIG_DFL);
    sigaction(SIGUSR1, &standard, NULL);
    errno = 0;
    assert_int_equal(ops->stop_ignoring(4711), -1);
    assert_int_equal(errno, EINVAL);
    sigaction(SIGUSR1, &before, NULL);
}

static void descriptors_are_listed_and_closed(void **state)
{
    (void)state;
    char entries[4096];
    int directory = ops->open("/proc/self/fd", O_RDONLY | O_DIRECTORY, 0);
    assert_true(directory > 2);
    int high = ops->fcntl(directory, F_DUPFD_CLOEXEC, 500);
    assert_true(high >= 500);
    assert_true(ops->getdents(directory, entries, sizeof entries) > 0);
    assert_int_equal(ops->close_range((unsigned)high, (unsigned)high, 0), 0);
    assert_int_equal(ops->fcntl(high, F_GETFD, 0), -1);
    assert_int_equal(ops->close(directory), 0);
}

/* Whether a status is kept depends on the kernel (6.15): what is said must be true either way. */
static void a_process_is_held_signalled_and_asked_for_its_end(void **state)
{
    (void)state;
    siginfo_t info;
    int status = 4711;
    pid_t child = ops->fork();
    if (child == 0) {
        alarm(60); /* should the test fail before its end */
        for (;;)
            pause();
    }
    assert_true(child > 0);
    int pidfd = ops->pidfd_open(child, 0);
    assert_true(pidfd > 2);
    assert_int_equal(ops->pidfd_exit_status(pidfd, &status), -1); /* it lives */
    assert_int_equal(ops->pidfd_send_signal(pidfd, SIGKILL, NULL, 0), 0);
    assert_int_equal(ops->waitid(P_PID, (id_t)child, &info, WEXITED), 0);
    assert_int_equal(info.si_status, SIGKILL);
    if (ops->pidfd_exit_status(pidfd, &status) == 0)
        assert_int_equal(status, SIGKILL);
    assert_int_equal(ops->pidfd_send_signal(pidfd, SIGKILL, NULL, 0), -1);
    assert_int_equal(errno, ESRCH);
    ops->close(pidfd);
    assert_int_equal(ops->pidfd_exit_status(pidfd, &status), -1);
}

static void capabilities_are_told(void **state)
{
    (void)state;
    uint32_t header[2] = { 0x20080522, 0 }, sets[6];
    memset(sets, 0x5a, sizeof sets);
    assert_int_equal(ops->capget(header, sets), 0);
    assert_true(sets[0] != 0x5a5a5a5a);
    assert_int_equal(ops->capset(header, sets), 0); /* what they are */
    header[0] = 1;
    assert_int_equal(ops->capget(header, sets), -1);
    assert_int_equal(errno, EINVAL);
    header[0] = 1;
    assert_int_equal(ops->capset(header, sets), -1);
    assert_int_equal(errno, EINVAL);
}
#else
static void assert_refused(long result, int why)
{
    assert_int_equal(result, -1);
    assert_int_equal(errno, why);
    errno = 0;
}

static void what_linux_alone_has_is_absent(void **state)
{
    (void)state;
    const uint32_t size = 8, on = 1;
    char bytes[64];
    uint32_t none[6] = { 0 };
    int status = 0, fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), channel = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_refused(ops->close_range(3, 4, 0), ENOSYS);
    assert_refused(ops->getdents(fd, bytes, sizeof bytes), ENOSYS);
    assert_refused(ops->pidfd_open(getpid(), 0), ENOSYS);
    assert_refused(ops->pidfd_send_signal(fd, 0, NULL, 0), ENOSYS);
    assert_refused(ops->pidfd_exit_status(fd, &status), ENOSYS);
    assert_refused(ops->capset(none, none), ENOSYS);
    assert_refused(ops->setsockopt(channel, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), ENOPROTOOPT);
    assert_int_equal(ops->setsockopt(channel, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    close(fd);
    close(channel);
}

static void there_is_no_proc(void **state)
{
    (void)state;
    struct stat status;
    char target[64];
    assert_refused(ops->open("/proc/self/fd", O_RDONLY | O_DIRECTORY, 0), ENOENT);
    assert_refused(ops->stat("/proc/self", &status), ENOENT);
    assert_refused(ops->lstat("/proc/self", &status), ENOENT);
    assert_refused(ops->readlink("/proc/self", target, sizeof target), ENOENT);
    assert_int_equal(ops->stat("/dev/null", &status), 0);
    assert_int_equal(ops->lstat("/dev/null", &status), 0);
    assert_refused(ops->readlink("/dev/null", target, sizeof target), EINVAL); /* asked: it is no link */
}

static void no_capabilities_are_found_and_one_thread_is_the_librarys_word(void **state)
{
    (void)state;
    uint32_t header[2] = { 0x20080522, 0 }, sets[6];
    memset(sets, 0x5a, sizeof sets);
    assert_int_equal(ops->capget(header, sets), 0);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(sets[i], 0);
    assert_int_equal(ops->unshare(0), 0); /* glibc knows; CMocka, and so this test, is for glibc only */
}

static void an_ignored_signal_of_the_librarys_stays_ignored(void **state)
{
    (void)state;
    struct sigaction before, now;
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    assert_int_equal(sigaction(SIGUSR1, &ignore, &before), 0); /* any number will do */
    assert_int_equal(ops->stop_ignoring(SIGUSR1), 0);
    sigaction(SIGUSR1, NULL, &now);
    assert_ptr_equal(now.sa_handler, SIG_IGN);
    sigaction(SIGUSR1, &before, NULL);
}
#endif

static void files_are_opened_and_limits_told(void **state)
{
    (void)state;
    struct rlimit limit;
    int fd = ops->open("/dev/null", O_RDONLY | O_CLOEXEC, 0);
    assert_true(fd > 2);
    assert_int_equal(ops->fcntl(fd, F_GETFD, 0), FD_CLOEXEC);
    assert_int_equal(ops->close(fd), 0);
    assert_int_equal(ops->getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_max > 2);
    assert_int_equal(ops->issetugid(), 0);
    assert_int_equal(ops->eaccess("/", R_OK), 0);
    assert_int_equal(ops->eaccess("/no such file", R_OK), -1);
    assert_int_equal(errno, ENOENT);
}

static void the_environment_is_the_programs(void **state)
{
    (void)state;
    static char *other[] = { (char *)"ONLY=1", NULL };
    char **before = ops->environment();
    assert_ptr_equal(before, environ);
    ops->set_environment(other);
    assert_string_equal(getenv("ONLY"), "1");
    ops->set_environment(before);
    assert_null(getenv("ONLY"));
    ops->enter_step(3); /* nobody watches */
}

static void a_terminal_tells_its_width(void **state)
{
    (void)state;
    const struct winsize size = { .ws_row = 24, .ws_col = 132 };
    int terminal = posix_openpt(O_RDWR | O_NOCTTY), null = open("/dev/null", O_RDONLY);
    assert_int_equal(ops->terminal_columns(null), -1);
    close(null);
    if (terminal < 0)
        skip(); /* no /dev/pts here */
    assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
    assert_int_equal(ops->terminal_columns(terminal), 132);
    close(terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef BLIVET_PORTABLE
        CLAIM("STD-6 ASR-2", an_ignored_signal_of_the_librarys_is_reset_and_a_handler_stays),
        CLAIM("ASR-2", descriptors_are_listed_and_closed),
        CLAIM("ASR-2 NTF-14", a_process_is_held_signalled_and_asked_for_its_end),
        CLAIM("ASR-2 PRV-5", capabilities_are_told),
#else
        CLAIM("SEQ-14", what_linux_alone_has_is_absent),
        CLAIM("SEQ-14", there_is_no_proc),
        CLAIM("SEQ-14", no_capabilities_are_found_and_one_thread_is_the_librarys_word),
        CLAIM("SEQ-14", an_ignored_signal_of_the_librarys_stays_ignored),
#endif
        CLAIM("ASR-2", files_are_opened_and_limits_told),
        CLAIM("ASR-2", the_environment_is_the_programs),
        CLAIM("ASR-2 CLI-18", a_terminal_tells_its_width),
    };
    return cmocka_run_group_tests_name("libc", tests, NULL, NULL);
}
