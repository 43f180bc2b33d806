/* notice.c - the parser of sd_notify datagrams on any bytes: total, and never more than it was given (NTF-15).
 *
 * clang -fsanitize=fuzzer,address,undefined makes a fuzzer of it; with replay.c it replays the corpus. */
#include "../core/notice.h"
#include "fuzz.h"

static void demand_within_bounds(const struct blivet_notice *notice, const char *bytes, size_t count)
{
    demand(notice->error >= 0 && notice->error <= 4095);
    demand(notice->main_pid >= 0);
    demand(notice->extend_ms >= 0 && notice->extend_ms <= INT64_MAX / 1000);
    if (!notice->status) {
        demand(notice->status_length == 0);
        return;
    }
    demand(notice->status >= bytes && notice->status_length <= (size_t)(bytes + count - notice->status));
    demand(notice->status_length == 0 || !memchr(notice->status, '\n', notice->status_length));
}

static void demand_same(const struct blivet_notice *one, const struct blivet_notice *other)
{
    demand(one->ready == other->ready && one->error == other->error && one->main_pid == other->main_pid);
    demand(one->extend_ms == other->extend_ms && one->status_length == other->status_length);
    demand(!one->status == !other->status);
    demand(one->status_length == 0 || memcmp(one->status, other->status, one->status_length) == 0);
}

/* What stands on two sides of a newline is heard as two datagrams would be, one after the other. */
static void demand_line_by_line(const char *bytes, size_t count, const struct blivet_notice *whole)
{
    struct blivet_notice all = { 0 }, part;
    for (size_t at = 0; at < count;) {
        const char *newline = memchr(bytes + at, '\n', count - at);
        size_t length = newline ? (size_t)(newline - bytes) - at : count - at;
        blivet_parse_notice(bytes + at, length, &part);
        all.ready |= part.ready;
        all.error = part.error ? part.error : all.error;
        all.main_pid = part.main_pid ? part.main_pid : all.main_pid;
        all.extend_ms = part.extend_ms ? part.extend_ms : all.extend_ms;
        if (part.status) {
            all.status = part.status;
            all.status_length = part.status_length;
        }
        at += length + 1;
    }
    demand_same(whole, &all);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct blivet_notice whole, again;
    if (count > BLIVET_NOTICE_SIZE)
        return 0;
    char *exact = malloc(count ? count : 1); /* a byte too far is seen */
    demand(exact != NULL);
    memcpy(exact, bytes, count);
    memset(&whole, 0x5a, sizeof whole);
    memset(&again, 0xa5, sizeof again);
    blivet_parse_notice(exact, count, &whole);
    blivet_parse_notice(exact, count, &again);
    demand_same(&whole, &again); /* nothing was left as it was */
    demand_within_bounds(&whole, exact, count);
    demand_line_by_line(exact, count, &whole);
    free(exact);
    return 0;
}
