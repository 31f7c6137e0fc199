/* CSV: text to fields, fields to records, records to columns. */
#include "engine/data/csv.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"

enum { FIRST_ROWS = 64 };

struct reader {
	const char *at, *end;
	size_t line; /* of `at`, from 1 */
	char separator;
	char *field;       /* the last field read: unquoted, NUL at its end; has room for the whole text */
	size_t field_line; /* where it began */
	bool record_ended; /* it was the last one of its record */
	int values;        /* which are wanted (table.h) */
};

static bool is_blank(const struct reader *reader, char c)
{
	return c == ' ' || c == '\r' || (c == '\t' && reader->separator != '\t');
}

static void skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end && is_blank(reader, *reader->at))
		reader->at++;
}

/* Reads up to the closing quote; "" inside stands for one quote. */
static int read_quoted(struct reader *reader, struct qlstm_error *error)
{
	size_t length = 0;
	reader->at++;
	for (;;) {
		if (reader->at == reader->end)
			return error_set(error, ERR_SYNTAX, NULL, "line %zu: a quote opens and never closes",
			                 reader->field_line);
		char c = *reader->at++;
		if (c == '"') {
			if (reader->at == reader->end || *reader->at != '"')
				break;
			reader->at++;
		}
		if (c == '\n')
			reader->line++;
		reader->field[length++] = c;
	}
	reader->field[length] = '\0';
	skip_blanks(reader);
	if (reader->at < reader->end && *reader->at != reader->separator && *reader->at != '\n')
		return error_set(error, ERR_SYNTAX, NULL, "line %zu: text follows a closing quote", reader->line);
	return 0;
}

static void read_plain(struct reader *reader)
{
	const char *start = reader->at;
	while (reader->at < reader->end && *reader->at != reader->separator && *reader->at != '\n')
		reader->at++;
	size_t length = (size_t)(reader->at - start);
	while (length > 0 && is_blank(reader, start[length - 1]))
		length--;
	memcpy(reader->field, start, length);
	reader->field[length] = '\0';
}

static int read_field(struct reader *reader, struct qlstm_error *error)
{
	skip_blanks(reader);
	reader->field_line = reader->line;
	if (reader->at < reader->end && *reader->at == '"') {
		int rc = read_quoted(reader, error);
		if (rc != 0)
			return rc;
	} else {
		read_plain(reader);
	}
	reader->record_ended = reader->at == reader->end || *reader->at == '\n';
	if (reader->at < reader->end) {
		reader->line += *reader->at == '\n';
		reader->at++;
	}
	return 0;
}

/* The process never leaves the C locale, so strtod's decimal separator is the point. Hexadecimal, "inf" and "nan" are
 * not numbers here: bad input must not travel on as NaN. */
static bool parse_number(const char *text, double *value)
{
	const char *digits = text + (*text == '+' || *text == '-');
	bool decimal = (*digits >= '0' && *digits <= '9') || *digits == '.';
	if (!decimal || (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')))
		return false;
	char *end = NULL;
	*value = strtod(text, &end);
	return *end == '\0' && isfinite(*value);
}

/* Makes the columns from the first record; a record of numbers only is read again as the first row. */
static int read_header(struct reader *reader, struct table *table, struct qlstm_error *error)
{
	struct reader start = *reader;
	bool numbers = true;
	do {
		int rc = read_field(reader, error);
		if (rc != 0)
			return rc;
		double ignored;
		numbers = parse_number(reader->field, &ignored) && numbers;
		utf8_clean(reader->field); /* names and samples end up in JSON */
		rc = table_add_column(table, reader->field, error);
		if (rc != 0)
			return rc;
	} while (!reader->record_ended);

	table->has_header = !numbers;
	if (!numbers)
		return 0;
	/* The fields are no names: the columns are made again, without any. */
	int n_columns = table->n_columns;
	table_free(table);
	for (int i = 0; i < n_columns; i++) {
		int rc = table_add_column(table, "", error);
		if (rc != 0)
			return rc;
	}
	*reader = start;
	return 0;
}

static int grow_columns(struct table *table, int wanted_values, size_t *capacity, struct qlstm_error *error)
{
	size_t wanted = *capacity == 0 ? FIRST_ROWS : *capacity * 2;
	for (int i = 0; i < table->n_columns; i++) {
		struct column *column = &table->columns[i];
		if (!column->numeric || !values_read(wanted_values, i))
			continue;
		double *values = reallocarray(column->values, wanted, sizeof *values);
		if (values == NULL)
			return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a table of %zu rows",
			                 table->n_rows);
		column->values = values;
	}
	*capacity = wanted;
	return 0;
}

static void store_field(struct table *table, int k, const struct reader *reader)
{
	struct column *column = &table->columns[k];
	double ignored;
	if (!column->numeric || !values_checked(reader->values, k))
		return;
	double *value = values_read(reader->values, k) ? &column->values[table->n_rows] : &ignored;
	if (parse_number(reader->field, value))
		return;
	free(column->values);
	column->values = NULL;
	column->numeric = false;
	column->bad_unit = PLACE_LINE;
	column->bad_at = reader->field_line;
	utf8_clean(reader->field);
	size_t length = utf8_cut(reader->field, sizeof column->bad_text - 1);
	memcpy(column->bad_text, reader->field, length);
	column->bad_text[length] = '\0';
}

static int read_rows(struct reader *reader, struct table *table, struct qlstm_error *error)
{
	size_t capacity = 0;
	while (reader->at < reader->end) {
		int rc = reader->values != VALUES_NONE && table->n_rows == capacity
		             ? grow_columns(table, reader->values, &capacity, error)
		             : 0;
		if (rc != 0)
			return rc;
		size_t line = reader->line, n_fields = 0;
		do {
			rc = read_field(reader, error);
			if (rc != 0)
				return rc;
			if (n_fields < (size_t)table->n_columns)
				store_field(table, (int)n_fields, reader);
			n_fields++;
		} while (!reader->record_ended);
		if (n_fields != (size_t)table->n_columns)
			return error_set(error, ERR_SYNTAX, NULL, "line %zu has %zu field%s, the first line has %d",
			                 line, n_fields, n_fields == 1 ? "" : "s", table->n_columns);
		table->n_rows++;
	}
	if (table->n_rows == 0)
		return error_set(error, ERR_SYNTAX, NULL, "there are no rows after the header");
	return 0;
}

/* The separator that the first line holds most often outside quotes; the comma where there is none. */
static char find_separator(const char *text, size_t length)
{
	static const char candidates[] = {',', ';', '\t'};
	size_t counts[sizeof candidates] = {0};
	bool quoted = false;
	for (size_t i = 0; i < length && (quoted || text[i] != '\n'); i++) {
		if (text[i] == '"')
			quoted = !quoted;
		for (size_t k = 0; k < sizeof candidates && !quoted; k++)
			counts[k] += text[i] == candidates[k];
	}
	size_t best = 0;
	for (size_t k = 1; k < sizeof candidates; k++)
		if (counts[k] > counts[best])
			best = k;
	return candidates[best];
}

/* The length without empty lines at the end. */
static size_t trim_end(const char *text, size_t length)
{
	size_t used = length;
	while (used > 0 && (text[used - 1] == ' ' || text[used - 1] == '\r' || text[used - 1] == '\n'))
		used--;
	const char *newline = memchr(text + used, '\n', length - used);
	return used == 0 || newline == NULL ? used : (size_t)(newline - text) + 1;
}

static size_t count_lines(const char *text, const char *end)
{
	size_t lines = 1;
	for (; text < end; text++)
		lines += *text == '\n';
	return lines;
}

int csv_read(const char *text, size_t length, int values, struct table *out, struct qlstm_error *error)
{
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		length -= 3;
	}
	length = length > 0 ? trim_end(text, length) : 0;
	if (length == 0)
		return error_set(error, ERR_SYNTAX, NULL, "there are no rows: the text is empty");
	const char *nul = memchr(text, '\0', length);
	if (nul != NULL)
		return error_set(error, ERR_SYNTAX, NULL, "line %zu holds a NUL byte: this is not CSV in UTF-8",
		                 count_lines(text, nul));

	struct reader reader = {.at = text, .end = text + length, .line = 1, .values = values};
	reader.separator = find_separator(text, length);
	reader.field = malloc(length + 1);
	if (reader.field == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a text of %zu bytes", length);
	struct table table = {0};
	int rc = read_header(&reader, &table, error);
	if (rc == 0)
		rc = read_rows(&reader, &table, error);
	free(reader.field);
	if (rc != 0) {
		table_free(&table);
		return rc;
	}
	*out = table;
	return 0;
}

int csv_parse(const char *text, size_t length, struct table *out, struct qlstm_error *error)
{
	return csv_read(text, length, VALUES_ALL, out, error);
}
