/* IDX into a table. */
#include "engine/data/idx.h"

#include <string.h>

#include "engine/data/array.h"

enum { HEAD = 4, SIZE = 4 }; /* bytes */

/* By the third byte; NULL for codes that the format does not have. */
static const char *const type_names[] = {
    [0x08] = "u1", [0x09] = "i1", [0x0b] = "i2", [0x0c] = "i4", [0x0d] = "f4", [0x0e] = "f8",
};

static const char *type_name(unsigned char code)
{
	return code < sizeof type_names / sizeof type_names[0] ? type_names[code] : NULL;
}

bool idx_sniff(const unsigned char *bytes, size_t length)
{
	return length >= HEAD && bytes[0] == 0 && bytes[1] == 0 && type_name(bytes[2]) != NULL && bytes[3] > 0;
}

int idx_parse(const unsigned char *bytes, size_t length, int values, struct table *out, struct qlstm_error *error)
{
	if (!idx_sniff(bytes, length))
		return error_set(error, ERR_SYNTAX, NULL,
		                 "byte 0: IDX begins with two bytes 0, a type and a number of dimensions");
	struct array array = {.big_endian = true, .n_dimensions = bytes[3]};
	if (array.n_dimensions > TABLE_MAX_DIMENSIONS)
		return error_set(error, ERR_INVALID, NULL, "byte 3: the array has %d dimensions; at most %d are read",
		                 array.n_dimensions, TABLE_MAX_DIMENSIONS);
	const char *name = type_name(bytes[2]);
	array.type = array_type_find(name, strlen(name));
	array.offset = HEAD + SIZE * (size_t)array.n_dimensions;
	if (length < array.offset)
		return error_set(error, ERR_SYNTAX, NULL,
		                 "byte %zu: the file ends within the sizes of its %d dimensions", length,
		                 array.n_dimensions);
	for (int i = 0; i < array.n_dimensions; i++) {
		const unsigned char *size = bytes + HEAD + SIZE * i;
		array.shape[i] = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | (size_t)size[3];
	}
	array.elements = bytes + array.offset;
	array.bytes = length - array.offset;
	return array_table(&array, values, out, error);
}
