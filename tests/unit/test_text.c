/* test_text.c - bounded text and its escapes, over the whole space of short inputs (NTF-5). */
#include "unit.h"
#include "../../core/text.h"

static const char *escaped(const char *bytes, size_t count)
{
    static char buffer[256];
    struct blivet_text text;
    blivet_text_begin(&text, buffer, sizeof buffer);
    blivet_text_escaped(&text, bytes, count);
    assert_false(text.cut);
    return buffer;
}

/* ---- what passes and what does not ---- */

/* The definition, in other words than the product's: assemble the code point, then look at it. */
static size_t passes(const unsigned char *bytes, size_t count)
{
    static const unsigned long smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xc0 ? 0 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
    unsigned long point = length < 2 ? bytes[0] : bytes[0] & (0x7fU >> length);
    if (length == 0 || length > count || bytes[0] > 0xf7)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (bytes[i] >> 6 != 2)
            return 0;
        point = point << 6 | (bytes[i] & 0x3f);
    }
    if (point < smallest[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) ? 0 : length;
}

static void assert_escaped_by_definition(const unsigned char *bytes, size_t count)
{
    char want[64] = "";
    size_t used = 0;
    for (size_t at = 0; at < count;) {
        size_t length = passes(bytes + at, count - at);
        if (length > 0)
            memcpy(want + used, bytes + at, length);
        else
            snprintf(want + used, sizeof want - used, bytes[at] == '\n' ? "\\n" : "\\x%02x", (unsigned)bytes[at]);
        used += length ? length : strlen(want + used);
        at += length ? length : 1;
    }
    want[used] = '\0';
    if (strcmp(escaped((const char *)bytes, count), want) != 0)
        fail_msg("%02x %02x %02x %02x: not %s", bytes[0], bytes[1], bytes[2], bytes[3], want);
}

static void every_short_input_is_escaped_by_the_definition(void **state)
{
    (void)state;
    static const unsigned char ends[] = { 'a', 0x7f, 0x80, 0xbf, 0xc0 };
    unsigned char bytes[5] = { 0 };
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        bytes[0] = (unsigned char)(pair >> 8);
        bytes[1] = (unsigned char)pair;
        assert_escaped_by_definition(bytes, 1);
        assert_escaped_by_definition(bytes, 2);
        for (size_t i = 0; bytes[0] >= 0xe0 && i < 25; i++) {
            bytes[2] = ends[i / 5];
            bytes[3] = ends[i % 5];
            assert_escaped_by_definition(bytes, 3);
            assert_escaped_by_definition(bytes, 4);
        }
        bytes[2] = bytes[3] = 0;
    }
}

static void what_steers_a_terminal_or_is_no_utf_8_is_escaped(void **state)
{
    (void)state;
    static const struct { const char *input, *want; } cases[] = {
        { "plain ~", "plain ~" },
        { "\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x91", "\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x91" },
        { "\x1b[31m", "\\x1b[31m" },
        { "a\nb\tc\r", "a\\nb\\x09c\\x0d" },
        { "\x7f", "\\x7f" },
        { "\xc2\x9b" "31m", "\\xc2\\x9b31m" }, /* C1: CSI in one character */
        { "\xc2\xa0", "\xc2\xa0" },
        { "\xc0\xaf \xe0\x80\xaf \xf0\x80\x80\xaf", "\\xc0\\xaf \\xe0\\x80\\xaf \\xf0\\x80\\x80\\xaf" }, /* overlong */
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* a surrogate */
        { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* over 10ffff */
        { "\xe2\x82", "\\xe2\\x82" }, /* torn */
        { "\xfe\xff\x80", "\\xfe\\xff\\x80" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(escaped(cases[i].input, strlen(cases[i].input)), cases[i].want);
    assert_string_equal(escaped("a\0b", 3), "a\\x00b");
}

/* Both ends of the channel escape. */
static void what_is_escaped_stays_as_it_is(void **state)
{
    (void)state;
    char once[64];
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        const char bytes[3] = { (char)(pair >> 8), (char)pair, '\\' };
        strcpy(once, escaped(bytes, sizeof bytes));
        assert_string_equal(escaped(once, strlen(once)), once);
    }
}

/* ---- bounds ---- */

static void a_text_is_cut_between_characters_and_escapes(void **state)
{
    (void)state;
    static const char input[] = "a\xe2\x82\xac\x1b" "b\n"; /* pieces of 1, 3, 4, 1 and 2 bytes */
    static const char want[] = "a\xe2\x82\xac\\x1bb\\n";
    static const size_t whole[] = { 0, 1, 1, 1, 4, 4, 4, 4, 8, 9, 9, 11 };
    for (size_t room = 0; room < sizeof whole / sizeof whole[0]; room++) {
        char buffer[16];
        struct blivet_text text;
        memset(buffer, '#', sizeof buffer);
        blivet_text_begin(&text, buffer, room + 1);
        blivet_text_escaped(&text, input, sizeof input - 1);
        assert_int_equal(strlen(buffer), whole[room]);
        assert_memory_equal(buffer, want, whole[room]);
        assert_int_equal(text.cut, whole[room] < sizeof want - 1);
        assert_int_equal(buffer[room + 1], '#'); /* nothing behind the buffer */
    }
}

static void nothing_follows_a_cut(void **state)
{
    (void)state;
    char buffer[5];
    struct blivet_text text;
    blivet_text_begin(&text, buffer, sizeof buffer);
    blivet_text_put(&text, "abc");
    blivet_text_put(&text, "de");
    blivet_text_put(&text, "f");
    blivet_text_number(&text, 1);
    assert_true(text.cut);
    assert_string_equal(buffer, "abc");
}

static void numbers_are_decimal(void **state)
{
    (void)state;
    static const uintmax_t numbers[] = { 0, 9, 10, 4294967295U, UINTMAX_MAX };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char buffer[32], want[32];
        struct blivet_text text;
        blivet_text_begin(&text, buffer, sizeof buffer);
        blivet_text_number(&text, numbers[i]);
        snprintf(want, sizeof want, "%ju", numbers[i]);
        assert_string_equal(buffer, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("NTF-5", every_short_input_is_escaped_by_the_definition),
        CLAIM("NTF-5", what_steers_a_terminal_or_is_no_utf_8_is_escaped),
        CLAIM("NTF-5", what_is_escaped_stays_as_it_is),
        CLAIM("NTF-5", a_text_is_cut_between_characters_and_escapes),
        CLAIM("NTF-5", nothing_follows_a_cut),
        CLAIM("PID-1", numbers_are_decimal),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
