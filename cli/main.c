/* main.c - daemonize(1) on the C library itself. */
#include "command.h"

int main(int argc, char **argv) { return daemonize_command(argc, argv, &blivet_libc); }
