/* test_verdict.c - the bytes on the channel, and what silence means (NTF-1 to NTF-5). */
#include "unit.h"

static struct blivet_verdict decoded(const void *bytes, size_t count, bool ended)
{
    struct blivet_verdict verdict;
    memset(&verdict, 0x5a, sizeof verdict); /* nothing may be left as it was */
    blivet_decode(bytes, count, ended, &verdict);
    return verdict;
}

/* ---- decode ---- */

static void each_single_byte_has_its_meaning(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        unsigned char one = (unsigned char)byte;
        struct blivet_verdict open = decoded(&one, 1, false), ended = decoded(&one, 1, true);
        bool success = byte == 0x00 || byte == 0xff;
        enum blivet_state meaning = byte == 0x00 ? BLIVET_READY : BLIVET_ANNOUNCED;
        assert_int_equal(open.state, success ? meaning : BLIVET_WAITING);
        assert_int_equal(ended.state, success ? meaning : BLIVET_FAILED);
        assert_int_equal(ended.code, success ? 0 : byte);
        assert_string_equal(ended.message, "");
    }
}

static void what_is_not_there_is_waited_for_until_the_end(void **state)
{
    (void)state;
    assert_int_equal(decoded("", 0, false).state, BLIVET_WAITING);
    assert_int_equal(decoded("", 0, true).state, BLIVET_SILENT);
}

static void a_verdict_is_complete_at_its_newline_or_at_the_end(void **state)
{
    (void)state;
    static const char *const verdicts[] = { "\x49" "a log: no space\n", "\xff\x42" "program: not found\n" };
    for (size_t i = 0; i < 2; i++) {
        const char *bytes = verdicts[i];
        size_t count = strlen(bytes), announced = i;
        for (size_t part = announced + 1; part < count; part++) {
            assert_int_equal(decoded(bytes, part, false).state, i ? BLIVET_ANNOUNCED : BLIVET_WAITING);
            assert_int_equal(decoded(bytes, part, true).state, BLIVET_FAILED);
            assert_memory_equal(decoded(bytes, part, true).message, bytes + announced + 1, part - announced - 1);
        }
        struct blivet_verdict whole = decoded(bytes, count, false);
        assert_int_equal(whole.state, BLIVET_FAILED);
        assert_int_equal(whole.code, i ? 0x42 : 0x49);
        assert_string_equal(whole.message, i ? "program: not found" : "a log: no space");
    }
}

static void anything_else_is_malformed(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t count; const char *seen; } cases[] = {
        { "\xff\x00", 2, "byte 255 byte 0" },
        { "\xff\xff", 2, "byte 255 byte 255" },
        { "\xff\x00" "abcdefghij", 12, "byte 255 byte 0 byte 97 byte 98 byte 99 byte 100 byte 101 byte 102" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int ended = 0; ended < 2; ended++) {
            struct blivet_verdict verdict = decoded(cases[i].bytes, cases[i].count, ended);
            assert_int_equal(verdict.state, BLIVET_MALFORMED);
            assert_string_equal(verdict.message, cases[i].seen);
        }
}

/* Pseudo-random, the same each time. */
static unsigned char next_byte(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return (unsigned char)(*seed >> 24);
}

static void a_first_complete_verdict_stands_whatever_follows(void **state)
{
    (void)state;
    static const unsigned char likely[] = { 0x00, 0xff, '\n', 1, 254, 'a' };
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[12];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = next_byte(&seed) & 1 ? likely[next_byte(&seed) % 6] : next_byte(&seed);
        for (size_t part = 0; part < sizeof bytes; part++) {
            struct blivet_verdict first = decoded(bytes, part, false), later = decoded(bytes, sizeof bytes, false);
            if (first.state == BLIVET_WAITING || first.state == BLIVET_ANNOUNCED)
                continue;
            assert_int_equal(first.state, later.state);
            assert_int_equal(first.code, later.code);
            assert_true(first.state != BLIVET_FAILED || (first.code >= 1 && first.code <= 254));
        }
    }
}

/* ---- encode ---- */

static void what_is_encoded_is_decoded(void **state)
{
    (void)state;
    static const struct { int code, want_code; const char *message, *want; } cases[] = {
        { 1, 1, "", "" },
        { 254, 254, "gone", "gone" },
        { 0, 70, "would be ready", "would be ready" },
        { 255, 70, "would be exec", "would be exec" },
        { 256, 70, "x", "x" },
        { -1, 70, "x", "x" },
        { 73, 73, "/run/a\nb: \x1b[2J", "/run/a\\nb: \\x1b[2J" },
        { 73, 73, "/run/\xc3\xa4 \xff", "/run/\xc3\xa4 \\xff" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char bytes[BLIVET_VERDICT_SIZE];
        size_t count = blivet_encode_failure(bytes, cases[i].code, cases[i].message);
        assert_int_equal(bytes[count - 1], '\n');
        struct blivet_verdict verdict = decoded(bytes, count, false);
        assert_int_equal(verdict.state, BLIVET_FAILED);
        assert_int_equal(verdict.code, cases[i].want_code);
        assert_string_equal(verdict.message, cases[i].want);
    }
}

static void a_long_message_is_cut_at_a_character(void **state)
{
    (void)state;
    enum { PAIRS = 1000, LONGEST = BLIVET_MESSAGE_SIZE - 1 };
    for (size_t shift = 0; shift < 2; shift++) {
        char message[2 * PAIRS + 2] = "a";
        unsigned char bytes[BLIVET_VERDICT_SIZE];
        for (size_t i = 0; i < PAIRS; i++)
            memcpy(message + shift + 2 * i, "\xc3\xa4", 3);
        size_t count = blivet_encode_failure(bytes, 70, message);
        struct blivet_verdict verdict = decoded(bytes, count, false);
        assert_int_equal(verdict.state, BLIVET_FAILED);
        assert_int_equal(strlen(verdict.message), shift + (LONGEST - shift) / 2 * 2);
        assert_memory_equal(verdict.message, message, strlen(verdict.message)); /* no half character, no escape */
    }
}

static void what_comes_out_is_escaped_whoever_sent_it(void **state)
{
    (void)state;
    assert_string_equal(decoded("\x46" "a\x1b[31m\xff\n", 9, false).message, "a\\x1b[31m\\xff");
    assert_string_equal(decoded("\x46" "a\0b\n", 5, false).message, "a\\x00b");
}

/* ---- judge ---- */

/* One character a question, in this order; '-': either. */
struct judgement {
    const char *evidence; /* announced, seen, not exec'd, exiting, alive, known, killed */
    enum blivet_fate want;
};

static const struct judgement judgements[] = {
    { "110----", BLIVET_STARTED },  /* the program is there, running or as a zombie */
    { "010----", BLIVET_STRAYED },
    { "-110---", BLIVET_HUNG_UP },  /* announced or not: it is alive and is still itself */
    { "-111---", BLIVET_DIED },
    { "10--1--", BLIVET_STARTED },  /* no /proc */
    { "00--1--", BLIVET_HUNG_UP },
    { "10--010", BLIVET_STARTED },  /* after the announcement only a program can exit without a word */
    { "10--011", BLIVET_DIED },
    { "10--00-", BLIVET_STARTED },  /* nobody can tell: presumed (NTF-3) */
    { "00--0--", BLIVET_DIED },
};

static bool fits(const char *pattern, unsigned bits)
{
    for (int i = 0; i < 7; i++)
        if (pattern[i] != '-' && (pattern[i] == '1') != (bits >> i & 1))
            return false;
    return true;
}

static void silence_is_judged_by_the_whole_table(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1U << 7; bits++) {
        const struct judgement *judgement = NULL;
        for (size_t i = 0; i < sizeof judgements / sizeof judgements[0]; i++)
            if (fits(judgements[i].evidence, bits)) {
                assert_null(judgement); /* the rows exclude each other ... */
                judgement = &judgements[i];
            }
        assert_non_null(judgement); /* ... and miss nothing */
        struct blivet_evidence evidence = {
            .announced = bits & 1, .seen = bits >> 1 & 1, .alive = bits >> 4 & 1, .known = bits >> 5 & 1,
            .flags = (bits >> 2 & 1 ? 0x40U : 0) | (bits >> 3 & 1 ? 0x04U : 0) | 0x400000,
            .status = bits >> 6 & 1 ? 1 : 3 << 8,
        };
        if (blivet_judge(&evidence) != judgement->want)
            fail_msg("row %s, bits %x", judgement->evidence, bits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("NTF-1 NTF-2 NTF-3", each_single_byte_has_its_meaning),
        CLAIM("NTF-3", what_is_not_there_is_waited_for_until_the_end),
        CLAIM("NTF-2 NTF-3 NTF-6", a_verdict_is_complete_at_its_newline_or_at_the_end),
        CLAIM("NTF-4 ERR-9", anything_else_is_malformed),
        CLAIM("NTF-4 NTF-16", a_first_complete_verdict_stands_whatever_follows),
        CLAIM("NTF-2 NTF-5 NTF-9", what_is_encoded_is_decoded),
        CLAIM("NTF-5", a_long_message_is_cut_at_a_character),
        CLAIM("NTF-5", what_comes_out_is_escaped_whoever_sent_it),
        CLAIM("NTF-3 NTF-13", silence_is_judged_by_the_whole_table),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
