/* Cursors of lists. */
#include "server/api/parts/cursor.h"

#include <sodium.h>
#include <string.h>

#include "server/common/clock.h"

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

void cursor_encode(const char id[RUN_ID_SIZE], char cursor[CURSOR_SIZE])
{
	sodium_bin2base64(cursor, CURSOR_SIZE, (const unsigned char *)id, RUN_ID_SIZE - 1, VARIANT);
}

int cursor_decode(const char *cursor, char id[RUN_ID_SIZE], struct qlstm_error *error)
{
	size_t length = 0;
	const char *end = NULL;
	int rc = sodium_base642bin((unsigned char *)id, RUN_ID_SIZE - 1, cursor, strlen(cursor), NULL, &length, &end,
	                           VARIANT);
	id[length < RUN_ID_SIZE ? length : 0] = '\0';
	if (rc != 0 || *end != '\0' || !ulid_valid(id))
		return error_set(error, ERR_INVALID, NULL, "the cursor is not one that a list gave out");
	return 0;
}
