/* .npy and IDX to tables, packed files, and what declares a kind: good files, and hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "engine/data/kind.h"
#include "schema/columns.h"
#include "server/common/data_file.h"
#include "server/common/gzip.h"
#include "tests/unit/allocation.h"

enum { ROOM = 1 << 16, LIMIT = 1 << 20 };

static unsigned char file[ROOM];
static size_t file_length;

/* The .npy file of a header text and n bytes behind it. */
static void npy(int major, const char *header, const void *data, size_t n)
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

static void bytes_of(const void *bytes, size_t n)
{
	memcpy(file, bytes, n);
	file_length = n;
}

static int parse(const char *kind, int values, struct table *table, struct qlstm_error *error)
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
static void assert_one_column(const char *kind, const struct table *whole, int k)
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
static struct table parsed(const char *kind)
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

static void assert_refused(const char *kind, int code, const char *words)
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

/* --- .npy --- */

static void npy_of_every_type(void **state)
{
	(void)state;
	static const struct {
		const char *descr, *bytes;
		size_t n;
		double values[2];
	} cases[] = {
	    {"|b1", "\0\1", 2, {0, 1}},
	    {"|u1", "\0\xff", 2, {0, 255}},
	    {"|i1", "\x80\x7f", 2, {-128, 127}},
	    {"<i1", "\x80\x7f", 2, {-128, 127}},
	    {"<u2", "\1\2\xff\xff", 4, {513, 65535}},
	    {">u2", "\1\2\xff\xff", 4, {258, 65535}},
	    {"<i2", "\0\x80\xff\x7f", 4, {-32768, 32767}},
	    {">i2", "\x80\0\x7f\xff", 4, {-32768, 32767}},
	    {"<u4", "\1\0\0\0\xff\xff\xff\xff", 8, {1, 4294967295.0}},
	    {">i4", "\xff\xff\xff\xfe\x7f\xff\xff\xff", 8, {-2, 2147483647}},
	    {"<u8", "\1\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 16, {1, 18446744073709551616.0}},
	    {">i8", "\xff\xff\xff\xff\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", 16, {-1, -9223372036854775808.0}},
	    {"<f2", "\x00\x3c\x01\x00", 4, {1, 0x1p-24}},
	    {">f2", "\xfb\xff\x35\x55", 4, {-65504, 0x1.554p-2}},
	    {"<f4", "\0\0\xc0\x3f\0\0\x20\xc0", 8, {1.5, -2.5}},
	    {">f4", "\x3f\xc0\0\0\0\0\0\1", 8, {1.5, 0x1p-149}},
	    {"<f8", "\0\0\0\0\0\0\xf8\x3f\1\0\0\0\0\0\0\0", 16, {1.5, 0x1p-1074}},
	    {">f8", "\x7f\xef\xff\xff\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", 16, {0x1.fffffffffffffp1023, -0.0}},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char header[100];
		snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }   \n",
		         cases[i].descr);
		for (int major = 1; major <= 3; major++) {
			npy(major, header, cases[i].bytes, cases[i].n);
			struct table table = parsed("npy");
			assert_true(table.n_rows == 2 && table.n_columns == 1 && table.n_dimensions == 1);
			assert_string_equal(table.columns[0].name, "value");
			assert_string_equal(table.dtype + 1, cases[i].descr + 1);
			assert_memory_equal(table.columns[0].values, cases[i].values, sizeof cases[i].values);
			table_free(&table);
		}
	}
}

static void npy_rows_and_columns(void **state)
{
	(void)state;
	for (int fortran = 0; fortran <= 1; fortran++) {
		char header[100];
		snprintf(header, sizeof header, "{\"shape\":(70L,3),'fortran_order':%s,'descr':'|u1'}",
		         fortran ? "True" : "False");
		unsigned char data[210];
		for (size_t i = 0; i < sizeof data; i++)
			data[i] = (unsigned char)i;
		npy(1, header, data, sizeof data);
		struct table table = parsed("npy");
		assert_true(table.n_rows == 70 && table.n_columns == 3 && table.shape[1] == 3);
		assert_string_equal(table.columns[2].name, "column_2");
		for (int row = 0; row < 70; row++)
			for (int k = 0; k < 3; k++)
				assert_true(table.columns[k].values[row] == (fortran ? 70 * k + row : 3 * row + k));
		struct data_fact facts[DATA_MAX_FACTS];
		assert_int_equal(data_kind_find("npy")->describe(&table, facts), 2);
		assert_string_equal(facts[0].text, "|u1");
		assert_true(facts[1].n_sizes == 2 && facts[1].sizes[0] == 70);
		table_free(&table);
	}
}

/* A column with something else than numbers is kept, and says where the first stands. */
static void npy_what_is_no_number(void **state)
{
	(void)state;
	static const unsigned char data[] = {0, 0,    0, 0,    0,    0,    0, 0xfc, /* 0, 0; 0, -inf */
	                                     0, 0x7c, 1, 0x7c, 0x01, 0x7e, 0, 0x7c};
	npy(1, "{'descr':'<f2','fortran_order':False,'shape':(4,2)}", data, sizeof data);
	struct table table = parsed("npy");
	char place[COLUMN_PLACE_SIZE];
	column_place(&table.columns[0], place);
	assert_string_equal(place, "row 2");
	assert_string_equal(table.columns[0].bad_text, "inf");
	column_place(&table.columns[1], place);
	assert_string_equal(place, "row 1");
	assert_string_equal(table.columns[1].bad_text, "-inf");
	assert_int_equal(table_first_numeric(&table), -1);
	table_free(&table);
}

static void npy_refused(void **state)
{
	(void)state;
	static const struct {
		const char *header;
		size_t n;
		int code;
		const char *words;
	} cases[] = {
	    {"{'descr':'|O','fortran_order':False,'shape':(2,)}", 16, ERR_INVALID, "'|O': objects, which are never"},
	    {"{'descr':'<c16','fortran_order':False,'shape':(1,)}", 16, ERR_INVALID, "'<c16': complex"},
	    {"{'descr':'<U5','fortran_order':False,'shape':(1,)}", 20, ERR_INVALID, "'<U5': text"},
	    {"{'descr':'|S5','fortran_order':False,'shape':(1,)}", 5, ERR_INVALID, "'|S5': text"},
	    {"{'descr':'<M8[ns]','fortran_order':False,'shape':(1,)}", 8, ERR_INVALID, "'<M8[ns]': dates"},
	    {"{'descr':'|V8','fortran_order':False,'shape':(1,)}", 8, ERR_INVALID, "raw bytes"},
	    {"{'descr':'<f16','fortran_order':False,'shape':(1,)}", 16, ERR_INVALID, "'<f16'"},
	    {"{'descr':'=f8','fortran_order':False,'shape':(1,)}", 8, ERR_INVALID, "'=f8'"},
	    {"{'descr':'|f8','fortran_order':False,'shape':(1,)}", 8, ERR_INVALID, "'|f8'"},
	    {"{'descr':'f8','fortran_order':False,'shape':(1,)}", 8, ERR_INVALID, "'f8'"},
	    {"{'descr':'','fortran_order':False,'shape':(1,)}", 8, ERR_INVALID, "''"},
	    {"{'descr':'<','fortran_order':False,'shape':(1,)}", 8, ERR_INVALID, "'<'"},
	    {"{'descr':[('a','<f8'),('b','<i4')],'fortran_order':False,'shape':(1,)}", 12, ERR_INVALID,
	     "a structure, [('a','<f8')"},
	    {"{'descr':('<f8',(2,)),'fortran_order':False,'shape':(1,)}", 16, ERR_INVALID, "a structure"},
	    {"{'descr':'\xff\xfe','fortran_order':False,'shape':(1,)}", 8, ERR_INVALID, "'\?\?'"},
	    {"{'descr':'<f8','fortran_order':False,'shape':()}", 8, ERR_INVALID, "0 dimensions"},
	    {"{'descr':'<f8','fortran_order':False,'shape':(1,1,1)}", 8, ERR_INVALID, "3 dimensions"},
	    {"{'descr':'<f8','fortran_order':False,'shape':(1,1,1,1,1,1,1,1,1,1)}", 8, ERR_INVALID, "10 dimensions"},
	    {"{'descr':'<f8','fortran_order':False,'shape':(0,)}", 0, ERR_INVALID, "shape (0,) holds nothing"},
	    {"{'descr':'<f8','fortran_order':False,'shape':(3,0)}", 0, ERR_INVALID, "shape (3, 0) holds nothing"},
	    {"{'descr':'|u1','fortran_order':False,'shape':(1,4097)}", 4097, ERR_TOO_LARGE,
	     "4097 columns; at most 4096"},
	    {"{'descr':'<f8','fortran_order':False,'shape':(2,)}", 15, ERR_SYNTAX,
	     "takes 16 bytes from here, the file has 15"},
	    {"{'descr':'<f8','fortran_order':False,'shape':(2,)}", 17, ERR_SYNTAX, "the file has 17"},
	    {"{'descr':'<f8','fortran_order':False,'shape':(2305843009213693952,)}", 0, ERR_SYNTAX, "larger than any"},
	    {"{'descr':'|u1','fortran_order':False,'shape':(4294967296,4294967296)}", 0, ERR_SYNTAX, "larger than any"},
	    {"{'descr':'|u1','fortran_order':False,'shape':(18446744073709551616,)}", 0, ERR_SYNTAX,
	     "dimension is larger"},
	    {"{'descr':'|u1','fortran_order':False,'shape':(99999999999999999999999,)}", 0, ERR_SYNTAX,
	     "byte 56: a dim"},
	    {"{'descr':'|u1','fortran_order':False,'shape':(-1,)}", 1, ERR_SYNTAX, "no size of a dimension here"},
	    {"{'descr':'|u1','fortran_order':False,'shape':((1,),)}", 1, ERR_SYNTAX, "no size of a dimension here"},
	    {"{'descr':'|u1','fortran_order':False,'shape':(1)}", 1, ERR_SYNTAX, "no comma behind the only"},
	    {"{'descr':'|u1','fortran_order':False,'shape':(1 1)}", 1, ERR_SYNTAX, "no comma"},
	    {"{'descr':'|u1','fortran_order':False,'shape':(1.5,)}", 1, ERR_SYNTAX, "no comma"},
	    {"{'descr':'|u1','fortran_order':False,'shape':1}", 1, ERR_SYNTAX, "no shape in parentheses"},
	    {"{'descr':'|u1','fortran_order':False,'shape':(1,", 1, ERR_SYNTAX, "no size of a dimension"},
	    {"{'descr':'|u1','fortran_order':0,'shape':(1,)}", 1, ERR_SYNTAX, "no True or False"},
	    {"{'descr':1,'fortran_order':False,'shape':(1,)}", 1, ERR_SYNTAX, "no string"},
	    {"{'descr':'|u1,'fortran_order':False,'shape':(1,)}", 1, ERR_INVALID, "'|u1,'"},
	    {"{'descr':'|u1", 1, ERR_SYNTAX, "no plain string that ends"},
	    {"{'descr':'|u\\x31','fortran_order':False,'shape':(1,)}", 1, ERR_SYNTAX, "no plain string"},
	    {"{'descr':'|u1','descr':'|u1','fortran_order':False,'shape':(1,)}", 1, ERR_SYNTAX, "for the first time"},
	    {"{'descr':'|u1','more':1,'fortran_order':False,'shape':(1,)}", 1, ERR_SYNTAX, "no name"},
	    {"{'descr' '|u1','fortran_order':False,'shape':(1,)}", 1, ERR_SYNTAX, "no colon"},
	    {"{'descr':'|u1' 'fortran_order':False,'shape':(1,)}", 1, ERR_SYNTAX, "no comma"},
	    {"{'descr':'|u1','shape':(1,)}", 1, ERR_SYNTAX, "must all be"},
	    {"{'descr':'|u1','fortran_order':False}", 1, ERR_SYNTAX, "must all be"},
	    {"{'fortran_order':False,'shape':(1,)}", 1, ERR_SYNTAX, "must all be"},
	    {"{}", 1, ERR_SYNTAX, "must all be"},
	    {"{", 1, ERR_SYNTAX, "no string"},
	    {"", 1, ERR_SYNTAX, "byte 10: the .npy header has no opening brace"},
	    {"__import__('os')", 1, ERR_SYNTAX, "no opening brace"},
	    {"{'descr':'|u1','fortran_order':False,'shape':(1,)} x", 1, ERR_SYNTAX, "no end here"},
	};
	static const unsigned char zeros[5000];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		npy(1, cases[i].header, zeros, cases[i].n);
		assert_refused("npy", cases[i].code, cases[i].words);
	}
}

/* Every prefix of a good file is refused, and no spoilt byte of the head is a crash. */
static void npy_cut_and_spoilt(void **state)
{
	(void)state;
	const char *header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
	static const unsigned char zeros[24];
	npy(1, header, zeros, sizeof zeros);
	size_t whole = file_length, head = whole - sizeof zeros;
	for (file_length = 0; file_length < whole; file_length++) {
		struct table table;
		struct qlstm_error error = {0};
		assert_int_equal(parse("npy", true, &table, &error), ERR_SYNTAX);
		assert_non_null(strstr(error.message, "byte "));
	}
	for (size_t at = 0; at < head; at++) {
		unsigned char kept = file[at];
		for (int value = 0; value < 256; value++) {
			struct table table = {0};
			struct qlstm_error error = {0};
			file[at] = (unsigned char)value;
			if (parse("npy", true, &table, &error) == 0)
				table_free(&table);
			else
				assert_true(error.message[0] != '\0');
		}
		file[at] = kept;
	}
	bytes_of("\x93NUMPY\4\0", 8);
	assert_refused("npy", ERR_INVALID, "version is 4.0");
	bytes_of("\x93NUMPY\2\0\xff\xff\xff\xff", 12);
	assert_refused("npy", ERR_SYNTAX, "should have 4294967295 bytes, the file has 0 more");
}

/* --- IDX --- */

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

/* --- gzip --- */

/* Packs `bytes` behind what is in `file` already. */
static void pack(const void *bytes, size_t n)
{
	z_stream stream = {0};
	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_in = (z_const Bytef *)bytes;
	stream.avail_in = (uInt)n;
	stream.next_out = file + file_length;
	stream.avail_out = (uInt)(sizeof file - file_length);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	file_length = sizeof file - stream.avail_out;
	deflateEnd(&stream);
}

static int unpack(size_t limit, unsigned char **out, size_t *n, struct qlstm_error *error)
{
	unsigned char *copy = malloc(file_length + (file_length == 0));
	assert_non_null(copy);
	memcpy(copy, file, file_length);
	int rc = gzip_unpack(copy, file_length, limit, out, n, error);
	free(copy);
	return rc;
}

static void assert_not_unpacked(size_t limit, int code, const char *words)
{
	struct qlstm_error error = {0};
	unsigned char *out = NULL;
	size_t n = 77;
	int rc = unpack(limit, &out, &n, &error);
	if (rc != code || strstr(error.message, words) == NULL)
		fail_msg("'%s' is not in %d '%s'", words, rc, error.message);
	assert_true(out == NULL && n == 77);
}

static void gzip_members_limit_and_damage(void **state)
{
	(void)state;
	unsigned char *out = NULL;
	size_t n = 0;
	file_length = 0;
	pack("hello ", 6);
	pack("", 0);
	pack("world", 5);
	size_t whole = file_length;
	assert_int_equal(unpack(11, &out, &n, NULL), 0);
	assert_int_equal(n, 11);
	assert_string_equal((char *)out, "hello world");
	free(out);
	assert_not_unpacked(10, ERR_TOO_LARGE, "more than 10 bytes");

	file[file_length++] = 0;
	assert_not_unpacked(100, ERR_SYNTAX, "1 bytes follow the end");
	file_length = 0;
	pack("hello", 5);
	size_t one = file_length;
	for (file_length = 0; file_length < one; file_length++)
		assert_not_unpacked(100, ERR_SYNTAX, "end too early");
	file_length = one;
	file[one - 8] ^= 1;
	assert_not_unpacked(100, ERR_SYNTAX, "incorrect data check");
	file[one - 8] ^= 1;
	file[one - 1] ^= 1;
	assert_not_unpacked(100, ERR_SYNTAX, "incorrect length check");
	file[2] = 9;
	assert_not_unpacked(100, ERR_SYNTAX, "unknown compression method");
	assert_true(whole > one);
}

/* Twenty million zeros in twenty kilobytes: no more is held than the limit allows. */
static void gzip_bombs_end_at_the_limit(void **state)
{
	(void)state;
	static unsigned char zeros[20 << 20];
	file_length = 0;
	pack(zeros, sizeof zeros);
	assert_true(file_length < 32 << 10);
	assert_not_unpacked(LIMIT, ERR_TOO_LARGE, "more than 1048576 bytes, the limit");
	assert_not_unpacked(0, ERR_TOO_LARGE, "more than 0 bytes");
	assert_not_unpacked(sizeof zeros - 1, ERR_TOO_LARGE, "the limit");
	unsigned char *out = NULL;
	size_t n = 0;
	assert_int_equal(unpack(sizeof zeros, &out, &n, NULL), 0);
	assert_int_equal(n, sizeof zeros);
	free(out);
}

/* --- what declares a kind --- */

static int read_as(const char *type, const char *name, struct data_file *found, struct qlstm_error *error)
{
	struct table table = {0};
	const struct data_request request = {.declared =
	                                         type != NULL ? data_file_of_type(type) : data_file_of_name(name),
	                                     .word = type != NULL ? type : name,
	                                     .limit = LIMIT,
	                                     .values = true};
	int rc = data_file_read(file, file_length, &request, found, &table, error);
	if (rc == 0)
		table_free(&table);
	return rc;
}

static void put(const char *what)
{
	static const unsigned char idx[] = {0, 0, 8, 1, 0, 0, 0, 2, 5, 6};
	const char *header = "{'descr':'|u1','fortran_order':False,'shape':(2,)}";
	if (what[0] == 'n')
		npy(1, header, "\1\2", 2);
	else if (what[0] == 'i')
		bytes_of(idx, sizeof idx);
	else
		bytes_of("1\n2\n", 4);
	if (strstr(what, ".gz") == NULL)
		return;
	unsigned char plain[200];
	size_t n = file_length;
	memcpy(plain, file, n);
	file_length = 0;
	pack(plain, n);
}

static void kinds_are_declared_or_seen(void **state)
{
	(void)state;
	static const struct {
		const char *what, *type, *name; /* by type, or by name */
		const char *kind, *words;       /* found, or refused */
	} cases[] = {
	    {"csv", "text/csv; charset=utf-8", NULL, "csv", NULL},
	    {"csv", "TEXT/plain", NULL, "csv", NULL},
	    {"csv", "application/octet-stream", NULL, "csv", NULL},
	    {"csv", "", NULL, "csv", NULL},
	    {"csv", "application/x-npy", NULL, NULL,
	     "declared as application/x-npy, but the data do not begin as NumPy"},
	    {"csv", "application/x-idx", NULL, NULL, "do not begin as IDX does"},
	    {"csv", "application/gzip", NULL, NULL, "do not begin as gzip does"},
	    {"npy", "application/x-npy", NULL, "npy", NULL},
	    {"npy", "application/octet-stream", NULL, "npy", NULL},
	    {"npy", "text/csv", NULL, NULL, "declared as text/csv, but the data begin as NumPy's .npy does"},
	    {"npy", "application/x-idx", NULL, NULL, "(application/x-npy)"},
	    {"idx", "application/x-idx", NULL, "idx", NULL},
	    {"idx", "", NULL, "idx", NULL},
	    {"idx", "text/csv", NULL, NULL, "begin as IDX does"},
	    {"csv.gz", "application/gzip", NULL, "csv", NULL},
	    {"npy.gz", "application/x-gzip", NULL, "npy", NULL},
	    {"idx.gz", "application/octet-stream", NULL, "idx", NULL},
	    {"npy.gz", "application/x-npy", NULL, "npy", NULL},
	    {"npy.gz", "text/csv", NULL, NULL, "begin as NumPy"},
	    {"csv", NULL, "/x/data.csv", "csv", NULL},
	    {"csv", NULL, "-", "csv", NULL},
	    {"csv", NULL, "a.npy", NULL, "declared as a.npy"},
	    {"npy.gz", NULL, "a.npy.gz", "npy", NULL},
	    {"npy", NULL, "a.npy.gz", NULL, "do not begin as gzip"},
	    {"idx.gz", NULL, "train-images-idx3-ubyte.gz", "idx", NULL},
	    {"idx", NULL, "train-images-idx3-ubyte", "idx", NULL},
	    {"idx", NULL, "a.csv", NULL, "begin as IDX does"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct data_file found;
		struct qlstm_error error = {0};
		put(cases[i].what);
		int rc = read_as(cases[i].type, cases[i].name, &found, &error);
		if (rc != (cases[i].kind != NULL ? 0 : ERR_WRONG_TYPE))
			fail_msg("case %zu: %d %s", i, rc, error.message);
		if (rc == 0) {
			assert_string_equal(found.kind->name, cases[i].kind);
			assert_int_equal(found.gzip, strstr(cases[i].what, ".gz") != NULL);
		} else if (strstr(error.message, cases[i].words) == NULL) {
			fail_msg("case %zu: %s", i, error.message);
		}
	}
	put("csv.gz");
	unsigned char packed[200];
	size_t n = file_length;
	memcpy(packed, file, n);
	file_length = 0;
	pack(packed, n);
	struct qlstm_error error = {0};
	assert_int_equal(read_as("", NULL, &(struct data_file){0}, &error), ERR_SYNTAX);
	assert_non_null(strstr(error.message, "packed once is enough"));
}

static void names_and_types_of_files(void **state)
{
	(void)state;
	static const struct {
		const char *kind;
		bool gzip;
		const char *name, *type;
	} cases[] = {
	    {"csv", false, "abc.csv", "text/csv"},          {"csv", true, "abc.csv.gz", "application/gzip"},
	    {"npy", false, "abc.npy", "application/x-npy"}, {"npy", true, "abc.npy.gz", "application/gzip"},
	    {"idx", false, "abc.idx", "application/x-idx"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char name[DATA_FILE_NAME_SIZE];
		const struct data_file made = {data_kind_find(cases[i].kind), cases[i].gzip};
		data_file_name(&made, "abc", name);
		assert_string_equal(name, cases[i].name);
		assert_string_equal(data_file_type(name), cases[i].type);
	}
	assert_string_equal(data_file_type("abc.unknown"), "application/octet-stream");
	assert_null(data_kind_find("series"));
	const char *types[DATA_FILE_MAX_TYPES];
	data_file_types(types);
	assert_string_equal(types[0], "text/csv");
	int n = 0;
	while (types[n] != NULL)
		n++;
	assert_string_equal(types[n - 1], "application/x-www-form-urlencoded");
}

/* --- columns as JSON --- */

static void columns_go_to_json_and_back(void **state)
{
	(void)state;
	static const char text[] =
	    "[{\"name\": \"a\", \"numeric\": true}, {\"name\": \"b\", \"numeric\": false, \"bad_line\": 3, "
	    "\"bad_text\": \"x\"}, {\"name\": \"c\", \"numeric\": false, \"bad_row\": 0, \"bad_text\": "
	    "\"nan\"}, {\"name\": \"d\", \"numeric\": false, \"bad_text\": \"\"}]";
	static const char *const places[] = {"", "line 3", "row 0", ""};
	struct table table;
	assert_int_equal(columns_read(text, &table, NULL), 0);
	assert_int_equal(table.n_columns, 4);
	for (int i = 0; i < 4; i++) {
		char place[COLUMN_PLACE_SIZE];
		column_place(&table.columns[i], place);
		assert_string_equal(place, places[i]);
		assert_true(table.columns[i].numeric == (i == 0));
	}
	json_t *json = columns_json(&table);
	char *again = json_dumps(json, 0);
	static const char expected[] =
	    "[{\"name\": \"a\", \"numeric\": true, \"type\": \"number\", \"missing\": 0}, {\"name\": \"b\", "
	    "\"numeric\": "
	    "false, \"type\": \"text\", \"missing\": 0, \"bad_line\": 3, \"bad_text\": \"x\"}, {\"name\": \"c\", "
	    "\"numeric\": false, \"type\": \"text\", \"missing\": 0, \"bad_row\": 0, \"bad_text\": \"nan\"}, "
	    "{\"name\": "
	    "\"d\", \"numeric\": false, \"type\": \"text\", \"missing\": 0, \"bad_text\": \"\"}]";
	assert_string_equal(again, expected);
	free(again);
	json_decref(json);
	table_free(&table);

	static const char *const corrupt[] = {
	    "", "{}", "3", "[", "[3]", "[{}]", "[{\"name\": 3}]", "[{\"name\": \"a\"}, 1]"};
	for (size_t i = 0; i < sizeof corrupt / sizeof corrupt[0]; i++)
		assert_int_equal(columns_read(corrupt[i], &table, NULL), ERR_CORRUPT);
}

/* --- where memory runs out --- */

static const char *failing;

static int read_failing(void)
{
	struct data_file found;
	put(failing);
	return read_as("", NULL, &found, NULL);
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	static const char *const whats[] = {"csv", "npy", "idx"};
	for (size_t i = 0; i < sizeof whats / sizeof whats[0]; i++) {
		failing = whats[i];
		assert_int_equal(read_failing(), 0);
		assert_every_allocation_may_fail(read_failing, false);
	}
}

static unsigned char packed_file[400];
static size_t packed_length;

static int unpack_failing(void)
{
	unsigned char *out = NULL;
	size_t n = 0;
	int rc = gzip_unpack(packed_file, packed_length, LIMIT, &out, &n, NULL);
	if (rc == 0)
		free(out);
	return rc;
}

static void unpacking_without_memory(void **state)
{
	(void)state;
	put("idx.gz");
	memcpy(packed_file, file, file_length);
	packed_length = file_length;
	assert_int_equal(unpack_failing(), 0);
	assert_every_allocation_may_fail(unpack_failing, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(npy_of_every_type),
	    cmocka_unit_test(npy_rows_and_columns),
	    cmocka_unit_test(npy_what_is_no_number),
	    cmocka_unit_test(npy_refused),
	    cmocka_unit_test(npy_cut_and_spoilt),
	    cmocka_unit_test(idx_of_every_type),
	    cmocka_unit_test(idx_images),
	    cmocka_unit_test(idx_refused),
	    cmocka_unit_test(gzip_members_limit_and_damage),
	    cmocka_unit_test(gzip_bombs_end_at_the_limit),
	    cmocka_unit_test(kinds_are_declared_or_seen),
	    cmocka_unit_test(names_and_types_of_files),
	    cmocka_unit_test(columns_go_to_json_and_back),
	    cmocka_unit_test(every_allocation_may_fail),
	    cmocka_unit_test(unpacking_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
