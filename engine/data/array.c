/* Arrays into tables. */
#include "engine/data/array.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- elements --- */

static double value_b1(uint64_t bits)
{
	return bits != 0;
}

static double value_u(uint64_t bits)
{
	return (double)bits;
}

static double value_i1(uint64_t bits)
{
	return (int8_t)bits;
}

static double value_i2(uint64_t bits)
{
	return (int16_t)bits;
}

static double value_i4(uint64_t bits)
{
	return (int32_t)bits;
}

static double value_i8(uint64_t bits)
{
	return (double)(int64_t)bits;
}

/* IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of mantissa. */
static double value_f2(uint64_t bits)
{
	int exponent = (int)(bits >> 10) & 31, mantissa = (int)bits & 1023;
	double magnitude = ldexp(mantissa + 1024, exponent - 25);
	if (exponent == 0)
		magnitude = ldexp(mantissa, -24);
	if (exponent == 31)
		magnitude = mantissa == 0 ? INFINITY : NAN;
	return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

static double value_f4(uint64_t bits)
{
	uint32_t word = (uint32_t)bits;
	float value;
	memcpy(&value, &word, sizeof value);
	return (double)value;
}

static double value_f8(uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static const struct array_type types[] = {
    {"b1", 1, value_b1}, {"u1", 1, value_u},  {"u2", 2, value_u},  {"u4", 4, value_u},
    {"u8", 8, value_u},  {"i1", 1, value_i1}, {"i2", 2, value_i2}, {"i4", 4, value_i4},
    {"i8", 8, value_i8}, {"f2", 2, value_f2}, {"f4", 4, value_f4}, {"f8", 8, value_f8},
};

const struct array_type *array_type_find(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strlen(types[i].name) == length && memcmp(types[i].name, name, length) == 0)
			return &types[i];
	return NULL;
}

static double element(const struct array *array, size_t index)
{
	size_t bytes = array->type->bytes;
	const unsigned char *at = array->elements + index * bytes;
	uint64_t bits = 0;
	for (size_t i = 0; i < bytes; i++)
		bits = bits << 8 | at[array->big_endian ? i : bytes - 1 - i];
	return array->type->value(bits);
}

/* --- shapes --- */

static void shape_text(const struct array *array, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "(");
	for (int i = 0; i < array->n_dimensions && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%zu", i > 0 ? ", " : "", array->shape[i]);
	if (used < size)
		snprintf(text + used, size - used, "%s)", array->n_dimensions == 1 ? "," : "");
}

/* The product of dimensions first .. n - 1 in *product; false when it is past SIZE_MAX. */
static bool multiply(const struct array *array, int first, size_t *product)
{
	*product = 1;
	for (int i = first; i < array->n_dimensions; i++)
		if (__builtin_mul_overflow(*product, array->shape[i], product))
			return false;
	return true;
}

/* That the elements are there and can be a table; *n_columns is how many columns it has. */
static int check_shape(const struct array *array, size_t *n_columns, struct qlstm_error *error)
{
	char shape[192];
	shape_text(array, shape, sizeof shape);
	for (int i = 0; i < array->n_dimensions; i++)
		if (array->shape[i] == 0)
			return error_set(error, ERR_INVALID, NULL, "an array of shape %s holds nothing", shape);
	size_t bytes;
	if (!multiply(array, 0, &bytes) || __builtin_mul_overflow(bytes, array->type->bytes, &bytes))
		return error_set(error, ERR_SYNTAX, NULL, "an array of shape %s is larger than any file", shape);
	if (bytes != array->bytes)
		return error_set(error, ERR_SYNTAX, NULL,
		                 "byte %zu: an array of shape %s of %s takes %zu bytes from here, the file has %zu",
		                 array->offset, shape, array->type->name, bytes, array->bytes);
	multiply(array, 1, n_columns);
	if (*n_columns > TABLE_MAX_COLUMNS)
		return error_set(error, ERR_TOO_LARGE, NULL, "an array of shape %s has %zu columns; at most %d", shape,
		                 *n_columns, TABLE_MAX_COLUMNS);
	return 0;
}

/* --- columns --- */

static int make_columns(const struct array *array, size_t n_columns, int values, struct table *table,
                        struct qlstm_error *error)
{
	for (size_t k = 0; k < n_columns; k++) {
		int rc = table_add_column(table, array->n_dimensions == 1 ? "value" : "", error);
		if (rc != 0)
			return rc;
		if (!values_read(values, (int)k))
			continue;
		table->columns[k].values = reallocarray(NULL, table->n_rows, sizeof(double));
		if (table->columns[k].values == NULL)
			return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a table of %zu rows",
			                 table->n_rows);
	}
	return 0;
}

static void refuse_value(struct column *column, size_t row, double value)
{
	free(column->values);
	column->values = NULL;
	column->numeric = false;
	column->type = COLUMN_TEXT;
	column->bad_unit = PLACE_ROW;
	column->bad_at = row;
	snprintf(column->bad_text, sizeof column->bad_text, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

static void miss_value(struct column *column, size_t row)
{
	if (column->missing++ > 0)
		return;
	column->bad_unit = PLACE_ROW;
	column->bad_at = row;
	snprintf(column->bad_text, sizeof column->bad_text, "nan");
}

static void note_value(struct column *column, double value)
{
	if (column->n_numbers++ == 0)
		column->minimum = column->maximum = value;
	column->minimum = fmin(column->minimum, value);
	column->maximum = fmax(column->maximum, value);
}

/* Rows first .. end - 1 of the column whose row i is element start + i step. */
static void read_column(const struct array *array, struct column *column, size_t start, size_t step, size_t first,
                        size_t end)
{
	for (size_t row = first; row < end && column->numeric; row++) {
		double value = element(array, start + row * step);
		if (isinf(value)) {
			refuse_value(column, row, value);
			continue;
		}
		if (column->values != NULL)
			column->values[row] = value;
		if (isnan(value))
			miss_value(column, row);
		else
			note_value(column, value);
	}
}

/* In blocks of rows that the cache holds. */
static void read_rows(const struct array *array, int values, struct table *table)
{
	enum { BLOCK = 64 };
	size_t n_columns = (size_t)table->n_columns;
	for (size_t first = 0; first < table->n_rows; first += BLOCK) {
		size_t end = table->n_rows - first < BLOCK ? table->n_rows : first + BLOCK;
		for (size_t k = 0; k < n_columns; k++) {
			if (!values_checked(values, (int)k))
				continue;
			size_t start = array->fortran_order ? k * table->n_rows : k;
			read_column(array, &table->columns[k], start, array->fortran_order ? 1 : n_columns, first, end);
		}
	}
}

/* A column of nothing but NaN. */
static void finish_column(struct column *column, size_t n_rows)
{
	if (!column->numeric || column->missing < n_rows)
		return;
	free(column->values);
	column->values = NULL;
	column->numeric = false;
	column->type = COLUMN_EMPTY;
}

int array_table(const struct array *array, int values, struct table *out, struct qlstm_error *error)
{
	size_t n_columns = 0;
	int rc = check_shape(array, &n_columns, error);
	if (rc != 0)
		return rc;
	struct table table = {.n_rows = array->shape[0], .n_dimensions = array->n_dimensions};
	memcpy(table.shape, array->shape, sizeof table.shape);
	char order = array->big_endian ? '>' : '<';
	snprintf(table.dtype, sizeof table.dtype, "%c%s", array->type->bytes == 1 ? '|' : order, array->type->name);
	rc = make_columns(array, n_columns, values, &table, error);
	if (rc != 0) {
		table_free(&table);
		return rc;
	}
	read_rows(array, values, &table);
	for (int k = 0; k < table.n_columns; k++)
		finish_column(&table.columns[k], table.n_rows);
	*out = table;
	return 0;
}
