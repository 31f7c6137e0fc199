/* For tests of kinds of data files: a file in memory, and what it becomes, with and without values. Include behind
 * cmocka.h. */
#ifndef QLSTM_TESTS_DATA_FIXTURE_H
#define QLSTM_TESTS_DATA_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "engine/data/kind.h"

enum { ROOM = 1 << 16, LIMIT = 1 << 20 };

static unsigned char file[ROOM];
static size_t file_length;

/* The .npy file of a header text and n bytes behind it. */
static inline void npy(int major, const char *header, const void *data, size_t n)
{
	size_t length = strlen(header), width = major == 1 ? 2 : 4;
	memcpy(file, "\x93NUMPY", 6);
	file[6] = (unsigned char)major;
	file[7] = 0;
	for (size_t i = 0; i < width; i++)
		file[8 + i] = (unsigned char)(length >> 8 * i);
	memcpy(file + 8 + width, header, length);
	memcpy(file + 8 + width + length, data, n);
	file_length = 8 + width + length + n;
}

static inline void bytes_of(const void *bytes, size_t n)
{
	memcpy(file, bytes, n);
	file_length = n;
}

static inline int parse(const char *kind, int values, struct table *table, struct qlstm_error *error)
{
	/* An exact copy, so that the sanitizer sees every byte too far. */
	unsigned char *copy = malloc(file_length + (file_length == 0));
	assert_non_null(copy);
	memcpy(copy, file, file_length);
	int rc = data_kind_find(kind)->parse(copy, file_length, &(struct data_options){.values = values}, table, error);
	free(copy);
	return rc;
}

/* Of one column alone its values are read, and nothing of the others. */
static inline void assert_one_column(const char *kind, const struct table *whole, int k)
{
	struct table alone = {0};
	assert_int_equal(parse(kind, VALUES_OF(k), &alone, NULL), 0);
	assert_true(alone.n_rows == whole->n_rows && alone.n_columns == whole->n_columns);
	for (int i = 0; i < whole->n_columns; i++) {
		const struct column *column = &alone.columns[i], *expected = &whole->columns[i];
		if (i != k)
			assert_null(column->values);
		assert_int_equal(column->numeric, i != k || expected->numeric);
		if (i == k && expected->numeric)
			assert_memory_equal(column->values, expected->values, whole->n_rows * sizeof(double));
		if (i == k)
			assert_string_equal(column->bad_text, expected->bad_text);
	}
	table_free(&alone);
}

/* With and without values, the same but for the values. */
static inline struct table parsed(const char *kind)
{
	struct table table = {0}, bare = {0};
	struct qlstm_error error = {0};
	if (parse(kind, true, &table, &error) != 0)
		fail_msg("%s", error.message);
	assert_int_equal(parse(kind, false, &bare, NULL), 0);
	assert_true(bare.n_rows == table.n_rows && bare.n_columns == table.n_columns);
	for (int i = 0; i < table.n_columns; i++) {
		const struct column *column = &table.columns[i], *other = &bare.columns[i];
		assert_null(other->values);
		assert_string_equal(other->name, column->name);
		assert_true(column->numeric == (column->values != NULL) && other->numeric == column->numeric);
		assert_true(other->bad_unit == column->bad_unit && other->bad_at == column->bad_at);
		assert_string_equal(other->bad_text, column->bad_text);
	}
	table_free(&bare);
	for (int k = 0; k < table.n_columns && k < 4; k++)
		assert_one_column(kind, &table, k);
	return table;
}

static inline void assert_refused(const char *kind, int code, const char *words)
{
	for (int values = 0; values <= 1; values++) {
		struct table table = {.n_rows = 77};
		struct qlstm_error error = {0};
		int rc = parse(kind, values == 1, &table, &error);
		if (rc != code || strstr(error.message, words) == NULL)
			fail_msg("'%s' is not in %d '%s'", words, rc, error.message);
		assert_int_equal(table.n_rows, 77);
	}
}

#endif
