/* Running texts: how they are cut, that a model sees them as one, and what counts of tokens say. */
#include "tests/unit/nn_fixture.h"

#include <stdlib.h>

#include "engine/language/ngram.h"
#include "engine/language/streams.h"
#include "engine/train/pass.h"

enum { LINES = 12, STREAMS = 3, STEPS = 4 };

static struct texts texts;
static struct column column = {.type = COLUMN_TEXT, .texts = &texts};
static const struct table table = {.n_rows = LINES, .n_columns = 1, .columns = &column};

static int make_lines(void **state)
{
	(void)state;
	static const char *const words[] = {"a", "b", "c", "d", "e"};
	for (size_t k = 0; k < LINES; k++) {
		char line[100] = "";
		for (size_t i = 0; i < 3 + k % 4; i++)
			snprintf(line + strlen(line), sizeof line - strlen(line), "%s ",
			         words[(k * k + 3 * i + i * i) % 5]);
		texts_add(&texts, line, strlen(line), NULL);
	}
	return 0;
}

static int free_lines(void **state)
{
	(void)state;
	texts_free(&texts);
	return 0;
}

static struct streams_config config_of(void)
{
	return (struct streams_config){.steps = STEPS,
	                               .streams = STREAMS,
	                               .split = {.train = 0.5, .validation = 0.25},
	                               .lexicon = {.size = 20, .min_count = 1}};
}

static void every_token_is_predicted_once(void **state)
{
	(void)state;
	const struct streams_config config = config_of();
	struct streams s;
	struct qlstm_error error = {0};
	assert_int_equal(streams_take(&table, &config, &s, &error), 0);
	struct samples samples = streams_samples(&s);
	assert_int_equal(samples.shape.streams, STREAMS);
	static int seen[200];
	memset(seen, 0, sizeof seen);
	size_t rows = 0, first = 0;
	for (size_t i = 0; i < samples_count(&samples); i++)
		for (size_t t = 0; t < STEPS; t++) {
			size_t place = streams_target(&s, i, t);
			seen[place]++;
			rows += place > 0;
			double x[STEPS], target[STEPS], mask[STEPS];
			const struct samples_batch batch = {x, target, mask, STEPS, NULL};
			samples.gather(samples.self, NULL, i, 1, &batch);
			assert_true(mask[t] == (place > 0));
			assert_true(place == 0 ||
			            (x[t] == s.tokens.values[place - 1] && target[t] == s.tokens.values[place]));
			/* What a stream reads next is what it predicted. */
			if (t + 1 == STEPS && place > 0 && i + STREAMS < samples_count(&samples)) {
				size_t next = streams_target(&s, i + STREAMS, 0);
				assert_true(next == 0 || next == place + 1 || i + STREAMS >= samples.n_train);
			}
		}
	assert_int_equal(rows, samples_count_rows(&samples, NULL, 0, samples_count(&samples)));
	for (int k = 0; k < STREAMS_PARTS; k++)
		for (size_t i = 0; i < s.parts[k].count; i++, first++)
			assert_int_equal(first > 0 ? seen[first] : 0, i > 0);
	assert_int_equal(s.tokens.values[s.parts[1].first - 1], LEXICON_END);
	assert_true(s.parts[0].characters > s.parts[0].count);
	streams_free(&s);
	struct streams_config many = config;
	many.streams = 40;
	assert_int_equal(streams_take(&table, &many, &s, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/split/train");
}

static struct model *language_model(bool tied)
{
	struct model_config config = {
	    .n_inputs = 1, .n_outputs = 20, .output = MODEL_OUTPUT_SEQUENCE, .n_layers = 3, .plan = "auto"};
	config.layers[0] = (struct layer_config){.type = "embedding", .embedding = {.classes = 20, .dimension = 4}};
	config.layers[1] = (struct layer_config){.type = "lstm", .recurrent = {.hidden_size = 4}};
	config.layers[2] = (struct layer_config){.type = "dense", .dense = {.units = 20, .bias = true, .tied = tied}};
	struct model *model = NULL;
	struct qlstm_error error = {0};
	if (model_new(&model, &config, &error) != 0)
		fail_msg("%s: %s", error.pointer, error.message);
	params_initialise(model_params(model), 3);
	return model;
}

/* The loss of a part is that of its streams read whole, whatever the segments and the threads. */
static void segments_are_one_text(void **state)
{
	(void)state;
	double losses[3];
	static double gradients[4][1000];
	for (int k = 0; k < 3; k++) {
		struct streams_config config = config_of();
		struct streams s;
		struct team *team = NULL;
		struct pass *pass = NULL;
		struct model *model = language_model(true);
		config.steps = k == 0 ? 100 : STEPS;
		assert_int_equal(streams_take(&table, &config, &s, NULL), 0);
		assert_int_equal(team_new(&team, k + 1, NULL), 0);
		const struct pass_config pass_config = {.model = model,
		                                        .samples = streams_samples(&s),
		                                        .loss = loss_find("cross_entropy"),
		                                        .batch = STREAMS,
		                                        .team = team};
		assert_int_equal(pass_new(&pass, &pass_config, NULL), 0);
		losses[k] = pass_loss(pass, s.parts[2].first_sample, s.parts[2].segments * STREAMS) /
		            (double)pass_sums(pass).rows;
		assert_int_equal(pass_sums(pass).rows, s.parts[2].count - 1);
		if (k > 0) {
			size_t order[2 * STREAMS];
			for (size_t i = 0; i < 2 * STREAMS; i++)
				order[i] = i;
			for (int twice = 0; twice < 2; twice++) {
				pass_restart(pass);
				pass_train(pass, 1, order, STREAMS);
				pass_loss(pass, s.parts[1].first_sample,
				          STREAMS); /* between batches it changes nothing */
				pass_train(pass, 1, order + STREAMS, STREAMS);
				memcpy(gradients[2 * (k - 1) + twice], model_params(model)->gradients,
				       model_params(model)->size * sizeof(double));
			}
		}
		pass_free(pass);
		team_free(team);
		model_free(model);
		streams_free(&s);
	}
	assert_true(fabs(losses[1] - losses[0]) < 1e-12 && losses[1] == losses[2]);
	for (int k = 1; k < 4; k++)
		assert_memory_equal(gradients[k], gradients[0], sizeof gradients[0]);
}

static void a_tied_weight_has_the_gradients_of_both(void **state)
{
	(void)state;
	struct model *model = language_model(true);
	struct params *params = model_params(model);
	double x[] = {4, 7, 4, 2}, y[80], dy[80];
	const double h = 1e-6;
	assert_null(params_find(params, "layers.2.weight"));
	assert_non_null(params_find(params, "layers.2.bias"));
	assert_int_equal(model_reserve(model, 4, 1, NULL), 0);
	params_zero_gradients(params);
	model_forward(model, x, 4, 1, y);
	for (size_t k = 0; k < 80; k++)
		dy[k] = cos((double)k);
	model_backward(model, dy, NULL);
	for (size_t k = 0; k < params->size; k += 3) {
		double kept = params->values[k], sum = 0;
		for (int side = 0; side < 2; side++) {
			params->values[k] = kept + (side == 0 ? h : -h);
			model_forward(model, x, 4, 1, y);
			for (size_t i = 0; i < 80; i++)
				sum += (side == 0 ? 1 : -1) * y[i] * cos((double)i);
		}
		params->values[k] = kept;
		if (!(fabs(params->gradients[k] - sum / (2 * h)) < 1e-6))
			fail_msg("%zu: %.12g is not %.12g", k, params->gradients[k], sum / (2 * h));
	}
	model_free(model);
	struct model_config config = {.n_inputs = 1, .n_outputs = 20, .n_layers = 3, .output = MODEL_OUTPUT_SEQUENCE};
	config.layers[0] = (struct layer_config){.type = "embedding", .embedding = {.classes = 20, .dimension = 4}};
	config.layers[1] = (struct layer_config){.type = "lstm", .recurrent = {.hidden_size = 5}};
	config.layers[2] = (struct layer_config){.type = "dense", .dense = {.units = 20, .tied = true}};
	struct qlstm_error error = {0};
	assert_int_equal(model_new(&model, &config, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/layers/2/tied");
}

/* By hand: "0 1 0 1 2 0 1". c(0 1) = 3, c(1 0) = c(1 2) = c(2 0) = 1; N(. 0) = 2, N(. 1) = N(. 2) = 1, N(. .) = 4. */
static void kneser_and_ney_by_hand(void **state)
{
	(void)state;
	static const int32_t text[] = {0, 1, 0, 1, 2, 0, 1};
	struct ngram *ngram;
	assert_int_equal(ngram_new(&ngram, text, 7, 4, NGRAM_MOST, NULL), 0);
	assert_true(fabs(ngram_probability(ngram, 1, NULL, 0) - 4.0 / 11) < 1e-15);
	/* D of N(. w): one of 2, two of 1: 2 / (2 + 2) = 0.5; P(0) = 1.5/4 + 0.5 3/4 1/4; D of pairs: 3 of 1, none of
	 * 2: 1. */
	double p0 = 1.5 / 4 + 0.5 * 3 / 4 / 4;
	assert_true(fabs(ngram_probability(ngram, 2, text + 2, 0) - (0 + 1.0 * 2 / 2 * p0)) < 1e-15);
	double p1 = 0.5 / 4 + 0.5 * 3 / 4 / 4;
	assert_true(fabs(ngram_probability(ngram, 2, text + 1, 1) - (2.0 / 3 + 1.0 / 3 * p1)) < 1e-15);
	ngram_free(ngram);
}

static void probabilities_add_up(void **state)
{
	(void)state;
	enum { N = 3000, V = 30 };
	static int32_t text[N];
	struct philox rng;
	philox_open(&rng, 3, PHILOX_TEST, 0);
	for (size_t k = 0; k < N; k++)
		text[k] = (int32_t)(V * philox_uniform(&rng) * philox_uniform(&rng));
	struct ngram *ngram;
	assert_int_equal(ngram_new(&ngram, text, N, V, NGRAM_MOST, NULL), 0);
	for (int order = 1; order <= NGRAM_MOST; order++)
		for (int32_t a = 0; a < V; a += 3)
			for (int32_t b = 0; b < V; b++) {
				const int32_t context[2] = {a, b};
				double sum = 0;
				for (int32_t w = 0; w < V; w++)
					sum += ngram_probability(ngram, order, context + 2, w);
				assert_true(fabs(sum - 1) < 1e-12);
			}
	ngram_free(ngram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_token_is_predicted_once),
	    cmocka_unit_test(segments_are_one_text),
	    cmocka_unit_test(a_tied_weight_has_the_gradients_of_both),
	    cmocka_unit_test(kneser_and_ney_by_hand),
	    cmocka_unit_test(probabilities_add_up),
	};
	return cmocka_run_group_tests(tests, make_lines, free_lines);
}
