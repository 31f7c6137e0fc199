/* Separators and formats of numbers, tried on the head of a text. */
#include "engine/data/csv/score.h"

#include <string.h>

#include "engine/data/csv/timestamp.h"

const struct number_format csv_formats[N_FORMATS] = {
    [FORMAT_POINT] = {'.', CSV_NONE},   [FORMAT_COMMA] = {',', CSV_NONE},   [FORMAT_COMMA_GROUPS] = {'.', ','},
    [FORMAT_POINT_GROUPS] = {',', '.'}, [FORMAT_POINT_BLANKS] = {'.', ' '}, [FORMAT_COMMA_BLANKS] = {',', ' '},
    [FORMAT_APOSTROPHES] = {'.', '\''},
};

unsigned cell_formats(struct cell cell, unsigned allowed, const char *missing, int format, enum cell_kind *kind)
{
	struct timestamp ignored;
	unsigned found = 0;
	cell = cell_trim(cell);
	*kind = CELL_MISSING;
	if (csv_is_missing(cell.text, cell.length, missing))
		return 0;
	for (int i = 0; i < N_FORMATS && strchr("+-.,0123456789", *cell.text) != NULL; i++)
		if ((allowed & 1U << i) != 0 && number_has_format(cell.text, cell.length, csv_formats[i]))
			found |= 1U << i;
	if (format < 0 ? found != 0 : (found & 1U << format) != 0)
		*kind = CELL_NUMBER;
	else
		*kind = timestamp_parse(cell.text, cell.length, &ignored) ? CELL_TIME : CELL_TEXT;
	return found;
}

/* One record of the head. */
struct record {
	size_t line, width, filled, typed[N_FORMATS];
};

static void add_cell(struct record *record, struct cell cell, unsigned allowed, const char *missing)
{
	enum cell_kind kind;
	record->width++;
	if (allowed == 0)
		return;
	unsigned formats = cell_formats(cell, allowed, missing, -1, &kind);
	record->filled += kind != CELL_MISSING;
	for (int i = 0; i < N_FORMATS; i++)
		record->typed[i] += kind == CELL_TIME || (formats & 1U << i) != 0;
}

/* False where quotes are broken. */
static bool read_record(struct scanner *scanner, const char *missing, unsigned allowed, struct record *record)
{
	struct cell cell;
	*record = (struct record){.line = scanner->line};
	do {
		if (scanner_field(scanner, &cell, NULL) != 0)
			return false;
		add_cell(record, cell, allowed, missing);
	} while (!scanner->record_ended);
	return true;
}

static void add_record(struct score *score, const struct record *record)
{
	if (record->width != score->width) {
		score->filled += record->filled > 0 ? record->filled : 1;
		score->before += score->even == 0;
		return;
	}
	if (score->even++ == 0)
		score->first_even = record->line;
	if (score->even == 1)
		return;
	score->filled += record->filled;
	for (int i = 0; i < N_FORMATS; i++)
		score->typed[i] += record->typed[i];
}

/* One pass over the head. `score` NULL finds the width that most records have, by the majority vote of Boyer and Moore;
 * else it counts by the width that score->width says. */
struct pass {
	const char *text, *end;
	size_t line;
	const struct csv_dialect *dialect;
	unsigned allowed;
};

static size_t pass_over(const struct pass *pass, struct score *score, bool *broken)
{
	struct scanner scanner;
	struct record record = {0}, first = {0};
	size_t width = 0, votes = 0, n = 0;
	scanner_open(&scanner, pass->text, (size_t)(pass->end - pass->text), pass->line, pass->dialect);
	for (; n < HEAD_RECORDS && !*broken && scanner_next(&scanner); n++) {
		*broken = !read_record(&scanner, pass->dialect->missing, score != NULL ? pass->allowed : 0, &record);
		if (*broken)
			break;
		if (votes == 0)
			width = record.width;
		votes = record.width == width ? votes + 1 : votes - 1;
		if (score != NULL && score->even == 0 && record.width == score->width)
			first = record;
		if (score != NULL)
			add_record(score, &record);
	}
	if (score != NULL && score->even == 1) {
		score->filled += first.filled;
		memcpy(score->typed, first.typed, sizeof first.typed);
	}
	scanner_close(&scanner);
	return score != NULL ? n : width;
}

struct score csv_score(const char *text, const char *end, size_t line, const struct csv_dialect *dialect,
                       unsigned allowed)
{
	const struct pass pass = {text, end, line, dialect, allowed};
	struct score score = {.separator = dialect->separator};
	score.width = pass_over(&pass, NULL, &score.broken);
	if (!score.broken)
		score.n_records = pass_over(&pass, &score, &score.broken);
	return score;
}

int csv_score_compare(const struct score *a, int i, const struct score *b, int k)
{
	size_t first = a->typed[i] * (b->filled > 0 ? b->filled : 1);
	size_t second = b->typed[k] * (a->filled > 0 ? a->filled : 1);
	return (first > second) - (first < second);
}
