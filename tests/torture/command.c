/* command.c - daemonize-faulty: the command as it ships, but for the table. */
#include "table.h"
#include "../../cli/command.h"

int main(int argc, char **argv) { return daemonize_command(argc, argv, torture_table()); }
