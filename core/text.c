/* text.c - bounded text: append, number, escape.  Pure. */
#include "text.h"
#include <string.h>

void blivet_text_begin(struct blivet_text *text, char *buffer, size_t size)
{
    text->at = buffer;
    text->left = size - 1;
    text->cut = false;
    *buffer = '\0';
}

/* All of it or nothing: an escape or a character is never torn. */
static void append(struct blivet_text *text, const char *bytes, size_t count)
{
    if (text->cut || count > text->left) {
        text->cut = true;
        return;
    }
    memcpy(text->at, bytes, count);
    text->at += count;
    text->left -= count;
    *text->at = '\0';
}

void blivet_text_put(struct blivet_text *text, const char *trusted) { append(text, trusted, strlen(trusted)); }

void blivet_text_number(struct blivet_text *text, uintmax_t number)
{
    char digits[24], *first = digits + sizeof digits;
    do
        *--first = (char)('0' + number % 10);
    while (number /= 10);
    append(text, first, (size_t)(digits + sizeof digits - first));
}

/* The length of the printable character at bytes: 1 to 4, or 0 where the first byte must be escaped: C0, DEL,
 * C1 (which steer terminals too), and whatever is not well-formed UTF-8 (overlong, surrogate, too large). */
static size_t printable(const unsigned char *bytes, size_t count)
{
    if (bytes[0] < 0x80)
        return bytes[0] >= 0x20 && bytes[0] != 0x7f;
    size_t length = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || count < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    unsigned char second = bytes[1];
    if ((bytes[0] == 0xc2 && second < 0xa0) || (bytes[0] == 0xe0 && second < 0xa0) ||
        (bytes[0] == 0xed && second > 0x9f) || (bytes[0] == 0xf0 && second < 0x90) ||
        (bytes[0] == 0xf4 && second > 0x8f))
        return 0;
    return length;
}

void blivet_text_escaped(struct blivet_text *text, const char *bytes, size_t count)
{
    static const char hex[] = "0123456789abcdef";
    while (count > 0 && !text->cut) {
        unsigned char byte = (unsigned char)*bytes;
        size_t length = printable((const unsigned char *)bytes, count);
        char escape[4] = { '\\', 'x', hex[byte >> 4], hex[byte & 15] };
        if (length > 0)
            append(text, bytes, length);
        else if (byte == '\n')
            append(text, "\\n", 2);
        else
            append(text, escape, 4);
        length += length == 0;
        bytes += length;
        count -= length;
    }
}
