/* test_output.c - what could not be written is not forgotten by what can be written later (CLI-19). */
#include "unit.h"
#include "../../cli/output.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A pipe that takes nothing at first: the C library drops or keeps what it could not write, and goes on. */
static void a_write_that_failed_long_before_is_an_error(void **state)
{
    (void)state;
    static char bytes[1 << 17];
    int ends[2], before = dup(1), silence = dup(2), null = open("/dev/null", O_WRONLY);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    while (write(ends[1], bytes, sizeof bytes) > 0)
        continue;
    dup2(ends[1], 1);
    dup2(null, 2);
    output_begin(&blivet_libc);
    fwrite(bytes, 1, sizeof bytes, stdout);
    while (read(ends[0], bytes, sizeof bytes) > 0)
        continue;
    int code = output_end(&blivet_libc, 0), once_more = output_end(&blivet_libc, 0);
    dup2(before, 1);
    dup2(silence, 2);
    clearerr(stdout);
    assert_int_equal(code, 74);
    assert_int_equal(once_more, 74);
}

static void what_was_written_leaves_the_code(void **state)
{
    (void)state;
    int before = dup(1), null = open("/dev/null", O_WRONLY);
    fflush(stdout);
    dup2(null, 1);
    output_begin(&blivet_libc);
    fputs("all of it", stdout);
    int code = output_end(&blivet_libc, 3);
    dup2(before, 1);
    assert_int_equal(code, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("CLI-19", a_write_that_failed_long_before_is_an_error),
        CLAIM("CLI-19", what_was_written_leaves_the_code),
    };
    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
