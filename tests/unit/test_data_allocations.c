/* Tables, series, windows and safetensors where memory runs out; columns beyond the tenth; marks with nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/csv.h"
#include "engine/data/series.h"
#include "engine/data/windows.h"
#include "engine/export/safetensors.h"
#include "tests/unit/allocation.h"
#include "tests/unit/heap.h"

enum { WIDE = 20, LONG = 300 };

/* WIDE columns, LONG rows: both grow more than once. */
static const char *wide_table(void)
{
	static char text[WIDE * LONG * 8];
	size_t used = 0;
	for (int row = 0; row < LONG; row++)
		for (int k = 0; k < WIDE; k++)
			used += (size_t)snprintf(text + used, sizeof text - used, "%d%s", row * k % 97,
			                         k + 1 < WIDE ? "," : "\n");
	return text;
}

static const char *csv_text;

static int read_csv(void)
{
	struct table table = {0};
	int rc = csv_parse(csv_text, strlen(csv_text), &table, NULL);
	if (rc == 0) {
		assert_true(table.n_columns == WIDE && table.n_rows == LONG && !table.has_header);
		for (int k = 0; k < WIDE; k++) {
			char name[16];
			snprintf(name, sizeof name, "column_%d", k);
			assert_string_equal(table.columns[k].name, name);
			for (int row = 0; row < LONG; row++)
				assert_true(table.columns[k].values[row] == row * k % 97);
			snprintf(name, sizeof name, "%d", k);
			assert_int_equal(table_column(&table, name), k);
		}
		table_free(&table);
	}
	assert_null(table.columns);
	return rc;
}

static int make_series(void)
{
	struct table table = {0};
	int rc = series_table(series_find("sine"), &table, NULL);
	if (rc == 0)
		assert_true(table.n_rows == 240 && table.columns[0].values[239] != 1);
	table_free(&table);
	return rc;
}

static int cut(void)
{
	static double values[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	static char name[] = "a";
	static struct column column = {.name = name, .values = values};
	const struct table table = {.n_rows = 10, .n_columns = 1, .columns = &column};
	const struct windows_config config = {
	    .n_inputs = 1, .n_targets = 1, .window = 2, .horizon = 1, .split.train = 0.5};
	struct windows windows = {0};
	int rc = windows_cut(&table, &config, &windows, NULL);
	if (rc == 0)
		assert_true(windows.x[1] == 1 && windows.y[7] == 9);
	windows_free(&windows);
	return rc;
}

static const double numbers[] = {1, 2, 3, 4, 5, 6};
static const struct safetensors_tensor tensors[] = {
    {"first", 2, {2, 3}, numbers}, {"second", 1, {2}, numbers}, {"third", 0, {0}, numbers + 5}};
static const struct safetensors_meta meta[] = {{"key", "value \"quoted\" of some length"}, {"other", ""}};

static int encode(void)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	int rc = safetensors_encode(tensors, 3, meta, 2, &bytes, &length, NULL);
	if (rc == 0) {
		struct safetensors_file file = {0};
		rc = safetensors_decode(bytes, length, &file, NULL);
		if (rc == 0) {
			assert_true(file.n_tensors == 3 && file.n_meta == 2);
			assert_memory_equal(safetensors_find(&file, "first")->data, numbers, sizeof numbers);
			assert_true(safetensors_find(&file, "third")->data[0] == 6);
			assert_string_equal(safetensors_meta_find(&file, "key"), meta[0].value);
			safetensors_free(&file);
		}
		free(bytes);
	}
	return rc;
}

static int (*const works[])(void) = {read_csv, make_series, cut, encode};

static void fail_once_each(void)
{
	for (size_t k = 0; k < sizeof works / sizeof works[0]; k++)
		assert_every_allocation_may_fail(works[k], false);
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof works / sizeof works[0]; k++)
		assert_int_equal(works[k](), 0);
	fail_once_each();
}

static void nothing_is_left_behind(void **state)
{
	(void)state;
	size_t left = 0;
	for (int round = 0; round < 3; round++) {
		size_t before = heap_in_use();
		fail_once_each();
		left = heap_in_use() - before;
		if (left == 0)
			return;
	}
	fail_msg("%zu bytes are left behind", left);
}

static void a_mark_with_nothing_behind(void **state)
{
	(void)state;
	struct table table;
	struct qlstm_error error = {0};
	assert_int_equal(csv_parse("\xef\xbb\xbf", 3, &table, &error), ERR_SYNTAX);
	assert_string_equal(error.message, "there are no rows: the text is empty");
	error_clear(&error);
	assert_int_equal(csv_parse("\xef\xbb\xbf"
	                           "7\n",
	                           5, &table, &error),
	                 0);
	assert_true(table.n_rows == 1 && table.columns[0].values[0] == 7);
	table_free(&table);
}

int main(int argc, char **argv)
{
	(void)argc;
	heap_count_exactly(argv);
	csv_text = wide_table();
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail),
	                                   cmocka_unit_test(nothing_is_left_behind),
	                                   cmocka_unit_test(a_mark_with_nothing_behind)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
