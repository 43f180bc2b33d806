/* test_notice.c - a datagram of the sd_notify protocol, byte by byte (NTF-15). */
#include "unit.h"
#include "../../core/notice.h"
#include <stdlib.h>

static struct blivet_notice parsed(const char *bytes, size_t count)
{
    struct blivet_notice notice;
    char *exact = malloc(count + 1); /* a sanitizer sees a byte too far */
    assert_non_null(exact);
    memset(exact, '1', count + 1); /* and what follows would make a number longer */
    memcpy(exact, bytes, count);
    memset(&notice, 0x5a, sizeof notice); /* nothing may be left as it was */
    blivet_parse_notice(exact, count, &notice);
    if (notice.status) { /* moved into the caller's bytes, which live on */
        assert_true(notice.status >= exact && notice.status + notice.status_length <= exact + count);
        notice.status = bytes + (notice.status - exact);
    }
    free(exact);
    return notice;
}

static struct blivet_notice of(const char *text) { return parsed(text, strlen(text)); }

static void assert_says_nothing(struct blivet_notice notice)
{
    assert_false(notice.ready);
    assert_int_equal(notice.error, 0);
    assert_int_equal(notice.main_pid, 0);
    assert_int_equal(notice.extend_ms, 0);
    assert_null(notice.status);
    assert_int_equal(notice.status_length, 0);
}

static void assert_status(struct blivet_notice notice, const char *status, size_t length)
{
    assert_non_null(notice.status);
    assert_int_equal(notice.status_length, length);
    assert_memory_equal(notice.status, status, length);
}

/* ---- lines ---- */

static void each_line_is_heard_with_and_without_a_newline_at_the_end(void **state)
{
    (void)state;
    static const char all[] = "STATUS=half way\nREADY=1\nERRNO=2\nMAINPID=77\nEXTEND_TIMEOUT_USEC=5000000";
    for (int newline = 0; newline < 2; newline++) {
        char text[128];
        snprintf(text, sizeof text, "%s%s", all, newline ? "\n" : "");
        struct blivet_notice notice = of(text);
        assert_true(notice.ready);
        assert_int_equal(notice.error, 2);
        assert_int_equal(notice.main_pid, 77);
        assert_int_equal(notice.extend_ms, 5000);
        assert_status(notice, "half way", 8);
    }
}

static void only_the_one_word_is_ready(void **state)
{
    (void)state;
    static const char *const ready[] = { "READY=1", "READY=1\n", "X=Y\nREADY=1", "\n\nREADY=1\n\n", "READY=0\nREADY=1",
                                         "READY=1\nREADY=0" /* it cannot be taken back */ };
    static const char *const other[] = { "", "READY", "READY=", "READY=0", "READY=2", "READY=11", "READY=1 ", "READY= 1",
                                         "READY=1\r\n", " READY=1", "ready=1", "XREADY=1", "READY=\n1", "READY\n=1", "=1",
                                         "STATUS=READY=1", "STATUS= READY=1\n" };
    for (size_t i = 0; i < sizeof ready / sizeof ready[0]; i++)
        if (!of(ready[i]).ready)
            fail_msg("\"%s\" is not ready", ready[i]);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        if (of(other[i]).ready)
            fail_msg("\"%s\" is ready", other[i]);
}

static void a_line_ends_where_it_was_cut(void **state)
{
    (void)state;
    static const char text[] = "MAINPID=12345\nREADY=1";
    for (size_t count = 0; count < sizeof text - 1; count++) {
        static const int pids[] = { 0, 1, 12, 123, 1234, 12345 };
        struct blivet_notice notice = parsed(text, count);
        size_t digits = count < 8 ? 0 : count - 8 > 5 ? 5 : count - 8;
        assert_int_equal(notice.main_pid, pids[digits]);
        assert_false(notice.ready);
    }
    assert_true(parsed(text, sizeof text - 1).ready);
}

static void a_later_line_of_a_name_wins(void **state)
{
    (void)state;
    struct blivet_notice notice = of("STATUS=one\nERRNO=1\nMAINPID=10\nEXTEND_TIMEOUT_USEC=1000\n"
                                     "STATUS=two\nERRNO=2\nMAINPID=20\nEXTEND_TIMEOUT_USEC=2000\n");
    assert_status(notice, "two", 3);
    assert_int_equal(notice.error, 2);
    assert_int_equal(notice.main_pid, 20);
    assert_int_equal(notice.extend_ms, 2);
}

static void what_is_not_known_is_skipped(void **state)
{
    (void)state;
    assert_says_nothing(of(""));
    assert_says_nothing(of("\n\n\n"));
    assert_says_nothing(of("="));
    assert_says_nothing(of("BARRIER=1\nWATCHDOG=1\nFDSTORE=1\nFDNAME=x\nRELOADING=1\nSTOPPING=1\nMONOTONIC_USEC=1\nBUSERROR=x"));
    assert_says_nothing(of("status=x\nSTATUSX=x\nSTATUS\nERRN=5\nERRNO\nMAINPIDS=5\nXMAINPID=5\nEXTEND_TIMEOUT=5"));
    assert_true(of("WHATEVER=READY=1\nnonsense\nREADY=1\nmore nonsense").ready);
}

static void zero_bytes_are_bytes_like_any_other(void **state)
{
    (void)state;
    static const char status[] = "STATUS=a\0b\nREADY=1";
    struct blivet_notice notice = parsed(status, sizeof status - 1);
    assert_true(notice.ready);
    assert_status(notice, "a\0b", 3);
    assert_says_nothing(parsed("\0\0\0\0", 4));
    assert_says_nothing(parsed("READY=1\0", 8));
    assert_says_nothing(parsed("READY\0=1", 8));
    assert_says_nothing(parsed("\0READY=1", 8));
    assert_says_nothing(parsed("MAINPID=5\0", 10));
    assert_says_nothing(parsed("ERRNO=\0" "5", 8));
}

static void a_status_may_be_empty_or_fill_the_datagram(void **state)
{
    (void)state;
    static char text[BLIVET_NOTICE_SIZE + 1] = "STATUS=";
    assert_status(of("STATUS="), "", 0);
    assert_status(of("STATUS=\nREADY=1"), "", 0);
    memset(text + 7, 'x', BLIVET_NOTICE_SIZE - 7);
    assert_status(parsed(text, BLIVET_NOTICE_SIZE), text + 7, BLIVET_NOTICE_SIZE - 7);
}

/* ---- numbers ---- */

static void numbers_are_taken_up_to_their_limits(void **state)
{
    (void)state;
    assert_int_equal(of("ERRNO=1").error, 1);
    assert_int_equal(of("ERRNO=4095").error, 4095);
    assert_int_equal(of("ERRNO=4096").error, 0);
    assert_int_equal(of("MAINPID=1").main_pid, 1);
    assert_int_equal(of("MAINPID=2147483647").main_pid, INT32_MAX);
    assert_int_equal(of("MAINPID=2147483648").main_pid, 0);
    assert_int_equal(of("MAINPID=4294967297").main_pid, 0); /* not 1 */
    assert_int_equal(of("MAINPID=99999999999999999999999999999999999999").main_pid, 0);
    assert_int_equal(of("ERRNO=99999999999999999999999999999999999999").error, 0);
    assert_int_equal(of("EXTEND_TIMEOUT_USEC=576460752303423487").extend_ms, 576460752303424); /* INT64_MAX / 16, rounded up */
    assert_int_equal(of("MAINPID=00000000000000000000000000000007").main_pid, 7);
}

/* systemd's "infinity" is UINT64_MAX; who asks for more than there is gets the most. */
static void a_longer_time_than_the_longest_is_the_longest(void **state)
{
    (void)state;
    static const char *const longer[] = { "576460752303423488", "9223372036854775807", "18446744073709551615",
                                          "18446744073709551617" /* not 1 */, "99999999999999999999999999999999999999" };
    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++) {
        char text[80];
        snprintf(text, sizeof text, "EXTEND_TIMEOUT_USEC=%s", longer[i]);
        assert_int_equal(of(text).extend_ms, 576460752303424);
        strcat(text, "s");
        assert_says_nothing(of(text));
    }
}

static void microseconds_are_rounded_up(void **state)
{
    (void)state;
    static const struct { const char *text; int64_t want; } cases[] = {
        { "EXTEND_TIMEOUT_USEC=0", 0 },       { "EXTEND_TIMEOUT_USEC=1", 1 },    { "EXTEND_TIMEOUT_USEC=999", 1 },
        { "EXTEND_TIMEOUT_USEC=1000", 1 },    { "EXTEND_TIMEOUT_USEC=1001", 2 }, { "EXTEND_TIMEOUT_USEC=1500000", 1500 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(of(cases[i].text).extend_ms, cases[i].want);
}

static void what_is_no_number_is_none(void **state)
{
    (void)state;
    static const char *const names[] = { "ERRNO", "MAINPID", "EXTEND_TIMEOUT_USEC" };
    static const char *const values[] = { "", "0", "000", "-1", "+1", " 1", "1 ", "1x", "x1", "0x10", "1.0", "1e3", "\t1", "/", ":" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            char text[80];
            snprintf(text, sizeof text, "%s=%s", names[i], values[j]);
            assert_says_nothing(of(text));
            snprintf(text, sizeof text, "%s=3\n%s=%s", names[i], names[i], values[j]); /* and undoes nothing */
            struct blivet_notice notice = of(text);
            assert_int_equal(notice.error + notice.main_pid + (notice.extend_ms > 0 ? 3 : 0), 3);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("NTF-15", each_line_is_heard_with_and_without_a_newline_at_the_end),
        CLAIM("NTF-15", only_the_one_word_is_ready),
        CLAIM("NTF-15", a_line_ends_where_it_was_cut),
        CLAIM("NTF-15", a_later_line_of_a_name_wins),
        CLAIM("NTF-15", what_is_not_known_is_skipped),
        CLAIM("NTF-15", zero_bytes_are_bytes_like_any_other),
        CLAIM("NTF-15", a_status_may_be_empty_or_fill_the_datagram),
        CLAIM("NTF-15", numbers_are_taken_up_to_their_limits),
        CLAIM("NTF-15 NTF-11", a_longer_time_than_the_longest_is_the_longest),
        CLAIM("NTF-15", microseconds_are_rounded_up),
        CLAIM("NTF-15", what_is_no_number_is_none),
    };
    return cmocka_run_group_tests_name("notice", tests, NULL, NULL);
}
