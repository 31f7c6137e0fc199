/* Words as samples: how sequences are cut from a table, what is refused, and the built-in tasks. */
#include "tests/unit/words_fixture.h"

#include "engine/data/tasks/word_tasks.h"

/* ---- Words as samples ---- */

static void test_words_are_cut(void **state)
{
	(void)state;
	double inputs[] = {0, 1, 2, 3, 3, 2}, targets[] = {3, 1, 0, 2, 1, 3}, scored[] = {1, 0, 1, 1, 2, 1};
	double *columns[3] = {inputs, targets, scored};
	const struct table table = column_table(columns, 6);
	struct words_config config = {.scored = 2, .target = 1, .length = 3, .bits = 2, .train_fraction = 0.5};
	struct word_sequences words;
	assert_int_equal(words_take(&table, &config, &words, NULL), 0);
	const struct samples samples = words_samples(&words, TARGET_WORDS);
	double x[2 * 2 * 2], target[2 * 2], mask[2 * 2];
	const size_t order[] = {1, 0};
	samples.gather(samples.self, order, 0, 2, &(struct samples_batch){.x = x, .target = target, .mask = mask});
	/* Step, bit, sequence: the second sequence first. */
	static const double wanted[] = {1, 0, 1, 0, 1, 0, 1, 1};
	assert_memory_equal(x, wanted, sizeof x);
	assert_memory_equal(target, ((double[]){1, 1, 3, 0}), sizeof target);
	assert_memory_equal(mask, ((double[]){2, 0, 1, 1}), sizeof mask);
	assert_int_equal(samples_count_rows(&samples, NULL, 0, 2), 3);
	assert_int_equal(samples.shape.steps, 2);
	assert_true(samples.n_train == 1 && samples.n_test == 1);
	words_free(&words);
	config.scored = -1;
	assert_int_equal(words_take(&table, &config, &words, NULL), 0);
	const struct samples all = words_samples(&words, TARGET_CLASSES);
	assert_int_equal(samples_count_rows(&all, NULL, 0, 2), 4);
	words_free(&words);
}

/* Blanks behind a line, hints at consonants, the same twice. */
static void test_quotes(void **state)
{
	(void)state;
	struct table table = task_table("simple_quotes");
	const double *input = table.columns[0].values, *target = table.columns[1].values,
	             *scored = table.columns[2].values;
	size_t half = QUOTES * QUOTES_LENGTH;
	assert_int_equal(table.n_rows, 2 * half);
	assert_memory_equal(input, input + half, half * sizeof *input);
	assert_memory_equal(input, target, 2 * half * sizeof *input);
	for (size_t i = 0; i < half; i++) {
		assert_true(input[i] >= 0 && input[i] < 32);
		bool consonant = input[i] < 26 && strchr("aeiou", WORD_ALPHABET[(int)input[i]]) == NULL;
		assert_true(scored[i] == (consonant ? ROW_GIVEN : ROW_DRAWN));
	}
	assert_true(input[0] == 1 && input[1] == 17 && input[QUOTES_LENGTH - 1] == 30);
	table_free(&table);
}

static void test_words_refused(void **state)
{
	(void)state;
	double inputs[] = {0, 1, 2, 3}, targets[] = {3, 1, 0, 4}, scored[] = {1, 1, 1, 3};
	double *columns[3] = {inputs, targets, scored};
	const struct table table = column_table(columns, 4);
	static const struct {
		struct words_config config;
		const char *pointer, *message;
	} rows[] = {
	    {{0, 1, -1, 3, 3, 0.5, 0}, "/length", "length is 3; 4 rows"},
	    {{0, 1, -1, 1, 3, 0.5, 0}, "/length", "length is 1"},
	    {{0, 1, -1, 4, 3, 0.5, 0}, "/split/train", "leaves no training one"},
	    {{0, 1, -1, 2, 2, 0.5, 0}, "/targets/0", "column 'target' holds 4 in row 3 (from 0)"},
	    {{0, 1, -1, 2, 1, 0.5, 0}, "/inputs/0", "column 'input' holds 2 in row 2"},
	    {{0, 1, 2, 2, 3, 0.5, 0}, "/scored", "column 'scored' holds 3 in row 3"},
	};
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct word_sequences words;
		struct qlstm_error error = {0};
		assert_int_not_equal(words_take(&table, &rows[k].config, &words, &error), 0);
		assert_string_equal(error.pointer, rows[k].pointer);
		if (strstr(error.message, rows[k].message) == NULL)
			fail_msg("%s", error.message);
	}
}

/* ---- Built-in tasks ---- */

static void test_elman_tasks(void **state)
{
	(void)state;
	struct table xors = task_table("elman_xor"), letters = task_table("elman_letter");
	const double *in = xors.columns[0].values, *out = xors.columns[1].values, *scored = xors.columns[2].values;
	int counts[4] = {0};
	for (size_t i = 0; i < xors.n_rows; i += 3) {
		assert_true(in[i + 2] == (double)((int)in[i] ^ (int)in[i + 1]));
		assert_true(out[i] == 2 && out[i + 1] == 2 && out[i + 2] == in[i + 2]);
		assert_true(scored[i] == 0 && scored[i + 1] == 0 && scored[i + 2] == 1);
		counts[2 * (int)in[i] + (int)in[i + 1]]++;
	}
	for (int k = 0; k < 4; k++)
		assert_in_range(counts[k], 2200, 2600);
	in = letters.columns[0].values;
	out = letters.columns[1].values;
	for (size_t i = 0; i < letters.n_rows; i++) {
		assert_true(out[i] == (in[i] >= 4 ? 7 : in[i]));
		assert_true(i % 36 > 0 || in[i] >= 4); /* a sequence begins with a consonant */
		if (i % 36 > 0 && in[i] < 4)
			assert_true(in[i - 1] == in[i] || in[i - 1] == in[i] + 4);
	}
	table_free(&xors);
	table_free(&letters);
}

static void test_dna_tasks(void **state)
{
	(void)state;
	struct table clean = task_table("dna"), paper = task_table("dna_paper"), blank = task_table("dna_blank");
	for (size_t start = 0; start < clean.n_rows; start += 20) {
		const double *in = clean.columns[0].values + start, *out = clean.columns[1].values + start;
		const double *leaky = paper.columns[1].values + start, *scored = clean.columns[2].values + start;
		size_t marked = 0;
		while (marked < 20 && in[marked] < 4)
			marked++;
		assert_in_range(marked, 1, 9);
		for (size_t i = 0; i < 20; i++) {
			double base = in[marked] - 4;
			assert_true((in[i] >= 4) == (i == marked));
			assert_true(out[i] == (i == 19 ? base : 0) && scored[i] == (i == 19));
			assert_true(leaky[i] == (i < marked ? 0 : i == marked ? base + 4 : base));
			assert_true(blank.columns[0].values[start + i] == 0);
		}
	}
	assert_memory_equal(clean.columns[1].values, blank.columns[1].values, clean.n_rows * sizeof(double));
	table_free(&clean);
	table_free(&paper);
	table_free(&blank);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words_are_cut), cmocka_unit_test(test_quotes),
	    cmocka_unit_test(test_words_refused), cmocka_unit_test(test_elman_tasks),
	    cmocka_unit_test(test_dna_tasks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
