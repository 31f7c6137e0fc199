/* Texts, one behind the other in one block: those of a column of a table, one a row. */
#ifndef QLSTM_DATA_TEXT_TEXTS_H
#define QLSTM_DATA_TEXT_TEXTS_H

#include <stddef.h>

#include "engine/error.h"

/* {0}: none. */
struct texts {
	char *bytes; /* each text with a NUL behind it */
	size_t used, room;
	size_t *starts; /* [count] */
	size_t count, places;
};

/* Appends `length` bytes, which hold no NUL. ERR_OUT_OF_MEMORY leaves what there is. */
int texts_add(struct texts *texts, const char *at, size_t length, struct qlstm_error *error);
void texts_free(struct texts *texts);

/* Borrowed, until the next texts_add. */
static inline const char *texts_at(const struct texts *texts, size_t index)
{
	return texts->bytes + texts->starts[index];
}

#endif
