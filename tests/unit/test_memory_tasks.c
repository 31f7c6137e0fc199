/* Built-in tasks of memory: what their sequences are. */
#include "tests/unit/words_fixture.h"

#include "engine/data/tasks/memory_tasks.h"

static void check_copying(const char *name, size_t blanks)
{
	struct table table = task_table(name);
	size_t length = COPYING_LENGTH(blanks), counts[COPYING_BLANK] = {0}, different = 0;
	const double *input = table.columns[0].values, *target = table.columns[1].values;
	assert_int_equal(table.n_rows % length, 0);
	for (size_t start = 0; start < table.n_rows; start += length) {
		for (size_t i = 0; i < length; i++) {
			const double *at = input + start + i;
			bool data = i < COPYING_SYMBOLS, again = i >= length - COPYING_SYMBOLS;
			assert_true(table.columns[2].values[start + i] == ROW_DRAWN);
			if (data) {
				assert_in_range((int)*at, 0, COPYING_BLANK - 1);
				counts[(int)*at]++;
				different += *at != input[i];
			} else {
				assert_true(*at ==
				            (i == COPYING_SYMBOLS + blanks - 1 ? COPYING_DELIMITER : COPYING_BLANK));
			}
			assert_true(target[start + i] ==
			            (again ? input[start + i - (length - COPYING_SYMBOLS)] : COPYING_BLANK));
		}
	}
	double expected = (double)table.n_rows / (double)length * COPYING_SYMBOLS / COPYING_BLANK;
	for (size_t k = 0; k < COPYING_BLANK; k++)
		assert_true(fabs((double)counts[k] - expected) < 5 * sqrt(expected));
	assert_true((double)different > 6 * expected);
	table_free(&table);
}

static void test_copying(void **state)
{
	(void)state;
	check_copying("copying_50", 50);
	check_copying("copying_100", 100);
	check_copying("copying_200", 200);
}

static void check_adding(const char *name, size_t steps)
{
	struct table table;
	struct qlstm_error error = {0};
	must(series_table(series_find(name), &table, &error), &error);
	double mean = 0.0, square = 0.0;
	assert_int_equal(table.n_columns, 2 * steps + 1);
	assert_string_equal(table.columns[2].name, "value_1");
	assert_string_equal(table.columns[2 * steps - 1].name, steps == 50 ? "mark_49" : "mark_99");
	assert_string_equal(table.columns[2 * steps].name, "sum");
	for (size_t row = 0; row < table.n_rows; row++) {
		double sum = 0.0;
		int marks[2] = {0, 0};
		for (size_t t = 0; t < steps; t++) {
			double value = table.columns[2 * t].values[row], mark = table.columns[2 * t + 1].values[row];
			assert_true(value >= 0.0 && value < 1.0 && (mark == 0.0 || mark == 1.0));
			marks[t >= steps / 2] += mark == 1.0;
			sum += mark * value;
		}
		assert_true(marks[0] == 1 && marks[1] == 1);
		assert_true(sum == table.columns[2 * steps].values[row]);
		mean += sum / (double)table.n_rows;
		square += (sum - 1.0) * (sum - 1.0) / (double)table.n_rows;
	}
	assert_true(fabs(mean - 1.0) < 0.03 && fabs(square - 1.0 / 6.0) < 0.01);
	table_free(&table);
}

static void test_adding(void **state)
{
	(void)state;
	check_adding("adding_50", 50);
	check_adding("adding_100", 100);
}

static void test_columns(void **state)
{
	(void)state;
	const struct series *series;
	for (int i = 0; (series = series_at(i)) != NULL; i++) {
		int count = series_columns(series);
		for (int k = 0; k < count; k++)
			assert_non_null(series_column(series, k));
		assert_null(series_column(series, count));
		assert_null(series_column(series, -1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_copying), cmocka_unit_test(test_adding),
	                                   cmocka_unit_test(test_columns)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
