/* Models with a decoder: against a slow reference, their gradients, that padding changes nothing, that tokens said one
 * by one have the bytes of all of them at once, and what is refused. */
#include "tests/unit/decoder_fixture.h"

#include <stdlib.h>

static const enum attention_score scores[] = {ATTENTION_ADDITIVE, ATTENTION_DOT, ATTENTION_GENERAL};
static const int lengths[BATCH] = {2, 4, 1};

static double *numbers_of(struct model *model, const char *name)
{
	const struct param *param = params_find(model_params(model), name);
	assert_non_null(param);
	return model_params(model)->values + param->offset;
}

/* The score of what the decoder has, q, and a step of the source, k, both of 2 numbers. */
static double slow_score(struct model *model, enum attention_score score, const double *q, const double *k)
{
	double sum = 0.0;
	for (int u = 0; score == ATTENTION_ADDITIVE && u < 3; u++) {
		double inner = numbers_of(model, "layers.4.bias")[u];
		for (int r = 0; r < 2; r++)
			inner += numbers_of(model, "layers.4.query")[u * 2 + r] * q[r] +
			         numbers_of(model, "layers.4.key")[u * 2 + r] * k[r];
		sum += numbers_of(model, "layers.4.score")[u] * tanh(inner);
	}
	for (int r = 0; score == ATTENTION_DOT && r < 2; r++)
		sum += q[r] * k[r];
	for (int r = 0; score == ATTENTION_GENERAL && r < 2; r++)
		for (int c = 0; c < 2; c++)
			sum += q[r] * numbers_of(model, "layers.4.weight")[r * 2 + c] * k[c];
	return sum;
}

/* One step of a plain tanh cell of 2 numbers. */
static void slow_cell(struct model *model, int layer, const double *x, int n_in, double h[2])
{
	char names[4][40];
	static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
	double next[2];
	for (int k = 0; k < 4; k++)
		snprintf(names[k], sizeof names[k], "layers.%d.%s", layer, parts[k]);
	for (int r = 0; r < 2; r++) {
		next[r] = numbers_of(model, names[2])[r] + numbers_of(model, names[3])[r];
		for (int c = 0; c < n_in; c++)
			next[r] += numbers_of(model, names[0])[r * n_in + c] * x[c];
		for (int c = 0; c < 2; c++)
			next[r] += numbers_of(model, names[1])[r * 2 + c] * h[c];
	}
	for (int r = 0; r < 2; r++)
		h[r] = tanh(next[r]);
}

/* Sample b of x, y [step][TARGETS]. */
static void slow_translator(struct model *model, enum attention_score score, const double *x, int b, double *y)
{
	double source[STEPS][2], h[2] = {0}, mean[2] = {0};
	bool state = model_config(model)->layers[2].decoder.handover == HANDOVER_STATE;
	int length = lengths[b];
	for (int t = 0; t < length; t++) {
		slow_cell(model, 1, numbers_of(model, "layers.0.weight") + (int)x[2 * t * BATCH + b] * DIMENSION,
		          DIMENSION, h);
		for (int r = 0; r < 2; r++)
			mean[r] += (source[t][r] = h[r]) / length;
	}
	if (!state)
		memset(h, 0, sizeof h);
	for (int t = 0; t < STEPS; t++) {
		const double *row = numbers_of(model, "layers.2.weight") + (int)x[(2 * t + 1) * BATCH + b] * DIMENSION;
		const double in[] = {row[0], row[1], mean[0], mean[1]};
		double weights[STEPS], sum = 0.0, out[4] = {0};
		slow_cell(model, 3, in, state ? 2 : 4, h);
		for (int j = 0; j < length; j++)
			sum += weights[j] = exp(slow_score(model, score, h, source[j]));
		memcpy(out, h, sizeof h);
		for (int j = 0; j < length; j++)
			for (int r = 0; r < 2; r++)
				out[2 + r] += weights[j] / sum * source[j][r];
		for (int k = 0; k < TARGETS; k++) {
			y[t * TARGETS + k] = numbers_of(model, "layers.5.bias")[k];
			for (int r = 0; r < 4; r++)
				y[t * TARGETS + k] += numbers_of(model, "layers.5.weight")[k * 4 + r] * out[r];
		}
	}
}

static void agrees_with_the_slow_one(void **state)
{
	(void)state;
	const struct layer_config rnn = {.type = "rnn", .rnn = {.recurrent = {.hidden_size = 2}}};
	for (size_t s = 0; s < 6; s++) {
		const struct model_config mean = translator(rnn, rnn, scores[s % 3]);
		const struct model_config config = s < 3 ? mean : handing_over(mean);
		struct model *model = open_translator(&config, STEPS, BATCH);
		double x[STEPS * 2 * BATCH], y[STEPS * TARGETS * BATCH], expected[STEPS * TARGETS];
		fill_tokens(x, STEPS, BATCH);
		model_lengths(model, lengths);
		model_forward(model, x, STEPS, BATCH, y);
		for (int b = 0; b < BATCH; b++) {
			slow_translator(model, scores[s % 3], x, b, expected);
			for (int k = 0; k < STEPS * TARGETS; k++)
				assert_near(y[k * BATCH + b], expected[k], 1e-13);
		}
		model_free(model);
	}
}

/* Two layers that read, and two that say. */
static struct model_config two_deep(struct layer_config layer)
{
	struct model_config config = translator(layer, layer, ATTENTION_GENERAL);
	memmove(&config.layers[2], &config.layers[1], 5 * sizeof config.layers[0]);
	memmove(&config.layers[5], &config.layers[4], 3 * sizeof config.layers[0]);
	config.n_layers = 8;
	return config;
}

static struct layer_config backwards(struct layer_config layer)
{
	layer.recurrent.inversward = true;
	return layer;
}

/* Pairs of layers that read and that say; the first reads both ways. */
static struct model_config pair_at(size_t k)
{
	struct layer_config both = lstm_layer(2);
	both.recurrent.bidirectional = true;
	const struct layer_config gru = {.type = "gru", .recurrent = {.hidden_size = 2}};
	switch (k) {
	case 0:
		return translator(both, lstm_layer(3), ATTENTION_ADDITIVE);
	case 1:
		return translator(gru, gru, ATTENTION_DOT);
	case 2:
		return translator(qlstm_layer("linear"), qgru_layer("linear"), ATTENTION_GENERAL);
	case 3:
		return translator(hybrid_layer(), hybrid_layer(), ATTENTION_GENERAL);
	case 4:
		return translator(hybrid_layer(), hybrid_layer(), ATTENTION_ADDITIVE);
	case 5:
		return handing_over(translator(gru, gru, ATTENTION_GENERAL));
	case 6:
		return handing_over(two_deep(lstm_layer(2)));
	case 7:
		return handing_over(translator(backwards(lstm_layer(2)), lstm_layer(2), ATTENTION_DOT));
	case 8:
		return handing_over(translator(qlstm_layer("linear"), qlstm_layer("linear"), ATTENTION_ADDITIVE));
	case 9: {
		struct layer_config six_circuits = qlstm_layer("chen2020");
		six_circuits.qlstm.circuit.n_qubits = 5;
		return handing_over(translator(six_circuits, six_circuits, ATTENTION_DOT));
	}
	default:
		return handing_over(translator(hybrid_layer(), hybrid_layer(), ATTENTION_GENERAL));
	}
}

enum { PAIRS = 11 };

/* Targets end on their own; what stands behind counts nowhere. */
static const int said_lengths[BATCH] = {3, 2, 4};

static double loss_of(struct model *model, const double *x, double *dy)
{
	double y[STEPS * TARGETS * BATCH], sum = 0.0;
	model_forward(model, x, STEPS, BATCH, y);
	for (size_t k = 0; k < STEPS * TARGETS * BATCH; k++) {
		bool counts = k / (TARGETS * BATCH) < (size_t)said_lengths[k % BATCH];
		double slope = counts ? cos(0.7 * (double)k) : 0.0;
		sum += slope * y[k];
		if (dy != NULL)
			dy[k] = slope;
	}
	return sum;
}

static void gradients(void **state)
{
	(void)state;
	const double h = 1e-6;
	for (size_t pair = 0; pair < PAIRS; pair++) {
		const struct model_config config = pair_at(pair);
		struct model *model = open_translator(&config, STEPS, BATCH);
		struct params *params = model_params(model);
		double x[STEPS * 2 * BATCH], dy[STEPS * TARGETS * BATCH];
		fill_tokens(x, STEPS, BATCH);
		model_lengths(model, lengths);
		model_said_lengths(model, said_lengths);
		params_zero_gradients(params);
		loss_of(model, x, dy);
		model_backward(model, dy, NULL);
		for (size_t k = 0; k < params->size; k++) {
			double *at = &params->values[k], kept = *at;
			*at = kept + h;
			double up = loss_of(model, x, NULL);
			*at = kept - h;
			double down = loss_of(model, x, NULL);
			*at = kept;
			if (!(fabs(params->gradients[k] - (up - down) / (2 * h)) < 2e-7))
				fail_msg("pair %zu, %zu: %.10g is not %.10g", pair, k, params->gradients[k],
				         (up - down) / (2 * h));
		}
		model_free(model);
	}
}

/* Sample b of x alone, as long as what it holds. */
static void take_sample(const double *x, int b, int steps, double *own)
{
	for (int k = 0; k < 2 * steps; k++)
		own[k] = x[k * BATCH + b];
}

/* A source alone has the bytes that it has beside others, whatever stands behind its end. */
static void padding_changes_no_byte(void **state)
{
	(void)state;
	for (size_t pair = 0; pair < PAIRS; pair++) {
		const struct model_config config = pair_at(pair);
		struct model *model = open_translator(&config, STEPS, BATCH);
		double x[STEPS * 2 * BATCH], y[STEPS * TARGETS * BATCH], own[STEPS * 2], alone[STEPS * TARGETS];
		fill_tokens(x, STEPS, BATCH);
		model_lengths(model, lengths);
		model_forward(model, x, STEPS, BATCH, y);
		for (int b = 0; b < BATCH; b++) {
			take_sample(x, b, lengths[b], own);
			model_lengths(model, NULL);
			model_forward(model, own, lengths[b], 1, alone);
			for (int k = 0; k < lengths[b] * TARGETS; k++)
				assert_memory_equal(&alone[k], &y[k * BATCH + b], sizeof(double));
		}
		model_free(model);
	}
}

/* The state goes on from token to token: also that of a quantum state that is kept. */
static void token_by_token(void **state)
{
	(void)state;
	for (size_t pair = 0; pair < PAIRS; pair++) {
		const struct model_config config = pair_at(pair);
		struct model *model = open_translator(&config, STEPS, BATCH);
		double x[STEPS * 2 * BATCH], y[STEPS * TARGETS * BATCH], source[STEPS * BATCH], step[TARGETS * BATCH];
		size_t rows = 0;
		fill_tokens(x, STEPS, BATCH);
		model_lengths(model, lengths);
		model_forward(model, x, STEPS, BATCH, y);
		assert_int_equal(model_carried(model, &rows, NULL), 0);
		assert_true(model_decodes(model) && rows > 0);
		double *states = calloc(rows * BATCH, sizeof *states);
		const struct carry carry = {.states = states, .streams = BATCH};
		for (int t = 0; t < STEPS; t++)
			memcpy(source + t * BATCH, x + 2 * t * BATCH, BATCH * sizeof(double));
		model_encode(model, source, STEPS, BATCH);
		model_begin(model, &carry);
		model_carry(model, &carry);
		for (int t = 0; t < STEPS; t++) {
			model_decode(model, x + (2 * t + 1) * BATCH, BATCH, step);
			assert_memory_equal(step, y + t * TARGETS * BATCH, sizeof step);
		}
		free(states);
		model_free(model);
	}
}

/* The head's weight is that of the decoder's tokens, not of the source's. */
static void tied_to_the_decoder(void **state)
{
	(void)state;
	struct model_config config = translator(lstm_layer(2), lstm_layer(2), ATTENTION_DOT);
	config.layers[5] = head_layer(DIMENSION);
	config.layers[6] = (struct layer_config){.type = "dense", .dense = {.units = TARGETS, .tied = true}};
	config.n_layers = 7;
	struct model *model = open_translator(&config, STEPS, BATCH);
	assert_null(params_find(model_params(model), "layers.6.weight"));
	model_free(model);
	config.layers[5] = head_layer(DIMENSION + 1);
	struct qlstm_error error = {0};
	assert_int_equal(model_new(&model, &config, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/layers/6/tied");
	assert_non_null(strstr(error.message, "the decoder"));
}

static void refused(const struct model_config *config, const char *pointer, const char *message)
{
	struct qlstm_error error = {0};
	assert_true(model_check(config, &error) != 0);
	assert_string_equal(error.pointer, pointer);
	if (strstr(error.message, message) == NULL)
		fail_msg("%s", error.message);
}

static void what_it_takes(void **state)
{
	(void)state;
	const struct model_config good = translator(lstm_layer(2), lstm_layer(2), ATTENTION_DOT);
	assert_int_equal(model_check(&good, NULL), 0);
	struct model_config bad = good;
	bad.n_inputs = 1;
	refused(&bad, "/layers/2/type", "data of translations");
	bad = good;
	bad.layers[0] = token_layer("decoder", TARGETS);
	refused(&bad, "/layers/0/type", "behind the layers that read the source");
	bad = good;
	bad.layers[3] = token_layer("decoder", TARGETS);
	refused(&bad, "/layers/3/type", "a decoder already");
	bad = good;
	bad.layers[3].recurrent.bidirectional = true;
	refused(&bad, "/layers/3", "reads from the end");
	bad = good;
	bad.layers[3].recurrent.hidden_size = 3;
	refused(&bad, "/layers/4/score", "the source has 2 numbers a step, what comes in 3");
	bad = good;
	bad.layers[2].decoder.dimension = 0;
	refused(&bad, "/layers/2/dimension", "allowed are 1 to 4096");
	bad.layers[2].decoder = (struct decoder_config){.classes = 1, .dimension = 2};
	refused(&bad, "/layers/2/classes", "at least 2");
}

static void what_is_handed_over(void **state)
{
	(void)state;
	const struct layer_config lstm = lstm_layer(2);
	struct layer_config other = hybrid_layer(), both = lstm_layer(2);
	both.recurrent.bidirectional = true;
	other.hqrnn.readouts = HYBRID_Z;
	const struct model_config good = handing_over(translator(lstm, lstm, ATTENTION_GENERAL));
	assert_int_equal(model_check(&good, NULL), 0);
	const struct model_config bad[] = {translator(lstm, lstm_layer(3), ATTENTION_GENERAL),
	                                   translator(lstm, qlstm_layer("linear"), ATTENTION_GENERAL),
	                                   translator(both, lstm, ATTENTION_GENERAL),
	                                   translator(other, hybrid_layer(), ATTENTION_GENERAL),
	                                   translator(qlstm_layer("linear"), qlstm_layer("qdi"), ATTENTION_GENERAL)};
	for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
		const struct model_config config = handing_over(bad[k]);
		assert_int_equal(model_check(&bad[k], NULL), 0);
		refused(&config, "/layers/2/handover", "layers 1 and 3 must be of one type and size");
	}
	struct model_config fewer = good;
	fewer.layers[1] = lstm_layer(2);
	fewer.layers[3] = looking_layer(ATTENTION_GENERAL);
	refused(&fewer, "/layers/2/handover", "as many recurrent layers behind the decoder as before it");
}

/* The gradient of one sentence and its translation, as few steps as they are or as many as others have. */
static void gradient_of_one(struct model *model, const double *x, int b, int steps, double *gradient)
{
	struct params *params = model_params(model);
	double own[STEPS * 2], y[STEPS * TARGETS], dy[STEPS * TARGETS];
	take_sample(x, b, steps, own);
	for (int k = 0; k < steps * TARGETS; k++)
		dy[k] = k / TARGETS < said_lengths[b] ? cos(0.9 * k) : 0.0;
	model_lengths(model, &lengths[b]);
	model_said_lengths(model, &said_lengths[b]);
	params_zero_gradients(params);
	model_forward(model, own, steps, 1, y);
	model_backward(model, dy, NULL);
	memcpy(gradient, params->gradients, params->size * sizeof *gradient);
}

static void padding_changes_no_gradient(void **state)
{
	(void)state;
	for (size_t pair = 0; pair < PAIRS; pair++) {
		const struct model_config config = pair_at(pair);
		struct model *model = open_translator(&config, STEPS, BATCH);
		size_t size = model_params(model)->size;
		double x[STEPS * 2 * BATCH], *gradients = calloc(2 * size, sizeof *gradients);
		fill_tokens(x, STEPS, BATCH);
		for (int b = 0; b < BATCH; b++) {
			int longest = lengths[b] > said_lengths[b] ? lengths[b] : said_lengths[b];
			gradient_of_one(model, x, b, longest, gradients);
			gradient_of_one(model, x, b, STEPS, gradients + size);
			for (size_t k = 0; k < size; k++)
				if (!(gradients[k] == gradients[size + k]))
					fail_msg("pair %zu, sample %d, %zu: %.17g is not %.17g", pair, b, k,
					         gradients[k], gradients[size + k]);
		}
		free(gradients);
		model_free(model);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_the_slow_one), cmocka_unit_test(gradients),
	    cmocka_unit_test(padding_changes_no_byte),  cmocka_unit_test(token_by_token),
	    cmocka_unit_test(tied_to_the_decoder),      cmocka_unit_test(what_it_takes),
	    cmocka_unit_test(what_is_handed_over),      cmocka_unit_test(padding_changes_no_gradient),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
