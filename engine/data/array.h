/* An array in memory as a file holds it, and the table in it: row i is index i of the first dimension. */
#ifndef QLSTM_DATA_ARRAY_H
#define QLSTM_DATA_ARRAY_H

#include <stdint.h>

#include "engine/data/table.h"

/* How one element is stored. */
struct array_type {
	const char *name;               /* "f8": kind and bytes, as NumPy writes it behind the byte order */
	size_t bytes;                   /* 1, 2, 4 or 8 */
	double (*value)(uint64_t bits); /* of the element's bytes as one integer */
};

struct array {
	const struct array_type *type;
	bool big_endian;
	bool fortran_order; /* the first index varies fastest; else the last */
	int n_dimensions;
	size_t shape[TABLE_MAX_DIMENSIONS];
	const unsigned char *elements; /* borrowed */
	size_t bytes;                  /* from there to the end of the file */
	size_t offset;                 /* of the elements in the file, for messages */
};

/* `name` has `length` characters: "f8". NULL for what is no plain number of these sizes. */
const struct array_type *array_type_find(const char *name, size_t length);

/* The array as columns: of one dimension "value" alone, of more one column for each combination of the other indices,
 * the last fastest, "column_0", "column_1", ... fortran_order is for at most two dimensions. 64-bit integers past 2^53
 * become the nearest double. NaN is a missing value (table.h); a column with an
 * infinity is not numeric. ERR_SYNTAX when the elements are not
 * exactly what the file has left, ERR_INVALID without any, ERR_TOO_LARGE past TABLE_MAX_COLUMNS. `values` as in
 * data_kind.parse. */
int array_table(const struct array *array, int values, struct table *out, struct qlstm_error *error);

#endif
