/* Sequences that a model of words continues: the request, the words drawn, the answer. */
#include "tests/unit/job_fixture.h"

#include "engine/rows.h"
#include "schema/alphabet.h"
#include "server/common/predict/generate_request.h"
#include "server/worker/predict/generator.h"

enum { BITS = 2, WIDTH = 1 << BITS, LENGTH = 7, SAMPLES = 70 };

static json_t *spec_of(const char *alphabet)
{
	return json_pack("{s:{s:s, s:i, s:i, s:s*}}", "data", "task", "words", "word_bits", BITS, "length", 9,
	                 "alphabet", alphabet);
}

/* ---- Requests ---- */

static void request_is_read(void **state)
{
	(void)state;
	json_t *spec = spec_of("a\u00fc c");
	struct predict_inputs prompts;
	struct generation generation;
	struct qlstm_error error = {0};
	const char *text = "{\"prompt\": \"c a\u00fc\", \"samples\": 2, \"temperature\": 0.5, \"seed\": 9}";
	must(generate_request_json(text, strlen(text), spec, &prompts, &generation, &error), &error);
	static const double words[] = {3, 2, 0, 1, 3, 2, 0, 1};
	assert_true(prompts.samples == 2 && prompts.steps == 4 && prompts.features == 1);
	assert_memory_equal(prompts.values, words, sizeof words);
	assert_true(generation.length == 9 && generation.seed == 9 && generation.temperature == 0.5);
	predict_inputs_free(&prompts);
	const char *listed = "{\"prompt\": [1, 0], \"length\": 3, \"postselect\": true}";
	must(generate_request_json(listed, strlen(listed), spec, &prompts, &generation, &error), &error);
	assert_true(prompts.samples == 1 && prompts.values[0] == 1 && prompts.values[1] == 0);
	assert_true(generation.length == 3 && generation.temperature == 0 && generation.seed == 0);
	predict_inputs_free(&prompts);
	json_decref(spec);
}

static void request_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *alphabet, *text;
		int code;
		const char *pointer, *words;
	} cases[] = {
	    {NULL, "{", ERR_SYNTAX, "", "line 1"},
	    {NULL, "[]", ERR_WRONG_TYPE, "", "an object"},
	    {NULL, "{\"prompt\": \"a\"}", ERR_INVALID, "/prompt", "no alphabet"},
	    {"ab", "{\"prompt\": \"abc\"}", ERR_INVALID, "/prompt", "character 2 of the prompt (from 0), 'c'"},
	    {NULL, "{\"prompt\": [0, 4]}", ERR_INVALID, "/prompt/1", "is 4; words are 0 to 3"},
	    {NULL, "{\"prompt\": [0, 1, 2, 3, 0, 1, 2, 3, 0]}", ERR_INVALID, "/length", "no room behind a prompt of 9"},
	    {NULL, "{\"prompt\": [0], \"samples\": 0}", ERR_OUT_OF_RANGE, "/samples", "allowed are 1 to 256"},
	    {NULL, "{\"prompt\": [0], \"seed\": -7}", ERR_OUT_OF_RANGE, "/seed", "allowed are 0 to"},
	    {NULL, "{\"prompt\": [0], \"length\": -1e300}", ERR_WRONG_TYPE, "/length", "an integer is expected"},
	    {NULL, "{\"prompt\": [0], \"a/b\": 0}", ERR_UNKNOWN_FIELD, "/a~1b", "'a/b'"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct predict_inputs prompts;
		struct generation generation;
		struct qlstm_error error = {0};
		json_t *spec = spec_of(cases[i].alphabet);
		int rc =
		    generate_request_json(cases[i].text, strlen(cases[i].text), spec, &prompts, &generation, &error);
		json_decref(spec);
		assert_int_equal(rc, cases[i].code);
		assert_string_equal(error.pointer, cases[i].pointer);
		if (strstr(error.message, cases[i].words) == NULL)
			fail_msg("'%s' without '%s'", error.message, cases[i].words);
		assert_null(prompts.values);
	}
}

static void answer_is_written(void **state)
{
	(void)state;
	json_t *spec = spec_of("a\u00fc");
	const double values[] = {1, 0, 2, 1, 0.25, 0.5};
	const struct predict_inputs prompts = {.samples = 1, .steps = 1, .features = 1};
	const struct generation generation = {.length = 3, .seed = 4, .temperature = 0.5};
	json_t *reply = generate_reply_json(spec, &prompts, &generation, values);
	char *text = json_dumps(reply, JSON_COMPACT);
	assert_string_equal(text,
	                    "{\"prompt_length\":1,\"temperature\":0.5,\"seed\":4,\"sequences\":[{\"words\":[1,0,2],"
	                    "\"probabilities\":[null,0.25,0.5],\"text\":\"\u00fca\ufffd\"}]}");
	free(text);
	json_decref(reply);
	json_decref(spec);
}

/* ---- Sequences ---- */

/* A model with random parameters. */
static void open_predictor(struct predictor *p, struct layer_config first)
{
	struct qlstm_error error = {0};
	*p = (struct predictor){0};
	p->spec.task = TASK_WORDS;
	p->spec.words.bits = BITS;
	p->spec.model = (struct model_config){
	    .n_inputs = BITS, .n_outputs = WIDTH, .output = MODEL_OUTPUT_SEQUENCE, .n_layers = 1, .plan = "auto"};
	p->spec.model.layers[0] = first;
	if (strcmp(first.type, "qrnn") != 0)
		p->spec.model.layers[p->spec.model.n_layers++] =
		    (struct layer_config){.type = "dense", .dense = {.units = WIDTH, .bias = true}};
	must(model_new(&p->model, &p->spec.model, &error), &error);
	params_initialise(model_params(p->model), 3);
}

static struct layer_config qrnn_layer(void)
{
	return (struct layer_config){.type = "qrnn",
	                             .qrnn = {.workspace = 2,
	                                      .stages = 1,
	                                      .order = 2,
	                                      .degree = 2,
	                                      .input_bits = BITS,
	                                      .bias = 1.5,
	                                      .weight_spread = 0.7,
	                                      .bias_spread = 0.5,
	                                      .rotation_spread = 0.5}};
}

static void make(struct predictor *p, const struct generation *generation, size_t samples, double *out)
{
	struct qlstm_error error = {0};
	double prompts[SAMPLES][2];
	for (size_t i = 0; i < samples; i++) {
		prompts[i][0] = (double)(i % WIDTH);
		prompts[i][1] = 2;
	}
	must(generator_check(p, prompts[0], samples, 2, generation, SIZE_MAX, 10, &error), &error);
	must(generator_compute(p, prompts[0], samples, 2, generation, out, &error), &error);
}

/* The whole sequence in one pass, every word postselected, as it is in training: the same probabilities. */
static void words_have_their_probabilities(void **state)
{
	(void)state;
	struct predictor p;
	struct qlstm_error error = {0};
	const struct generation generation = {.length = LENGTH, .seed = 5, .temperature = 1};
	double out[SAMPLES][2][LENGTH], x[LENGTH - 1][BITS], y[LENGTH - 1][WIDTH], words[LENGTH - 1];
	double mask[LENGTH - 1] = {ROW_GIVEN, ROW_GIVEN, ROW_GIVEN, ROW_GIVEN, ROW_GIVEN, ROW_GIVEN};
	open_predictor(&p, qrnn_layer());
	make(&p, &generation, SAMPLES, out[0][0]);
	must(model_reserve(p.model, LENGTH - 1, 1, &error), &error);
	for (size_t i = 0; i < SAMPLES; i++) {
		for (size_t t = 0; t < LENGTH - 1; t++) {
			x[t][0] = (double)((int)out[i][0][t] >> 1);
			x[t][1] = (double)((int)out[i][0][t] & 1);
			words[t] = out[i][0][t + 1];
		}
		model_guide(p.model, &(struct word_guide){.words = words, .mask = mask});
		model_forward(p.model, x[0], LENGTH - 1, 1, y[0]);
		assert_true(out[i][0][0] == (double)(i % WIDTH) && out[i][0][1] == 2 && out[i][1][0] == 1);
		for (size_t t = 1; t < LENGTH; t++)
			assert_true(out[i][1][t] == y[t - 1][(size_t)out[i][0][t]]);
	}
	model_guide(p.model, NULL);
	predictor_close(&p);
}

static double share_of_likeliest(struct predictor *p, double temperature)
{
	const struct generation generation = {.length = 3, .seed = 11, .temperature = temperature};
	double out[SAMPLES][2][3], best[SAMPLES][2][3];
	make(p, &generation, SAMPLES, out[0][0]);
	make(p, &(struct generation){.length = 3}, SAMPLES, best[0][0]);
	int same = 0;
	for (size_t i = 0; i < SAMPLES; i++)
		same += out[i][0][2] == best[i][0][2];
	return same / (double)SAMPLES;
}

static void temperature_and_seed(void **state)
{
	(void)state;
	struct predictor p;
	double a[SAMPLES][2][LENGTH], b[SAMPLES][2][LENGTH];
	struct layer_config lstm = {.type = "lstm", .recurrent = {.hidden_size = 4}};
	open_predictor(&p, lstm);
	struct generation generation = {.length = LENGTH, .seed = 5, .temperature = 1};
	make(&p, &generation, SAMPLES, a[0][0]);
	make(&p, &generation, 3, b[0][0]);
	assert_memory_equal(a, b, 3 * sizeof a[0]); /* however many there are */
	generation.seed = 6;
	make(&p, &generation, SAMPLES, b[0][0]);
	assert_memory_not_equal(a, b, sizeof a);
	assert_true(share_of_likeliest(&p, 0.001) == 1);
	double warm = share_of_likeliest(&p, 1), hot = share_of_likeliest(&p, 100);
	assert_true(warm > 0.2 && warm < 0.9);
	assert_true(hot > 0.1 && hot < 0.5); /* a quarter */
	predictor_close(&p);
}

static void sequences_are_refused(void **state)
{
	(void)state;
	struct predictor p;
	struct qlstm_error error = {0};
	const struct generation generation = {.length = LENGTH};
	const double words[] = {0, 4}, good[] = {0, 1};
	open_predictor(&p, qrnn_layer());
	assert_int_equal(generator_check(&p, words, 1, 2, &generation, SIZE_MAX, 10, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/prompt");
	assert_int_equal(generator_check(&p, good, 1, 2, &generation, 1, 10, NULL), ERR_TOO_LARGE);
	assert_int_equal(generator_check(&p, good, 1, 2, &generation, SIZE_MAX, 1e-12, NULL), ERR_TOO_LARGE);
	assert_int_equal(generator_check(&p, good, 1, 2, &(struct generation){.length = 2}, SIZE_MAX, 10, NULL),
	                 ERR_INVALID);
	p.spec.task = TASK_FORECASTING;
	assert_int_equal(generator_check(&p, good, 1, 2, &generation, SIZE_MAX, 10, NULL), ERR_CONFLICT);
	predictor_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(request_is_read),      cmocka_unit_test(request_is_refused),
	    cmocka_unit_test(answer_is_written),    cmocka_unit_test(words_have_their_probabilities),
	    cmocka_unit_test(temperature_and_seed), cmocka_unit_test(sequences_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
