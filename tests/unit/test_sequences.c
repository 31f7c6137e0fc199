/* Sequences of their own lengths: what a batch holds, that padding changes nothing, gradients, buckets, states that go
 * on from batch to batch. */
#include "tests/unit/nn_fixture.h"

#include <stdlib.h>

#include "engine/language/sequences.h"
#include "engine/train/buckets.h"
#include "engine/train/pass.h"

enum { MAX_STEPS = 7, INPUTS = 2, OUTPUTS = 3, BATCH = 11 };

static struct table tagged_table(const char *const *tokens, const char *const *tags, size_t n)
{
	static struct column columns[2];
	static struct texts texts[2];
	memset(texts, 0, sizeof texts);
	for (size_t k = 0; k < n; k++) {
		texts_add(&texts[0], tokens[k], strlen(tokens[k]), NULL);
		texts_add(&texts[1], tags[k], strlen(tags[k]), NULL);
	}
	for (int k = 0; k < 2; k++)
		columns[k] = (struct column){.type = COLUMN_TEXT, .texts = &texts[k]};
	return (struct table){.n_rows = n, .n_columns = 2, .columns = columns};
}

static void free_tagged(const struct table *table)
{
	texts_free(table->columns[0].texts);
	texts_free(table->columns[1].texts);
}

static const char *const tokens[] = {"a b c", "b", "c a a a", "d b"};
static const char *const tags[] = {"Y X X", "X", "X Y Y Y", "Z X"};

static void tags_in_batches(void **state)
{
	(void)state;
	struct table table = tagged_table(tokens, tags, 4);
	struct sequences_config config = {.target = 1,
	                                  .per_token = true,
	                                  .length = 3,
	                                  .keep = KEEP_LAST,
	                                  .classes = 5,
	                                  .split = {.train = 0.75},
	                                  .lexicon = {.size = 100, .min_count = 1}};
	struct sequences s;
	struct qlstm_error error = {0};
	assert_int_equal(sequences_take(&table, &config, &s, &error), 0);
	assert_true(s.steps == 3 && s.cut == 1 && vocabulary_size(&s.labels) == 3);
	struct samples samples = sequences_samples(&s);
	assert_true(samples.n_train == 3 && samples.n_test == 1 && samples_steps(&samples, NULL, 1, 1) == 1);
	double x[9], target[9], mask[9];
	int lengths[3];
	const size_t order[] = {3, 0, 1};
	const struct samples_batch batch = {x, target, mask, samples_steps(&samples, order, 0, 3), lengths};
	samples.gather(samples.self, order, 0, 3, &batch);
	/* a: 4, b: 5, c: 6 by how often they are; d is unknown. [step][sample] */
	static const double expected[] = {1, 4, 5, 5, 5, 0, 0, 6, 0}, classes[] = {2, 1, 0, 0, 0, 0, 0, 0, 0},
	                    counts[] = {1, 1, 1, 1, 1, 0, 0, 1, 0};
	assert_memory_equal(x, expected, sizeof x);
	assert_memory_equal(target, classes, sizeof target);
	assert_memory_equal(mask, counts, sizeof mask);
	assert_true(lengths[0] == 2 && lengths[1] == 3 && lengths[2] == 1);
	assert_int_equal(samples_count_rows(&samples, order, 0, 3), 6);
	/* The longest keeps its last three. */
	assert_true(s.tokens.values[s.starts[2]] == 4 && s.classes_of.values[s.starts[2]] == 1);
	sequences_free(&s);
	config.classes = 2;
	assert_int_equal(sequences_take(&table, &config, &s, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/classes");
	free_tagged(&table);
}

static struct model *ragged_model(struct layer_config first, bool sequence)
{
	struct model_config config = {.n_inputs = INPUTS,
	                              .n_outputs = OUTPUTS,
	                              .output = sequence ? MODEL_OUTPUT_SEQUENCE : MODEL_OUTPUT_VECTOR,
	                              .ragged = true,
	                              .n_layers = 2,
	                              .plan = "auto"};
	config.layers[0] = first;
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = OUTPUTS, .bias = true}};
	struct model *model = NULL;
	struct qlstm_error error = {0};
	if (model_new(&model, &config, &error) != 0)
		fail_msg("%s: %s", error.pointer, error.message);
	params_initialise(model_params(model), 3);
	assert_int_equal(model_reserve(model, MAX_STEPS + 2, BATCH, &error), 0);
	return model;
}

enum { HYBRID = 6, N_LAYERS = 7, N_WAYS = 3 };

static struct layer_config layer_number(int k)
{
	static const char *const types[] = {"lstm", "gru", "rnn"};
	if (k == HYBRID)
		return (struct layer_config){.type = "hqrnn", .hqrnn = {.n_qubits = 2, .depth = 2, .hidden_size = 3}};
	if (k >= 3) {
		struct layer_config quantum = k == 3   ? qlstm_layer("linear")
		                              : k == 4 ? qlstm_layer("chen2020")
		                                       : qgru_layer("qdi");
		if (k == 4)
			quantum.qlstm.circuit.n_qubits = INPUTS + 3;
		return quantum;
	}
	struct layer_config layer = {.recurrent = {.hidden_size = 3}};
	snprintf(layer.type, sizeof layer.type, "%s", types[k]);
	return layer;
}

/* As the sequence stands, from its end, or both; a hybrid one reads forward alone. */
static struct layer_config layer_and_way(int which)
{
	struct layer_config layer = layer_number(which % N_LAYERS);
	if (which % N_LAYERS == HYBRID)
		return layer;
	layer.recurrent.inversward = which / N_LAYERS % N_WAYS == 1;
	layer.recurrent.bidirectional = which / N_LAYERS % N_WAYS == 2;
	return layer;
}

static double value_of(size_t sample, size_t t, size_t k)
{
	return sin(1.0 + 3.7 * (double)sample + 1.3 * (double)t + 0.9 * (double)k);
}

/* Samples `first` .. of a batch of n, with `steps` steps, padding filled with something wild. */
static void fill(double *x, int *lengths, size_t first, size_t n, int steps)
{
	for (size_t b = 0; b < n; b++) {
		lengths[b] = (int)((first + b) * 5 % MAX_STEPS) + 1;
		for (size_t t = 0; t < (size_t)steps; t++)
			for (size_t k = 0; k < INPUTS; k++)
				x[(t * INPUTS + k) * n + b] = t < (size_t)lengths[b] ? value_of(first + b, t, k) : 0.7;
	}
}

static void padding_changes_no_byte(void **state)
{
	(void)state;
	for (int which = 0; which < N_LAYERS * N_WAYS * 2; which++) {
		const struct layer_config layer = layer_and_way(which);
		bool sequence = which / N_LAYERS / N_WAYS == 1;
		struct model *model = ragged_model(layer, sequence);
		double x[(MAX_STEPS + 2) * INPUTS * BATCH], y[(MAX_STEPS + 2) * OUTPUTS * BATCH], alone[sizeof y / 8];
		int lengths[BATCH], own;
		fill(x, lengths, 0, BATCH, MAX_STEPS + 2);
		model_lengths(model, lengths);
		model_forward(model, x, MAX_STEPS + 2, BATCH, y);
		for (size_t b = 0; b < BATCH; b++) {
			fill(x, &own, b, 1, lengths[b]);
			model_lengths(model, b % 2 == 0 ? &own : NULL);
			model_forward(model, x, lengths[b], 1, alone);
			size_t frames = sequence ? (size_t)lengths[b] : 1;
			for (size_t k = 0; k < frames * OUTPUTS; k++)
				assert_memory_equal(&alone[k], &y[k * BATCH + b], sizeof(double));
		}
		model_free(model);
	}
}

/* Of a weighted sum of the outputs that count, by every parameter and input. */
static double loss_of(struct model *model, const double *x, const int *lengths, size_t n, bool sequence, double *dy)
{
	double y[MAX_STEPS * OUTPUTS * BATCH], sum = 0;
	model_lengths(model, lengths);
	model_forward(model, x, MAX_STEPS, (int)n, y);
	for (size_t t = 0; t < (sequence ? MAX_STEPS : 1); t++)
		for (size_t k = 0; k < OUTPUTS; k++)
			for (size_t b = 0; b < n; b++) {
				size_t i = (t * OUTPUTS + k) * n + b;
				double weight = t < (size_t)lengths[b] ? cos((double)i) : 0;
				sum += weight * y[i];
				if (dy != NULL)
					dy[i] = weight;
			}
	return sum;
}

static void assert_slope(double got, double expected)
{
	if (!(fabs(got - expected) <= 1e-7 * (1 + fabs(expected))))
		fail_msg("%.12g is not %.12g", got, expected);
}

static void gradients_of_padded_samples(void **state)
{
	(void)state;
	enum { N = 3 };
	const double h = 1e-5;
	for (int which = 0; which < N_LAYERS * N_WAYS * 2; which++) {
		const struct layer_config layer = layer_and_way(which);
		bool sequence = which / N_LAYERS / N_WAYS == 1;
		struct model *model = ragged_model(layer, sequence);
		struct params *params = model_params(model);
		double x[MAX_STEPS * INPUTS * N], dx[MAX_STEPS * INPUTS * N], dy[MAX_STEPS * OUTPUTS * N];
		int lengths[N];
		fill(x, lengths, 1, N, MAX_STEPS);
		params_zero_gradients(params);
		loss_of(model, x, lengths, N, sequence, dy);
		model_backward(model, dy, dx);
		for (size_t k = 0; k < params->size; k += params->size / 12 + 1) {
			double kept = params->values[k];
			params->values[k] = kept + h;
			double up = loss_of(model, x, lengths, N, sequence, NULL);
			params->values[k] = kept - h;
			double down = loss_of(model, x, lengths, N, sequence, NULL);
			params->values[k] = kept;
			assert_slope(params->gradients[k], (up - down) / (2 * h));
		}
		for (size_t k = 0; k < MAX_STEPS * INPUTS * N; k += 5) {
			double kept = x[k];
			x[k] = kept + h;
			double up = loss_of(model, x, lengths, N, sequence, NULL);
			x[k] = kept - h;
			double down = loss_of(model, x, lengths, N, sequence, NULL);
			x[k] = kept;
			assert_slope(dx[k], (up - down) / (2 * h));
		}
		model_free(model);
	}
}

static void what_takes_no_lengths(void **state)
{
	(void)state;
	struct model_config config = {.n_inputs = 2, .n_outputs = 1, .ragged = true, .n_layers = 3};
	config.layers[0] = layer_number(0);
	config.layers[1] = (struct layer_config){.type = "batch_norm", .norm = {.epsilon = 1e-5, .momentum = 0.1}};
	config.layers[2] = (struct layer_config){.type = "dense", .dense = {.units = 1, .bias = true}};
	struct qlstm_error error = {0};
	assert_int_equal(model_check(&config, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/layers/1/type");
}

/* A sequence in two segments, the second one with the states of the first, is the sequence as a whole. */
static void states_go_on(void **state)
{
	(void)state;
	enum { N = 5, FIRST = 3 };
	for (int which = 0; which < N_LAYERS; which++) {
		struct model *model = ragged_model(layer_number(which), true);
		double x[MAX_STEPS * INPUTS * N], whole[MAX_STEPS * OUTPUTS * N], part[MAX_STEPS * OUTPUTS * N];
		size_t rows = 0;
		for (size_t k = 0; k < sizeof x / sizeof *x; k++)
			x[k] = sin(0.37 * (double)k);
		model_forward(model, x, MAX_STEPS, N, whole);
		assert_int_equal(model_carried(model, &rows, NULL), 0);
		double *states = calloc(rows * (N + 2), sizeof *states);
		const struct carry carry = {.states = states, .streams = N + 2, .first = 1};
		model_carry(model, &carry);
		model_forward(model, x, FIRST, N, part);
		assert_memory_equal(part, whole, FIRST * OUTPUTS * N * sizeof(double));
		model_forward(model, x + FIRST * INPUTS * N, MAX_STEPS - FIRST, N, part);
		assert_memory_equal(part, whole + FIRST * OUTPUTS * N,
		                    (MAX_STEPS - FIRST) * OUTPUTS * N * sizeof(double));
		for (size_t r = 0; r < rows; r++)
			assert_true(states[r * (N + 2)] == 0.0 && states[r * (N + 2) + N + 1] == 0.0);
		free(states);
		model_free(model);
	}
	struct model *model = ragged_model((struct layer_config){.type = "lstm", .recurrent = {3, true, false}}, true);
	size_t rows;
	struct qlstm_error error = {0};
	assert_int_equal(model_carried(model, &rows, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/layers/0");
	model_free(model);
}

/* Gradients do not go back past the segment, where the states before it are constants. */
static void gradients_of_a_segment(void **state)
{
	(void)state;
	enum { N = 3 };
	const double h = 1e-5;
	for (int which = 0; which < N_LAYERS; which++) {
		struct model *model = ragged_model(layer_number(which), true);
		struct params *params = model_params(model);
		double x[MAX_STEPS * INPUTS * N], dy[MAX_STEPS * OUTPUTS * N];
		int lengths[N] = {MAX_STEPS, MAX_STEPS, MAX_STEPS};
		size_t rows = 0;
		for (size_t k = 0; k < sizeof x / sizeof *x; k++)
			x[k] = sin(0.37 * (double)k);
		assert_int_equal(model_carried(model, &rows, NULL), 0);
		double *states = calloc(2 * rows * N, sizeof *states), *before = states + rows * N;
		for (size_t k = 0; k < rows * N; k++)
			before[k] = 0.4 * cos((double)k);
		const struct carry carry = {.states = states, .streams = N};
		model_carry(model, &carry);
		memcpy(states, before, rows * N * sizeof *states);
		params_zero_gradients(params);
		loss_of(model, x, lengths, N, true, dy);
		model_backward(model, dy, NULL);
		for (size_t k = 0; k < params->size; k += params->size / 25 + 1) {
			double kept = params->values[k], side[2];
			for (int s = 0; s < 2; s++) {
				memcpy(states, before, rows * N * sizeof *states);
				params->values[k] = kept + (s == 0 ? h : -h);
				side[s] = loss_of(model, x, lengths, N, true, NULL);
			}
			params->values[k] = kept;
			assert_slope(params->gradients[k], (side[0] - side[1]) / (2 * h));
		}
		free(states);
		model_free(model);
	}
}

static size_t length_of(const void *self, size_t index)
{
	(void)self;
	return index * 7919 % 100 + 1;
}

static void buckets_hold_equal_lengths(void **state)
{
	(void)state;
	enum { N = 1003, SIZE = 10 };
	static size_t order[2 * N], seen[N];
	const struct samples samples = {.length = length_of};
	struct philox rng;
	philox_open(&rng, 5, PHILOX_SHUFFLE, 1);
	philox_permute(&rng, order, N);
	buckets_sort(&samples, SIZE, order, N, &rng);
	size_t spread = 0;
	for (size_t b = 0; b < N / SIZE; b++) {
		size_t least = 1000, most = 0;
		for (size_t k = b * SIZE; k < (b + 1) * SIZE; k++) {
			size_t length = length_of(NULL, order[k]);
			least = length < least ? length : least;
			most = length > most ? length : most;
		}
		spread += most - least;
	}
	assert_true(spread <= 4 * (N / SIZE)); /* shuffled it is about 80 a batch */
	for (size_t k = 0; k < N; k++)
		seen[order[k]]++;
	for (size_t k = 0; k < N; k++)
		assert_int_equal(seen[k], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tags_in_batches),
	    cmocka_unit_test(padding_changes_no_byte),
	    cmocka_unit_test(gradients_of_padded_samples),
	    cmocka_unit_test(what_takes_no_lengths),
	    cmocka_unit_test(states_go_on),
	    cmocka_unit_test(gradients_of_a_segment),
	    cmocka_unit_test(buckets_hold_equal_lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
