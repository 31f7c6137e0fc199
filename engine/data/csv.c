/* CSV: records to columns. */
#include "engine/data/csv.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/csv/decode.h"
#include "engine/data/csv/detect.h"
#include "engine/data/csv/spacing.h"
#include "engine/data/csv_header.h"
#include "engine/data/csv_notes.h"
#include "engine/data/documents.h"
#include "engine/data/symbols.h"
#include "engine/utf8.h"

enum { FIRST_ROWS = 64 };

struct reader {
	struct scanner scanner;
	struct table *table;
	const struct csv_dialect *dialect;
	struct number_format format;
	struct csv_head head;
	int values;         /* which are wanted (table.h) */
	size_t capacity;    /* rows that there is room for */
	size_t empty_rows;  /* at the end so far: without a single character */
	bool empty;         /* the row at hand is one so far */
	size_t header_line; /* of the first record */
	struct time_field {
		struct cell cell; /* of the row at hand */
		char text[32];    /* what was read last, and what it is: a day has many rows */
		size_t length;    /* 0: nothing */
		struct timestamp time;
	} date, clock;
	struct spacing spacing;
	struct csv_found found;
	struct qlstm_error *error;
};

static int out_of_memory(const struct reader *reader)
{
	return error_set(reader->error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a table of %zu rows",
	                 reader->table->n_rows);
}

/* --- one field --- */

static void set_place(struct column *column, struct cell cell)
{
	char text[sizeof column->bad_text];
	size_t length = cell.length < sizeof text - 1 ? cell.length : sizeof text - 1;
	memcpy(text, cell.text, length);
	text[length] = '\0';
	/* A character that is cut in two is left out; what is no character becomes a question mark. */
	if (length < cell.length)
		while (length > 0 && ((unsigned char)cell.text[length] & 0xc0) == 0x80)
			text[--length] = '\0';
	utf8_clean(text);
	memcpy(column->bad_text, text, sizeof text);
	column->bad_unit = PLACE_LINE;
	column->bad_at = cell.line;
}

static void store_number(struct reader *reader, int k, double value)
{
	struct column *column = &reader->table->columns[k];
	struct csv_numbers *first = &reader->found.numbers;
	if (k == first->column) {
		first->rises += value > first->last;
		first->falls += value < first->last;
		first->last = value;
	} else if (first->column < 0) {
		*first = (struct csv_numbers){.column = k, .last = value};
	}
	if (column->n_numbers++ == 0 || value < column->minimum)
		column->minimum = value;
	if (column->n_numbers == 1 || value > column->maximum)
		column->maximum = value;
	if (column->values != NULL)
		column->values[reader->table->n_rows] = value;
	if (column->type == COLUMN_EMPTY)
		column->type = COLUMN_NUMBER;
	else if (column->type == COLUMN_TIME)
		column->type = COLUMN_TEXT;
}

static void store_missing(struct reader *reader, struct column *column, struct cell cell)
{
	if (column->missing++ == 0 && column->numeric)
		set_place(column, cell);
	if (column->values != NULL)
		column->values[reader->table->n_rows] = NAN;
}

/* A field that is neither a number nor missing. */
static void store_text(struct column *column, struct cell cell, bool time)
{
	if (column->numeric)
		set_place(column, cell);
	free(column->values);
	column->values = NULL;
	column->numeric = false;
	if (column->type == COLUMN_EMPTY && time)
		column->type = COLUMN_TIME;
	else if (column->type != COLUMN_TIME || !time)
		column->type = COLUMN_TEXT;
}

static void preview(struct reader *reader, int k, struct cell cell, enum column_type type, double number)
{
	struct table *table = reader->table;
	if (table->preview == NULL || table->n_rows >= TABLE_PREVIEW_ROWS || k >= TABLE_MAX_PREVIEW)
		return;
	size_t width = (size_t)(table->n_columns < TABLE_MAX_PREVIEW ? table->n_columns : TABLE_MAX_PREVIEW);
	struct preview_cell *to = &table->preview[table->n_rows * width + (size_t)k];
	struct column place = {0};
	set_place(&place, cell);
	*to = (struct preview_cell){.type = type, .number = number};
	memcpy(to->text, place.bad_text, sizeof place.bad_text);
}

static bool is_time_column(const struct reader *reader, int k)
{
	return k == reader->head.date_column || k == reader->head.clock_column;
}

/* The time in the field of the row at hand. */
static bool read_time(struct time_field *field, struct timestamp *out)
{
	const struct cell *cell = &field->cell;
	bool same =
	    cell->length > 0 && cell->length == field->length && memcmp(field->text, cell->text, field->length) == 0;
	if (!same) {
		field->length = 0;
		if (!timestamp_parse(cell->text, cell->length, &field->time))
			return false;
		if (cell->length <= sizeof field->text) {
			memcpy(field->text, cell->text, cell->length);
			field->length = cell->length;
		}
	}
	*out = field->time;
	return true;
}

/* Any field, once the fast way has failed. */
static int read_field(struct reader *reader, int k)
{
	struct scanner *scanner = &reader->scanner;
	struct column *column = &reader->table->columns[k];
	struct timestamp time;
	struct cell raw, cell;
	double number = 0;
	int rc = scanner_field(scanner, &raw, reader->error);
	if (rc != 0)
		return rc;
	cell = cell_trim(raw);
	reader->empty = reader->empty && cell.length == 0;
	struct time_field *field = k == reader->head.date_column ? &reader->date : &reader->clock;
	bool kept = is_time_column(reader, k) && raw.text != scanner->scratch; /* the next field may need that place */
	if (kept)
		field->cell = cell;
	if (!values_checked(reader->values, k))
		return 0;
	/* What was a time all the way is looked at as one first; no time is a number. */
	if (kept && column->type == COLUMN_TIME && *reader->dialect->missing == '\0' && read_time(field, &time)) {
		preview(reader, k, raw, COLUMN_TIME, 0);
		return 0;
	}
	rc = scanner_reserve(scanner, cell.length, reader->error); /* there is room where the field is in it */
	if (rc != 0)
		return rc;
	if (csv_is_missing(cell.text, cell.length, reader->dialect->missing)) {
		store_missing(reader, column, cell);
		preview(reader, k, cell, COLUMN_EMPTY, 0);
	} else if (number_parse(cell.text, cell.length, reader->format, scanner->scratch, &number)) {
		store_number(reader, k, number);
		preview(reader, k, cell, COLUMN_NUMBER, number);
	} else {
		bool is_time = column->type != COLUMN_TEXT && timestamp_parse(cell.text, cell.length, &time);
		store_text(column, raw, is_time);
		preview(reader, k, raw, is_time ? COLUMN_TIME : COLUMN_TEXT, 0);
	}
	return 0;
}

/* A number of few digits without quotes; false: nothing was read. */
static bool read_number(struct reader *reader, int k)
{
	struct scanner *scanner = &reader->scanner;
	const char *at = scanner->at;
	double value;
	while (at < scanner->end && scanner_is_blank(scanner, *at))
		at++;
	const char *start = at;
	at = number_scan(at, scanner->end, reader->format.decimal, &value);
	if (at == NULL || scanner->separator == CSV_BLANKS)
		return false;
	const char *behind = at;
	while (at < scanner->end && scanner_is_blank(scanner, *at))
		at++;
	struct cell cell = {start, (size_t)(behind - start), scanner->line};
	const char *more = reader->dialect->missing;
	if ((*more != '\0' && csv_is_missing(cell.text, cell.length, more)) || !scanner_end_field(scanner, at))
		return false;
	store_number(reader, k, value);
	if (reader->table->n_rows < TABLE_PREVIEW_ROWS)
		preview(reader, k, cell, COLUMN_NUMBER, value);
	reader->empty = false;
	return true;
}

/* --- rows --- */

static int grow_columns(struct reader *reader)
{
	struct table *table = reader->table;
	size_t wanted = reader->capacity == 0 ? FIRST_ROWS : reader->capacity * 2;
	for (int i = 0; i < table->n_columns; i++) {
		struct column *column = &table->columns[i];
		if (!column->numeric || !values_read(reader->values, i))
			continue;
		double *values = reallocarray(column->values, wanted, sizeof *values);
		if (values == NULL)
			return out_of_memory(reader);
		column->values = values;
	}
	if (reader->values == VALUES_ALL && reader->head.date_column >= 0) {
		size_t *starts = reallocarray(table->times.starts, wanted, sizeof *starts);
		if (starts == NULL)
			return out_of_memory(reader);
		table->times.starts = starts;
	}
	reader->capacity = wanted;
	return 0;
}

static int keep_time(struct reader *reader)
{
	struct table_times *times = &reader->table->times;
	const struct cell date = reader->date.cell, clock = reader->clock.cell;
	size_t needed = times->used + date.length + clock.length + 2;
	if (needed > times->room) {
		size_t room = needed > 2 * times->room ? 2 * needed : 2 * times->room;
		char *text = realloc(times->text, room);
		if (text == NULL)
			return out_of_memory(reader);
		times->text = text;
		times->room = room;
	}
	times->starts[reader->table->n_rows] = times->used;
	char *at = times->text + times->used;
	memcpy(at, date.text, date.length);
	at += date.length;
	if (clock.length > 0) {
		*at++ = ' ';
		memcpy(at, clock.text, clock.length);
		at += clock.length;
	}
	*at = '\0';
	times->used = (size_t)(at - times->text) + 1;
	return 0;
}

/* The time of the row at hand. */
static int end_row(struct reader *reader, size_t line)
{
	struct timestamp date, clock;
	reader->empty_rows = reader->empty ? reader->empty_rows + 1 : 0;
	if (reader->head.date_column < 0)
		return 0;
	if (read_time(&reader->date, &date)) {
		bool added = reader->clock.cell.length > 0 && read_time(&reader->clock, &clock);
		date.seconds_day_first += added ? clock.seconds_day_first : 0;
		date.seconds_month_first += added ? clock.seconds_day_first : 0;
		spacing_add(&reader->spacing, &date, line);
	} else if (!csv_is_missing(reader->date.cell.text, reader->date.cell.length, reader->dialect->missing)) {
		if (reader->found.no_times++ == 0)
			reader->found.no_time = reader->date.cell;
	}
	return reader->values == VALUES_ALL ? keep_time(reader) : 0;
}

static int refuse_width(const struct reader *reader, size_t line, size_t n_fields)
{
	char where[32] = "the first line";
	if (reader->header_line != 1)
		snprintf(where, sizeof where, "line %zu", reader->header_line);
	return error_set(reader->error, ERR_SYNTAX, NULL, "line %zu has %zu field%s, %s has %d", line, n_fields,
	                 n_fields == 1 ? "" : "s", where, reader->table->n_columns);
}

static int read_row(struct reader *reader)
{
	struct scanner *scanner = &reader->scanner;
	size_t line = scanner->line, n_columns = (size_t)reader->table->n_columns, n = 0;
	struct cell ignored;
	reader->empty = true;
	reader->date.cell = reader->clock.cell = (struct cell){"", 0, line};
	do {
		int k = (int)n, rc = 0;
		if (n >= n_columns)
			rc = scanner_field(scanner, &ignored, reader->error);
		else if (!values_checked(reader->values, k) || is_time_column(reader, k) || !read_number(reader, k))
			rc = read_field(reader, k);
		if (rc != 0)
			return rc;
		n++;
	} while (!scanner->record_ended);
	if (n != n_columns)
		return refuse_width(reader, line, n);
	return end_row(reader, line);
}

static int read_rows(struct reader *reader)
{
	struct table *table = reader->table;
	int rc = 0;
	while (rc == 0 && scanner_next(&reader->scanner)) {
		if (reader->values != VALUES_NONE && table->n_rows == reader->capacity)
			rc = grow_columns(reader);
		if (rc == 0)
			rc = read_row(reader);
		table->n_rows += rc == 0;
	}
	if (rc == 0 && table->n_rows == reader->empty_rows)
		rc = error_set(reader->error, ERR_SYNTAX, NULL, "there are no rows%s",
		               table->has_header ? " after the header" : "");
	return rc;
}

/* --- the end --- */

static void drop_empty_rows(struct reader *reader)
{
	struct table *table = reader->table;
	size_t n = reader->empty_rows;
	if (n == 0)
		return;
	table->n_rows -= n;
	if (table->n_preview > table->n_rows)
		table->n_preview = table->n_rows;
	for (int i = 0; i < table->n_columns; i++) {
		struct column *column = &table->columns[i];
		if (!values_checked(reader->values, i))
			continue;
		column->missing -= n;
		if (column->missing == 0 && column->numeric) {
			column->bad_unit = PLACE_UNKNOWN;
			column->bad_at = 0;
			column->bad_text[0] = '\0';
		}
	}
	table_note(table, "%zu row%s of empty fields at the end %s left out", n, n == 1 ? "" : "s",
	           n == 1 ? "was" : "were");
}

static void turn_values(double *values, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		double value = values[i];
		values[i] = values[n - 1 - i];
		values[n - 1 - i] = value;
	}
}

static void turn(struct table *table)
{
	size_t n = table->n_rows;
	for (int i = 0; i < table->n_columns; i++)
		if (table->columns[i].values != NULL)
			turn_values(table->columns[i].values, n);
	for (size_t i = 0; table->times.starts != NULL && i < n / 2; i++) {
		size_t start = table->times.starts[i];
		table->times.starts[i] = table->times.starts[n - 1 - i];
		table->times.starts[n - 1 - i] = start;
	}
}

static void finish_times(struct reader *reader, const struct csv_options *options)
{
	struct table *table = reader->table;
	bool ambiguous = false;
	bool said = (options->said & CSV_SAYS_TURNED) != 0;
	const struct spacing_order *order = spacing_finish(&reader->spacing, &ambiguous);
	table->times.there = reader->head.date_column >= 0;
	table->times.column = reader->head.date_column;
	bool falls = order->falls > 0 && order->rises == 0 && reader->spacing.n == table->n_rows;
	table->dialect.turned = said ? options->dialect.turned : options->rules == CSV_STRICT && falls;
	if (table->dialect.turned) {
		turn(table);
		table_note(table, "the times fall: the rows are taken from the last line to the first");
	}
	if (table->times.there)
		csv_note_spacing(table, order, ambiguous);
}

static void finish_columns(struct reader *reader)
{
	for (int i = 0; i < reader->table->n_columns; i++) {
		struct column *column = &reader->table->columns[i];
		if (!values_checked(reader->values, i)) {
			column->type = COLUMN_NUMBER;
			continue;
		}
		if (column->type == COLUMN_NUMBER)
			continue;
		free(column->values);
		column->values = NULL;
		column->numeric = false;
	}
}

/* --- all --- */

static int read_table(struct reader *reader, const struct csv_options *options)
{
	struct table *table = reader->table;
	bool wanted = options->rules == CSV_STRICT && reader->values < VALUES_FIRST;
	int rc = csv_read_header(&reader->scanner, reader->dialect, options->rules != CSV_FIRST_LINE, table,
	                         &reader->header_line, reader->error);
	if (rc != 0)
		return rc;
	for (int i = 0; i < table->n_columns; i++)
		table->columns[i].type = COLUMN_EMPTY;
	if (wanted) {
		int width = table->n_columns < TABLE_MAX_PREVIEW ? table->n_columns : TABLE_MAX_PREVIEW;
		table->preview = calloc(TABLE_PREVIEW_ROWS, (size_t)width * sizeof *table->preview);
		if (table->preview == NULL)
			return out_of_memory(reader);
	}
	rc = read_rows(reader);
	if (rc != 0)
		return rc;
	table->n_preview = !wanted ? 0 : table->n_rows < TABLE_PREVIEW_ROWS ? table->n_rows : TABLE_PREVIEW_ROWS;
	csv_note_lines(table, &reader->scanner, reader->dialect->header_lines);
	drop_empty_rows(reader);
	finish_columns(reader);
	finish_times(reader, options);
	if (wanted)
		csv_note_columns(table, &reader->found);
	return 0;
}

static size_t count_lines(const char *text, const char *end)
{
	size_t lines = 1;
	for (; text < end; text++)
		lines += *text == '\n';
	return lines;
}

/* What no dialect can mend. */
static int check_text(const struct csv_text *text, enum csv_rules rules, struct qlstm_error *error)
{
	size_t length = text->length;
	while (length > 0 && strchr(" \r\n", text->text[length - 1]) != NULL && text->text[length - 1] != '\0')
		length--;
	if (length == 0)
		return error_set(error, ERR_SYNTAX, NULL, "there are no rows: the text is empty");
	const char *nul = memchr(text->text, '\0', length);
	if (nul != NULL)
		return error_set(error, ERR_SYNTAX, NULL, "line %zu holds a NUL byte: this is not CSV in UTF-8",
		                 count_lines(text->text, nul));
	if (rules == CSV_STRICT && memchr(text->text, '\n', text->length) == NULL)
		return error_set(
		    error, ERR_SYNTAX, NULL,
		    "no line end in the text, which is one line of %zu bytes; curl -d removes line ends, use "
		    "--data-binary",
		    text->length);
	return 0;
}

static int read_text(const struct csv_text *text, const struct csv_options *options, int values, struct table *table,
                     struct qlstm_error *error)
{
	struct reader reader = {.table = table, .values = values, .error = error, .found.numbers.column = -1};
	struct csv_dialect dialect;
	int rc = check_text(text, options->rules, error);
	if (rc == 0)
		rc = csv_detect(text->text, text->length, options, &dialect, &reader.head, error);
	if (rc != 0)
		return rc;
	size_t line = 1;
	dialect.encoding = text->encoding;
	const char *end = text->text + text->length;
	const char *start = csv_skip_rows(text->text, end, dialect.skip_rows, &line);
	reader.dialect = &dialect;
	reader.found.date_column = reader.head.date_column;
	reader.format = (struct number_format){dialect.decimal, dialect.thousands};
	table->dialect = dialect;
	table->first_name_counts = options->rules == CSV_FIRST_LINE;
	scanner_open(&reader.scanner, start, (size_t)(end - start), line, &dialect);
	rc = read_table(&reader, options);
	scanner_close(&reader.scanner);
	return rc;
}

/* What is said of numbers is not said of symbols, and the other way round. */
static int check_said(const struct csv_options *options, struct qlstm_error *error)
{
	const unsigned of_symbols = CSV_SAYS_LABELS | CSV_SAYS_SYMBOLS_AS | CSV_SAYS_PAD;
	const unsigned of_both = of_symbols | CSV_SAYS_SYMBOLS | CSV_SAYS_ENCODING | CSV_SAYS_SKIP_ROWS;
	bool symbols = options->dialect.is_symbols;
	if (options->dialect.texts != TEXTS_NONE &&
	    (options->said & ~(unsigned)(CSV_SAYS_TEXT | CSV_SAYS_ENCODING | CSV_SAYS_SKIP_ROWS)) != 0)
		return error_set(error, ERR_INVALID, NULL, "of a text of words encoding and skip_rows can be said");
	if (!symbols && (options->said & of_symbols) != 0)
		return error_set(error, ERR_MISSING, NULL,
		                 "labels, symbols_as and pad are said of a text of symbols: say symbols=found too");
	if (symbols && (options->said & ~of_both) != 0)
		return error_set(error, ERR_INVALID, NULL,
		                 "of a text of symbols labels, symbols_as, pad, encoding and skip_rows can be said");
	return 0;
}

int csv_read(const char *bytes, size_t length, const struct csv_options *options, int values, struct table *out,
             struct qlstm_error *error)
{
	static const struct csv_options nothing = {0};
	struct csv_text text;
	struct table table = {0};
	if (options == NULL)
		options = &nothing;
	int rc = check_said(options, error);
	if (rc == 0)
		rc = csv_decode((const unsigned char *)bytes, length, options, &text, error);
	if (rc != 0)
		return rc;
	rc = options->dialect.texts != TEXTS_NONE ? documents_read(&text, options, values, &table, error)
	     : options->dialect.is_symbols        ? symbols_read(&text, options, values, &table, error)
	                                          : read_text(&text, options, values, &table, error);
	csv_text_free(&text);
	if (rc != 0) {
		table_free(&table);
		return rc;
	}
	*out = table;
	return 0;
}

int csv_parse(const char *bytes, size_t length, struct table *out, struct qlstm_error *error)
{
	return csv_read(bytes, length, NULL, VALUES_ALL, out, error);
}
