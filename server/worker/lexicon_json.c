/* Lexicons as JSON. */
#include "server/worker/lexicon_json.h"

#include <string.h>

static const char *const tokenizers[] = {[TOKENIZER_GIVEN] = "given",
                                         [TOKENIZER_WORD] = "word",
                                         [TOKENIZER_CHARACTER] = "character",
                                         [TOKENIZER_PIECE] = "byte_pair"};

enum { N_TOKENIZERS = sizeof tokenizers / sizeof tokenizers[0] };

json_t *vocabulary_json(const struct vocabulary *vocabulary)
{
	size_t n = vocabulary != NULL ? vocabulary_size(vocabulary) : 0;
	json_t *list = json_array();
	for (size_t k = 0; list != NULL && k < n; k++)
		json_array_append_new(list, json_string(vocabulary_word(vocabulary, k)));
	if (json_array_size(list) == n)
		return list;
	json_decref(list);
	return NULL;
}

json_t *lexicon_json(const struct lexicon *lexicon, const struct vocabulary *labels)
{
	return json_pack("{s:s, s:b, s:o, s:o, s:o}", "tokenizer", tokenizers[lexicon->config.tokenizer], "lowercase",
	                 (int)lexicon->config.lowercase, "words", vocabulary_json(&lexicon->words), "merges",
	                 vocabulary_json(&lexicon->merges.pairs), "labels", vocabulary_json(labels));
}

json_t *lexicon_json_pair(const struct lexicon *source, const struct lexicon *target)
{
	json_t *json = lexicon_json(source, NULL);
	if (json == NULL || json_object_set_new(json, "target", lexicon_json(target, NULL)) == 0)
		return json;
	json_decref(json);
	return NULL;
}

static int corrupt(struct qlstm_error *error)
{
	return error_set(error, ERR_CORRUPT, NULL, "the vocabulary in the weights' metadata cannot be read");
}

static int read_words(const json_t *list, struct vocabulary *out, struct qlstm_error *error)
{
	for (size_t k = 0; k < json_array_size(list); k++) {
		const char *word = json_string_value(json_array_get(list, k));
		if (word == NULL)
			return corrupt(error);
		if (vocabulary_add(out, word, strlen(word), 1) < 0)
			return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a vocabulary");
		if (vocabulary_size(out) != k + 1)
			return corrupt(error);
	}
	return json_is_array(list) ? 0 : corrupt(error);
}

static int read_merges(const json_t *list, struct merges *out, struct qlstm_error *error)
{
	int rc = json_is_array(list) ? 0 : corrupt(error);
	for (size_t k = 0; rc == 0 && k < json_array_size(list); k++) {
		const char *pair = json_string_value(json_array_get(list, k));
		rc = pair != NULL ? merges_add(out, pair, error) : corrupt(error);
	}
	return rc;
}

static int read_lexicon(const json_t *json, struct lexicon *lexicon, struct vocabulary *labels,
                        struct qlstm_error *error)
{
	const char *name = json_string_value(json_object_get(json, "tokenizer"));
	int tokenizer = 0;
	*lexicon = (struct lexicon){0};
	*labels = (struct vocabulary){0};
	while (name != NULL && tokenizer < N_TOKENIZERS && strcmp(tokenizers[tokenizer], name) != 0)
		tokenizer++;
	int rc = name != NULL && tokenizer < N_TOKENIZERS ? 0 : corrupt(error);
	lexicon->config = (struct lexicon_config){.tokenizer = (enum tokenizer)tokenizer,
	                                          .lowercase = json_is_true(json_object_get(json, "lowercase"))};
	if (rc == 0)
		rc = read_words(json_object_get(json, "words"), &lexicon->words, error);
	if (rc == 0 && vocabulary_size(&lexicon->words) < LEXICON_FIRST)
		rc = corrupt(error);
	if (rc == 0)
		rc = read_merges(json_object_get(json, "merges"), &lexicon->merges, error);
	if (rc == 0)
		rc = read_words(json_object_get(json, "labels"), labels, error);
	if (rc != 0) {
		lexicon_free(lexicon);
		vocabulary_free(labels);
	}
	return rc;
}

int lexicon_json_read(const char *text, struct lexicon *lexicon, struct vocabulary *labels, struct qlstm_error *error)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int rc = read_lexicon(json, lexicon, labels, error);
	json_decref(json);
	return rc;
}

int lexicon_json_read_target(const char *text, struct lexicon *lexicon, struct qlstm_error *error)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	struct vocabulary none;
	int rc = read_lexicon(json_object_get(json, "target"), lexicon, &none, error);
	if (rc == 0)
		vocabulary_free(&none);
	json_decref(json);
	return rc;
}
