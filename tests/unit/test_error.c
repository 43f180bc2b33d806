/* test_error.c - kinds, exit codes and messages (ERR). */
#include "unit.h"
#include <ctype.h>
#include <errno.h>

/* ---- the table ---- */

static void each_kind_has_the_exit_code_of_its_row(void **state)
{
    (void)state;
    static const struct { int kind, code; } rows[] = {
        { BLIVET_OK, 0 },
        { BLIVET_INVALID_CONFIG, 64 },
        { BLIVET_PROGRAM_UNUSABLE, 66 },
        { BLIVET_NO_SUCH_USER, 67 },      { BLIVET_NO_SUCH_GROUP, 67 },
        { BLIVET_LOCK_HELD, 69 },
        { BLIVET_NOT_DROPPED, 70 },       { BLIVET_THREADS, 70 },        { BLIVET_APPLICATION_FAILED, 70 },
        { BLIVET_FORK_FAILED, 71 },       { BLIVET_SETSID_FAILED, 71 },  { BLIVET_CHDIR_FAILED, 71 },
        { BLIVET_SYSTEM_FAILED, 71 },     { BLIVET_EXEC_FAILED, 71 },    { BLIVET_NOTIFY_FAILED, 71 },
        { BLIVET_LOCKFILE_FAILED, 73 },   { BLIVET_PIDFILE_FAILED, 73 }, { BLIVET_OUTPUT_FAILED, 73 },
        { BLIVET_CHOWN_FAILED, 73 },
        { BLIVET_LATE, 75 },
        { BLIVET_MALFORMED_VERDICT, 76 },
        { BLIVET_PERMISSION_DENIED, 77 },
        { BLIVET_ENDED_EARLY, 1 },
    };
    assert_int_equal(sizeof rows / sizeof rows[0], BLIVET_ENDED_EARLY + 1); /* no kind is missing here */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct blivet_error error;
        blivet_set_error(&error, rows[i].kind, 0, "x", NULL, NULL);
        assert_int_equal(error.exit_code, rows[i].code);
        assert_int_equal(blivet_exit_code(rows[i].kind), rows[i].code);
    }
}

static void a_kind_that_nobody_knows_is_a_fault_of_the_software(void **state)
{
    (void)state;
    assert_int_equal(blivet_exit_code(BLIVET_ENDED_EARLY + 1), 70);
    assert_int_equal(blivet_exit_code(-1), 70);
    assert_int_equal(blivet_exit_code(INT32_MAX), 70);
}

/* ---- reasons ---- */

static void every_errno_that_a_call_may_give_has_words(void **state)
{
    (void)state;
#define ERRNOS(...) __VA_ARGS__
#define CALL(result, name, parameters, arguments, failure, errnos) errnos,
#define VOID(name, parameters, arguments)
    static const int numbers[] = {
#include "../../syscall/ops.def"
    };
#undef CALL
#undef VOID
#undef ERRNOS
    assert_true(sizeof numbers / sizeof numbers[0] > 300);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct blivet_error error;
        if (numbers[i] == 0)
            continue;
        blivet_set_error(&error, BLIVET_SYSTEM_FAILED, numbers[i], "x", NULL, NULL);
        assert_int_equal(error.system_errno, numbers[i]);
        if (strncmp(error.message, "x: errno", 8) == 0)
            fail_msg("errno %d (%s) has no words", numbers[i], strerror(numbers[i]));
        for (const char *at = error.message; *at; at++)
            assert_false(isupper((unsigned char)*at) || *at == '.');
    }
}

static void the_words_are_those_of_the_errno(void **state)
{
    (void)state;
    static const struct { int number; const char *want; } cases[] = {
        { ENOENT, "open: /x: no such file or directory" }, { EACCES, "open: /x: permission denied" },
        { ENOSPC, "open: /x: no space left on device" },   { EPERM, "open: /x: operation not permitted" },
        { EWOULDBLOCK, "open: /x: resource temporarily unavailable" }, { 4095, "open: /x: errno 4095" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct blivet_error error;
        blivet_set_error(&error, BLIVET_SYSTEM_FAILED, cases[i].number, "open", "/x", NULL);
        assert_string_equal(error.message, cases[i].want);
    }
}

static void every_reason_is_told_in_its_own_words(void **state)
{
    (void)state;
    static const struct { int number; const char *words; } reasons[] = {
#define REASON(symbol, words) { symbol, words },
#include "../../core/errno.def"
#undef REASON
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct blivet_error error;
        blivet_set_error(&error, BLIVET_SYSTEM_FAILED, reasons[i].number, "call", NULL, NULL);
        assert_memory_equal(error.message, "call: ", 6);
        assert_string_equal(error.message + 6, reasons[i].words);
    }
}

/* ---- messages ---- */

static void a_message_says_what_on_which_path_and_why(void **state)
{
    (void)state;
    static const struct { int number; const char *what, *subject, *why, *want; } cases[] = {
        { 0, "umask", NULL, "is over 07777", "umask: is over 07777" },
        { 0, "pidfile", "/run/x", "is a symbolic link", "pidfile: /run/x: is a symbolic link" },
        { EIO, "pidfile", "/run/x", NULL, "pidfile: /run/x: input/output error" },
        { EIO, "pidfile", "/run/x", "is replaced", "pidfile: /run/x: is replaced" },
        { EIO, "setsid", NULL, NULL, "setsid: input/output error" },
        { 0, "user", "", "is empty", "user: '': is empty" },
        { 0, "daemon failed", NULL, NULL, "daemon failed" },
        { 0, "stdout", "/a\nb\x1b", "bad\n", "stdout: /a\\nb\\x1b: bad\\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct blivet_error error;
        memset(&error, 0x5a, sizeof error);
        blivet_set_error(&error, BLIVET_PIDFILE_FAILED, cases[i].number, cases[i].what, cases[i].subject, cases[i].why);
        assert_string_equal(error.message, cases[i].want);
        assert_int_equal(error.kind, BLIVET_PIDFILE_FAILED);
        assert_int_equal(error.system_errno, cases[i].number);
        assert_int_equal(error.step, 0);
    }
}

static void a_long_path_does_not_push_the_reason_out(void **state)
{
    (void)state;
    static const char reason[] = ": no such file or directory";
    for (size_t length = 900; length < 1100; length++) {
        char path[1200] = "";
        struct blivet_error error;
        for (size_t i = 0; i + 1 < length; i += 2)
            memcpy(path + i, "\xc3\xa4", 3);
        blivet_set_error(&error, BLIVET_PIDFILE_FAILED, ENOENT, "pidfile", path, NULL);
        size_t size = strlen(error.message), path_size = size - strlen("pidfile: ") - strlen(reason);
        bool cut = strstr(error.message, "...: no such") != NULL;
        size_t kept = path_size - (cut ? 3 : 0);
        assert_true(size < BLIVET_MESSAGE_SIZE);
        assert_string_equal(error.message + size - strlen(reason), reason);
        assert_memory_equal(error.message + strlen("pidfile: "), path, kept);
        assert_true(kept % 2 == 0 && (cut ? kept < strlen(path) : kept == strlen(path))); /* no half character */
        assert_true(!cut || size > BLIVET_MESSAGE_SIZE - 8); /* and no more is cut than must be */
    }
}

static void no_more_of_a_path_is_cut_than_must_be(void **state)
{
    (void)state;
    char path[BLIVET_MESSAGE_SIZE], whole[2 * BLIVET_MESSAGE_SIZE];
    const size_t longest = BLIVET_MESSAGE_SIZE - 1 - strlen("pidfile: ...: is a symbolic link"); /* with room for the dots */
    memset(path, 'x', sizeof path);
    for (size_t length = longest + 1; length >= longest - 1; length--) {
        struct blivet_error error;
        path[length] = '\0';
        blivet_set_error(&error, BLIVET_PIDFILE_FAILED, 0, "pidfile", path, "is a symbolic link");
        snprintf(whole, sizeof whole, "pidfile: %s: is a symbolic link", path);
        assert_int_equal(strcmp(error.message, whole) == 0, length <= longest);
    }
}

static void what_is_wrong_in_itself_is_cut_too(void **state)
{
    (void)state;
    static char endless[3000];
    struct blivet_error error;
    memset(endless, 'x', sizeof endless - 1);
    blivet_set_error(&error, BLIVET_APPLICATION_FAILED, 0, endless, endless, endless);
    assert_int_equal(strlen(error.message), BLIVET_MESSAGE_SIZE - 1);
    blivet_set_error(&error, BLIVET_APPLICATION_FAILED, 0, endless, NULL, NULL);
    assert_int_equal(strlen(error.message), BLIVET_MESSAGE_SIZE - 1);
}

static void a_subject_that_has_no_room_is_not_written_behind_the_message(void **state)
{
    (void)state;
    struct {
        struct blivet_error error;
        char behind[2 * BLIVET_MESSAGE_SIZE];
    } place;
    char what[BLIVET_MESSAGE_SIZE] = "", subject[BLIVET_MESSAGE_SIZE] = "";
    memset(subject, 'y', sizeof subject - 1);
    for (size_t room = 0; room < 40; room++) {
        memset(what, 'x', sizeof what);
        what[BLIVET_MESSAGE_SIZE - 1 - room] = '\0';
        memset(&place, 'b', sizeof place);
        blivet_set_error(&place.error, BLIVET_APPLICATION_FAILED, 0, what, subject, "is wrong");
        assert_in_range(strlen(place.error.message), strlen(what) - 3, BLIVET_MESSAGE_SIZE - 1);
        for (size_t i = 0; i < sizeof place.behind; i++)
            assert_int_equal(place.behind[i], 'b');
    }
}

/* ---- names ---- */

static void each_step_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(blivet_step_name(1), "first fork");
    assert_string_equal(blivet_step_name(7), "lock");
    assert_string_equal(blivet_step_name(12), "output files");
    assert_string_equal(blivet_step_name(14), "hand-over");
    for (int step = 1; step <= BLIVET_STEPS; step++)
        assert_non_null(blivet_step_name(step));
    assert_null(blivet_step_name(0));
    assert_null(blivet_step_name(BLIVET_STEPS + 1));
    assert_string_equal(blivet_version(), BLIVET_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("ERR-1 ERR-2 ERR-3 ERR-4 ERR-5 ERR-6 ERR-7 ERR-8 ERR-9 ERR-10 ERR-12 ERR-13 ERR-14",
              each_kind_has_the_exit_code_of_its_row),
        CLAIM("ERR-5", a_kind_that_nobody_knows_is_a_fault_of_the_software),
        CLAIM("ERR-11", every_errno_that_a_call_may_give_has_words),
        CLAIM("ERR-11", the_words_are_those_of_the_errno),
        CLAIM("ERR-11", every_reason_is_told_in_its_own_words),
        CLAIM("ERR-11 NTF-5", a_message_says_what_on_which_path_and_why),
        CLAIM("ERR-11 CFG-12 NTF-5", a_long_path_does_not_push_the_reason_out),
        CLAIM("ERR-11 NTF-5", no_more_of_a_path_is_cut_than_must_be),
        CLAIM("NTF-5", what_is_wrong_in_itself_is_cut_too),
        CLAIM("NTF-5", a_subject_that_has_no_room_is_not_written_behind_the_message),
        CLAIM("NTF-14", each_step_has_a_name),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
