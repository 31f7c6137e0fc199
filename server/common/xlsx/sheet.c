/* The cells of a sheet as CSV: one reading finds how wide it is, the next one writes. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/common/xlsx/workbook.h"
#include "server/common/xlsx/xml.h"

enum { MOST_COLUMNS = 4096, MOST_ROWS = 1 << 20 };

struct sheet {
	const struct workbook *book;
	size_t limit;
	bool writes;
	size_t width;       /* columns of the widest row */
	size_t row, column; /* at hand, from 0 */
	size_t commas;      /* written in this row */
	size_t rows;        /* that were begun */
	char type[16];
	size_t style;
	struct text value; /* of the cell at hand */
	bool filled, in_phonetic;
	struct text out;
};

/* "BC12" is column 54; `otherwise` where there is no letter. */
static size_t column_of(const char *reference, size_t otherwise)
{
	size_t column = 0;
	for (; reference != NULL && *reference >= 'A' && *reference <= 'Z' && column < MOST_COLUMNS * 26; reference++)
		column = column * 26 + (size_t)(*reference - 'A') + 1;
	return column > 0 ? column - 1 : otherwise;
}

static void write_quoted(struct text *out, const char *text, size_t length)
{
	text_write(out, "\"", 1);
	for (size_t i = 0; i < length; i++) {
		char c = text[i] == '\n' || text[i] == '\r' ? ' ' : text[i];
		text_write(out, &c, 1);
		if (c == '"')
			text_write(out, &c, 1);
	}
	text_write(out, "\"", 1);
}

/* Day 60 of the count from 1900 is a 29 February that there was not: what comes before it is a day later. */
static void write_date(struct text *out, double value, enum style style, bool from_1904)
{
	double days = floor(value), rest = round((value - days) * 86400);
	if (rest >= 86400) {
		days++;
		rest = 0;
	}
	int second = (int)rest;
	char text[64], clock[32];
	snprintf(clock, sizeof clock, "%02d:%02d:%02d", second / 3600, second / 60 % 60, second % 60);
	if (style == STYLE_TIME) {
		text_print(out, "%s", clock);
		return;
	}
	time_t at = (time_t)((days + (from_1904 ? 1462 : days < 60 ? 1 : 0) - 25569) * 86400);
	struct tm date;
	if (days < 0 || days > 2958465 || gmtime_r(&at, &date) == NULL)
		text_print(out, "%.17g", value);
	else if (strftime(text, sizeof text, "%Y-%m-%d", &date) > 0)
		text_print(out, second > 0 ? "%s %s" : "%s", text, clock);
}

static bool is_type(const struct sheet *sheet, const char *type)
{
	return strcmp(sheet->type, type) == 0;
}

static int write_value(struct sheet *sheet, struct qlstm_error *error)
{
	const struct workbook *book = sheet->book;
	const char *text = sheet->value.bytes;
	char *end;
	if (is_type(sheet, "s")) {
		unsigned long long index = strtoull(text, &end, 10);
		if (end == text || index >= book->n_strings)
			return error_set(error, ERR_SYNTAX, NULL,
			                 "row %zu, column %zu: there is no shared string %.20s", sheet->row + 1,
			                 sheet->column + 1, text);
		text = book->strings.bytes + book->starts[index];
		write_quoted(&sheet->out, text, strlen(text));
		return 0;
	}
	bool number = is_type(sheet, "") || is_type(sheet, "n");
	enum style style = number && sheet->style < book->n_styles ? book->styles[sheet->style] : STYLE_NUMBER;
	double value = number ? strtod(text, &end) : 0;
	if (number && *end == '\0' && style != STYLE_NUMBER)
		write_date(&sheet->out, value, style, book->from_1904);
	else if (number && *end == '\0' && strpbrk(text, "nNxX,\"") == NULL)
		text_write(&sheet->out, text, sheet->value.length);
	else if (is_type(sheet, "b") || is_type(sheet, "d"))
		text_write(&sheet->out, text, strcspn(text, ",\"\r\n"));
	else
		write_quoted(&sheet->out, text, sheet->value.length);
	return 0;
}

static void write_commas(struct sheet *sheet, size_t upto)
{
	for (; sheet->commas < upto && sheet->commas + 1 < sheet->width; sheet->commas++)
		text_write(&sheet->out, ",", 1);
}

static int begin_cell(struct sheet *sheet, const char **attributes, struct qlstm_error *error)
{
	const char *type = xml_attribute(attributes, "t"), *style = xml_attribute(attributes, "s");
	size_t column = column_of(xml_attribute(attributes, "r"), sheet->filled ? sheet->column + 1 : sheet->column);
	snprintf(sheet->type, sizeof sheet->type, "%s", type != NULL ? type : "");
	sheet->style = style != NULL ? strtoul(style, NULL, 10) : 0;
	sheet->value.length = 0;
	if (column >= MOST_COLUMNS)
		return error_set(error, ERR_TOO_LARGE, NULL, "row %zu has more than %d columns", sheet->row + 1,
		                 MOST_COLUMNS);
	if (column < sheet->column || (column == sheet->column && sheet->filled))
		return error_set(error, ERR_SYNTAX, NULL, "row %zu: the cells are not in order", sheet->row + 1);
	if (sheet->writes)
		write_commas(sheet, column);
	sheet->column = column;
	sheet->filled = true;
	return 0;
}

/* Rows that are left out are blank lines. */
static int begin_row(struct sheet *sheet, const char **attributes, struct qlstm_error *error)
{
	const char *number = xml_attribute(attributes, "r");
	size_t row = number != NULL ? strtoul(number, NULL, 10) : sheet->rows + 1;
	if (row <= sheet->rows || row > MOST_ROWS)
		return error_set(error, ERR_SYNTAX, NULL, "row %zu is not in order, or past %d", row, MOST_ROWS);
	for (; sheet->writes && sheet->rows + 1 < row; sheet->rows++)
		text_write(&sheet->out, "\n", 1);
	sheet->rows = row;
	sheet->row = row - 1;
	sheet->column = sheet->commas = 0;
	sheet->filled = false;
	return 0;
}

static int on_start(void *context, const char *name, const char **attributes, struct qlstm_error *error)
{
	struct sheet *sheet = context;
	if (strcmp(name, "row") == 0)
		return begin_row(sheet, attributes, error);
	if (strcmp(name, "rPh") == 0)
		sheet->in_phonetic = true;
	return strcmp(name, "c") == 0 ? begin_cell(sheet, attributes, error) : 0;
}

static int end_cell(struct sheet *sheet, struct qlstm_error *error)
{
	if (sheet->value.length == 0)
		return 0;
	if (sheet->column + 1 > sheet->width)
		sheet->width = sheet->column + 1;
	return sheet->writes ? write_value(sheet, error) : 0;
}

static int on_end(void *context, const char *name, const char *text, size_t length, struct qlstm_error *error)
{
	struct sheet *sheet = context;
	int rc = 0;
	if (strcmp(name, "v") == 0 || (strcmp(name, "t") == 0 && !sheet->in_phonetic))
		text_write(&sheet->value, text, length);
	else if (strcmp(name, "rPh") == 0)
		sheet->in_phonetic = false;
	else if (strcmp(name, "c") == 0)
		rc = end_cell(sheet, error);
	else if (strcmp(name, "row") == 0 && sheet->writes) {
		if (sheet->width > 0)
			write_commas(sheet, sheet->width - 1);
		text_write(&sheet->out, "\n", 1);
	}
	if (rc == 0 && (sheet->out.failed || sheet->value.failed))
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a spreadsheet");
	if (rc == 0 && sheet->out.length > sheet->limit)
		rc = error_set(error, ERR_TOO_LARGE, NULL, "the sheet as text has more than %zu bytes, the limit",
		               sheet->limit);
	return rc;
}

int xlsx_csv(const unsigned char *bytes, size_t length, size_t limit, char name[XLSX_SHEET_SIZE], char **out,
             size_t *out_length, struct qlstm_error *error)
{
	struct workbook book;
	struct sheet sheet = {.book = &book, .limit = limit};
	const struct xml_handler handler = {on_start, on_end, &sheet};
	int rc = workbook_open(&book, bytes, length, limit, name, error);
	for (int pass = 0; rc == 0 && pass < 2; pass++) {
		sheet.writes = pass == 1;
		sheet.rows = 0;
		struct qlstm_error cause = {0};
		rc = xml_read(book.zip, book.part, limit * 2, &handler, &cause);
		if (rc != 0)
			rc = error_set(error, rc == ERR_NOT_FOUND ? ERR_SYNTAX : rc, NULL, "%s", cause.message);
	}
	workbook_close(&book);
	free(sheet.value.bytes);
	if (rc == 0)
		return text_take(&sheet.out, out, out_length) == 0
		           ? 0
		           : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a spreadsheet");
	free(sheet.out.bytes);
	return rc;
}
