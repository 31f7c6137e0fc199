/* Tokens, vocabularies, byte pairs, lexicons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/language/lexicon.h"

static void assert_tokens(enum tokenizer tokenizer, bool lowercase, const char *text, const char *expected)
{
	struct tokens tokens;
	char got[400] = "";
	for (tokens_open(&tokens, tokenizer, lowercase, text); tokens_next(&tokens);) {
		assert_int_equal(tokens.length, strlen(tokens.token));
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s|", tokens.token);
	}
	assert_string_equal(got, expected);
}

static void tokens_of_each_kind(void **state)
{
	(void)state;
	assert_tokens(TOKENIZER_GIVEN, false, " Don't go!\n", "Don't|go!|");
	assert_tokens(TOKENIZER_WORD, false, "Don't go! 'x' 3.5", "Don't|go|!|'|x|'|3|.|5|");
	assert_tokens(TOKENIZER_WORD, true, "\xc3\x84RGER \xce\xa9 \xd0\x96 \xe2\x80\x94",
	              "\xc3\xa4rger|\xcf\x89|\xd0\xb6|\xe2\x80\x94|");
	assert_tokens(TOKENIZER_CHARACTER, true, "A b\xc3\x9c", "a| |b|\xc3\xbc|");
	assert_tokens(TOKENIZER_PIECE, false, "go, now", TOKEN_MARKER "go|,|" TOKEN_MARKER "now|");
	assert_tokens(TOKENIZER_WORD, false, "", "");
	char longest[TOKEN_SIZE + 9];
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	struct tokens tokens;
	tokens_open(&tokens, TOKENIZER_WORD, false, longest);
	assert_true(tokens_next(&tokens) && tokens.length == TOKEN_SIZE - 1);
	assert_true(tokens_next(&tokens) && tokens.length == 9);
}

static void words_have_numbers(void **state)
{
	(void)state;
	struct vocabulary v = {0};
	char word[16];
	for (int k = 0; k < 5000; k++) {
		int n = snprintf(word, sizeof word, "w%d", k % 2500);
		assert_int_equal(vocabulary_add(&v, word, (size_t)n, 1), k % 2500);
	}
	assert_int_equal(vocabulary_size(&v), 2500);
	assert_int_equal(vocabulary_find(&v, "w77", 3), 77);
	assert_int_equal(vocabulary_find(&v, "w7", 2), 7);
	assert_int_equal(vocabulary_find(&v, "x", 1), -1);
	vocabulary_add(&v, "w9", 2, 5);
	size_t *order = NULL;
	assert_int_equal(vocabulary_order(&v, 0, &order, NULL), 0);
	assert_int_equal(order[0], 9);
	assert_int_equal(order[1], 0);
	assert_int_equal(order[2], 1);
	assert_int_equal(order[3], 10); /* w10 stands before w100 and w2 */
	free(order);
	vocabulary_free(&v);
	assert_int_equal(vocabulary_find(&v, "x", 1), -1);
}

static void cut(const struct merges *merges, const char *word, char *out)
{
	size_t ends[MERGES_MAX_SYMBOLS], n = merges_apply(merges, word, strlen(word), ends);
	out[0] = '\0';
	for (size_t k = 0, start = 0; k < n; start = ends[k++])
		sprintf(out + strlen(out), "%.*s|", (int)(ends[k] - start), word + start);
}

/* Sennrich's example: es, est, est with its end, lo, low ... */
static void pairs_are_merged_in_the_order_of_their_counts(void **state)
{
	(void)state;
	static const struct {
		const char *word;
		uint64_t count;
	} words[] = {{"low_", 5}, {"lower_", 2}, {"newest_", 6}, {"widest_", 3}};
	static const char *const expected[] = {"e s", "es t", "est _", "l o", "lo w", "e w", "ew est_"};
	struct vocabulary counted = {0};
	struct merges merges = {0};
	char got[64];
	for (size_t k = 0; k < 4; k++)
		vocabulary_add(&counted, words[k].word, strlen(words[k].word), words[k].count);
	assert_int_equal(merges_learn(&merges, &counted, 11 + 7, NULL), 0); /* 11 characters */
	assert_int_equal(vocabulary_size(&merges.pairs), 7);
	for (size_t k = 0; k < 7; k++)
		assert_string_equal(vocabulary_word(&merges.pairs, k), expected[k]);
	cut(&merges, "lowest_", got);
	assert_string_equal(got, "low|est_|");
	cut(&merges, "newest_", got);
	assert_string_equal(got, "n|ewest_|");
	cut(&merges, "eses", got);
	assert_string_equal(got, "es|es|");
	/* The pairs alone, read again, cut the same. */
	struct merges again = {0};
	for (size_t k = 0; k < 7; k++)
		assert_int_equal(merges_add(&again, vocabulary_word(&merges.pairs, k), NULL), 0);
	cut(&again, "lowest_", got);
	assert_string_equal(got, "low|est_|");
	assert_true(merges_add(&again, "ab", NULL) < 0);
	merges_free(&again);
	merges_free(&merges);
	vocabulary_free(&counted);
}

static void learn(struct lexicon *lexicon, enum tokenizer tokenizer, int size, int min_count, const char *text)
{
	const struct lexicon_config config = {
	    .tokenizer = tokenizer, .lowercase = true, .size = size, .min_count = min_count};
	struct texts texts = {0};
	assert_int_equal(texts_add(&texts, "unseen", 6, NULL), 0);
	assert_int_equal(texts_add(&texts, text, strlen(text), NULL), 0);
	const size_t order[] = {1};
	assert_int_equal(lexicon_learn(lexicon, &config, &texts, order, 1, NULL), 0);
	texts_free(&texts);
}

static void assert_numbers(const struct lexicon *lexicon, const char *text, const char *expected, const char *back)
{
	struct numbers numbers = {0};
	struct texts tokens = {0};
	struct text written = {0};
	char got[200] = "";
	assert_int_equal(lexicon_read(lexicon, text, &numbers, &tokens, NULL), 0);
	assert_int_equal(tokens.count, numbers.count);
	for (size_t k = 0; k < numbers.count; k++)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%d ", numbers.values[k]);
	assert_string_equal(got, expected);
	lexicon_write(lexicon, numbers.values, numbers.count, &written);
	assert_string_equal(written.bytes != NULL ? written.bytes : "", back);
	free(written.bytes);
	texts_free(&tokens);
	numbers_free(&numbers);
}

static void texts_to_numbers_and_back(void **state)
{
	(void)state;
	struct lexicon lexicon;
	learn(&lexicon, TOKENIZER_WORD, 8, 1, "the cat, the dog. The end");
	assert_int_equal(vocabulary_size(&lexicon.words), 8); /* the , . cat */
	assert_numbers(&lexicon, "The cat, the bird.", "4 7 5 4 1 6 ", "the cat, the <unk>.");
	lexicon_free(&lexicon);
	learn(&lexicon, TOKENIZER_WORD, 100, 2, "the cat, the dog. The end");
	assert_int_equal(vocabulary_size(&lexicon.words), 5);
	lexicon_free(&lexicon);
	learn(&lexicon, TOKENIZER_CHARACTER, 100, 1, "a b a");
	assert_numbers(&lexicon, "ab a", "5 6 4 5 ", "ab a");
	lexicon_free(&lexicon);
	learn(&lexicon, TOKENIZER_PIECE, 40, 1, "lower lower lowest newest newest wide");
	assert_numbers(&lexicon, "", "", "");
	struct numbers numbers = {0};
	struct text written = {0};
	lexicon_read(&lexicon, "lower newest, widest", &numbers, NULL, NULL);
	assert_true(numbers.count < 17);
	lexicon_write(&lexicon, numbers.values, numbers.count, &written);
	assert_string_equal(written.bytes, "lower newest<unk> widest");
	free(written.bytes);
	numbers_free(&numbers);
	lexicon_free(&lexicon);
	struct texts none = {0};
	texts_add(&none, " \n", 2, NULL);
	struct qlstm_error error = {0};
	assert_int_equal(
	    lexicon_learn(&lexicon, &(struct lexicon_config){TOKENIZER_WORD, false, 9, 1}, &none, NULL, 1, &error),
	    ERR_INVALID);
	texts_free(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tokens_of_each_kind),
	    cmocka_unit_test(words_have_numbers),
	    cmocka_unit_test(pairs_are_merged_in_the_order_of_their_counts),
	    cmocka_unit_test(texts_to_numbers_and_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
