/* Texts for a model that was trained: by the lexicon and the labels of its training, all of them the test part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/language/pairs.h"
#include "engine/language/sequences.h"
#include "engine/language/streams.h"

static const struct lexicon_config words = {.size = 20, .min_count = 1};

static struct table table_of(const char *const *first, const char *const *second, size_t n)
{
	static struct column columns[2];
	static struct texts texts[2];
	memset(texts, 0, sizeof texts);
	for (size_t k = 0; k < n; k++) {
		texts_add(&texts[0], first[k], strlen(first[k]), NULL);
		texts_add(&texts[1], second[k], strlen(second[k]), NULL);
	}
	for (int k = 0; k < 2; k++)
		columns[k] = (struct column){.type = COLUMN_TEXT, .texts = &texts[k]};
	return (struct table){.n_rows = n, .n_columns = 2, .columns = columns};
}

static void free_table(const struct table *table)
{
	texts_free(table->columns[0].texts);
	texts_free(table->columns[1].texts);
}

/* a: 4, b: 5. */
static struct lexicon lexicon_of(const char *text)
{
	struct lexicon lexicon = {0};
	struct texts texts = {0};
	texts_add(&texts, text, strlen(text), NULL);
	assert_int_equal(lexicon_learn(&lexicon, &words, &texts, NULL, 1, NULL), 0);
	texts_free(&texts);
	return lexicon;
}

static struct vocabulary labels_of(const char *first, const char *second)
{
	struct vocabulary labels = {0};
	vocabulary_add(&labels, first, strlen(first), 1);
	vocabulary_add(&labels, second, strlen(second), 1);
	return labels;
}

static void assert_numbers(const struct numbers *found, const int32_t *expected, size_t n)
{
	assert_int_equal(found->count, n);
	assert_memory_equal(found->values, expected, n * sizeof *expected);
}

static void tags_and_labels(void **state)
{
	(void)state;
	static const char *const tokens[] = {"b a", "c"}, *const tags[] = {"Y X", "Z"};
	static const int32_t numbers[] = {5, 4, LEXICON_UNKNOWN}, known[] = {1, 0, SEQUENCES_UNKNOWN},
	                     nothing[] = {SEQUENCES_UNKNOWN, SEQUENCES_UNKNOWN, SEQUENCES_UNKNOWN};
	struct table table = table_of(tokens, tags, 2);
	struct qlstm_error error = {0};
	for (int target = 1; target >= -1; target -= 2)
		for (int per_token = 0; per_token < 2; per_token++) {
			struct lexicon lexicon = lexicon_of("a a b");
			struct vocabulary labels = labels_of("X", "Y");
			struct sequences s;
			const struct sequences_config config = {
			    .target = target, .per_token = per_token, .length = 9, .classes = 2, .lexicon = words};
			assert_int_equal(sequences_read(&table, &config, &lexicon, &labels, &s, &error), 0);
			assert_true(vocabulary_size(&lexicon.words) == 0 && vocabulary_size(&labels) == 0);
			assert_numbers(&s.tokens, numbers, 3);
			assert_numbers(&s.classes_of, per_token && target > 0 ? known : nothing, per_token ? 3 : 2);
			const struct samples samples = sequences_samples(&s);
			assert_true(samples.n_train == 0 && samples.n_test == 2 && samples.shape.steps == 2);
			sequences_free(&s);
		}
	static const char *const more[] = {"Y", "Z"};
	free_table(&table);
	table = table_of(tokens, more, 2);
	struct lexicon lexicon = lexicon_of("a a b");
	struct vocabulary labels = labels_of("X", "Y");
	struct sequences s;
	const struct sequences_config config = {.target = 1, .per_token = true, .length = 9, .classes = 2};
	assert_int_equal(sequences_read(&table, &config, &lexicon, &labels, &s, &error), ERR_INVALID);
	assert_string_equal(error.message, "row 0 (from 0) has 2 tokens and 1 tags");
	assert_int_equal(vocabulary_size(&lexicon.words), 0);
	free_table(&table);
}

static void sources_with_and_without_targets(void **state)
{
	(void)state;
	static const char *const sources[] = {"b a", "a a a"}, *const targets[] = {"z", "y y z y"};
	static const int32_t read[] = {5, 4, 4, 4, 4}, said[] = {5, 4, 4, 5};
	struct table table = table_of(sources, targets, 2);
	struct qlstm_error error = {0};
	for (int target = 1; target >= -1; target -= 2) {
		struct lexicon source = lexicon_of("a a b"), language = lexicon_of("y y z");
		struct lexicon *lexicons[PAIRS_SIDES] = {&source, &language};
		struct pairs p;
		const struct pairs_config config = {.columns = {0, target}, .length = 3, .lexicon = words};
		assert_int_equal(pairs_read(&table, &config, lexicons, &p, &error), 0);
		assert_int_equal(vocabulary_size(&source.words) + vocabulary_size(&language.words), 0);
		assert_numbers(&p.sides[PAIRS_SOURCE].tokens, read, 5);
		assert_numbers(&p.sides[PAIRS_TARGET].tokens, said, target > 0 ? 4 : 0);
		assert_int_equal(p.steps, target > 0 ? 4 : 3); /* with an end */
		assert_true(pairs_length(&p, PAIRS_TARGET, 1) == (target > 0 ? 3 : 0) && p.size == 20);
		pairs_free(&p);
	}
	free_table(&table);
}

static void running_texts(void **state)
{
	(void)state;
	static const char *const lines[] = {"a b a", "b"}, *const nothing[] = {"", ""};
	static const int32_t numbers[] = {4, 5, 4, LEXICON_END, 5, LEXICON_END};
	struct table table = table_of(lines, nothing, 2);
	struct qlstm_error error = {0};
	struct streams s;
	for (int streams = 2; streams < 10; streams += 7) {
		struct lexicon lexicon = lexicon_of("a a b");
		const struct streams_config config = {.steps = 2, .streams = streams, .lexicon = words};
		assert_int_equal(streams_read(&table, &config, &lexicon, &s, &error), 0);
		assert_numbers(&s.tokens, numbers, 6);
		const struct samples samples = streams_samples(&s);
		assert_true(samples.n_train == 0 && samples.n_validation == 0);
		/* Five are predicted: in two streams of three and two, or one each. */
		assert_int_equal(s.streams, streams == 2 ? 2 : 5);
		assert_int_equal(samples.n_test, streams == 2 ? 4 : 5);
		size_t predicted = 0;
		for (size_t i = 0; i < samples.n_test; i++)
			for (size_t t = 0; t < 2; t++)
				predicted += streams_target(&s, i, t) > 0;
		assert_int_equal(predicted, 5);
		streams_free(&s);
	}
	struct lexicon lexicon = lexicon_of("a a b");
	const struct streams_config config = {.input = 1, .steps = 2, .streams = 1, .lexicon = words};
	table.n_rows = 1;
	table.columns[1].texts->count = 1;
	assert_int_equal(streams_read(&table, &config, &lexicon, &s, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/dataset");
	free_table(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(tags_and_labels),
	                                   cmocka_unit_test(sources_with_and_without_targets),
	                                   cmocka_unit_test(running_texts)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
