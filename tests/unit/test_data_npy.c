/* .npy to tables: every type, rows and columns, hostile files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/unit/data_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(npy_of_every_type),     cmocka_unit_test(npy_rows_and_columns),
	    cmocka_unit_test(npy_what_is_no_number), cmocka_unit_test(npy_refused),
	    cmocka_unit_test(npy_cut_and_spoilt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
