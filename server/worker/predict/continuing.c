/* Texts, continued token by token. */
#include "server/worker/predict/continuing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/elementary/elementary.h"
#include "engine/philox.h"
#include "schema/request/generation.h"
#include "schema/place/place.h"
#include "server/common/classes.h"

/* Tokens of a sequence where none are said. */
enum { DEFAULT_LENGTH = 100 };

struct continuing {
	struct predictor *predictor;
	struct generation_wanted wanted;
	struct numbers prompt;
	size_t length, samples, width; /* the first two as wanted */
	int32_t *tokens;               /* [samples][length] */
	double *probabilities;         /* [samples][length] */
	double *x, *y, *row, *states;
	struct qlstm_error *error;
};

static int no_memory(struct continuing *c)
{
	return error_set(c->error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the texts");
}

static int read_request(struct continuing *c, const json_t *request)
{
	const json_t *prompt = json_object_get(request, "prompt");
	int rc = generation_read(request, &c->wanted, c->error);
	if (rc != 0)
		return rc;
	if (!json_is_string(prompt))
		return error_set(c->error, prompt == NULL ? ERR_MISSING : ERR_WRONG_TYPE, "/prompt",
		                 "prompt is %s; a text is expected", prompt == NULL ? "missing" : place_type(prompt));
	rc = lexicon_read(&c->predictor->lexicon, json_string_value(prompt), &c->prompt, NULL, c->error);
	c->length = c->wanted.length > 0 ? c->wanted.length : DEFAULT_LENGTH;
	c->samples = c->wanted.samples;
	if (rc == 0 && c->prompt.count == 0)
		return error_set(c->error, ERR_INVALID, "/prompt", "the prompt holds no token");
	if (rc == 0 && c->prompt.count >= c->length)
		return error_set(c->error, ERR_INVALID, "/length", "%zu tokens have no room behind a prompt of %zu",
		                 c->length, c->prompt.count);
	return rc;
}

/* What the model says of sequence b's next token: y [width][samples] of the last step, tokens that are none left out.
 */
static int take_chances(struct continuing *c, const double *y, size_t b)
{
	size_t known = vocabulary_size(&c->predictor->lexicon.words);
	for (size_t k = 0; k < c->width; k++) {
		c->row[k] = y[k * c->samples + b];
		if (!isfinite(c->row[k]))
			return error_set(c->error, ERR_INVALID, "/prompt", "the model has no finite output");
	}
	classes_softmax(c->row, c->width);
	for (size_t k = 0; k < c->width; k++)
		if (k < LEXICON_END || k >= known)
			c->row[k] = 0;
	return 0;
}

static size_t draw(const struct continuing *c, size_t place, size_t b)
{
	double temperature = c->wanted.temperature, sum = 0, total = 0;
	size_t best = (size_t)classes_likeliest(c->row, c->width), last = best;
	struct philox rng;
	if (temperature <= 0)
		return best;
	philox_open_place(&rng, c->wanted.seed, &(struct philox_place){.epoch = (uint32_t)place, .sample = b});
	double uniform = philox_uniform(&rng);
	double *tempered = c->row + c->width;
	for (size_t k = 0; k < c->width; k++) {
		double share = c->row[k] > 0 ? c->row[k] / c->row[best] : 0;
		tempered[k] = share > 0 ? elementary_exp(elementary_log(share) / temperature) : 0;
		total += tempered[k];
	}
	for (size_t k = 0; k < c->width; k++) {
		sum += tempered[k];
		if (tempered[k] > 0)
			last = k;
		if (sum > uniform * total)
			return k;
	}
	return last;
}

/* Tokens at places first .. first + steps - 1 go in; y: [steps][width][samples]. */
static void step(struct continuing *c, size_t first, size_t steps)
{
	for (size_t t = 0; t < steps; t++)
		for (size_t b = 0; b < c->samples; b++)
			c->x[t * c->samples + b] = c->tokens[b * c->length + first + t];
	model_forward(c->predictor->model, c->x, (int)steps, (int)c->samples, c->y);
}

static int run(struct continuing *c)
{
	size_t prompt = c->prompt.count;
	int rc = 0;
	for (size_t b = 0; b < c->samples; b++)
		memcpy(c->tokens + b * c->length, c->prompt.values, prompt * sizeof *c->tokens);
	for (size_t place = 0; rc == 0 && place + 1 < c->length; place++) {
		step(c, place, 1);
		for (size_t b = 0; rc == 0 && b < c->samples; b++) {
			rc = take_chances(c, c->y, b);
			if (place + 1 >= prompt)
				c->tokens[b * c->length + place + 1] = (int32_t)draw(c, place + 1, b);
			c->probabilities[b * c->length + place + 1] = c->row[c->tokens[b * c->length + place + 1]];
		}
	}
	return rc;
}

/* An end is an end of a line. */
static json_t *text_json(const struct continuing *c, const int32_t *tokens)
{
	struct text out = {0};
	char *bytes = NULL;
	size_t n, start = 0;
	text_write(&out, "", 0);
	for (size_t k = 0; k <= c->length; k++) {
		if (k < c->length && tokens[k] != LEXICON_END)
			continue;
		struct text line = {0};
		lexicon_write(&c->predictor->lexicon, tokens + start, k - start, &line);
		text_write(&out, line.bytes != NULL ? line.bytes : "", line.length);
		free(line.bytes);
		if (k < c->length)
			text_write(&out, "\n", 1);
		start = k + 1;
	}
	json_t *json = text_take(&out, &bytes, &n) == 0 ? json_stringn(bytes, n) : NULL;
	free(bytes);
	return json;
}

static json_t *reply_json(const struct continuing *c)
{
	json_t *sequences = json_array();
	for (size_t b = 0; b < c->samples; b++) {
		const int32_t *tokens = c->tokens + b * c->length;
		json_t *words = json_array(), *probabilities = json_array();
		for (size_t k = 0; k < c->length; k++) {
			json_array_append_new(words, json_integer(tokens[k]));
			json_array_append_new(probabilities,
			                      k > 0 ? json_real(c->probabilities[b * c->length + k]) : json_null());
		}
		json_array_append_new(sequences, json_pack("{s:o, s:o, s:o}", "words", words, "probabilities",
		                                           probabilities, "text", text_json(c, tokens)));
	}
	return json_pack("{s:I, s:f, s:I, s:o}", "prompt_length", (json_int_t)c->prompt.count, "temperature",
	                 c->wanted.temperature, "seed", (json_int_t)c->wanted.seed, "sequences", sequences);
}

static int compute(struct continuing *c)
{
	struct model *model = c->predictor->model;
	size_t rows = 0, n = c->samples * c->length;
	int rc = model_carried(model, &rows, c->error);
	if (rc == 0)
		rc = model_reserve(model, 1, (int)c->samples, c->error);
	if (rc != 0)
		return rc;
	c->tokens = calloc(n, sizeof *c->tokens);
	c->probabilities = calloc(n, sizeof *c->probabilities);
	c->x = calloc(c->samples * (1 + c->width + rows) + 2 * c->width, sizeof *c->x);
	if (c->tokens == NULL || c->probabilities == NULL || c->x == NULL)
		return no_memory(c);
	c->y = c->x + c->samples;
	c->states = c->y + c->samples * c->width;
	c->row = c->states + c->samples * rows;
	const struct carry carry = {.states = c->states, .streams = c->samples};
	model_carry(model, &carry);
	rc = run(c);
	model_carry(model, NULL);
	return rc;
}

int continuing_answer(struct predictor *predictor, const json_t *request, size_t max_bytes, double max_seconds,
                      json_t **reply, struct qlstm_error *error)
{
	struct continuing c = {.predictor = predictor, .width = predictor_width(predictor), .error = error};
	*reply = NULL;
	int rc = read_request(&c, request);
	if (rc == 0) /* as so many samples of single steps */
		rc = predictor_check(predictor, c.samples * c.length, 1, max_bytes, max_seconds, error);
	if (rc == 0)
		rc = compute(&c);
	if (rc == 0 && (*reply = reply_json(&c)) == NULL)
		rc = no_memory(&c);
	numbers_free(&c.prompt);
	free(c.tokens);
	free(c.probabilities);
	free(c.x);
	return rc;
}
