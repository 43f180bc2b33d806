/* verdict.c - the decoder on any bytes: total, and never more than it was given (NTF-4).
 *
 * clang -fsanitize=fuzzer,address,undefined makes a fuzzer of it; with replay.c it replays the corpus. */
#include "../core/verdict.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct blivet_verdict whole, part, again;
    if (count > BLIVET_VERDICT_SIZE)
        return 0;
    uint8_t *exact = malloc(count ? count : 1); /* a byte too far is seen */
    demand(exact != NULL);
    memcpy(exact, bytes, count);
    blivet_decode(exact, count, true, &whole);
    demand(whole.state != BLIVET_WAITING);
    demand(memchr(whole.message, '\0', sizeof whole.message) != NULL);
    demand_printable(whole.message);
    /* A verdict that was complete early stays the same however many bytes follow in later reads. */
    for (size_t length = 0; length <= count; length++) {
        blivet_decode(exact, length, false, &part);
        if (part.state == BLIVET_READY || part.state == BLIVET_FAILED) {
            demand(part.state == whole.state && part.code == whole.code);
            demand(strcmp(part.message, whole.message) == 0);
        }
    }
    if (whole.state == BLIVET_FAILED) {
        unsigned char encoded[BLIVET_VERDICT_SIZE];
        size_t size = blivet_encode_failure(encoded, whole.code, whole.message);
        blivet_decode(encoded, size, false, &again);
        demand(again.state == BLIVET_FAILED && again.code == whole.code);
        demand(strcmp(again.message, whole.message) == 0);
    }
    free(exact);
    return 0;
}
