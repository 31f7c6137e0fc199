/* Kinds of data files: packed ones, what declares a kind, columns as JSON, and where memory runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <zlib.h>

#include "schema/columns.h"
#include "server/common/data_file.h"
#include "server/common/gzip.h"
#include "tests/unit/allocation.h"
#include "tests/unit/data_fixture.h"

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
	    cmocka_unit_test(gzip_members_limit_and_damage), cmocka_unit_test(gzip_bombs_end_at_the_limit),
	    cmocka_unit_test(kinds_are_declared_or_seen),    cmocka_unit_test(names_and_types_of_files),
	    cmocka_unit_test(columns_go_to_json_and_back),   cmocka_unit_test(every_allocation_may_fail),
	    cmocka_unit_test(unpacking_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
