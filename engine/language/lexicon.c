/* Lexicons: learned, read, written. */
#include "engine/language/lexicon.h"

#include <stdlib.h>
#include <string.h>

static const char *const special[LEXICON_FIRST] = {
    [LEXICON_PADDING] = "<pad>", [LEXICON_UNKNOWN] = "<unk>", [LEXICON_BEGIN] = "<bos>", [LEXICON_END] = "<eos>"};

static int no_memory(struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a vocabulary");
}

int numbers_add(struct numbers *numbers, int32_t value, struct qlstm_error *error)
{
	if (numbers->count == numbers->room) {
		size_t room = numbers->room > 0 ? 2 * numbers->room : 256;
		int32_t *longer = realloc(numbers->values, room * sizeof *longer);
		if (longer == NULL)
			return no_memory(error);
		numbers->values = longer;
		numbers->room = room;
	}
	numbers->values[numbers->count++] = value;
	return 0;
}

void numbers_shorten(struct numbers *numbers, size_t start, size_t length, bool keep_last)
{
	size_t n = numbers->count - start;
	if (n <= length)
		return;
	if (keep_last)
		memmove(numbers->values + start, numbers->values + start + (n - length),
		        length * sizeof *numbers->values);
	numbers->count = start + length;
}

void numbers_free(struct numbers *numbers)
{
	free(numbers->values);
	*numbers = (struct numbers){0};
}

int lexicon_begin(struct lexicon *lexicon, const struct lexicon_config *config, struct qlstm_error *error)
{
	*lexicon = (struct lexicon){.config = *config};
	for (size_t k = 0; k < LEXICON_FIRST; k++)
		if (vocabulary_add(&lexicon->words, special[k], strlen(special[k]), 0) < 0)
			return no_memory(error);
	return 0;
}

/* Every token of the texts, whole words of pieces, with its count. */
static int count_tokens(const struct lexicon *lexicon, const struct texts *texts, const size_t *order, size_t n,
                        struct vocabulary *out, struct qlstm_error *error)
{
	for (size_t k = 0; k < n; k++) {
		struct tokens tokens;
		tokens_open(&tokens, lexicon->config.tokenizer, lexicon->config.lowercase,
		            texts_at(texts, order != NULL ? order[k] : k));
		while (tokens_next(&tokens))
			if (vocabulary_add(out, tokens.token, tokens.length, 1) < 0)
				return no_memory(error);
	}
	return vocabulary_size(out) > 0 ? 0 : error_set(error, ERR_INVALID, NULL, "the training part holds no token");
}

/* The most frequent ones of `counted` that occur `least` times, to the end of what there is. */
static int take_words(struct lexicon *lexicon, const struct vocabulary *counted, uint64_t least,
                      struct qlstm_error *error)
{
	size_t *order = NULL, most = (size_t)lexicon->config.size;
	int rc = vocabulary_order(counted, 0, &order, error);
	for (size_t k = 0; rc == 0 && k < vocabulary_size(counted); k++) {
		const char *word = vocabulary_word(counted, order[k]);
		uint64_t count = counted->counts[order[k]];
		bool known = vocabulary_find(&lexicon->words, word, strlen(word)) >= 0;
		bool taken = count >= least && (known || vocabulary_size(&lexicon->words) < most);
		if (taken && vocabulary_add(&lexicon->words, word, strlen(word), count) < 0)
			rc = no_memory(error);
	}
	free(order);
	return rc;
}

/* Of pieces: the merges, and how often each of their symbols stands in the words. One that stands in none, because it
 * is merged wherever it occurs, may stand in a new word. */
static int learn_pieces(struct lexicon *lexicon, const struct vocabulary *words, struct qlstm_error *error)
{
	struct vocabulary counted = {0};
	size_t ends[MERGES_MAX_SYMBOLS];
	int rc = merges_learn(&lexicon->merges, words, (size_t)lexicon->config.size - LEXICON_FIRST, error);
	for (size_t w = 0; rc == 0 && w < vocabulary_size(words); w++) {
		const char *word = vocabulary_word(words, w);
		size_t n = merges_apply(&lexicon->merges, word, strlen(word), ends);
		for (size_t k = 0; rc == 0 && k < n; k++) {
			size_t start = k > 0 ? ends[k - 1] : 0;
			if (vocabulary_add(&counted, word + start, ends[k] - start, words->counts[w]) < 0)
				rc = no_memory(error);
		}
	}
	for (size_t k = 0; rc == 0 && k < vocabulary_size(&lexicon->merges.symbols); k++) {
		const char *symbol = vocabulary_word(&lexicon->merges.symbols, k);
		if (vocabulary_add(&counted, symbol, strlen(symbol), 0) < 0)
			rc = no_memory(error);
	}
	if (rc == 0)
		rc = take_words(lexicon, &counted, 0, error);
	vocabulary_free(&counted);
	return rc;
}

int lexicon_learn(struct lexicon *lexicon, const struct lexicon_config *config, const struct texts *texts,
                  const size_t *order, size_t n, struct qlstm_error *error)
{
	struct vocabulary counted = {0};
	int rc = lexicon_begin(lexicon, config, error);
	if (rc == 0)
		rc = count_tokens(lexicon, texts, order, n, &counted, error);
	if (rc == 0)
		rc = config->tokenizer == TOKENIZER_PIECE
		         ? learn_pieces(lexicon, &counted, error)
		         : take_words(lexicon, &counted, (uint64_t)config->min_count, error);
	vocabulary_free(&counted);
	if (rc != 0)
		lexicon_free(lexicon);
	return rc;
}

void lexicon_free(struct lexicon *lexicon)
{
	vocabulary_free(&lexicon->words);
	merges_free(&lexicon->merges);
}

static int add_token(const struct lexicon *lexicon, const char *token, size_t length, struct numbers *out,
                     struct texts *tokens, struct qlstm_error *error)
{
	int64_t number = vocabulary_find(&lexicon->words, token, length);
	int rc = numbers_add(out, number >= 0 ? (int32_t)number : LEXICON_UNKNOWN, error);
	return rc == 0 && tokens != NULL ? texts_add(tokens, token, length, error) : rc;
}

int lexicon_read(const struct lexicon *lexicon, const char *text, struct numbers *out, struct texts *tokens,
                 struct qlstm_error *error)
{
	struct tokens cut;
	size_t ends[MERGES_MAX_SYMBOLS];
	int rc = 0;
	tokens_open(&cut, lexicon->config.tokenizer, lexicon->config.lowercase, text);
	while (rc == 0 && tokens_next(&cut)) {
		size_t n = 1;
		ends[0] = cut.length;
		if (lexicon->config.tokenizer == TOKENIZER_PIECE)
			n = merges_apply(&lexicon->merges, cut.token, cut.length, ends);
		for (size_t k = 0; rc == 0 && k < n; k++) {
			size_t start = k > 0 ? ends[k - 1] : 0;
			rc = add_token(lexicon, cut.token + start, ends[k] - start, out, tokens, error);
		}
	}
	return rc;
}

/* A piece, its marker as a blank; not at the beginning. */
static void write_piece(const char *word, struct text *out)
{
	size_t marker = sizeof TOKEN_MARKER - 1;
	if (strncmp(word, TOKEN_MARKER, marker) == 0) {
		word += marker;
		if (out->length > 0)
			text_write(out, " ", 1);
	}
	text_write(out, word, strlen(word));
}

void lexicon_write(const struct lexicon *lexicon, const int32_t *numbers, size_t n, struct text *out)
{
	enum tokenizer tokenizer = lexicon->config.tokenizer;
	const char *before = NULL;
	for (size_t k = 0; k < n; k++) {
		if (numbers[k] < 0 || (size_t)numbers[k] >= vocabulary_size(&lexicon->words) ||
		    (numbers[k] < LEXICON_FIRST && numbers[k] != LEXICON_UNKNOWN))
			continue;
		const char *word = vocabulary_word(&lexicon->words, (size_t)numbers[k]);
		if (tokenizer == TOKENIZER_PIECE) {
			write_piece(word, out);
			continue;
		}
		if (before != NULL && tokens_apart(tokenizer, before, word))
			text_write(out, " ", 1);
		text_write(out, word, strlen(word));
		before = word;
	}
}
