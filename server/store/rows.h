/* From columns to structs: what all readers of rows share. */
#ifndef QLSTM_STORE_ROWS_H
#define QLSTM_STORE_ROWS_H

#include <stddef.h>

#include "engine/error.h"
#include "server/store/db.h"

/* Makes room for one more element behind `count` in *array, which doubles as it fills. */
int rows_grow(void **array, int count, size_t size, struct qlstm_error *error);

/* A column's text as a malloc'd copy in *out (NULL for NULL), or cut to fit, on a whole character, "" for NULL. */
int column_copy(struct db *db, int column, char **out, struct qlstm_error *error);
void column_text(struct db *db, int column, char *out, size_t size);

#endif
