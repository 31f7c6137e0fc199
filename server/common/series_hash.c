/* The hash of a built-in data set. */
#include "server/common/series_hash.h"

#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/file.h"

int series_sha256_hex(const struct table *table, char out[65], struct qlstm_error *error)
{
	size_t count = (size_t)table->n_columns * table->n_rows;
	uint64_t *bits = calloc(count, sizeof *bits), *to = bits;
	if (bits == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the data set's hash");
	for (int k = 0; k < table->n_columns; k++)
		for (size_t i = 0; i < table->n_rows; i++, to++) {
			memcpy(to, &table->columns[k].values[i], sizeof *to);
			*to = htole64(*to);
		}
	sha256_hex(bits, count * sizeof *bits, out);
	free(bits);
	return 0;
}
