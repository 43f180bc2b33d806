/* terminal.h - what is printed for people: colour, and lines that fold to the terminal's width (CHK-7, CLI-18). */
#ifndef DAEMONIZE_TERMINAL_H
#define DAEMONIZE_TERMINAL_H
#include "../syscall/ops.h"
#include <stdbool.h>
#include <stdio.h>

/* Whether what is written there may be coloured: a terminal, neither NO_COLOR nor TERM=dumb. */
bool terminal_colour(const struct blivet_ops *ops, int fd);

/* How many columns a line may take: one less than the terminal has, or than the 80 of whatever else it is. */
size_t terminal_width(const struct blivet_ops *ops, int fd);

/* Where a paragraph is: later lines begin at indent, text goes up to width. */
struct fold {
    FILE *stream;
    size_t indent, width, column;
    bool begun; /* a word stands on this line already */
};

/* One more piece of it, folded at spaces; a word that is longer than a line at slashes, and else left whole. */
void terminal_fold(struct fold *fold, const char *text);
#endif
