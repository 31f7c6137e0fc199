/* Lines of a text of symbols, cut into fields: the sequence, before it perhaps a label and a name. Example: of
 * `+,S10,<TAB><TAB>tactag` the label `+` and the sequence `tactag`. Internal to engine/data. */
#ifndef QLSTM_DATA_SYMBOL_LINES_H
#define QLSTM_DATA_SYMBOL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/data/csv/decode.h"
#include "engine/data/csv/dialect.h"

/* A separator that the first line tells. */
#define SYMBOL_SEPARATOR_UNKNOWN '\1'

struct piece {
	const char *at;
	size_t length;
};

struct symbol_line {
	size_t number; /* from 1 */
	int n_fields;
	struct piece label, sequence; /* of positions: source, target */
};

/* Where reading is. The caller sets `as`, `skip_rows` and `separator`. */
struct symbol_lines {
	const char *at, *end; /* what is left of the text */
	size_t line, skip_rows;
	char separator; /* tab, comma, blank; NUL: none */
	enum csv_symbols_as as;
};

/* From the beginning of the text, which is borrowed. */
void symbol_lines_open(struct symbol_lines *lines, const struct csv_text *text);
/* The next line that is not blank; false at the end. */
bool symbol_lines_next(struct symbol_lines *lines, struct symbol_line *out);

#endif
