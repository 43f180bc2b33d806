/* terminal.c - what is printed for people: colour, and lines that fold to the terminal's width (CHK-7, CLI-18). */
#include "terminal.h"
#include <string.h>

bool terminal_colour(const struct blivet_ops *ops, int fd)
{
    for (char **entry = ops->environment(); entry && *entry; entry++)
        if ((strncmp(*entry, "NO_COLOR=", 9) == 0 && (*entry)[9] != '\0') || strcmp(*entry, "TERM=dumb") == 0)
            return false;
    return ops->isatty(fd) == 1;
}

size_t terminal_width(const struct blivet_ops *ops, int fd)
{
    enum { USUAL = 80 };
    int columns = ops->terminal_columns(fd);
    return (columns > 0 ? (size_t)columns : USUAL) - 1; /* a terminal may leave the line after its last column */
}

/* Columns, where each character has one: bytes that begin one. */
static size_t columns(const char *text, size_t bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* How many bytes of a word that is wider than the room go up to a slash and into it; 0: none that are worth a line. */
static size_t up_to_slash(const char *word, size_t room)
{
    size_t cut = 0;
    for (size_t i = 1; columns(word, i + 1) <= room; i++)
        if (word[i] == '/')
            cut = i + 1;
    return cut;
}

static void put_word(struct fold *fold, const char *word, size_t bytes)
{
    for (;;) {
        size_t room = fold->width > fold->column ? fold->width - fold->column : 0, width = columns(word, bytes);
        size_t cut = width > room ? up_to_slash(word, room) : 0;
        if (cut == 0) {
            fprintf(fold->stream, "%.*s", (int)bytes, word);
            fold->column += width;
            return;
        }
        fprintf(fold->stream, "%.*s\n%*s", (int)cut, word, (int)fold->indent, "");
        fold->column = fold->indent;
        word += cut;
        bytes -= cut;
    }
}

void terminal_fold(struct fold *fold, const char *text)
{
    while (*text) {
        size_t bytes = strcspn(text, " "), width = columns(text, bytes);
        if (fold->begun && fold->column + 1 + width > fold->width) {
            fprintf(fold->stream, "\n%*s", (int)fold->indent, "");
            fold->column = fold->indent;
        } else if (fold->begun) {
            fputs(" ", fold->stream);
            fold->column++;
        }
        put_word(fold, text, bytes);
        fold->begun = true;
        text += bytes + (text[bytes] == ' ');
    }
}
