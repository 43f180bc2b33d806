/* check_print.h - a report for people, 80 columns wide, and for machines. */
#ifndef DAEMONCHECK_PRINT_H
#define DAEMONCHECK_PRINT_H
#include "check_judge.h"
#include <stdbool.h>
#include <stdio.h>

void check_print_text(FILE *stream, const struct check_facts *facts, const struct check_report *report, bool colour);
void check_print_json(FILE *stream, const struct check_facts *facts, const struct check_report *report);
#endif
