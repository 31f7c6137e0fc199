/* Fuzzes every kind of data file, packed or not: with and without values the same table or the same error, no value
 * that is not finite, and an error that fits into JSON.
 *   clang -std=c17 -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_data.c \
 *       server/common/data_file.c server/common/gzip.c engine/data/[a-z]*.c engine/error.c engine/utf8.c \
 *       -ljansson -lz -lm -o build/fuzz_data
 *   build/fuzz_data -max_len=4096 build/corpus-data clients/curl */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/data_file.h"

static void check_error(const struct qlstm_error *error, int rc)
{
	json_t *answer = json_pack("{s:s}", "message", error->message);
	if (rc >= 0 || error->code != rc || answer == NULL)
		abort();
	json_decref(answer);
}

static void check_same(const struct table *full, const struct table *bare)
{
	if (full->n_rows != bare->n_rows || full->n_columns != bare->n_columns)
		abort();
	for (int i = 0; i < full->n_columns; i++) {
		const struct column *column = &full->columns[i], *other = &bare->columns[i];
		if (strcmp(column->name, other->name) != 0 || column->numeric != other->numeric ||
		    column->numeric != (column->values != NULL) || other->values != NULL ||
		    column->bad_at != other->bad_at || strcmp(column->bad_text, other->bad_text) != 0)
			abort();
		for (size_t row = 0; column->numeric && row < full->n_rows; row++)
			if (!isfinite(column->values[row]))
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct data_request request = {.limit = 1 << 20, .values = true};
	struct data_file found;
	struct table full = {0}, bare = {0};
	struct qlstm_error error = {0}, other = {0};
	int rc = data_file_read(data, size, &request, &found, &full, &error);
	request.values = false;
	int again = data_file_read(data, size, &request, &found, &bare, &other);
	if (rc != again)
		abort();
	if (rc != 0) {
		check_error(&error, rc);
		if (strcmp(error.message, other.message) != 0)
			abort();
		return 0;
	}
	check_same(&full, &bare);
	json_t *description = data_file_json(&found, &full);
	if (description == NULL)
		abort();
	json_decref(description);
	table_free(&bare);
	table_free(&full);
	return 0;
}
