/* What people should know of a table that was read from CSV, as sentences among its notes. */
#ifndef QLSTM_DATA_CSV_NOTES_H
#define QLSTM_DATA_CSV_NOTES_H

#include "engine/data/csv/cells.h"
#include "engine/data/csv/spacing.h"
#include "engine/data/table.h"

/* What was met on the way through the rows. */
struct csv_found {
	int date_column;     /* -1: there is none */
	struct cell no_time; /* the first field of it that is neither a date nor missing */
	size_t no_times;
	struct csv_numbers {
		int column; /* the first that has numbers; -1: none has */
		double last;
		size_t rises, falls;
	} numbers;
};

/* Lines that are no rows. */
void csv_note_lines(struct table *table, const struct scanner *scanner, int header_lines);
/* Of the column of dates. */
void csv_note_spacing(struct table *table, const struct spacing_order *order, bool ambiguous);
/* Columns of text that somebody may have meant as numbers, fields that are no dates, a single row, times as numbers
 * that fall. */
void csv_note_columns(struct table *table, const struct csv_found *found);

#endif
