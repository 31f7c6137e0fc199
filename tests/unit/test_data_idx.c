/* IDX to tables: every type, images, hostile files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/data_fixture.h"

static void idx_of_every_type(void **state)
{
	(void)state;
	static const struct {
		unsigned char type;
		const char *dtype, *bytes;
		size_t n;
		double values[2];
	} cases[] = {
	    {0x08, "|u1", "\1\xff", 2, {1, 255}},
	    {0x09, "|i1", "\1\xff", 2, {1, -1}},
	    {0x0b, ">i2", "\0\1\xff\xfe", 4, {1, -2}},
	    {0x0c, ">i4", "\0\0\1\0\xff\xff\xff\xff", 8, {256, -1}},
	    {0x0d, ">f4", "\x3f\xc0\0\0\xc0\x20\0\0", 8, {1.5, -2.5}},
	    {0x0e, ">f8", "\x3f\xf8\0\0\0\0\0\0\x80\0\0\0\0\0\0\0", 16, {1.5, -0.0}},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bytes_of((const unsigned char[]){0, 0, cases[i].type, 1, 0, 0, 0, 2}, 8);
		memcpy(file + 8, cases[i].bytes, cases[i].n);
		file_length += cases[i].n;
		struct table table = parsed("idx");
		assert_true(table.n_rows == 2 && table.n_columns == 1);
		assert_string_equal(table.columns[0].name, "value");
		assert_string_equal(table.dtype, cases[i].dtype);
		assert_memory_equal(table.columns[0].values, cases[i].values, sizeof cases[i].values);
		table_free(&table);
	}
}

static void idx_images(void **state)
{
	(void)state;
	bytes_of((const unsigned char[]){0, 0, 8, 3, 0, 0, 0, 65, 0, 0, 0, 2, 0, 0, 0, 3}, 16);
	for (int i = 0; i < 65 * 6; i++)
		file[file_length++] = (unsigned char)i;
	struct table table = parsed("idx");
	assert_true(table.n_rows == 65 && table.n_columns == 6 && table.n_dimensions == 3 && table.shape[2] == 3);
	assert_string_equal(table.columns[5].name, "column_5");
	for (int row = 0; row < 65; row++)
		for (int k = 0; k < 6; k++)
			assert_true(table.columns[k].values[row] == (6 * row + k) % 256);
	table_free(&table);
}

static void idx_refused(void **state)
{
	(void)state;
	static const struct {
		unsigned char bytes[44];
		size_t n;
		int code;
		const char *words;
	} cases[] = {
	    {{0}, 0, ERR_SYNTAX, "byte 0"},
	    {{0, 0, 8}, 3, ERR_SYNTAX, "byte 0"},
	    {{1, 0, 8, 1, 0, 0, 0, 1, 0}, 9, ERR_SYNTAX, "byte 0"},
	    {{0, 1, 8, 1, 0, 0, 0, 1, 0}, 9, ERR_SYNTAX, "byte 0"},
	    {{0, 0, 7, 1, 0, 0, 0, 1, 0}, 9, ERR_SYNTAX, "byte 0"},
	    {{0, 0, 10, 1, 0, 0, 0, 1, 0}, 9, ERR_SYNTAX, "byte 0"},
	    {{0, 0, 15, 1, 0, 0, 0, 1, 0}, 9, ERR_SYNTAX, "byte 0"},
	    {{0, 0, 8, 0, 0}, 5, ERR_SYNTAX, "byte 0"},
	    {{0, 0, 8, 1}, 4, ERR_SYNTAX, "byte 4: the file ends within the sizes"},
	    {{0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0}, 11, ERR_SYNTAX, "byte 11: the file ends"},
	    {{0, 0, 8, 9}, 41, ERR_INVALID, "9 dimensions; at most 8"},
	    {{0, 0, 8, 255}, 4, ERR_INVALID, "255 dimensions"},
	    {{0, 0, 8, 1, 0, 0, 0, 2, 0},
	     9,
	     ERR_SYNTAX,
	     "byte 8: an array of shape (2,) of u1 takes 2 bytes from here"},
	    {{0, 0, 8, 1, 0, 0, 0, 2, 0, 0, 0}, 11, ERR_SYNTAX, "the file has 3"},
	    {{0, 0, 8, 1, 0, 0, 0, 0}, 8, ERR_INVALID, "holds nothing"},
	    {{0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 0}, 12, ERR_INVALID, "shape (1, 0) holds nothing"},
	    {{0, 0, 8, 1, 255, 255, 255, 255}, 8, ERR_SYNTAX, "takes 4294967295 bytes"},
	    {{0, 0, 14, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
	     16,
	     ERR_SYNTAX,
	     "larger than any file"},
	    {{0, 0, 8, 4, 128, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1}, 20, ERR_SYNTAX, "larger than any file"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bytes_of(cases[i].bytes, cases[i].n);
		assert_refused("idx", cases[i].code, cases[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(idx_of_every_type),
	    cmocka_unit_test(idx_images),
	    cmocka_unit_test(idx_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
