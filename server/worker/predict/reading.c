/* Texts, read by a trained model. */
#include "server/worker/predict/reading.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/place/place.h"
#include "schema/request/members.h"
#include "schema/task.h"
#include "server/common/classes.h"
#include "server/common/json_text.h"
#include "server/worker/predict/continuing.h"
#include "server/worker/predict/translating.h"

/* Texts at once, and tokens of one at most. */
enum { READ_BATCH = 64, MOST_TOKENS = 4096 };

struct reading {
	struct predictor *predictor;
	struct numbers numbers; /* of all texts, one behind the other */
	struct texts tokens;    /* the same as words, of tagging */
	size_t *starts;         /* [count + 1] */
	size_t count, longest;
	json_t *outputs, *probabilities;
	struct qlstm_error *error;
};

static int no_memory(struct reading *r)
{
	return error_set(r->error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the texts");
}

static bool tags(const struct reading *r)
{
	return r->predictor->spec.task == TASK_TAGGING;
}

static int read_text(struct reading *r, const json_t *item, size_t i)
{
	const struct sequences_config *config = &r->predictor->spec.text;
	const char *text = json_string_value(item);
	char pointer[40];
	snprintf(pointer, sizeof pointer, "/texts/%zu", i);
	if (text == NULL)
		return error_set(r->error, ERR_WRONG_TYPE, pointer, "texts[%zu] is %s; a text is expected", i,
		                 place_type(item));
	size_t start = r->numbers.count;
	int rc = lexicon_read(&r->predictor->lexicon, text, &r->numbers, tags(r) ? &r->tokens : NULL, r->error);
	if (rc != 0)
		return rc;
	if (!tags(r))
		numbers_shorten(&r->numbers, start, (size_t)config->length, config->keep == KEEP_LAST);
	size_t n = r->numbers.count - start;
	if (n == 0 || n > MOST_TOKENS)
		return error_set(r->error, ERR_INVALID, pointer, "texts[%zu] has %zu tokens; allowed are 1 to %d", i, n,
		                 MOST_TOKENS);
	r->starts[i + 1] = r->numbers.count;
	r->longest = n > r->longest ? n : r->longest;
	return 0;
}

static int read_body(struct reading *r, const json_t *body)
{
	const json_t *list = json_object_get(body, "texts");
	static const char *const known[] = {"texts", NULL};
	int rc = request_refuse_others(body, known, r->error);
	if (rc != 0)
		return rc;
	if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > READING_MAX_TEXTS)
		return error_set(r->error, list == NULL ? ERR_MISSING : ERR_INVALID, "/texts",
		                 "a list of 1 to %d texts is expected: {\"texts\": [\"...\"]}", READING_MAX_TEXTS);
	r->count = json_array_size(list);
	r->starts = calloc(r->count + 1, sizeof *r->starts);
	rc = r->starts != NULL ? 0 : no_memory(r);
	for (size_t i = 0; rc == 0 && i < r->count; i++)
		rc = read_text(r, json_array_get(list, i), i);
	return rc;
}

/* The name of a class, its number where no text had it. */
static json_t *class_name(const struct reading *r, size_t class)
{
	const struct vocabulary *labels = &r->predictor->labels;
	return class < vocabulary_size(labels) ? json_string(vocabulary_word(labels, class))
	                                       : json_sprintf("%zu", class);
}

static int check_finite(struct reading *r, const double *values, size_t i)
{
	char pointer[40];
	snprintf(pointer, sizeof pointer, "/texts/%zu", i);
	for (size_t k = 0; k < predictor_width(r->predictor); k++)
		if (!isfinite(values[k]))
			return error_set(r->error, ERR_INVALID, pointer, "the model has no finite output for text %zu",
			                 i);
	return 0;
}

/* Row t of sample b of y [frames][width][count], as probabilities. */
static int take_row(struct reading *r, const double *y, size_t t, size_t b, size_t count, size_t i, double *row)
{
	size_t width = predictor_width(r->predictor);
	for (size_t k = 0; k < width; k++)
		row[k] = y[(t * width + k) * count + b];
	int rc = check_finite(r, row, i);
	if (rc == 0)
		classes_probabilities(r->predictor->spec.training.loss, row, width);
	return rc;
}

static int put_label(struct reading *r, const double *row)
{
	size_t width = predictor_width(r->predictor);
	json_t *numbers = json_array();
	for (size_t k = 0; k < width; k++)
		json_array_append_new(numbers, json_real(row[k]));
	json_t *label = json_pack("[o]", class_name(r, (size_t)classes_likeliest(row, width)));
	int rc = json_array_append_new(r->outputs, label) == 0 ? 0 : no_memory(r);
	return json_array_append_new(r->probabilities, numbers) == 0 ? rc : no_memory(r);
}

static int put_tags(struct reading *r, const double *y, size_t b, size_t count, size_t i, double *row)
{
	size_t width = predictor_width(r->predictor), n = r->starts[i + 1] - r->starts[i];
	json_t *tokens = json_array(), *names = json_array(), *probabilities = json_array();
	int rc = 0;
	for (size_t t = 0; rc == 0 && t < n; t++) {
		rc = take_row(r, y, t, b, count, i, row);
		size_t class = (size_t)classes_likeliest(row, width);
		json_array_append_new(tokens, json_string(texts_at(&r->tokens, r->starts[i] + t)));
		json_array_append_new(names, class_name(r, class));
		json_array_append_new(probabilities, json_real(row[class]));
	}
	json_t *said = json_pack("{s:o, s:o, s:o}", "tokens", tokens, "tags", names, "probabilities", probabilities);
	if (json_array_append_new(r->outputs, said) != 0 && rc == 0)
		rc = no_memory(r);
	return rc;
}

/* Texts first .. first + count - 1; room: lengths, x, y and a row, for READ_BATCH of the longest. */
static int read_batch(struct reading *r, size_t first, size_t count, int *lengths, double *x)
{
	size_t steps = 1, width = predictor_width(r->predictor);
	for (size_t b = 0; b < count; b++) {
		lengths[b] = (int)(r->starts[first + b + 1] - r->starts[first + b]);
		steps = (size_t)lengths[b] > steps ? (size_t)lengths[b] : steps;
	}
	double *row = x + steps * count, *y = row + width;
	for (size_t b = 0; b < count; b++)
		for (size_t t = 0; t < steps; t++)
			x[t * count + b] =
			    t < (size_t)lengths[b] ? r->numbers.values[r->starts[first + b] + t] : LEXICON_PADDING;
	model_lengths(r->predictor->model, lengths);
	model_forward(r->predictor->model, x, (int)steps, (int)count, y);
	model_lengths(r->predictor->model, NULL);
	int rc = 0;
	for (size_t b = 0; rc == 0 && b < count; b++) {
		if (tags(r)) {
			rc = put_tags(r, y, b, count, first + b, row);
			continue;
		}
		rc = take_row(r, y, 0, b, count, first + b, row);
		if (rc == 0)
			rc = put_label(r, row);
	}
	return rc;
}

static int compute(struct reading *r)
{
	size_t most = r->count < READ_BATCH ? r->count : READ_BATCH, width = predictor_width(r->predictor);
	int rc = model_reserve(r->predictor->model, (int)r->longest, (int)most, r->error);
	if (rc != 0)
		return rc;
	size_t frames = tags(r) ? r->longest : 1;
	int *lengths = malloc((most + 1) * sizeof *lengths);
	double *x = malloc((r->longest * most + width + frames * width * most) * sizeof *x);
	bool room = lengths != NULL && x != NULL;
	rc = room ? 0 : no_memory(r);
	for (size_t first = 0; room && rc == 0 && first < r->count; first += most)
		rc = read_batch(r, first, r->count - first < most ? r->count - first : most, lengths, x);
	free(lengths);
	free(x);
	return rc;
}

static json_t *reply_json(struct reading *r)
{
	const json_t *data = json_object_get(r->predictor->resolved, "data");
	json_t *reply = json_pack("{s:O, s:O}", "targets", json_object_get(data, "targets"), "outputs", r->outputs);
	if (tags(r))
		return reply;
	json_t *labels = json_array();
	for (size_t k = 0; k < predictor_width(r->predictor); k++)
		json_array_append_new(labels, class_name(r, k));
	json_object_set_new(reply, "labels", labels);
	json_object_set(reply, "probabilities", r->probabilities);
	return reply;
}

static int answer(struct reading *r, const json_t *body, size_t max_bytes, double max_seconds, json_t **said)
{
	int rc = read_body(r, body);
	if (rc == 0)
		rc = predictor_check(r->predictor, r->count, r->longest, max_bytes, max_seconds, r->error);
	if (rc == 0)
		rc = compute(r);
	if (rc == 0)
		*said = reply_json(r);
	return rc;
}

int reading_answer(struct predictor *predictor, const char *request, size_t length, size_t max_bytes,
                   double max_seconds, char **reply, size_t *reply_length, struct qlstm_error *error)
{
	struct reading r = {
	    .predictor = predictor, .error = error, .outputs = json_array(), .probabilities = json_array()};
	json_t *body = NULL, *said = NULL;
	*reply = NULL;
	int rc = task_has_texts(predictor->spec.task)
	             ? spec_load(request, length, &body, error)
	             : error_set(error, ERR_CONFLICT, NULL, "the model reads numbers, not texts: {\"inputs\": [...]}");
	if (rc == 0 && !json_is_object(body))
		rc = error_set(error, ERR_WRONG_TYPE, "", "an object is expected");
	if (rc == 0 && predictor->spec.task == TASK_LANGUAGE_MODEL)
		rc = continuing_answer(predictor, body, max_bytes, max_seconds, &said, error);
	else if (rc == 0 && predictor->spec.task == TASK_TRANSLATION)
		rc = translating_answer(predictor, body, max_bytes, max_seconds, &said, error);
	else if (rc == 0)
		rc = answer(&r, body, max_bytes, max_seconds, &said);
	if (rc == 0) {
		*reply = json_text(said);
		*reply_length = *reply != NULL ? strlen(*reply) : 0;
		rc = *reply != NULL ? 0 : no_memory(&r);
	}
	json_decref(said);
	json_decref(body);
	json_decref(r.outputs);
	json_decref(r.probabilities);
	numbers_free(&r.numbers);
	texts_free(&r.tokens);
	free(r.starts);
	return rc;
}
