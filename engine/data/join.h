/* Two tables side by side, such as inputs in one file and targets in another: by row, or by the dates of the rows. */
#ifndef QLSTM_DATA_JOIN_H
#define QLSTM_DATA_JOIN_H

#include "engine/data/table.h"

enum join_by {
	JOIN_ROW, /* row i of either; both have as many */
	JOIN_DATE /* rows of one date, whatever way it is written */
};

struct join {
	enum join_by by;
	const char *suffix; /* behind the names of the second table's columns; "": none */
};

/* Appends the numeric columns of `other` to `table`, both with values. By date the rows are those of `table`; where
 * `other` has no row of that date a value is missing. Example: dates 1, 2, 3 and 2, 3, 4: three rows, the first of
 * which lacks the other's values.
 *
 * ERR_INVALID: other numbers of rows, rows that one of them has turned round (by row); no dates, a date twice in
 * `other`, not one date of both (by date); a name that `table` has already; no numeric column. Costs a sort of the
 * dates. On failure `table` may have some of the columns. */
int join_append(struct table *table, const struct table *other, const struct join *join, struct qlstm_error *error);

#endif
