/* What becomes of missing values (NaN in a table's columns) before samples are cut. */
#ifndef QLSTM_DATA_MISSING_H
#define QLSTM_DATA_MISSING_H

#include "engine/data/table.h"

enum missing {
	MISSING_REFUSE,
	MISSING_DROP,       /* rows in which a chosen column has none are left out */
	MISSING_FFILL,      /* the last value before it; before the first one, that */
	MISSING_INTERPOLATE /* on the line, by rows, between its neighbours; outside the first or the last one, that */
};

/* Completes the columns, which have values, or leaves their rows out of the whole table (table->rows then says which
 * are left). ERR_INVALID for MISSING_REFUSE where one is missing, and where no row is left; ERR_OUT_OF_MEMORY. Errors
 * have no pointer. *changed: values filled, or rows left out. */
int missing_complete(struct table *table, const int *columns, int n, enum missing policy, size_t *changed,
                     struct qlstm_error *error);

/* Rows in which none of the columns lacks a value. */
size_t missing_complete_rows(const struct table *table, const int *columns, int n);

#endif
