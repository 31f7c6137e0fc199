/* From columns to structs. */
#include "server/store/rows.h"

#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"

enum { FIRST_ROOM = 16 };

int rows_grow(void **array, int count, size_t size, struct qlstm_error *error)
{
	/* The room is a power of two times FIRST_ROOM, so that it follows from the count. */
	bool full = count == 0 || (count >= FIRST_ROOM && (count & (count - 1)) == 0);
	if (!full)
		return 0;
	size_t room = count == 0 ? FIRST_ROOM : 2 * (size_t)count;
	void *grown = realloc(*array, room * size);
	if (grown == NULL) {
		error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for %zu rows", room);
		return ERR_OUT_OF_MEMORY;
	}
	*array = grown;
	return 0;
}

int rows_read(struct db *db, const struct row_type *type, void **rows, int *count, struct qlstm_error *error)
{
	void *list = NULL;
	int n = 0, rc = 0;
	while (rc == 0 && db_step(db) > 0) {
		rc = rows_grow(&list, n, type->size, error);
		if (rc != 0)
			break;
		void *row = (char *)list + (size_t)n * type->size;
		memset(row, 0, type->size);
		rc = type->read(db, row, error);
		n += rc == 0;
	}
	if (db_finish(db) != 0 && rc == 0)
		rc = db_error(db, error);
	if (rc != 0) {
		while (type->free != NULL && n > 0)
			type->free((char *)list + (size_t)--n * type->size);
		free(list);
		return rc;
	}
	*rows = list;
	*count = n;
	return 0;
}

int column_copy(struct db *db, int column, char **out, struct qlstm_error *error)
{
	*out = NULL;
	if (db_is_null(db, column))
		return 0;
	const char *text = db_text(db, column);
	*out = text != NULL ? strdup(text) : NULL;
	return *out != NULL ? 0 : error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for a row");
}

void column_text(struct db *db, int column, char *out, size_t size)
{
	const char *text = db_text(db, column);
	size_t length = text != NULL ? utf8_cut(text, size - 1) : 0;
	if (length > 0)
		memcpy(out, text, length);
	out[length] = '\0';
}
