/* Texts, translated. */
#include "server/worker/predict/translating.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/place/place.h"
#include "schema/request/members.h"
#include "server/worker/predict/reading.h"
#include "server/worker/translate.h"

struct translating {
	struct predictor *predictor;
	struct translate_options options;
	struct numbers numbers; /* of all texts, one behind the other */
	size_t *starts;         /* [count + 1] */
	size_t count, longest;
	json_t *outputs, *log_probabilities;
	struct qlstm_error *error;
};

static int no_memory(struct translating *t)
{
	return error_set(t->error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the translations");
}

/* A field of the data part, which says what its values are. */
static const json_t *field_of(const char *name)
{
	const json_t *data = json_object_get(json_object_get(spec_schema(), "$defs"), "data");
	return json_object_get(json_object_get(data, "properties"), name);
}

/* In the range of the field of its name. */
static int read_number(struct translating *t, const json_t *request, const char *name, double fallback, double *out)
{
	const json_t *field = field_of(name);
	const struct request_number number = {
	    .name = name,
	    .whole = strcmp(json_string_value(json_object_get(field, "type")), "integer") == 0,
	    .least = json_number_value(json_object_get(field, "minimum")),
	    .most = json_number_value(json_object_get(field, "maximum")),
	    .fallback = fallback};
	return request_number_read(request, &number, out, t->error);
}

static int read_options(struct translating *t, const json_t *request)
{
	const struct spec *spec = &t->predictor->spec;
	double width = 0;
	t->options = (struct translate_options){.length = spec->text.length, .target = &t->predictor->target};
	int rc = read_number(t, request, "beam_width", spec->beam_width, &width);
	if (rc == 0)
		rc = read_number(t, request, "length_penalty", spec->length_penalty, &t->options.length_penalty);
	t->options.beam_width = (int)width;
	return rc;
}

static int read_text(struct translating *t, const json_t *item, size_t i)
{
	const char *text = json_string_value(item);
	char pointer[40];
	snprintf(pointer, sizeof pointer, "/texts/%zu", i);
	if (text == NULL)
		return error_set(t->error, ERR_WRONG_TYPE, pointer, "texts[%zu] is %s; a text is expected", i,
		                 place_type(item));
	size_t start = t->numbers.count;
	int rc = lexicon_read(&t->predictor->lexicon, text, &t->numbers, NULL, t->error);
	if (rc != 0)
		return rc;
	numbers_shorten(&t->numbers, start, (size_t)t->options.length, false);
	size_t n = t->numbers.count - start;
	if (n == 0)
		return error_set(t->error, ERR_INVALID, pointer, "texts[%zu] has no token", i);
	t->starts[i + 1] = t->numbers.count;
	t->longest = n > t->longest ? n : t->longest;
	return 0;
}

static int read_request(struct translating *t, const json_t *request)
{
	static const char *const known[] = {"texts", "beam_width", "length_penalty", NULL};
	const json_t *list = json_object_get(request, "texts");
	int rc = request_refuse_others(request, known, t->error);
	if (rc == 0)
		rc = read_options(t, request);
	if (rc != 0)
		return rc;
	if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > READING_MAX_TEXTS)
		return error_set(t->error, list == NULL ? ERR_MISSING : ERR_INVALID, "/texts",
		                 "a list of 1 to %d texts is expected: {\"texts\": [\"...\"]}", READING_MAX_TEXTS);
	t->count = json_array_size(list);
	t->starts = calloc(t->count + 1, sizeof *t->starts);
	if (t->starts == NULL)
		return no_memory(t);
	for (size_t i = 0; rc == 0 && i < t->count; i++)
		rc = read_text(t, json_array_get(list, i), i);
	return rc;
}

/* Texts first .. first + count - 1. */
static int say(struct translating *t, size_t first, size_t count)
{
	struct translate_source sources[TRANSLATE_COLUMNS] = {0};
	struct translate_said said;
	for (size_t i = 0; i < count; i++)
		sources[i] = (struct translate_source){.tokens = t->numbers.values + t->starts[first + i],
		                                       .count = t->starts[first + i + 1] - t->starts[first + i]};
	int rc = translate(t->predictor->model, &t->options, sources, count, &said, t->error);
	if (rc != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		char *text = translate_text(t->options.target, said.tokens + i * said.room, said.lengths[i]);
		bool whole = text != NULL && json_array_append_new(t->outputs, json_string(text)) == 0 &&
		             json_array_append_new(t->log_probabilities, json_real(said.log_probability[i])) == 0;
		free(text);
		rc = whole ? 0 : no_memory(t);
	}
	translate_free(&said);
	return rc;
}

static int answer(struct translating *t, const json_t *request, size_t max_bytes, double max_seconds, json_t **reply)
{
	int rc = read_request(t, request);
	size_t length = (size_t)t->options.length + 1;
	/* Every hypothesis as a sample as long as the longest that may be said. */
	if (rc == 0)
		rc = predictor_check(t->predictor, t->count * (size_t)t->options.beam_width,
		                     t->longest > length ? t->longest : length, max_bytes, max_seconds, t->error);
	if (rc != 0)
		return rc;
	size_t most = translate_at_once(&t->options);
	for (size_t first = 0; rc == 0 && first < t->count; first += most)
		rc = say(t, first, t->count - first < most ? t->count - first : most);
	if (rc != 0)
		return rc;
	const json_t *data = json_object_get(t->predictor->resolved, "data");
	*reply = json_pack("{s:O, s:O, s:O, s:i, s:f}", "targets", json_object_get(data, "targets"), "outputs",
	                   t->outputs, "log_probabilities", t->log_probabilities, "beam_width", t->options.beam_width,
	                   "length_penalty", t->options.length_penalty);
	return *reply != NULL ? 0 : no_memory(t);
}

int translating_answer(struct predictor *predictor, const json_t *request, size_t max_bytes, double max_seconds,
                       json_t **reply, struct qlstm_error *error)
{
	struct translating t = {
	    .predictor = predictor, .error = error, .outputs = json_array(), .log_probabilities = json_array()};
	*reply = NULL;
	int rc = answer(&t, request, max_bytes, max_seconds, reply);
	json_decref(t.outputs);
	json_decref(t.log_probabilities);
	numbers_free(&t.numbers);
	free(t.starts);
	return rc;
}
