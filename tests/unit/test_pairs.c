/* Pairs of texts as samples: what a batch holds, lexicons of either side, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/language/pairs.h"

static const char *const sources[] = {"a b c", "c", "b a b a b", "a c", "c a b", "d"};
static const char *const targets[] = {"X Y", "Z Z Z Z", "Y X", "X", "Z X Y", "W V"};

enum { ROWS = 6 };

static void add_column(struct table *table, const char *name, const char *const *rows)
{
	assert_int_equal(table_add_column(table, name, NULL), 0);
	struct column *column = &table->columns[table->n_columns - 1];
	column->texts = calloc(1, sizeof *column->texts);
	assert_non_null(column->texts);
	for (size_t k = 0; k < ROWS; k++)
		assert_int_equal(texts_add(column->texts, rows[k], strlen(rows[k]), NULL), 0);
}

static struct table open_table(const char *const *left, const char *const *right)
{
	struct table table = {.n_rows = ROWS};
	add_column(&table, "source", left);
	add_column(&table, "target", right);
	return table;
}

static struct pairs_config config_of(int length)
{
	return (struct pairs_config){
	    .columns = {0, 1},
	    .length = length,
	    .split = {.train = 0.67, .validation = 0.17},
	    .lexicon = {.tokenizer = TOKENIZER_WORD, .lowercase = true, .size = 9, .min_count = 1}};
}

static int32_t number_of(const struct pairs *pairs, enum pairs_side side, const char *word)
{
	int64_t found = vocabulary_find(&pairs->sides[side].lexicon.words, word, strlen(word));
	return found >= 0 ? (int32_t)found : LEXICON_UNKNOWN;
}

static void what_a_batch_holds(void **state)
{
	(void)state;
	enum { COUNT = 2, STEPS = 5 };
	struct table table = open_table(sources, targets);
	const struct pairs_config config = config_of(20);
	struct pairs pairs;
	assert_int_equal(pairs_take(&table, &config, &pairs, NULL), 0);
	assert_int_equal(pairs.parts.train, 4);
	assert_int_equal(pairs.parts.validation, 1);
	assert_int_equal(pairs.parts.test, 1);
	assert_int_equal(pairs.steps, 5);
	const struct samples samples = pairs_samples(&pairs);
	assert_int_equal(samples.shape.n_inputs, 2);
	assert_int_equal(samples.shape.width, 9);
	assert_int_equal(samples.length(samples.self, 0), 3); /* X Y and an end */
	assert_int_equal(samples.length(samples.self, 1), 5);
	double x[STEPS * 2 * COUNT], target[STEPS * COUNT], mask[STEPS * COUNT];
	int lengths[COUNT];
	const struct samples_batch batch = {.x = x, .target = target, .mask = mask, .steps = STEPS, .lengths = lengths};
	samples.gather(samples.self, NULL, 0, COUNT, &batch);
	int32_t a = number_of(&pairs, PAIRS_SOURCE, "a"), b = number_of(&pairs, PAIRS_SOURCE, "b"),
	        c = number_of(&pairs, PAIRS_SOURCE, "c"), X = number_of(&pairs, PAIRS_TARGET, "x"),
	        Y = number_of(&pairs, PAIRS_TARGET, "y"), Z = number_of(&pairs, PAIRS_TARGET, "z");
	const int32_t read[COUNT][STEPS] = {{a, b, c, 0, 0}, {c, 0, 0, 0, 0}};
	const int32_t given[COUNT][STEPS] = {{LEXICON_BEGIN, X, Y, 0, 0}, {LEXICON_BEGIN, Z, Z, Z, Z}};
	const int32_t said[COUNT][STEPS] = {{X, Y, LEXICON_END, 0, 0}, {Z, Z, Z, Z, LEXICON_END}};
	const int rows[COUNT] = {3, 5};
	assert_int_equal(lengths[0], 3);
	assert_int_equal(lengths[1], 1);
	for (int i = 0; i < COUNT; i++)
		for (int t = 0; t < STEPS; t++) {
			assert_int_equal((int)x[2 * t * COUNT + i], read[i][t]);
			assert_int_equal((int)x[(2 * t + 1) * COUNT + i], given[i][t]);
			assert_int_equal((int)target[t * COUNT + i], said[i][t]);
			assert_int_equal((int)mask[t * COUNT + i], t < rows[i]);
		}
	assert_int_equal(samples_count_rows(&samples, NULL, 0, COUNT), 8);
	assert_int_equal(number_of(&pairs, PAIRS_SOURCE, "d"), LEXICON_UNKNOWN); /* of the test part */
	assert_int_equal(pairs_tokens(&pairs, PAIRS_TARGET, 5)[0], LEXICON_UNKNOWN);
	pairs_free(&pairs);
	table_free(&table);
}

static void long_texts_are_cut(void **state)
{
	(void)state;
	struct table table = open_table(sources, targets);
	const struct pairs_config config = config_of(2);
	struct pairs pairs;
	assert_int_equal(pairs_take(&table, &config, &pairs, NULL), 0);
	assert_int_equal(pairs.cut, 5);
	assert_int_equal(pairs.steps, 3);
	assert_int_equal(pairs_length(&pairs, PAIRS_SOURCE, 2), 2);
	assert_int_equal(pairs_tokens(&pairs, PAIRS_SOURCE, 2)[0], number_of(&pairs, PAIRS_SOURCE, "b"));
	assert_int_equal(pairs_length(&pairs, PAIRS_TARGET, 3), 1);
	pairs_free(&pairs);
	table_free(&table);
}

static void what_is_refused(void **state)
{
	(void)state;
	static const char *const empty[] = {"x", "x", " ", "x", "x", "x"};
	struct qlstm_error error = {0};
	struct pairs pairs;
	struct pairs_config config = config_of(9);
	struct table table = open_table(sources, empty);
	assert_int_equal(pairs_take(&table, &config, &pairs, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/targets/0");
	assert_non_null(strstr(error.message, "row 2"));
	table_free(&table);
	table = open_table(empty, targets);
	error = (struct qlstm_error){0};
	assert_int_equal(pairs_take(&table, &config, &pairs, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/inputs/0");
	error = (struct qlstm_error){0};
	config.columns[PAIRS_SOURCE] = 7;
	assert_int_equal(pairs_take(&table, &config, &pairs, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/dataset");
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_batch_holds),
	    cmocka_unit_test(long_texts_are_cut),
	    cmocka_unit_test(what_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
