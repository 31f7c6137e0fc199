/* The hybrid network while it is trained: threads, going on from a checkpoint, draws of an evaluation, what it takes.
 */
#include "tests/unit/words_fixture.h"

#include "engine/team.h"
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

struct run {
	struct word_sequences words;
	struct model *model;
	struct trainer *trainer;
	struct team *team;
};

static void run_open(struct run *run, int threads, enum precision precision)
{
	struct model_config config = words_model(READING_COLLAPSE);
	struct trainer_config training = {
	    .epochs = 6,
	    .batch_size = 40,
	    .shuffle = true,
	    .seed = 9,
	    .loss = "cross_entropy",
	    .clip_norm = 0.5,
	    .optimizer = {.type = "adam", .learning_rate = 0.05, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}};
	struct qlstm_error error = {0};
	config.precision = precision;
	random_words(&run->words, 0.8);
	run->team = NULL;
	must(team_new(&run->team, threads, &error), &error);
	training.team = run->team;
	must(model_new(&run->model, &config, &error), &error);
	must(trainer_new(&run->trainer, run->model, words_samples(&run->words, TARGET_CLASSES), &training, &error),
	     &error);
}

static void run_close(struct run *run)
{
	trainer_free(run->trainer);
	model_free(run->model);
	team_free(run->team);
	words_free(&run->words);
}

static struct epoch_metrics run_epochs(struct run *run, int count)
{
	struct epoch_metrics metrics = {0};
	struct qlstm_error error = {0};
	for (int k = 0; k < count; k++)
		must(trainer_epoch(run->trainer, NULL, NULL, &metrics, &error), &error);
	return metrics;
}

static void assert_same_run(struct run *a, struct run *b, const struct epoch_metrics *x, const struct epoch_metrics *y)
{
	struct params *p = model_params(a->model), *q = model_params(b->model);
	assert_memory_equal(p->values, q->values, p->size * sizeof(double));
	assert_memory_equal(x->values, y->values, (size_t)x->count * sizeof(double));
}

/* Weights and what was measured, draws of the test part included. */
static void test_threads_change_nothing(void **state)
{
	(void)state;
	for (int precision = PRECISION_FLOAT64; precision <= PRECISION_FLOAT32; precision++) {
		struct run one, two;
		run_open(&one, 1, (enum precision)precision);
		run_open(&two, 3, (enum precision)precision);
		struct epoch_metrics a = run_epochs(&one, 2), b = run_epochs(&two, 2);
		assert_same_run(&one, &two, &a, &b);
		run_close(&one);
		run_close(&two);
	}
}

static void test_goes_on_from_a_checkpoint(void **state)
{
	(void)state;
	struct run whole, first, second;
	unsigned char *bytes;
	size_t length;
	run_open(&whole, 1, PRECISION_FLOAT32);
	run_open(&first, 1, PRECISION_FLOAT32);
	run_open(&second, 1, PRECISION_FLOAT32);
	struct epoch_metrics a = run_epochs(&whole, 4);
	run_epochs(&first, 2);
	assert_int_equal(trainer_save(first.trainer, "x", &bytes, &length, NULL), 0);
	assert_int_equal(trainer_load(second.trainer, "x", bytes, length, NULL), 0);
	struct epoch_metrics b = run_epochs(&second, 2);
	assert_same_run(&whole, &second, &a, &b);
	free(bytes);
	run_close(&whole);
	run_close(&first);
	run_close(&second);
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
