/* verdict.c - encode and decode the bytes on the channel, and judge silence (NTF).  Pure. */
#include "verdict.h"
#include "text.h"
#include <string.h>

static void decode_failure(const unsigned char *bytes, size_t count, bool ended, struct blivet_verdict *verdict)
{
    const unsigned char *newline = memchr(bytes + 1, '\n', count - 1);
    if (!newline && !ended)
        return;
    struct blivet_text text;
    size_t length = newline ? (size_t)(newline - bytes) - 1 : count - 1;
    verdict->state = BLIVET_FAILED;
    verdict->code = bytes[0];
    blivet_text_begin(&text, verdict->message, sizeof verdict->message);
    blivet_text_escaped(&text, (const char *)bytes + 1, length);
}

static void decode_malformed(const unsigned char *bytes, size_t count, struct blivet_verdict *verdict)
{
    struct blivet_text text;
    verdict->state = BLIVET_MALFORMED;
    blivet_text_begin(&text, verdict->message, sizeof verdict->message);
    for (size_t i = 0; i < count && i < 8; i++) {
        blivet_text_put(&text, i ? " byte " : "byte ");
        blivet_text_number(&text, bytes[i]);
    }
}

void blivet_decode(const unsigned char *bytes, size_t count, bool ended, struct blivet_verdict *verdict)
{
    size_t said = count > 0 && bytes[0] == BLIVET_BYTE_EXEC; /* the announcement, if any */
    verdict->code = 0;
    verdict->message[0] = '\0';
    if (count == 0)
        verdict->state = ended ? BLIVET_SILENT : BLIVET_WAITING;
    else if (bytes[0] == BLIVET_BYTE_READY)
        verdict->state = BLIVET_READY;
    else if (count == said)
        verdict->state = BLIVET_ANNOUNCED;
    else if (bytes[said] == BLIVET_BYTE_READY || bytes[said] == BLIVET_BYTE_EXEC)
        decode_malformed(bytes, count, verdict);
    else {
        verdict->state = said ? BLIVET_ANNOUNCED : BLIVET_WAITING;
        decode_failure(bytes + said, count - said, ended, verdict);
    }
}

size_t blivet_encode_failure(unsigned char bytes[BLIVET_VERDICT_SIZE], int code, const char *message)
{
    struct blivet_text text;
    bytes[0] = (unsigned char)(code >= 1 && code <= 254 ? code : blivet_exit_code(BLIVET_APPLICATION_FAILED));
    blivet_text_begin(&text, (char *)bytes + 1, BLIVET_MESSAGE_SIZE);
    blivet_text_escaped(&text, message, strlen(message));
    *text.at = '\n';
    return (size_t)(text.at - (char *)bytes) + 1;
}

static bool exited(int status) { return (status & 0x7f) == 0; }

enum blivet_fate blivet_judge(const struct blivet_evidence *evidence)
{
    if (evidence->seen && !(evidence->flags & BLIVET_PF_FORKNOEXEC))
        return evidence->announced ? BLIVET_STARTED : BLIVET_STRAYED;
    if (evidence->seen && !(evidence->flags & BLIVET_PF_EXITING))
        return BLIVET_HUNG_UP; /* announced or not: it is alive and has not exec'd */
    if (evidence->seen)
        return BLIVET_DIED;
    if (evidence->alive)
        return evidence->announced ? BLIVET_STARTED : BLIVET_HUNG_UP;
    if (evidence->known && evidence->announced && exited(evidence->status))
        return BLIVET_STARTED; /* after the announcement only a program can exit without a word */
    if (evidence->known || !evidence->announced)
        return BLIVET_DIED;
    return BLIVET_STARTED; /* announced and gone without a trace: presumed, the manual says where */
}
