/* Texts in one block. */
#include "engine/data/text/texts.h"

#include <stdlib.h>
#include <string.h>

static int grow(void **block, size_t *room, size_t needed, size_t size, struct qlstm_error *error)
{
	size_t wanted = *room > 0 ? *room : 64;
	if (needed <= *room)
		return 0;
	while (wanted < needed)
		wanted += wanted / 2;
	void *larger = realloc(*block, wanted * size);
	if (larger == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for texts");
	*block = larger;
	*room = wanted;
	return 0;
}

int texts_add(struct texts *texts, const char *at, size_t length, struct qlstm_error *error)
{
	void *bytes = texts->bytes, *starts = texts->starts;
	int rc = grow(&bytes, &texts->room, texts->used + length + 1, 1, error);
	texts->bytes = bytes;
	if (rc == 0)
		rc = grow(&starts, &texts->places, texts->count + 1, sizeof *texts->starts, error);
	texts->starts = starts;
	if (rc != 0)
		return rc;
	memcpy(texts->bytes + texts->used, at, length);
	texts->bytes[texts->used + length] = '\0';
	texts->starts[texts->count++] = texts->used;
	texts->used += length + 1;
	return 0;
}

void texts_free(struct texts *texts)
{
	free(texts->bytes);
	free(texts->starts);
	*texts = (struct texts){0};
}
