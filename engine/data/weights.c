/* safetensors into a table. */
#include "engine/data/weights.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 8 }; /* bytes: the length of the header */

static uint64_t header_length(const unsigned char *bytes)
{
	uint64_t n = 0;
	for (int i = HEAD - 1; i >= 0; i--)
		n = n << 8 | bytes[i];
	return n;
}

bool weights_sniff(const unsigned char *bytes, size_t length)
{
	return length > HEAD && bytes[HEAD] == '{' && header_length(bytes) >= 2 &&
	       header_length(bytes) < (uint64_t)1 << 27;
}

/* Bytes of a number: 8 or 4; 0 where the header names both types, or another. */
static size_t number_size(const char *header, size_t length)
{
	static const char key[] = "\"dtype\":\"";
	bool f64 = false, f32 = false, other = false;
	for (const char *at = header, *end = header + length;
	     (at = memmem(at, (size_t)(end - at), key, sizeof key - 1));) {
		at += sizeof key - 1;
		bool fits = end - at > 4;
		f64 = f64 || (fits && strncmp(at, "F64\"", 4) == 0);
		f32 = f32 || (fits && strncmp(at, "F32\"", 4) == 0);
		other = other || !fits || (strncmp(at, "F64\"", 4) != 0 && strncmp(at, "F32\"", 4) != 0);
	}
	if (other || f64 == f32)
		return 0;
	return f64 ? 8 : 4;
}

static double number_at(const unsigned char *bytes, size_t size)
{
	uint64_t bits = 0;
	for (size_t i = size; i-- > 0;)
		bits = bits << 8 | bytes[i];
	if (size == 4) {
		uint32_t half = (uint32_t)bits;
		float value;
		memcpy(&value, &half, sizeof value);
		return (double)value;
	}
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

/* Of the first column: range, and the values where they are wanted. */
static int take_values(struct column *column, const unsigned char *bytes, size_t count, size_t size, bool keep,
                       struct qlstm_error *error)
{
	if (keep && (column->values = malloc(count * sizeof *column->values)) == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu numbers", count);
	column->minimum = INFINITY;
	column->maximum = -INFINITY;
	for (size_t i = 0; i < count; i++) {
		double value = number_at(bytes + i * size, size);
		if (!isfinite(value))
			return error_set(error, ERR_INVALID, NULL, "number %zu of the weights is not finite", i);
		column->minimum = fmin(column->minimum, value);
		column->maximum = fmax(column->maximum, value);
		if (keep)
			column->values[i] = value;
	}
	column->n_numbers = count;
	return 0;
}

int weights_parse(const unsigned char *bytes, size_t length, int values, struct table *out, struct qlstm_error *error)
{
	uint64_t header = weights_sniff(bytes, length) ? header_length(bytes) : 0;
	if (header == 0 || header > length - HEAD)
		return error_set(error, ERR_SYNTAX, NULL, "byte 0: the length of the header does not fit the file");
	size_t size = number_size((const char *)bytes + HEAD, (size_t)header), left = length - HEAD - (size_t)header;
	if (size == 0 || left == 0 || left % size != 0)
		return error_set(error, ERR_INVALID, NULL, "the weights are read where all are F64 or all F32");
	struct table table = {0};
	int rc = table_add_column(&table, "value", error);
	if (rc == 0)
		rc = take_values(&table.columns[0], bytes + HEAD + header, left / size, size, values_read(values, 0),
		                 error);
	if (rc != 0) {
		table_free(&table);
		return rc;
	}
	table.n_rows = left / size;
	*out = table;
	return 0;
}
