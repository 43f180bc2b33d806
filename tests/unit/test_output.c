/* test_output.c - what could not be written is not forgotten by what can be written later (CLI-19). */
#include "unit.h"
#include "../../cli/output.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A pipe that takes nothing at first: the C library drops or keeps what it could not write, and goes on. */
static void a_write_that_failed_long_before_is_an_error(void **state)
{
    (void)state;
    static char bytes[1 << 17];
    char said[128] = "";
    int ends[2], before = dup(1), silence = dup(2), words[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_int_equal(pipe2(words, O_NONBLOCK), 0);
    while (write(ends[1], bytes, sizeof bytes) > 0)
        continue;
    dup2(ends[1], 1);
    dup2(words[1], 2);
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
    assert_true(read(words[0], said, sizeof said - 1) > 0); /* why it failed is not known any more */
    assert_string_equal(said, "test_output: standard output: input/output error\n"
                              "test_output: standard output: input/output error\n");
}

/* Then the errno of that write is the one of the failure.  Two, where something was printed before the beginning, as here. */
static void sixty_thousand_bytes_are_one_write(void **state)
{
    (void)state;
    static char bytes[1 << 17];
    int ends[2], before = dup(1);
    fflush(stdout);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    dup2(ends[1], 1);
    output_begin(&blivet_libc);
    for (int i = 0; i < 1000; i++)
        printf("%060d", i);
    int code = output_end(&blivet_libc, 0);
    dup2(before, 1);
    assert_int_equal(code, 0);
    ssize_t first = recv(ends[0], bytes, sizeof bytes, MSG_DONTWAIT);
    ssize_t second = first < 60000 ? recv(ends[0], bytes, sizeof bytes, MSG_DONTWAIT) : 0;
    assert_int_equal(first + second, 60000);
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
        CLAIM("CLI-19", sixty_thousand_bytes_are_one_write),
    };
    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
