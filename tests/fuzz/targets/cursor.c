/* The cursor of a list: what is taken is what a list gave out, to the letter. */
#include "tests/fuzz/target.h"

#include <sodium.h>

#include "server/api/parts/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char id[RUN_ID_SIZE], again[CURSOR_SIZE];
	struct qlstm_error error = {0};
	char *text = malloc(size + 1);
	CHECK(text != NULL && sodium_init() >= 0);
	memcpy(text, data, size);
	text[size] = '\0';
	int rc = cursor_decode(text, id, &error);
	if (rc != 0) {
		check_refusal(&error, rc);
	} else {
		cursor_encode(id, again);
		CHECK(strcmp(text, again) == 0);
	}
	free(text);
	return 0;
}

void target_seeds(target_give *give, void *context)
{
	static const char *const ids[] = {"01ARZ3NDEKTSV4RRFFQ69G5FAV", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
	                                  "00000000000000000000000000"};
	static const char *const texts[] = {"", "=", "MDFBUlozTkRFS1RTVjRSUkZGUTY5RzVGQVY=", "????"};
	char cursor[CURSOR_SIZE];
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		cursor_encode(ids[i], cursor);
		give_text(give, context, cursor);
	}
	GIVE_TEXTS(texts);
}
