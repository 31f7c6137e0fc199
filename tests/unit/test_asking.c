/* Attention that looks before each step of a recurrent layer: against a slow reference, its gradients, that padding
 * changes nothing, that tokens said one by one have the bytes of all of them at once, and what is refused. */
#include "tests/unit/decoder_fixture.h"

#include <stdlib.h>

static const enum attention_score scores[] = {ATTENTION_ADDITIVE, ATTENTION_DOT, ATTENTION_GENERAL};
static const int lengths[BATCH] = {2, 4, 1}, said_lengths[BATCH] = {3, 2, 4};

static double *numbers_of(struct model *model, const char *name)
{
	const struct param *param = params_find(model_params(model), name);
	assert_non_null(param);
	return model_params(model)->values + param->offset;
}

static double slow_score(struct model *model, enum attention_score score, const double *q, const double *k)
{
	double sum = 0.0;
	for (int u = 0; score == ATTENTION_ADDITIVE && u < 3; u++) {
		double inner = numbers_of(model, "layers.3.bias")[u];
		for (int r = 0; r < 2; r++)
			inner += numbers_of(model, "layers.3.query")[u * 2 + r] * q[r] +
			         numbers_of(model, "layers.3.key")[u * 2 + r] * k[r];
		sum += numbers_of(model, "layers.3.score")[u] * tanh(inner);
	}
	for (int r = 0; score == ATTENTION_DOT && r < 2; r++)
		sum += q[r] * k[r];
	for (int r = 0; score == ATTENTION_GENERAL && r < 2; r++)
		for (int c = 0; c < 2; c++)
			sum += q[r] * numbers_of(model, "layers.3.weight")[r * 2 + c] * k[c];
	return sum;
}

/* One step of a plain tanh cell of 2 numbers. */
static void slow_cell(struct model *model, int layer, const double *x, int n_in, double h[2])
{
	static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
	double next[2], *of[4];
	for (int k = 0; k < 4; k++) {
		char name[40];
		snprintf(name, sizeof name, "layers.%d.%s", layer, parts[k]);
		of[k] = numbers_of(model, name);
	}
	for (int r = 0; r < 2; r++) {
		next[r] = of[2][r] + of[3][r];
		for (int c = 0; c < n_in; c++)
			next[r] += of[0][r * n_in + c] * x[c];
		for (int c = 0; c < 2; c++)
			next[r] += of[1][r * 2 + c] * h[c];
	}
	for (int r = 0; r < 2; r++)
		h[r] = tanh(next[r]);
}

/* Bahdanau's decoder of sample b, y [step][TARGETS]. */
static void slow_translator(struct model *model, enum attention_score score, const double *x, int b, double *y)
{
	double source[STEPS][2], h[2] = {0};
	for (int t = 0; t < lengths[b]; t++) {
		slow_cell(model, 1, numbers_of(model, "layers.0.weight") + (int)x[2 * t * BATCH + b] * DIMENSION,
		          DIMENSION, h);
		memcpy(source[t], h, sizeof h);
	}
	for (int t = 0; t < STEPS; t++) {
		const double *row = numbers_of(model, "layers.2.weight") + (int)x[(2 * t + 1) * BATCH + b] * DIMENSION;
		double in[4] = {row[0], row[1]}, weights[STEPS], sum = 0.0;
		for (int j = 0; j < lengths[b]; j++)
			sum += weights[j] = exp(slow_score(model, score, h, source[j]));
		for (int j = 0; j < lengths[b]; j++)
			for (int r = 0; r < 2; r++)
				in[2 + r] += weights[j] / sum * source[j][r];
		slow_cell(model, 4, in, 4, h);
		const double out[4] = {h[0], h[1], in[2], in[3]};
		for (int k = 0; k < TARGETS; k++) {
			y[t * TARGETS + k] = numbers_of(model, "layers.6.bias")[k];
			for (int r = 0; r < 4; r++)
				y[t * TARGETS + k] += numbers_of(model, "layers.6.weight")[k * 4 + r] * out[r];
		}
	}
}

static void agrees_with_the_slow_one(void **state)
{
	(void)state;
	const struct layer_config rnn = {.type = "rnn", .rnn = {.recurrent = {.hidden_size = 2}}};
	for (size_t s = 0; s < 3; s++) {
		const struct model_config config = asking(handing_over(translator(rnn, rnn, scores[s])));
		struct model *model = open_translator(&config, STEPS, BATCH);
		double x[STEPS * 2 * BATCH], y[STEPS * TARGETS * BATCH], expected[STEPS * TARGETS];
		fill_tokens(x, STEPS, BATCH);
		model_lengths(model, lengths);
		model_forward(model, x, STEPS, BATCH, y);
		for (int b = 0; b < BATCH; b++) {
			slow_translator(model, scores[s], x, b, expected);
			for (int k = 0; k < STEPS * TARGETS; k++)
				assert_near(y[k * BATCH + b], expected[k], 1e-13);
		}
		model_free(model);
	}
}

/* Pairs of layers that read and that say. */
static struct model_config pair_at(size_t k)
{
	struct layer_config both = lstm_layer(2);
	both.recurrent.bidirectional = true;
	const struct layer_config gru = {.type = "gru", .recurrent = {.hidden_size = 2}};
	switch (k) {
	case 0:
		return asking(translator(both, lstm_layer(3), ATTENTION_ADDITIVE));
	case 1:
		return asking(handing_over(translator(gru, gru, ATTENTION_DOT)));
	case 2:
		return asking(handing_over(translator(lstm_layer(3), lstm_layer(3), ATTENTION_GENERAL)));
	case 3:
		return asking(translator(qlstm_layer("linear"), qgru_layer("linear"), ATTENTION_GENERAL));
	case 4:
		return asking(handing_over(translator(hybrid_layer(), hybrid_layer(), ATTENTION_ADDITIVE)));
	default:
		return asking(handing_over(translator(hybrid_layer(), hybrid_layer(), ATTENTION_GENERAL)));
	}
}

enum { PAIRS = 6 };

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

/* The output and the gradient of one sentence and its translation, in so many steps. */
static void one_alone(struct model *model, const double *x, int b, int steps, double *y, double *gradient)
{
	struct params *params = model_params(model);
	double own[STEPS * 2], dy[STEPS * TARGETS];
	for (int k = 0; k < 2 * steps; k++)
		own[k] = x[k * BATCH + b];
	for (int k = 0; k < steps * TARGETS; k++)
		dy[k] = k / TARGETS < said_lengths[b] ? cos(0.9 * k) : 0.0;
	model_lengths(model, &lengths[b]);
	model_said_lengths(model, &said_lengths[b]);
	params_zero_gradients(params);
	model_forward(model, own, steps, 1, y);
	model_backward(model, dy, NULL);
	memcpy(gradient, params->gradients, params->size * sizeof *gradient);
}

static void padding_changes_nothing(void **state)
{
	(void)state;
	for (size_t pair = 0; pair < PAIRS; pair++) {
		const struct model_config config = pair_at(pair);
		struct model *model = open_translator(&config, STEPS, BATCH);
		size_t size = model_params(model)->size;
		double x[STEPS * 2 * BATCH], y[STEPS * TARGETS * BATCH], one[STEPS * TARGETS], two[STEPS * TARGETS];
		double *gradients = calloc(2 * size, sizeof *gradients);
		fill_tokens(x, STEPS, BATCH);
		model_lengths(model, lengths);
		model_said_lengths(model, said_lengths);
		model_forward(model, x, STEPS, BATCH, y);
		for (int b = 0; b < BATCH; b++) {
			int longest = lengths[b] > said_lengths[b] ? lengths[b] : said_lengths[b];
			one_alone(model, x, b, longest, one, gradients);
			one_alone(model, x, b, STEPS, two, gradients + size);
			for (int k = 0; k < longest * TARGETS; k++)
				assert_true(one[k] == two[k] && one[k] == y[k * BATCH + b]);
			for (size_t k = 0; k < size; k++)
				if (!(gradients[k] == gradients[size + k]))
					fail_msg("pair %zu, sample %d, %zu: %.17g is not %.17g", pair, b, k,
					         gradients[k], gradients[size + k]);
		}
		free(gradients);
		model_free(model);
	}
}

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
	const struct model_config good = asking(translator(lstm_layer(2), lstm_layer(2), ATTENTION_DOT));
	assert_int_equal(model_check(&good, NULL), 0);
	struct model_config bad = good;
	bad.layers[4] = head_layer(2);
	refused(&bad, "/layers/3/query", "a recurrent layer whose output is its state");
	bad = asking(translator(lstm_layer(2), qlstm_layer("chen2020"), ATTENTION_DOT));
	refused(&bad, "/layers/3/query", "not variant chen2020");
	bad = good;
	bad.layers[3].attention.query = QUERY_AGAIN;
	refused(&bad, "/layers/3/query", "no attention with query before");
	bad = good;
	bad.layers[4].recurrent.hidden_size = 3;
	refused(&bad, "/layers/3/score", "the source has 2 numbers a step, what comes in 3");
	bad = one_layer(lstm_layer(2), 1, 1, "auto");
	bad.layers[2] = bad.layers[1];
	bad.layers[1] = good.layers[3];
	bad.n_layers = 3;
	refused(&bad, "/layers/1/query", "for attention behind a decoder");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_the_slow_one),
	    cmocka_unit_test(gradients),
	    cmocka_unit_test(padding_changes_nothing),
	    cmocka_unit_test(token_by_token),
	    cmocka_unit_test(what_it_takes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
