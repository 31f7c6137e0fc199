/* Command line options from a table: "--out DIR" or "--out=DIR", flags, one operand, "--" before an operand that looks
 * like an option. */
#ifndef QLSTM_WORKER_OPTIONS_H
#define QLSTM_WORKER_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/error.h"

#define OPTIONS_MAX 16

/* seconds: a finite number >= 0; count: a whole number >= 1 */
enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_SECONDS, OPTION_COUNT };

struct option {
	const char *name; /* "--out"; NULL ends a table */
	enum option_kind kind;
	bool required;
	const char *placeholder; /* "DIR"; NULL for a flag */
	const char *fallback;    /* taken when the option is absent, read like a given one; NULL: none */
	const char *summary;
};

/* One per row of the table, at the row's index. */
struct option_value {
	bool given;
	const char *text; /* borrowed from argv or the table; NULL when absent and without fallback */
	double number;    /* OPTION_SECONDS, OPTION_COUNT */
};

/* Reads argv[0 .. argc-1], the words after the command's name. Refuses unknown options (with the nearest name), an
 * option given twice or without its value, a missing required one, a missing or second operand, any where operand_name
 * is NULL: ERR_INVALID. */
int options_read(const struct option *options, const char *operand_name, int argc, char **argv, const char **operand,
                 struct option_value values[OPTIONS_MAX], struct qlstm_error *error);

/* " SPEC.json --out DIR [--supervised] ..." without a newline; then a line for each option. */
void options_print_usage(FILE *file, const struct option *options, const char *operand_name);
void options_print_table(FILE *file, const struct option *options);

#endif
