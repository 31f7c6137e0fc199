/* Texts of symbols: one look for what there is, one that fills the columns. */
#include "engine/data/symbols.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/csv/symbol_lines.h"
#include "engine/utf8.h"

struct reader {
	struct symbol_lines lines;
	const struct csv_options *options;
	struct csv_dialect *dialect; /* where what is found goes */
	char symbols[SYMBOLS_MAX][5];
	int n_symbols, ascii[128]; /* ascii: the place of a symbol of one byte, and 1 */
	struct piece labels[SYMBOLS_MAX_LABELS];
	int n_labels;
	int n_fields; /* of every line */
	size_t n_lines, length, n_positions;
	struct table *table;
	int values;
	struct qlstm_error *error;
};

static int refuse(const struct reader *reader, const struct symbol_line *line, const char *what)
{
	return error_set(reader->error, ERR_SYNTAX, NULL, "line %zu: %s", line->number, what);
}

/* --- the alphabet --- */

/* The place of the symbol at the beginning of the text, -1 where it is not in the alphabet; *bytes: of it, 0: none. */
static int symbol_at(const struct reader *reader, const char *at, size_t length, size_t *bytes)
{
	*bytes = utf8_character(at, length);
	if (*bytes == 1)
		return reader->ascii[(unsigned char)*at] - 1;
	for (int i = 0; i < reader->n_symbols; i++)
		if (strlen(reader->symbols[i]) == *bytes && memcmp(reader->symbols[i], at, *bytes) == 0)
			return i;
	return -1;
}

static void index_symbols(struct reader *reader)
{
	memset(reader->ascii, 0, sizeof reader->ascii);
	for (int i = 0; i < reader->n_symbols; i++)
		if (reader->symbols[i][1] == '\0')
			reader->ascii[(unsigned char)reader->symbols[i][0]] = i + 1;
}

static int add_symbol(struct reader *reader, const char *at, size_t bytes, size_t line)
{
	if (bytes == 0 || *at == '\0' || utf8_control(at) != 0)
		return error_set(reader->error, ERR_SYNTAX, NULL, "line %zu holds a byte that is no symbol in UTF-8",
		                 line);
	if (reader->n_symbols == SYMBOLS_MAX)
		return error_set(reader->error, ERR_INVALID, NULL,
		                 "line %zu: more than %d different symbols; this is no text of symbols", line,
		                 SYMBOLS_MAX);
	memcpy(reader->symbols[reader->n_symbols++], at, bytes);
	if (bytes == 1)
		reader->ascii[(unsigned char)*at] = reader->n_symbols;
	return 0;
}

static int read_said_symbols(struct reader *reader)
{
	const char *text = reader->options->dialect.symbols;
	for (size_t left = strlen(text), bytes; left > 0; text += bytes, left -= bytes) {
		if (symbol_at(reader, text, left, &bytes) >= 0)
			return error_set(reader->error, ERR_INVALID, NULL, "symbols holds '%.*s' twice", (int)bytes,
			                 text);
		int rc = add_symbol(reader, text, bytes, 0);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* How many symbols a piece has, negative when it is refused. */
static int64_t count_symbols(struct reader *reader, struct piece piece, const struct symbol_line *line, bool found)
{
	int64_t n = 0;
	for (size_t bytes; piece.length > 0; piece.at += bytes, piece.length -= bytes, n++) {
		int place = symbol_at(reader, piece.at, piece.length, &bytes);
		if (place >= 0)
			continue;
		if (!found)
			return error_set(reader->error, ERR_INVALID, NULL,
			                 "line %zu: '%.*s' at place %lld is not among the symbols '%s'", line->number,
			                 (int)(bytes > 0 ? bytes : 1), piece.at, (long long)n + 1,
			                 reader->options->dialect.symbols);
		int rc = add_symbol(reader, piece.at, bytes, line->number);
		if (rc != 0)
			return rc;
	}
	return n;
}

static int compare_symbols(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* --- labels --- */

static int label_place(const struct reader *reader, struct piece label)
{
	for (int i = 0; i < reader->n_labels; i++)
		if (reader->labels[i].length == label.length &&
		    memcmp(reader->labels[i].at, label.at, label.length) == 0)
			return i;
	return -1;
}

static int add_label(struct reader *reader, struct piece label, size_t line)
{
	if (reader->n_labels == SYMBOLS_MAX_LABELS)
		return error_set(reader->error, ERR_INVALID, NULL,
		                 "line %zu: more than %d different labels; the label stands before the sequence", line,
		                 SYMBOLS_MAX_LABELS);
	reader->labels[reader->n_labels++] = label;
	return 0;
}

static int read_said_labels(struct reader *reader)
{
	int rc = 0;
	for (const char *at = reader->options->dialect.labels; rc == 0 && *at != '\0';) {
		size_t n = strcspn(at, ",");
		rc = add_label(reader, (struct piece){at, n}, 0);
		at += n + (at[n] == ',');
	}
	return rc;
}

static int compare_labels(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	size_t n = x->length < y->length ? x->length : y->length;
	int order = memcmp(x->at, y->at, n);
	return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

/* --- the first look --- */

static int check_label(struct reader *reader, const struct symbol_line *line)
{
	if (label_place(reader, line->label) >= 0)
		return 0;
	if (reader->options->dialect.labels[0] == '\0')
		return memchr(line->label.at, ',', line->label.length) != NULL
		           ? refuse(reader, line, "a comma in a label")
		           : add_label(reader, line->label, line->number);
	return error_set(reader->error, ERR_INVALID, NULL, "line %zu: the label '%.*s' is not among '%s'", line->number,
	                 (int)(line->label.length < 40 ? line->label.length : 40), line->label.at,
	                 reader->options->dialect.labels);
}

static int check_length(struct reader *reader, const struct symbol_line *line, size_t n)
{
	bool pad = reader->options->dialect.pad && reader->lines.as == CSV_ONE_HOT;
	if (n == 0)
		return refuse(reader, line, "there is no sequence");
	if (reader->n_lines > 0 && n != reader->length && !pad)
		return error_set(
		    reader->error, ERR_SYNTAX, NULL,
		    "line %zu has %zu symbols, the first line %zu; say pad=true if shorter ones shall begin "
		    "with steps of zeros",
		    line->number, n, reader->length);
	if (n > reader->length)
		reader->length = n;
	return 0;
}

static int look_at(struct reader *reader, const struct symbol_line *line)
{
	bool found = reader->options->dialect.symbols[0] == '\0', positions = reader->lines.as == CSV_POSITIONS;
	int most = positions ? 2 : 3, rc = 0;
	if (line->n_fields > most || (reader->n_lines > 0 && line->n_fields != reader->n_fields))
		return error_set(reader->error, ERR_SYNTAX, NULL, "line %zu has %d%s fields; %s", line->number,
		                 line->n_fields < 4 ? line->n_fields : 3, line->n_fields < 4 ? "" : " and more",
		                 line->n_fields > most ? "a label and a sequence are expected"
		                                       : "others before differ");
	reader->n_fields = line->n_fields;
	int64_t n = count_symbols(reader, line->sequence, line, found);
	if (n < 0)
		return (int)n;
	rc = check_length(reader, line, (size_t)n);
	if (rc == 0 && positions) {
		int64_t source = count_symbols(reader, line->label, line, found);
		if (source < 0)
			return (int)source;
		if (source != n)
			rc = refuse(reader, line, "source and target are not equally long");
	} else if (rc == 0 && line->n_fields > 1) {
		rc = check_label(reader, line);
	}
	reader->n_lines++;
	reader->n_positions += (size_t)n;
	return rc;
}

/* Puts what was found into the dialect, so that the file is read the same again. */
static int keep_found(struct reader *reader)
{
	struct csv_dialect *dialect = reader->dialect;
	char text[SYMBOLS_MAX * 4 + 1] = "";
	if (reader->options->dialect.symbols[0] == '\0')
		qsort(reader->symbols, (size_t)reader->n_symbols, sizeof *reader->symbols, compare_symbols);
	index_symbols(reader);
	size_t length = 0;
	for (int i = 0; i < reader->n_symbols; i++) {
		size_t bytes = strlen(reader->symbols[i]);
		memcpy(text + length, reader->symbols[i], bytes);
		length += bytes;
	}
	if (length >= sizeof dialect->symbols)
		return error_set(reader->error, ERR_INVALID, NULL, "the alphabet takes more than %zu bytes",
		                 sizeof dialect->symbols - 1);
	memcpy(dialect->symbols, text, length + 1);
	if (reader->options->dialect.labels[0] != '\0')
		return 0;
	qsort(reader->labels, (size_t)reader->n_labels, sizeof *reader->labels, compare_labels);
	size_t used = 0;
	for (int i = 0; i < reader->n_labels; i++) {
		const struct piece *label = &reader->labels[i];
		if (used + label->length + 2 > sizeof dialect->labels)
			return error_set(reader->error, ERR_INVALID, NULL,
			                 "the labels together take more than %zu bytes", sizeof dialect->labels - 1);
		if (i > 0)
			dialect->labels[used++] = ',';
		memcpy(dialect->labels + used, label->at, label->length);
		used += label->length;
		dialect->labels[used] = '\0';
	}
	return 0;
}

/* --- columns --- */

static int add_column(struct reader *reader, const char *name, size_t n_rows)
{
	struct table *table = reader->table;
	int k = table->n_columns, rc = table_add_column(table, name, reader->error);
	if (rc != 0)
		return rc;
	struct column *column = &table->columns[k];
	column->n_numbers = n_rows;
	if (!values_read(reader->values, k))
		return 0;
	column->values = calloc(n_rows, sizeof *column->values);
	return column->values != NULL
	           ? 0
	           : error_set(reader->error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu rows", n_rows);
}

static int add_columns(struct reader *reader)
{
	bool positions = reader->lines.as == CSV_POSITIONS, one_hot = reader->lines.as == CSV_ONE_HOT;
	size_t n_rows = positions ? reader->n_positions : reader->n_lines;
	size_t places = positions ? 0 : reader->length, each = one_hot ? (size_t)reader->n_symbols : 1;
	int rc = 0;
	if (places * each >= TABLE_MAX_COLUMNS)
		return error_set(reader->error, ERR_TOO_LARGE, NULL,
		                 "%zu symbols of %d kinds are %zu columns; at most %d%s", reader->length,
		                 reader->n_symbols, places * each, TABLE_MAX_COLUMNS - 1,
		                 one_hot ? " (symbols_as=index takes one a symbol)" : "");
	for (size_t i = 0; rc == 0 && i < places * each; i++) {
		char name[32];
		if (one_hot)
			snprintf(name, sizeof name, "s%zu_%s", i / each, reader->symbols[i % each]);
		else
			snprintf(name, sizeof name, "s%zu", i);
		rc = add_column(reader, name, n_rows);
	}
	if (rc == 0 && positions)
		rc = add_column(reader, "input", n_rows);
	if (rc == 0 && positions)
		rc = add_column(reader, "target", n_rows);
	if (rc == 0 && !positions && reader->n_fields > 1)
		rc = add_column(reader, "label", n_rows);
	reader->table->n_rows = n_rows;
	return rc;
}

static int make_preview(struct table *table)
{
	int width = table->n_columns < TABLE_MAX_PREVIEW ? table->n_columns : TABLE_MAX_PREVIEW;
	table->n_preview = table->n_rows < TABLE_PREVIEW_ROWS ? table->n_rows : TABLE_PREVIEW_ROWS;
	table->preview = calloc(table->n_preview * (size_t)width, sizeof *table->preview);
	if (table->preview == NULL)
		table->n_preview = 0;
	for (size_t i = 0; i < table->n_preview * (size_t)width; i++)
		table->preview[i].type = COLUMN_NUMBER;
	return table->preview != NULL ? 0 : ERR_OUT_OF_MEMORY;
}

/* Zero is what is there already. */
static void put(struct table *table, size_t k, size_t row, double value)
{
	struct column *column = &table->columns[k];
	size_t width = table->n_columns < TABLE_MAX_PREVIEW ? (size_t)table->n_columns : TABLE_MAX_PREVIEW;
	if (column->values != NULL)
		column->values[row] = value;
	if (row < table->n_preview && k < width)
		table->preview[row * width + k].number = value;
	column->maximum = value > column->maximum ? value : column->maximum;
	column->missing++; /* here: how often something was put */
}

/* The smallest is 0 but where something larger was put into every row. */
static void finish_columns(struct reader *reader)
{
	struct table *table = reader->table;
	for (int k = 0; k < table->n_columns; k++) {
		struct column *column = &table->columns[k];
		column->minimum = column->missing == table->n_rows ? 1 : 0;
		column->missing = 0;
	}
}

/* A line as a row, or of positions as so many rows from `row`. */
static void take_line(struct reader *reader, const struct symbol_line *line, size_t row)
{
	struct table *table = reader->table;
	bool positions = reader->lines.as == CSV_POSITIONS;
	size_t each = reader->lines.as == CSV_ONE_HOT ? (size_t)reader->n_symbols : 1, place = 0, bytes;
	struct piece symbols = line->sequence, source = line->label;
	if (reader->lines.as == CSV_ONE_HOT && reader->dialect->pad) {
		for (struct piece rest = symbols; rest.length > 0; rest.at += bytes, rest.length -= bytes, place++)
			bytes = utf8_character(rest.at, rest.length);
		place = reader->length - place;
	}
	for (; symbols.length > 0; symbols.at += bytes, symbols.length -= bytes, place++) {
		int symbol = symbol_at(reader, symbols.at, symbols.length, &bytes);
		if (positions) {
			size_t more;
			int first = symbol_at(reader, source.at, source.length, &more);
			source.at += more;
			source.length -= more;
			if (first > 0)
				put(table, 0, row + place, first);
			if (symbol > 0)
				put(table, 1, row + place, symbol);
		} else if (reader->lines.as == CSV_ONE_HOT) {
			put(table, place * each + (size_t)symbol, row, 1);
		} else if (symbol > 0) {
			put(table, place, row, symbol);
		}
	}
	int label = !positions && line->n_fields > 1 ? label_place(reader, line->label) : 0;
	if (label > 0)
		put(table, (size_t)table->n_columns - 1, row, label);
}

static void note(struct reader *reader)
{
	static const char *const words[] = {"one column of 0 and 1 for each", "its place in the alphabet",
	                                    "a row for each position"};
	table_note(reader->table, "%zu lines of %s%zu symbols of '%s'; %s", reader->n_lines,
	           reader->dialect->pad ? "up to " : "", reader->length, reader->dialect->symbols,
	           words[reader->lines.as]);
	if (reader->n_labels > 0)
		table_note(reader->table, "the labels %s are the classes from 0 to %d", reader->dialect->labels,
		           reader->n_labels - 1);
}

static int read_lines(struct reader *reader, const struct csv_text *text)
{
	struct symbol_line line;
	int rc = read_said_symbols(reader);
	if (rc == 0)
		rc = read_said_labels(reader);
	symbol_lines_open(&reader->lines, text);
	while (rc == 0 && symbol_lines_next(&reader->lines, &line))
		rc = look_at(reader, &line);
	if (rc == 0 && reader->n_lines == 0)
		rc = error_set(reader->error, ERR_SYNTAX, NULL, "there are no rows: the text is empty");
	if (rc == 0)
		rc = keep_found(reader);
	if (rc == 0)
		rc = add_columns(reader);
	if (rc == 0)
		rc = make_preview(reader->table);
	if (rc != 0)
		return rc;
	symbol_lines_open(&reader->lines, text);
	for (size_t row = 0; symbol_lines_next(&reader->lines, &line);
	     row += reader->lines.as == CSV_POSITIONS ? reader->length : 1)
		take_line(reader, &line, row);
	finish_columns(reader);
	note(reader);
	return 0;
}

int symbols_read(const struct csv_text *text, const struct csv_options *options, int values, struct table *table,
                 struct qlstm_error *error)
{
	struct reader *reader = calloc(1, sizeof *reader); /* too large for the stack of a pool thread's handler */
	if (reader == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a table");
	*reader = (struct reader){.options = options,
	                          .dialect = &table->dialect,
	                          .lines = {.as = options->dialect.symbols_as,
	                                    .skip_rows = options->dialect.skip_rows,
	                                    .separator = SYMBOL_SEPARATOR_UNKNOWN},
	                          .table = table,
	                          .values = values,
	                          .error = error};
	table->dialect = options->dialect;
	table->dialect.is_symbols = true;
	table->dialect.encoding = text->encoding;
	int rc = read_lines(reader, text);
	free(reader);
	return rc;
}
