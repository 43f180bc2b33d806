/* check_print.h - a report for people, as wide as their terminal, and for machines. */
#ifndef DAEMONCHECK_PRINT_H
#define DAEMONCHECK_PRINT_H
#include "check_judge.h"
#include <stdbool.h>
#include <stdio.h>

void check_print_text(FILE *stream, const struct check_facts *facts, const struct check_report *report, bool colour,
                      size_t width);
void check_print_json(FILE *stream, const struct check_facts *facts, const struct check_report *report);
#endif
