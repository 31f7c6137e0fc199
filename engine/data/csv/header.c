/* The header. */
#include "engine/data/csv/header.h"

#include <stdlib.h>
#include <string.h>

#include "engine/data/csv/score.h"
#include "engine/data/csv/timestamp.h"

enum { MAX_LINES = 4, KEPT = MAX_LINES + 1, LOOKED_AT = 200, MAX_WIDTH = 4096, N_KINDS = CELL_NUMBER + 1 };

/* What the fields of the first records are, and how many of each kind the columns hold in the records behind them. */
struct survey {
	size_t width, n_records;
	unsigned char (*kinds)[MAX_WIDTH]; /* [KEPT]: of the first records */
	size_t widths[KEPT];
	unsigned short (*counts)[N_KINDS]; /* [width] of all records */
	bool *dates, *clocks;              /* [width]: a time with a date, without; of the last such field */
	const char *comment;               /* the last one before the first record */
};

static enum cell_kind kind_of(const struct csv_dialect *dialect, struct cell cell)
{
	struct timestamp ignored;
	struct number_format format = {dialect->decimal, dialect->thousands};
	cell = cell_trim(cell);
	if (csv_is_missing(cell.text, cell.length, dialect->missing))
		return CELL_MISSING;
	if (number_has_format(cell.text, cell.length, format))
		return CELL_NUMBER;
	return timestamp_parse(cell.text, cell.length, &ignored) ? CELL_TIME : CELL_TEXT;
}

static void note_time(struct survey *survey, size_t k, struct cell cell)
{
	struct timestamp time;
	cell = cell_trim(cell);
	if (!timestamp_parse(cell.text, cell.length, &time))
		return;
	survey->dates[k] = time.has_date;
	survey->clocks[k] = !time.has_date || time.has_time;
}

static void survey_cell(struct survey *survey, const struct csv_dialect *dialect, size_t k, struct cell cell)
{
	enum cell_kind kind = kind_of(dialect, cell);
	if (survey->n_records < KEPT)
		survey->kinds[survey->n_records][k] = (unsigned char)kind;
	if (k >= survey->width)
		return;
	survey->counts[k][kind]++;
	if (kind == CELL_TIME)
		note_time(survey, k, cell);
}

static bool survey_open(struct survey *survey, size_t width)
{
	*survey = (struct survey){.width = width, .kinds = calloc(KEPT, sizeof *survey->kinds)};
	survey->counts = calloc(width, sizeof *survey->counts);
	survey->dates = calloc(width, 1);
	survey->clocks = calloc(width, 1);
	return survey->kinds != NULL && survey->counts != NULL && survey->dates != NULL && survey->clocks != NULL;
}

static void survey_close(struct survey *survey)
{
	free(survey->kinds);
	free(survey->counts);
	free(survey->dates);
	free(survey->clocks);
}

static size_t first_width(struct scanner scanner)
{
	struct cell cell;
	size_t width = 0;
	if (!scanner_next(&scanner))
		return 0;
	do {
		if (scanner_field(&scanner, &cell, NULL) != 0)
			break;
		width++;
	} while (!scanner.record_ended);
	scanner_close(&scanner);
	return width;
}

static void survey_records(struct survey *survey, struct scanner *scanner, const struct csv_dialect *dialect)
{
	struct cell cell;
	for (; survey->n_records < LOOKED_AT && scanner_next(scanner); survey->n_records++) {
		size_t k = 0;
		if (survey->n_records == 0)
			survey->comment = scanner->comment_text;
		do {
			if (scanner_field(scanner, &cell, NULL) != 0)
				return;
			if (k < MAX_WIDTH)
				survey_cell(survey, dialect, k++, cell);
		} while (!scanner->record_ended);
		if (survey->n_records < KEPT)
			survey->widths[survey->n_records] = k;
	}
}

/* The kind that most fields of column k have from record `first` on, missing ones aside. */
static enum cell_kind below(const struct survey *survey, size_t k, size_t first)
{
	unsigned counts[N_KINDS];
	for (int kind = 0; kind < N_KINDS; kind++)
		counts[kind] = survey->counts[k][kind];
	for (size_t i = 0; i < first && i < KEPT && i < survey->n_records; i++)
		counts[survey->kinds[i][k]] -= k < survey->widths[i];
	if (counts[CELL_NUMBER] == 0 && counts[CELL_TIME] == 0)
		return counts[CELL_TEXT] > 0 ? CELL_TEXT : CELL_MISSING;
	if (counts[CELL_TEXT] > counts[CELL_NUMBER] + counts[CELL_TIME])
		return CELL_TEXT;
	return counts[CELL_NUMBER] >= counts[CELL_TIME] ? CELL_NUMBER : CELL_TIME;
}

/* Whether record `i` holds a number or a date. */
static bool has_values(const struct survey *survey, size_t i)
{
	for (size_t k = 0; k < survey->width; k++)
		if (survey->kinds[i][k] == CELL_NUMBER || survey->kinds[i][k] == CELL_TIME)
			return true;
	return false;
}

/* Whether each field of the first record has the kind of the column below it. */
static bool first_fits(const struct survey *survey)
{
	for (size_t k = 0; k < survey->width; k++) {
		enum cell_kind kind = survey->kinds[0][k], column = below(survey, k, 1);
		if (kind != column && kind != CELL_MISSING && column != CELL_MISSING)
			return false;
	}
	return true;
}

static bool is_further(const struct survey *survey, size_t i)
{
	if (i + 1 >= survey->n_records || has_values(survey, i))
		return false;
	for (size_t k = 0; k < survey->width; k++) {
		enum cell_kind column = below(survey, k, i + 1);
		if (survey->kinds[i][k] == CELL_TEXT && (column == CELL_NUMBER || column == CELL_TIME))
			return true;
	}
	return false;
}

static int count_lines(const struct survey *survey, bool there_is_one)
{
	bool data = has_values(survey, 0) && (survey->n_records < 2 || first_fits(survey));
	int lines = 1;
	if (!there_is_one && data)
		return 0;
	while (lines < MAX_LINES && is_further(survey, (size_t)lines))
		lines++;
	return lines;
}

/* What version 0.1.0 took: no header where all fields of the first line are numbers. */
static bool first_is_numbers(const struct survey *survey)
{
	for (size_t k = 0; k < survey->width; k++)
		if (survey->kinds[0][k] != CELL_NUMBER)
			return false;
	return true;
}

/* "# time load" over rows of two fields. */
static bool names_in(const struct survey *survey, const char *end, const struct csv_dialect *dialect)
{
	if (survey->comment == NULL || survey->width < 2)
		return false;
	const char *at = survey->comment + strlen(dialect->comment);
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	struct csv_dialect plain = *dialect;
	struct scanner scanner;
	plain.comment[0] = '\0';
	scanner_open(&scanner, at, (size_t)((newline != NULL ? newline : end) - at), 1, &plain);
	bool text = csv_first_is_text(at, newline != NULL ? newline : end, 1, &plain);
	return text && first_width(scanner) == survey->width;
}

static void find_times(const struct survey *survey, int header_lines, struct csv_head *head)
{
	for (size_t k = 0; k < survey->width; k++) {
		if (below(survey, k, (size_t)header_lines) != CELL_TIME)
			continue;
		if (survey->dates[k] && head->date_column < 0)
			head->date_column = (int)k;
		else if (!survey->dates[k] && head->clock_column < 0)
			head->clock_column = (int)k;
	}
	if (head->date_column < 0 || survey->clocks[head->date_column])
		head->clock_column = -1;
}

static void decide(const struct survey *survey, const char *end, const struct csv_options *options,
                   struct csv_dialect *dialect)
{
	bool said = (options->said & CSV_SAYS_HEADER) != 0;
	if (options->rules == CSV_FIRST_LINE)
		dialect->header_lines = survey->n_records > 0 && !first_is_numbers(survey);
	else if (survey->n_records == 0)
		dialect->header_lines = said && options->dialect.header_lines > 0 ? options->dialect.header_lines : 0;
	else if (said && options->dialect.header_lines >= 0)
		dialect->header_lines = options->dialect.header_lines;
	else
		dialect->header_lines = count_lines(survey, said);
	if ((options->said & CSV_SAYS_NAMES_IN_COMMENT) == 0)
		dialect->names_in_comment = !said && options->rules != CSV_FIRST_LINE && dialect->header_lines == 0 &&
		                            names_in(survey, end, dialect);
}

int csv_find_header(const char *text, const char *end, size_t line, const struct csv_options *options,
                    struct csv_dialect *dialect, struct csv_head *head)
{
	struct scanner scanner;
	struct survey survey;
	scanner_open(&scanner, text, (size_t)(end - text), line, dialect);
	size_t width = first_width(scanner);
	if (width > MAX_WIDTH)
		width = MAX_WIDTH;
	int rc = survey_open(&survey, width > 0 ? width : 1) ? 0 : ERR_OUT_OF_MEMORY;
	if (rc == 0) {
		survey_records(&survey, &scanner, dialect);
		decide(&survey, end, options, dialect);
		find_times(&survey, dialect->header_lines, head);
	}
	scanner_close(&scanner);
	survey_close(&survey);
	return rc;
}

bool csv_first_is_text(const char *text, const char *end, size_t line, const struct csv_dialect *dialect)
{
	struct scanner scanner;
	struct cell cell;
	bool text_seen = false, values = false;
	scanner_open(&scanner, text, (size_t)(end - text), line, dialect);
	if (scanner_next(&scanner))
		do {
			if (scanner_field(&scanner, &cell, NULL) != 0)
				break;
			enum cell_kind kind = kind_of(dialect, cell);
			text_seen = text_seen || kind == CELL_TEXT;
			values = values || kind == CELL_NUMBER || kind == CELL_TIME;
		} while (!scanner.record_ended);
	scanner_close(&scanner);
	return text_seen && !values;
}
