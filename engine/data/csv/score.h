/* How well a separator and a format of numbers fit the head of a CSV text. */
#ifndef QLSTM_DATA_CSV_SCORE_H
#define QLSTM_DATA_CSV_SCORE_H

#include "engine/data/csv/cells.h"
#include "engine/data/csv/number.h"

enum { HEAD_BYTES = 1 << 18, HEAD_RECORDS = 1000 };

/* In the order in which the first of equally good ones is taken. */
enum {
	FORMAT_POINT,
	FORMAT_COMMA,
	FORMAT_COMMA_GROUPS,
	FORMAT_POINT_GROUPS,
	FORMAT_POINT_BLANKS,
	FORMAT_COMMA_BLANKS,
	FORMAT_APOSTROPHES,
	N_FORMATS
};
extern const struct number_format csv_formats[N_FORMATS];

enum cell_kind { CELL_MISSING, CELL_TEXT, CELL_TIME, CELL_NUMBER };

/* The formats by which a field is a number, a bit each; *kind says it by `format`, or by any where it is negative. */
unsigned cell_formats(struct cell cell, unsigned allowed, const char *missing, int format, enum cell_kind *kind);

struct score {
	char separator;
	bool broken;             /* quotes do not close as they should */
	size_t n_records;        /* of the head */
	size_t width;            /* fields of most records */
	size_t even;             /* records of that width */
	size_t before;           /* records of other widths before the first of that one */
	size_t first_even;       /* its line */
	size_t filled;           /* fields that are not missing; those of uneven records too */
	size_t typed[N_FORMATS]; /* of those, in even records: dates, times, and numbers of each format */
};

/* `dialect` with the separator to be tried; `allowed` a bit for each format. The first even record does not count among
 * the fields unless it is the only one: it may be a header. */
struct score csv_score(const char *text, const char *end, size_t line, const struct csv_dialect *dialect,
                       unsigned allowed);

/* Whether `a` in format `i` fits better than `b` in format `k`: negative, 0 or positive. */
int csv_score_compare(const struct score *a, int i, const struct score *b, int k);

#endif
