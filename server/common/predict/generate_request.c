/* What somebody wants generated. */
#include "server/common/predict/generate_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"
#include "schema/alphabet.h"
#include "schema/place/place.h"
#include "schema/task.h"

/* The numbers of a request; absent ones are at `fallback`. */
struct member {
	const char *name;
	bool whole;
	double least, most, fallback;
};

enum { LENGTH, SAMPLES, TEMPERATURE, SEED, N_MEMBERS };

static const struct member members[N_MEMBERS] = {
    [LENGTH] = {"length", true, 2, GENERATE_MAX_LENGTH, 0},
    [SAMPLES] = {"samples", true, 1, GENERATE_MAX_SAMPLES, 1},
    [TEMPERATURE] = {"temperature", false, 0, 100, 1},
    [SEED] = {"seed", true, 0, 9007199254740991.0, 0},
};

static int read_member(const json_t *body, const struct member *member, double *out, struct qlstm_error *error)
{
	const json_t *value = json_object_get(body, member->name);
	char pointer[32], quoted[PLACE_VALUE_SIZE];
	*out = member->fallback;
	if (value == NULL)
		return 0;
	snprintf(pointer, sizeof pointer, "/%s", member->name);
	place_value(value, quoted);
	if (!json_is_number(value) || (member->whole && !json_is_integer(value)))
		return error_set(error, ERR_WRONG_TYPE, pointer, "%s is %s; %s is expected", member->name, quoted,
		                 member->whole ? "an integer" : "a number");
	*out = json_number_value(value);
	if (*out < member->least || *out > member->most)
		return error_set(error, ERR_OUT_OF_RANGE, pointer, "%s is %s; allowed are %.17g to %.17g", member->name,
		                 quoted, member->least, member->most);
	return 0;
}

static bool is_known(const char *name)
{
	for (int k = 0; k < N_MEMBERS; k++)
		if (strcmp(name, members[k].name) == 0)
			return true;
	return strcmp(name, "prompt") == 0 || strcmp(name, "postselect") == 0;
}

static int refuse_members(const json_t *body, struct qlstm_error *error)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)body, name, value)
	{
		if (is_known(name))
			continue;
		char pointer[PLACE_POINTER_SIZE] = "";
		place_add_token(pointer, sizeof pointer, name);
		return error_set(error, ERR_UNKNOWN_FIELD, pointer,
		                 "unknown field '%.*s'; known are prompt, length, samples, temperature, postselect and "
		                 "seed",
		                 (int)utf8_cut(name, 60), name);
	}
	return 0;
}

/* temperature 0 and postselect are the same; both at once must not differ. */
static int read_postselect(const json_t *body, double *temperature, struct qlstm_error *error)
{
	const json_t *value = json_object_get(body, "postselect");
	if (value == NULL || json_is_false(value))
		return 0;
	if (!json_is_true(value))
		return error_set(error, ERR_WRONG_TYPE, "/postselect", "postselect is %s; true or false is expected",
		                 place_type(value));
	if (json_object_get(body, "temperature") != NULL && *temperature > 0)
		return error_set(error, ERR_INVALID, "/temperature",
		                 "with postselect the most probable word is taken, which no temperature changes; leave "
		                 "one of them out");
	*temperature = 0;
	return 0;
}

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
	*words = *count <= GENERATE_MAX_LENGTH * 4 ? malloc((*count + 1) * sizeof **words) : NULL;
	if (*count > GENERATE_MAX_LENGTH * 4)
		return error_set(error, ERR_TOO_LARGE, "/prompt", "the prompt is longer than %d words",
		                 GENERATE_MAX_LENGTH);
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
	*out = (struct predict_inputs){
	    .samples = samples, .steps = count, .features = 1, .values = malloc(samples * count * sizeof(double))};
	if (out->values == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the prompts");
	for (size_t i = 0; i < samples; i++)
		memcpy(out->values + i * count, words, count * sizeof *words);
	return 0;
}

static int read_body(const json_t *body, const json_t *resolved, struct predict_inputs *prompts,
                     struct generation *generation, struct qlstm_error *error)
{
	double numbers[N_MEMBERS] = {0}, *words = NULL;
	size_t count = 0;
	int rc = json_is_object(body) ? refuse_members(body, error)
	                              : error_set(error, ERR_WRONG_TYPE, "", "an object with 'prompt' is expected");
	for (int k = 0; rc == 0 && k < N_MEMBERS; k++)
		rc = read_member(body, &members[k], &numbers[k], error);
	if (rc == 0)
		rc = read_postselect(body, &numbers[TEMPERATURE], error);
	if (rc == 0)
		rc = read_prompt(body, resolved, &words, &count, error);
	if (numbers[LENGTH] <= 0) /* where it is absent */
		numbers[LENGTH] = json_number_value(json_object_get(json_object_get(resolved, "data"), "length"));
	if (rc == 0 && (double)count >= numbers[LENGTH])
		rc = error_set(error, ERR_INVALID, "/length",
		               "a sequence of %.0f words has no room behind a prompt of %zu", numbers[LENGTH], count);
	if (rc == 0)
		rc = copy_prompt(words, count, (size_t)numbers[SAMPLES], prompts, error);
	free(words);
	if (rc == 0) /* refused ones are not in range */
		*generation = (struct generation){.length = (uint64_t)numbers[LENGTH],
		                                  .seed = (uint64_t)numbers[SEED],
		                                  .temperature = numbers[TEMPERATURE]};
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
