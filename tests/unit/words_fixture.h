/* Words for tests: tables of them, drawn ones, built-in tasks. */
#ifndef QLSTM_TESTS_WORDS_FIXTURE_H
#define QLSTM_TESTS_WORDS_FIXTURE_H

#include "engine/data/series.h"
#include "engine/data/words.h"
#include "tests/unit/training_fixture.h"

static inline struct table column_table(double *columns[3], size_t n_rows)
{
	static char *const names[] = {"input", "target", "scored"};
	static struct column storage[3];
	for (int k = 0; k < 3; k++)
		storage[k] = (struct column){.name = names[k], .values = columns[k], .numeric = true};
	return (struct table){.n_rows = n_rows, .n_columns = 3, .columns = storage};
}

/* Sequences of 5 positions of random words of 2 bits; scored runs through 0, 1, 2. */
enum { LENGTH = 5, SEQUENCES = 60, ROWS = LENGTH * SEQUENCES };

static inline void random_words(struct word_sequences *words, double train)
{
	static double values[3][ROWS];
	double *columns[3] = {values[0], values[1], values[2]};
	struct philox rng;
	struct qlstm_error error = {0};
	philox_open(&rng, 5, PHILOX_TEST, 0);
	for (size_t i = 0; i < ROWS; i++) {
		values[0][i] = philox_below(&rng, 4);
		values[1][i] = philox_below(&rng, 4);
		values[2][i] = (double)(i % 3);
	}
	const struct table table = column_table(columns, ROWS);
	const struct words_config config = {
	    .input = 0, .target = 1, .scored = 2, .length = LENGTH, .bits = 2, .train_fraction = train};
	must(words_take(&table, &config, words, &error), &error);
}

/* Free with table_free. */
static inline struct table task_table(const char *name)
{
	struct table table;
	struct qlstm_error error = {0};
	must(series_table(series_find(name), &table, &error), &error);
	assert_string_equal(table.columns[2].name, "scored");
	return table;
}

#endif
