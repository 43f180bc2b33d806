/* text.h - bounded text, built without stdio and without memory: async-signal-safe (SEQ-11). */
#ifndef BLIVET_TEXT_H
#define BLIVET_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blivet_text {
    char *at;    /* the final NUL, always there */
    size_t left; /* bytes that still fit before it */
    bool cut;    /* something did not fit */
};

void blivet_text_begin(struct blivet_text *text, char *buffer, size_t size);
void blivet_text_put(struct blivet_text *text, const char *trusted);
void blivet_text_number(struct blivet_text *text, uintmax_t number);

/* Control characters and bytes that are not UTF-8 become escapes; cut at a character boundary (NTF-5).
 * Escaping what is escaped changes nothing, so both ends of the channel can do it. */
void blivet_text_escaped(struct blivet_text *text, const char *bytes, size_t count);
#endif
