/* From columns to structs: what all readers of rows share. */
#ifndef QLSTM_STORE_ROWS_H
#define QLSTM_STORE_ROWS_H

#include <stddef.h>

#include "engine/error.h"
#include "server/store/db.h"

/* Makes room for one more element behind `count` in *array, which doubles as it fills. */
int rows_grow(void **array, int count, size_t size, struct qlstm_error *error);

/* What the rows of a query become: an array of structs of `size` bytes. `read` fills one, all zero, from the row at
 * hand; `free` releases what it holds, not itself (NULL: it holds nothing). */
struct row_type {
	size_t size;
	int (*read)(struct db *db, void *row, struct qlstm_error *error);
	void (*free)(void *row);
};

/* All rows of the query at hand, which is finished then. *rows is the caller's to free, row by row, and NULL where
 * there are none; after an error it is left as it was. */
int rows_read(struct db *db, const struct row_type *type, void **rows, int *count, struct qlstm_error *error);

/* A column's text as a malloc'd copy in *out (NULL for NULL), or cut to fit, on a whole character, "" for NULL. */
int column_copy(struct db *db, int column, char **out, struct qlstm_error *error);
void column_text(struct db *db, int column, char *out, size_t size);

#endif
