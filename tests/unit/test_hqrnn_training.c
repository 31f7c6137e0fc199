/* The hybrid network while it is trained: threads, going on from a checkpoint, draws of an evaluation, what it takes.
 */
#include "tests/unit/word_run_fixture.h"

#include "engine/train/pass.h"

/* Words of 2 bits in, logits of four words out, step by step. */
static struct model_config words_model(enum hqrnn_reading reading)
{
	struct model_config config = {
	    .n_inputs = 2, .n_outputs = 4, .output = MODEL_OUTPUT_SEQUENCE, .n_layers = 2, .plan = "auto"};
	config.layers[0] = (struct layer_config){.type = "hqrnn",
	                                         .hqrnn = {.n_qubits = 6,
	                                                   .depth = 2,
	                                                   .hidden_size = 5,
	                                                   .controller = CONTROLLER_GLU,
	                                                   .initial_state = INITIAL_LEARNED,
	                                                   .reading = reading,
	                                                   .dropout = 0.2}};
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = 4, .bias = true}};
	return config;
}

static struct word_training hqrnn_training(void)
{
	return (struct word_training){words_model(READING_COLLAPSE), "cross_entropy", TARGET_CLASSES};
}

static void test_threads_change_nothing(void **state)
{
	(void)state;
	const struct word_training what = hqrnn_training();
	threads_change_nothing(&what);
}

static void test_goes_on_from_a_checkpoint(void **state)
{
	(void)state;
	const struct word_training what = hqrnn_training();
	goes_on_from_a_checkpoint(&what);
}

/* A sample's draws in an evaluation are those of its place in the data, whichever others are beside it. */
static void test_evaluation_draws(void **state)
{
	(void)state;
	enum { COUNT = 30, OUTPUTS = 4 * (LENGTH - 1) };
	const struct model_config config = words_model(READING_PROJECTIVE);
	struct word_sequences words;
	struct model *model;
	struct pass *pass;
	struct qlstm_error error = {0};
	static double all[COUNT * OUTPUTS], one[OUTPUTS];
	random_words(&words, 0.8);
	must(model_new(&model, &config, &error), &error);
	params_initialise(model_params(model), 3);
	const struct pass_config pass_config = {.model = model,
	                                        .samples = words_samples(&words, TARGET_CLASSES),
	                                        .loss = loss_find("cross_entropy"),
	                                        .batch = 40,
	                                        .seed = 5};
	must(pass_new(&pass, &pass_config, &error), &error);
	pass_predict(pass, 0, COUNT, all);
	for (size_t b = 0; b < COUNT; b += 7) {
		pass_predict(pass, b, 1, one);
		assert_memory_equal(one, all + b * OUTPUTS, sizeof one);
	}
	pass_free(pass);
	model_free(model);
	words_free(&words);
}

/* States of every replica are counted. */
static void test_memory(void **state)
{
	(void)state;
	struct model_config config = words_model(READING_EXPECTATION);
	struct model *model;
	config.layers[0].hqrnn.n_qubits = 12;
	assert_int_equal(model_new(&model, &config, NULL), 0);
	size_t few = model_bytes(model, 10, 8, 1), more = model_bytes(model, 10, 16, 1),
	       two = model_bytes(model, 10, 8, 2);
	size_t states = 8 * (size_t)32 * 4096; /* psi and lambda of eight samples */
	assert_true(more - few >= states && more - few < states + states / 4);
	assert_true(two - few >= states && two - few < states + states / 8);
	model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_threads_change_nothing),
	    cmocka_unit_test(test_goes_on_from_a_checkpoint),
	    cmocka_unit_test(test_evaluation_draws),
	    cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
