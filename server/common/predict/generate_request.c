/* What somebody wants generated. */
#include "server/common/predict/generate_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/alphabet.h"
#include "schema/request/generation.h"
#include "schema/place/place.h"
#include "schema/task.h"

static int no_word(size_t place, const char *what, size_t words, struct qlstm_error *error)
{
	char pointer[40];
	snprintf(pointer, sizeof pointer, "/prompt/%zu", place);
	return error_set(error, ERR_INVALID, pointer, "place %zu of the prompt (from 0) is %s; words are 0 to %zu",
	                 place, what, words - 1);
}

static int prompt_of_list(const json_t *list, size_t words, double *out, struct qlstm_error *error)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
	{
		char quoted[PLACE_VALUE_SIZE];
		place_value(item, quoted);
		if (!json_is_integer(item) || json_integer_value(item) < 0 ||
		    json_integer_value(item) >= (json_int_t)words)
			return no_word(i, quoted, words, error);
		out[i] = (double)json_integer_value(item);
	}
	return 0;
}

static int prompt_of_text(const char *text, const char *alphabet, double *out, size_t *count, struct qlstm_error *error)
{
	size_t bytes;
	for (*count = 0; *text != '\0'; text += bytes, ++*count) {
		int word = alphabet_word(alphabet, text, &bytes);
		if (word < 0)
			return error_set(error, ERR_INVALID, "/prompt",
			                 "character %zu of the prompt (from 0), '%.*s', is not in the alphabet", *count,
			                 (int)bytes, text);
		out[*count] = word;
	}
	return 0;
}

/* *words [*count] (malloc) is the caller's, also after an error. */
static int read_prompt(const json_t *body, const json_t *resolved, double **words, size_t *count,
                       struct qlstm_error *error)
{
	const json_t *prompt = json_object_get(body, "prompt");
	const char *text = json_string_value(prompt), *alphabet = alphabet_of(resolved);
	json_int_t bits = json_integer_value(json_object_get(json_object_get(resolved, "data"), "word_bits"));
	if (prompt == NULL)
		return error_set(error, ERR_MISSING, "/prompt", "'prompt' is missing: the first words of a sequence");
	if (text != NULL && alphabet == NULL)
		return error_set(error, ERR_INVALID, "/prompt",
		                 "the data have no alphabet (data.alphabet); the prompt is a list of words");
	if (text == NULL && !json_is_array(prompt))
		return error_set(error, ERR_WRONG_TYPE, "/prompt", "prompt is %s; a list of words is expected",
		                 place_type(prompt));
	*count = text != NULL ? strlen(text) : json_array_size(prompt);
	*words = *count <= GENERATION_MAX_LENGTH * 4 ? malloc((*count + 1) * sizeof **words) : NULL;
	if (*count > GENERATION_MAX_LENGTH * 4)
		return error_set(error, ERR_TOO_LARGE, "/prompt", "the prompt is longer than %d words",
		                 GENERATION_MAX_LENGTH);
	if (*words == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the prompt");
	int rc = text != NULL ? prompt_of_text(text, alphabet, *words, count, error)
	                      : prompt_of_list(prompt, (size_t)1 << bits, *words, error);
	if (rc == 0 && *count == 0)
		rc = error_set(error, ERR_INVALID, "/prompt", "the prompt is empty; a sequence begins with a word");
	return rc;
}

static int copy_prompt(const double *words, size_t count, size_t samples, struct predict_inputs *out,
                       struct qlstm_error *error)
{
	*out = (struct predict_inputs){.samples = samples,
	                               .steps = count,
	                               .features = 1,
	                               .values = malloc((samples * count + 1) * sizeof(double))};
	if (out->values == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the prompts");
	for (size_t i = 0; i < samples; i++)
		memcpy(out->values + i * count, words, count * sizeof *words);
	return 0;
}

static int read_body(const json_t *body, const json_t *resolved, struct predict_inputs *prompts,
                     struct generation *generation, struct qlstm_error *error)
{
	struct generation_wanted wanted;
	double *words = NULL;
	size_t count = 0;
	int rc = generation_read(body, &wanted, error);
	if (rc == 0)
		rc = read_prompt(body, resolved, &words, &count, error);
	if (wanted.length == 0)
		wanted.length =
		    (size_t)json_integer_value(json_object_get(json_object_get(resolved, "data"), "length"));
	if (rc == 0 && count >= wanted.length)
		rc = error_set(error, ERR_INVALID, "/length",
		               "a sequence of %zu words has no room behind a prompt of %zu", wanted.length, count);
	if (rc == 0 && words != NULL)
		rc = copy_prompt(words, count, wanted.samples, prompts, error);
	free(words);
	if (rc == 0)
		*generation = (struct generation){
		    .length = wanted.length, .seed = wanted.seed, .temperature = wanted.temperature};
	return rc;
}

int generate_request_json(const char *text, size_t length, const json_t *resolved, struct predict_inputs *prompts,
                          struct generation *generation, struct qlstm_error *error)
{
	json_t *body = NULL;
	*prompts = (struct predict_inputs){0};
	if (task_of(resolved) != TASK_WORDS)
		return error_set(error, ERR_CONFLICT, NULL,
		                 "only a model of words (data.task 'words') generates sequences; this one predicts");
	int rc = spec_load(text, length, &body, error);
	if (rc == 0)
		rc = read_body(body, resolved, prompts, generation, error);
	json_decref(body);
	return rc;
}

static json_t *text_json(const char *alphabet, const double *words, size_t length)
{
	struct text text = {0};
	char *bytes = NULL;
	size_t n;
	for (size_t k = 0; k < length; k++)
		alphabet_write(alphabet, (size_t)words[k], &text);
	json_t *json = text_take(&text, &bytes, &n) == 0 ? json_stringn(bytes, n) : NULL;
	free(bytes);
	return json;
}

/* The first word of a sequence is given; nothing predicts it. */
static json_t *sequence_json(const json_t *resolved, const double *words, size_t length)
{
	json_t *numbers = json_array(), *probabilities = json_array();
	const char *alphabet = alphabet_of(resolved);
	int rc = 0;
	for (size_t k = 0; rc == 0 && k < length; k++) {
		rc = json_array_append_new(numbers, json_integer((json_int_t)words[k]));
		if (rc == 0)
			rc = json_array_append_new(probabilities, k > 0 ? json_real(words[length + k]) : json_null());
	}
	json_t *sequence = json_pack("{s:o, s:o}", "words", numbers, "probabilities", probabilities);
	if (rc == 0 && alphabet != NULL)
		rc = json_object_set_new(sequence, "text", text_json(alphabet, words, length));
	if (rc == 0)
		return sequence;
	json_decref(sequence);
	return NULL;
}

json_t *generate_reply_json(const json_t *resolved, const struct predict_inputs *prompts,
                            const struct generation *generation, const double *values)
{
	json_t *sequences = json_array();
	size_t length = (size_t)generation->length;
	for (size_t i = 0; i < prompts->samples; i++)
		if (json_array_append_new(sequences, sequence_json(resolved, values + i * 2 * length, length)) != 0) {
			json_decref(sequences);
			return NULL;
		}
	return json_pack("{s:I, s:f, s:I, s:o}", "prompt_length", (json_int_t)prompts->steps, "temperature",
	                 generation->temperature, "seed", (json_int_t)generation->seed, "sequences", sequences);
}
