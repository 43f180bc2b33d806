/* fuzz.h - what the targets share: a demand that is not met ends the run. */
#ifndef BLIVET_FUZZ_H
#define BLIVET_FUZZ_H
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static inline void demand(int holds)
{
    if (!holds)
        abort();
}

/* One line that steers no terminal: no control character, C1 among them, and well-formed UTF-8 (NTF-5).  The judge
 * is the C library's decoder, not ours. */
static inline void demand_printable(const char *text)
{
    static const char *locale;
    mbstate_t state;
    wchar_t character;
    if (!locale)
        locale = setlocale(LC_CTYPE, "C.UTF-8");
    demand(locale != NULL);
    memset(&state, 0, sizeof state);
    for (size_t left = strlen(text), length; left > 0; text += length, left -= length) {
        length = mbrtowc(&character, text, left, &state);
        demand(length >= 1 && length <= left);
        demand(character >= 0x20 && !(character >= 0x7f && character < 0xa0));
    }
}
#endif
