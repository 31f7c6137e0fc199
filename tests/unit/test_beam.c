/* Beam search against every sequence there is, greedy search against the most probable token, and that sentences do not
 * meet. */
#include "tests/unit/decoder_fixture.h"

#include "engine/decode/beam.h"

enum { BEGIN = 2, END = 3, FIRST = 4, LENGTH = 3, COUNT = 3 };

static const int lengths[COUNT] = {2, 4, 1};

/* Tokens 4 and 5 and the end may be said: at most 2 tokens and an end. */
static struct beam_config config_of(int width, double penalty)
{
	return (struct beam_config){.width = width,
	                            .length_penalty = penalty,
	                            .length = LENGTH,
	                            .begin = BEGIN,
	                            .end = END,
	                            .first = FIRST,
	                            .known = TARGETS};
}

static struct model *translator_of(struct layer_config layer, unsigned seed)
{
	const struct model_config config = translator(layer, layer, ATTENTION_GENERAL);
	struct model *model = open_translator(&config, STEPS, COUNT);
	params_initialise(model_params(model), seed);
	for (size_t k = 0; k < model_params(model)->size; k++) /* far from even chances */
		model_params(model)->values[k] *= 3.0;
	return model;
}

static void fill_sources(double *x)
{
	for (int t = 0; t < STEPS; t++)
		for (int i = 0; i < COUNT; i++)
			x[t * COUNT + i] = (2 * t + 3 * i + 1) % SOURCES;
}

/* log softmax of y [TARGETS] at a token. */
static double log_probability(const double *y, int token)
{
	double sum = 0.0;
	for (int k = 0; k < TARGETS; k++)
		sum += exp(y[k]);
	return y[token] - log(sum);
}

/* What all tokens of `said`, n of them, and an end behind them where `ended`, have of probability, by one forward pass
 * of the whole sequence. */
static double score_of(struct model *model, const double *source, int length, const int32_t *said, int n, bool ended)
{
	int steps = n + ended > length ? n + ended : length;
	double x[2 * 8], y[8 * TARGETS], sum = 0.0;
	for (int t = 0; t < steps; t++) {
		x[2 * t] = t < length ? source[t * COUNT] : 0;
		x[2 * t + 1] = t == 0 ? BEGIN : t <= n ? said[t - 1] : 0;
	}
	model_lengths(model, &length);
	model_forward(model, x, steps, 1, y);
	for (int t = 0; t < n; t++)
		sum += log_probability(y + t * TARGETS, said[t]);
	return ended ? sum + log_probability(y + n * TARGETS, END) : sum;
}

static double by_length(double score, int tokens, double penalty)
{
	return score / pow((5.0 + tokens) / 6.0, penalty);
}

struct found {
	int32_t tokens[LENGTH];
	int n;
	double score, best;
};

/* Every sequence of tokens 4 and 5 with an end. */
static struct found best_of_all(struct model *model, const double *source, int length, double penalty)
{
	struct found found = {.best = -INFINITY};
	for (int n = 0; n < LENGTH; n++)
		for (int bits = 0; bits < 1 << n; bits++) {
			int32_t said[LENGTH];
			for (int k = 0; k < n; k++)
				said[k] = FIRST + (bits >> k & 1);
			double score = score_of(model, source, length, said, n, true);
			double value = by_length(score, n + 1, penalty);
			if (!(value > found.best))
				continue;
			found = (struct found){.n = n, .score = score, .best = value};
			memcpy(found.tokens, said, sizeof said);
		}
	return found;
}

struct result {
	int32_t tokens[COUNT * LENGTH];
	size_t lengths[COUNT];
	double scores[COUNT];
};

static struct result search(struct model *model, const struct beam_config *config, const double *x)
{
	struct result result;
	struct qlstm_error error = {0};
	const struct beam_sources sources = {.x = x, .lengths = lengths, .steps = STEPS, .count = COUNT};
	if (beam_search(model, config, &sources, &(struct beam_said){result.tokens, result.lengths, result.scores},
	                &error) != 0)
		fail_msg("%s", error.message);
	return result;
}

/* A beam that is wider than there are sequences forgets none. */
static void wide_beams_find_the_best(void **state)
{
	(void)state;
	double x[STEPS * COUNT];
	fill_sources(x);
	for (unsigned seed = 1; seed <= 8; seed++)
		for (int p = 0; p < 3; p++) {
			const struct beam_config config = config_of(16, 0.5 * p);
			struct model *model = translator_of(seed % 2 ? lstm_layer(2) : hybrid_layer(), seed);
			const struct result result = search(model, &config, x);
			for (int i = 0; i < COUNT; i++) {
				const struct found best = best_of_all(model, x + i, lengths[i], config.length_penalty);
				assert_int_equal(result.lengths[i], best.n);
				assert_memory_equal(result.tokens + i * LENGTH, best.tokens,
				                    (size_t)best.n * sizeof *best.tokens);
				assert_near(result.scores[i], best.score, 1e-12);
			}
			model_free(model);
		}
}

static void width_one_is_greedy(void **state)
{
	(void)state;
	double x[STEPS * COUNT];
	int unfinished = 0;
	fill_sources(x);
	for (unsigned seed = 1; seed <= 12; seed++) {
		const struct beam_config config = config_of(1, 0.6);
		struct model *model = translator_of(lstm_layer(2), seed);
		const struct result result = search(model, &config, x);
		for (int i = 0; i < COUNT; i++) {
			int32_t said[LENGTH];
			int n = 0, token = 0;
			while (n < LENGTH && token != END) {
				static const int may[] = {END, 4, 5};
				double most = -INFINITY;
				for (int k = 0; k < 3; k++) {
					said[n] = may[k];
					double score = score_of(model, x + i, lengths[i], said, n + 1, false);
					token = score > most ? may[k] : token;
					most = score > most ? score : most;
				}
				said[n] = token;
				n += token != END;
			}
			unfinished += token != END;
			assert_int_equal(result.lengths[i], n);
			assert_memory_equal(result.tokens + i * LENGTH, said, (size_t)n * sizeof *said);
			assert_near(result.scores[i], score_of(model, x + i, lengths[i], said, n, token == END), 1e-12);
		}
		model_free(model);
	}
	assert_true(unfinished > 0);
}

/* Alone a sentence has the bytes that it has beside others, and twice the same. */
static void sentences_do_not_meet(void **state)
{
	(void)state;
	double x[STEPS * COUNT];
	fill_sources(x);
	for (int width = 1; width <= 4; width += 3) {
		const struct beam_config config = config_of(width, 0.6);
		struct model *model = translator_of(lstm_layer(2), 3);
		const struct result all = search(model, &config, x), again = search(model, &config, x);
		assert_memory_equal(all.scores, again.scores, sizeof all.scores);
		for (int i = 0; i < COUNT; i++) {
			double own[STEPS], score;
			int32_t tokens[LENGTH];
			size_t n;
			for (int t = 0; t < lengths[i]; t++)
				own[t] = x[t * COUNT + i];
			const struct beam_sources alone = {
			    .x = own, .lengths = &lengths[i], .steps = lengths[i], .count = 1};
			assert_int_equal(
			    beam_search(model, &config, &alone, &(struct beam_said){tokens, &n, &score}, NULL), 0);
			assert_int_equal(n, all.lengths[i]);
			assert_memory_equal(tokens, all.tokens + i * LENGTH, n * sizeof *tokens);
			assert_memory_equal(&score, &all.scores[i], sizeof score);
		}
		model_free(model);
	}
}

/* All tokens are equally probable: the end has the smallest number and comes first. */
static void of_equals_the_first(void **state)
{
	(void)state;
	double x[STEPS * COUNT];
	fill_sources(x);
	for (int width = 1; width <= 3; width++) {
		const struct beam_config config = config_of(width, 0.0);
		struct model *model = translator_of(lstm_layer(2), 1);
		memset(model_params(model)->values, 0, model_params(model)->size * sizeof(double));
		const struct result result = search(model, &config, x);
		for (int i = 0; i < COUNT; i++) {
			assert_int_equal(result.lengths[i], 0);
			assert_near(result.scores[i], -log(TARGETS), 1e-15);
		}
		model_free(model);
	}
}

static void no_number_is_an_error(void **state)
{
	(void)state;
	double x[STEPS * COUNT];
	struct qlstm_error error = {0};
	struct result result;
	const struct beam_config config = config_of(2, 0.6);
	fill_sources(x);
	struct model *model = translator_of(lstm_layer(2), 1);
	for (size_t k = 0; k < model_params(model)->size; k++)
		model_params(model)->values[k] = NAN;
	const struct beam_sources sources = {.x = x, .lengths = lengths, .steps = STEPS, .count = COUNT};
	assert_int_equal(beam_search(model, &config, &sources,
	                             &(struct beam_said){result.tokens, result.lengths, result.scores}, &error),
	                 ERR_INVALID);
	model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wide_beams_find_the_best), cmocka_unit_test(width_one_is_greedy),
	    cmocka_unit_test(sentences_do_not_meet),    cmocka_unit_test(of_equals_the_first),
	    cmocka_unit_test(no_number_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
