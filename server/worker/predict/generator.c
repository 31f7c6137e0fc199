/* Sequences, word by word. */
#include "server/worker/predict/generator.h"

#include <math.h>
#include <stdlib.h>

#include "engine/elementary/elementary.h"
#include "engine/philox.h"
#include "engine/rows.h"
#include "server/common/classes.h"

/* Sequences at once. */
enum { GENERATE_BATCH = 64 };

/* A forward pass in parts of a forward and backward one, which is what the planner estimates. */
#define FORWARD_SHARE (1.0 / 3.0)

struct generator {
	struct predictor *predictor;
	const struct generation *generation;
	size_t bits, width, count; /* of a word; words; sequences at once */
	double *x;                 /* [length][bits][count] */
	double *y;                 /* [length][width][count] */
	double *words, *mask;      /* [length][count]: words[t] is the one at place t + 1; how it is measured */
	double chances[1 << WORDS_MAX_BITS];
};

static size_t batch_of(size_t samples)
{
	return samples < GENERATE_BATCH ? samples : GENERATE_BATCH;
}

/* Numbers that `count` sequences take beside the model. */
static size_t numbers_of(const struct spec *spec, size_t length, size_t count)
{
	size_t bits = (size_t)spec->words.bits;
	return (bits + ((size_t)1 << bits) + 2) * length * count;
}

static int check_words(const struct spec *spec, const double *prompts, size_t n, struct qlstm_error *error)
{
	for (size_t k = 0; k < n; k++)
		if (!(prompts[k] >= 0 && prompts[k] < (double)(1 << spec->words.bits)) ||
		    prompts[k] != floor(prompts[k]))
			return error_set(error, ERR_INVALID, "/prompt", "the prompt has %.17g; words are 0 to %d",
			                 prompts[k], (1 << spec->words.bits) - 1);
	return 0;
}

int generator_check(struct predictor *predictor, const double *prompts, size_t samples, size_t prompt,
                    const struct generation *generation, size_t max_bytes, double max_seconds,
                    struct qlstm_error *error)
{
	const struct spec *spec = &predictor->spec;
	double length = (double)generation->length, seconds = 0;
	if (spec->task != TASK_WORDS)
		return error_set(error, ERR_CONFLICT, NULL, "only a model of words generates sequences");
	if (prompt == 0 || prompt >= generation->length)
		return error_set(error, ERR_INVALID, "/length", "%.0f words have no room behind a prompt of %zu",
		                 length, prompt);
	if (generation->length > PREDICT_MAX_NUMBERS / 2 / samples)
		return error_set(error, ERR_TOO_LARGE, "/length",
		                 "%zu sequences of %.0f words; allowed are %zu words at once", samples, length,
		                 PREDICT_MAX_NUMBERS / 2);
	size_t count = batch_of(samples), last = (size_t)generation->length - 1;
	size_t bytes =
	    model_bytes(predictor->model, (int)last, (int)count, 1) + numbers_of(spec, last, count) * sizeof(double);
	if (bytes > max_bytes)
		return error_set(error, ERR_TOO_LARGE, "/length",
		                 "sequences of %.0f words would take %zu MiB of memory; allowed are %zu MiB", length,
		                 bytes >> 20, max_bytes >> 20);
	int rc = check_words(spec, prompts, samples * prompt, error);
	if (rc == 0)
		rc = model_estimate(predictor->model, (int)last, (int)count, &seconds, error);
	double passes = (length - (double)prompt) * (length + (double)prompt) / (2 * (length - 1));
	seconds *= FORWARD_SHARE * passes * ceil((double)samples / (double)count);
	if (rc == 0 && seconds > max_seconds)
		rc = error_set(error, ERR_TOO_LARGE, "/length",
		               "%zu sequences of %.0f words would take about %.3g s; allowed are %.3g s", samples,
		               length, seconds, max_seconds);
	return rc;
}

/* The word at place t of sequence b comes in. */
static void read_word(struct generator *g, size_t t, size_t b, size_t word)
{
	for (size_t k = 0; k < g->bits; k++)
		g->x[(t * g->bits + k) * g->count + b] = (double)(word >> (g->bits - 1 - k) & 1);
	if (t > 0)
		g->words[(t - 1) * g->count + b] = (double)word;
}

/* What the model says of the word at place t, from those before it; the last pass read them. */
static int take_chances(struct generator *g, size_t t, size_t b, struct qlstm_error *error)
{
	for (size_t w = 0; w < g->width; w++) {
		g->chances[w] = g->y[((t - 1) * g->width + w) * g->count + b];
		if (!isfinite(g->chances[w]))
			return error_set(error, ERR_INVALID, "/prompt",
			                 "the model has no finite output for word %zu (from 0)", t);
	}
	if (!model_measures_words(g->predictor->model))
		classes_softmax(g->chances, g->width);
	return 0;
}

static size_t draw_word(const double *chances, size_t width, double uniform)
{
	double sum = 0, total = 0;
	size_t last = 0;
	for (size_t w = 0; w < width; w++)
		total += chances[w];
	for (size_t w = 0; w < width; w++) {
		sum += chances[w];
		if (chances[w] > 0)
			last = w;
		if (sum > uniform * total)
			return w;
	}
	return last;
}

/* A word of which the model says `chances`, at place t of sequence number `sample`. */
static size_t choose_word(const struct generator *g, size_t t, size_t sample)
{
	double temperature = g->generation->temperature, tempered[1 << WORDS_MAX_BITS];
	struct philox rng;
	if (temperature <= 0)
		return (size_t)classes_likeliest(g->chances, g->width);
	philox_open_place(&rng, g->generation->seed, &(struct philox_place){.epoch = (uint32_t)t, .sample = sample});
	double uniform = philox_uniform(&rng), most = g->chances[classes_likeliest(g->chances, g->width)];
	for (size_t w = 0; w < g->width; w++)
		tempered[w] =
		    g->chances[w] > 0 ? elementary_exp(elementary_log(g->chances[w] / most) / temperature) : 0;
	return draw_word(temperature == 1.0 ? g->chances : tempered, g->width, uniform);
}

/* Reads places 0 .. t - 1 of all sequences. Words that are there are postselected; of the last step no outcome is
 * wanted. */
static void run_model(struct generator *g, size_t t)
{
	const struct word_guide guide = {.words = g->words, .mask = g->mask};
	for (size_t k = 0; k < t * g->count; k++)
		g->mask[k] = k < (t - 1) * g->count ? ROW_GIVEN : ROW_DRAWN;
	model_guide(g->predictor->model, &guide);
	model_forward(g->predictor->model, g->x, (int)t, (int)g->count, g->y);
	model_guide(g->predictor->model, NULL);
}

/* Of one sequence: the word at place t and its probability, or what the prompt has there. */
static int fill_place(struct generator *g, size_t t, size_t b, size_t sample, size_t prompt, double *outputs,
                      struct qlstm_error *error)
{
	size_t length = (size_t)g->generation->length;
	int rc = take_chances(g, t, b, error);
	if (rc != 0)
		return rc;
	if (t >= prompt) {
		size_t word = choose_word(g, t, sample);
		outputs[t] = (double)word;
		if (t + 1 < length)
			read_word(g, t, b, word);
	}
	outputs[length + t] = g->chances[(size_t)outputs[t]];
	return 0;
}

/* Sequences first .. first + count - 1. */
static int generate(struct generator *g, const double *prompts, size_t first, size_t prompt, double *outputs,
                    struct qlstm_error *error)
{
	size_t length = (size_t)g->generation->length;
	int rc = 0;
	for (size_t b = 0; b < g->count; b++)
		for (size_t t = 0; t < prompt; t++) {
			double word = prompts[(first + b) * prompt + t];
			read_word(g, t, b, (size_t)word);
			outputs[(first + b) * 2 * length + t] = word;
		}
	for (size_t t = prompt; rc == 0 && t < length; t++) {
		run_model(g, t);
		for (size_t b = 0; rc == 0 && b < g->count; b++) {
			double *to = outputs + (first + b) * 2 * length;
			to[length] = 1;
			for (size_t place = t == prompt ? 1 : t; rc == 0 && place <= t; place++)
				rc = fill_place(g, place, b, first + b, prompt, to, error);
		}
	}
	return rc;
}

int generator_compute(struct predictor *predictor, const double *prompts, size_t samples, size_t prompt,
                      const struct generation *generation, double *outputs, struct qlstm_error *error)
{
	const struct spec *spec = &predictor->spec;
	size_t most = batch_of(samples), last = (size_t)generation->length - 1, bits = (size_t)spec->words.bits;
	struct generator g = {
	    .predictor = predictor, .generation = generation, .bits = bits, .width = (size_t)1 << bits};
	int rc = model_reserve(predictor->model, (int)last, (int)most, error);
	if (rc != 0)
		return rc;
	g.x = malloc(numbers_of(spec, last, most) * sizeof(double));
	if (g.x == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the sequences");
	g.y = g.x + bits * last * most;
	g.words = g.y + g.width * last * most;
	g.mask = g.words + last * most;
	for (size_t first = 0; rc == 0 && first < samples; first += most) {
		g.count = samples - first < most ? samples - first : most;
		rc = generate(&g, prompts, first, prompt, outputs, error);
	}
	free(g.x);
	return rc;
}
