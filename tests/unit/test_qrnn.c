/* Bausch's network as a layer that is trained: gradients, postselection and draws, threads, going on from a checkpoint;
 * the loss and the metrics of words. */
#include "tests/unit/word_run_fixture.h"

#include "engine/nn/loss.h"
#include "engine/train/pass.h"

static struct model_config qrnn_model(int bits)
{
	struct model_config config = {
	    .n_inputs = bits, .n_outputs = 1 << bits, .output = MODEL_OUTPUT_SEQUENCE, .n_layers = 1, .plan = "auto"};
	config.layers[0] = (struct layer_config){.type = "qrnn",
	                                         .qrnn = {.workspace = 3,
	                                                  .stages = 2,
	                                                  .order = 2,
	                                                  .degree = 2,
	                                                  .input_bits = bits,
	                                                  .bias = 1.5707963267948966,
	                                                  .bias_spread = 0.3,
	                                                  .weight_spread = 0.3,
	                                                  .rotation_spread = 0.3}};
	return config;
}

/* ---- The layer ---- */

/* All samples of the training part in one pass, with the model's parameters moved. */
static double moved_loss(struct pass *pass, struct model *model, size_t parameter, double by, size_t count)
{
	model_params(model)->values[parameter] += by;
	double loss = pass_train(pass, 1, NULL, count);
	model_params(model)->values[parameter] -= by;
	return loss;
}

static void test_gradient(void **state)
{
	(void)state;
	const struct model_config config = qrnn_model(2);
	struct word_sequences words;
	struct model *model;
	struct pass *pass;
	struct qlstm_error error = {0};
	random_words(&words, 0.2);
	must(model_new(&model, &config, &error), &error);
	params_initialise(model_params(model), 3);
	const struct pass_config pass_config = {.model = model,
	                                        .samples = words_samples(&words, TARGET_WORDS),
	                                        .loss = loss_find("probability_cross_entropy"),
	                                        .batch = 12};
	must(pass_new(&pass, &pass_config, &error), &error);
	struct params *params = model_params(model);
	double *gradient = malloc(params->size * sizeof *gradient);
	pass_train(pass, 1, NULL, 12);
	memcpy(gradient, params->gradients, params->size * sizeof *gradient);
	for (size_t k = 0; k < params->size; k++) {
		double h = 1e-5,
		       slope = (moved_loss(pass, model, k, h, 12) - moved_loss(pass, model, k, -h, 12)) / (2 * h);
		if (!(fabs(slope - gradient[k]) <= 1e-8))
			fail_msg("parameter %zu: %.12g is not %.12g", k, gradient[k], slope);
	}
	free(gradient);
	pass_free(pass);
	model_free(model);
	words_free(&words);
}

static void test_tensors(void **state)
{
	(void)state;
	const struct model_config config = qrnn_model(2);
	static const struct {
		const char *name;
		size_t size;
	} rows[] = {{"layers.0.input.weights", 3 * 10},    {"layers.0.input.biases", 3},
	            {"layers.0.stages.0.rotations", 3},    {"layers.0.stages.0.weights", 3 * 10},
	            {"layers.0.stages.0.biases", 3},       {"layers.0.stages.1.rotations", 3},
	            {"layers.0.stages.1.weights", 3 * 10}, {"layers.0.stages.1.biases", 3},
	            {"layers.0.output.weights", 2 * 10},   {"layers.0.output.biases", 2}};
	struct model *model;
	assert_int_equal(model_new(&model, &config, NULL), 0);
	const struct params *params = model_params(model);
	assert_int_equal(params->count, sizeof rows / sizeof *rows);
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		assert_string_equal(params->items[k].name, rows[k].name);
		assert_int_equal(params->items[k].size, rows[k].size);
	}
	assert_true(model_measures_words(model));
	model_free(model);
}

enum { FORWARD_STEPS = 4, FORWARD_BATCH = 40, FORWARD_ROWS = FORWARD_STEPS * FORWARD_BATCH };

/* Inputs, words and a mask of samples first .. first + batch - 1 of a data set, and the outcomes of a pass over them;
 * training: 0, or in which epoch.
 */
struct outcomes {
	double x[FORWARD_ROWS * 2], words[FORWARD_ROWS], mask[FORWARD_ROWS], outcomes[FORWARD_ROWS],
	    y[FORWARD_ROWS * 4];
};

static void run_outcomes(struct model *model, struct outcomes *o, struct word_guide guide, int batch, int training)
{
	const struct training_context context = {.seed = 1, .epoch = training ? (uint32_t)training : 1};
	for (size_t b = 0; b < (size_t)batch; b++) {
		size_t sample = guide.order != NULL ? guide.order[b] : guide.first + b;
		for (size_t t = 0; t < FORWARD_STEPS; t++) {
			size_t row = t * (size_t)batch + b;
			o->words[row] = (double)((sample + t) % 4);
			o->mask[row] = (double)((sample + 2 * t) % 3);
			for (size_t k = 0; k < 2; k++)
				o->x[(2 * t + k) * (size_t)batch + b] = (double)((sample >> k) % 2);
		}
	}
	guide.words = o->words;
	guide.mask = o->mask;
	guide.outcomes = o->outcomes;
	model_guide(model, &guide);
	model_forward_training(model, training > 0 ? &context : NULL, o->x, FORWARD_STEPS, batch, o->y);
	model_guide(model, NULL);
}

/* Training postselects all, evaluating what is not to be drawn. Draws are a sample's own, whoever is beside it. */
static void test_outcomes(void **state)
{
	(void)state;
	static struct outcomes all, one, other;
	const struct model_config config = qrnn_model(2);
	struct model *model;
	size_t drawn = 0, others = 0;
	assert_int_equal(model_new(&model, &config, NULL), 0);
	assert_int_equal(model_reserve(model, FORWARD_STEPS, FORWARD_BATCH, NULL), 0);
	params_initialise(model_params(model), 3);
	run_outcomes(model, &all, (struct word_guide){.seed = 7}, FORWARD_BATCH, 1);
	assert_memory_equal(all.outcomes, all.words, sizeof all.words);
	run_outcomes(model, &all, (struct word_guide){.seed = 7}, FORWARD_BATCH, 0);
	run_outcomes(model, &other, (struct word_guide){.seed = 8}, FORWARD_BATCH, 0);
	for (size_t row = 0; row < FORWARD_ROWS; row++) {
		bool given = all.mask[row] != ROW_DRAWN;
		assert_true(!given || all.outcomes[row] == all.words[row]);
		drawn += !given && all.outcomes[row] != all.words[row];
		others += all.outcomes[row] != other.outcomes[row];
	}
	assert_true(drawn > 5 && others > 5);
	for (size_t b = 1; b < FORWARD_BATCH; b++)
		for (int by_order = 0; by_order < 2; by_order++) {
			const struct word_guide guide = {
			    .seed = 7, .order = by_order ? &b : NULL, .first = by_order ? 0 : b};
			run_outcomes(model, &one, guide, 1, 0);
			for (size_t t = 0; t < FORWARD_STEPS; t++)
				assert_true(one.outcomes[t] == all.outcomes[t * FORWARD_BATCH + b]);
			for (size_t k = 0; k < FORWARD_STEPS * 4; k++)
				assert_true(one.y[k] == all.y[k * FORWARD_BATCH + b]);
		}
	/* Without a guide all is drawn. */
	model_forward(model, all.x, FORWARD_STEPS, FORWARD_BATCH, other.y);
	assert_true(memcmp(other.y, all.y, sizeof all.y) != 0);
	model_free(model);
}

/* Tables are counted, for every replica; they are the larger part of a model with many lanes. */
/* A model that measures draws in training too, anew in every epoch; its numbers and gradient are then those of one that
 * is postselected on what was drawn. */
static void test_measured(void **state)
{
	(void)state;
	static struct outcomes drawn, again, later, plain;
	struct model_config config = qrnn_model(2);
	struct model *measured, *postselected;
	double dy[FORWARD_ROWS * 4];
	config.layers[0].qrnn.measure = true;
	assert_int_equal(model_new(&measured, &config, NULL), 0);
	config.layers[0].qrnn.measure = false;
	assert_int_equal(model_new(&postselected, &config, NULL), 0);
	assert_true(model_draws_words(measured) && !model_draws_words(postselected));
	for (int k = 0; k < 2; k++) {
		struct model *model = k == 0 ? measured : postselected;
		assert_int_equal(model_reserve(model, FORWARD_STEPS, FORWARD_BATCH, NULL), 0);
		params_initialise(model_params(model), 3);
	}
	run_outcomes(measured, &later, (struct word_guide){.seed = 7}, FORWARD_BATCH, 2);
	run_outcomes(measured, &again, (struct word_guide){.seed = 7}, FORWARD_BATCH, 1);
	run_outcomes(measured, &drawn, (struct word_guide){.seed = 7}, FORWARD_BATCH, 1);
	assert_memory_equal(drawn.outcomes, again.outcomes, sizeof drawn.outcomes);
	assert_true(memcmp(drawn.outcomes, later.outcomes, sizeof drawn.outcomes) != 0);
	size_t others = 0;
	for (size_t row = 0; row < FORWARD_ROWS; row++) {
		assert_true(drawn.mask[row] != ROW_GIVEN || drawn.outcomes[row] == drawn.words[row]);
		others += drawn.outcomes[row] != drawn.words[row];
	}
	assert_true(others > 20);
	for (size_t k = 0; k < FORWARD_ROWS * 4; k++)
		dy[k] = 0.01 * (double)(k % 7);
	const struct training_context context = {.seed = 1, .epoch = 1};
	model_guide(postselected, &(struct word_guide){.words = drawn.outcomes, .mask = drawn.mask});
	model_forward_training(postselected, &context, drawn.x, FORWARD_STEPS, FORWARD_BATCH, plain.y);
	assert_memory_equal(plain.y, drawn.y, sizeof plain.y);
	model_backward(postselected, dy, NULL);
	model_backward(measured, dy, NULL);
	assert_memory_equal(model_params(postselected)->gradients, model_params(measured)->gradients,
	                    model_params(measured)->size * sizeof(double));
	model_free(measured);
	model_free(postselected);
}

static void test_memory(void **state)
{
	(void)state;
	struct model_config config = qrnn_model(4);
	struct model *model;
	config.layers[0].qrnn.workspace = 8;
	assert_int_equal(model_new(&model, &config, NULL), 0);
	size_t one = model_bytes(model, 10, 4, 1), two = model_bytes(model, 10, 4, 2),
	       more = model_bytes(model, 20, 4, 1);
	size_t tables = (24 + 4) * (size_t)2048 * 16; /* cosines and sines alone */
	assert_true(two - one > tables && one > two - one);
	assert_true(more - one >= 10 * 4 * 256 * sizeof(double) && more - one < 10 * 4 * 256 * 2 * sizeof(double));
	model_free(model);
}

static void test_models_refused(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	struct model_config config = qrnn_model(2);
	config.output = MODEL_OUTPUT_VECTOR;
	assert_int_equal(model_check(&config, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/layers/0/type");
	error = (struct qlstm_error){0};
	config = qrnn_model(2);
	config.layers[1] = config.layers[0];
	config.n_layers = 2;
	config.layers[1].qrnn.input_bits = 4;
	assert_int_equal(model_check(&config, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/layers");
	error = (struct qlstm_error){0};
	config = qrnn_model(2);
	config.n_inputs = 3;
	assert_int_equal(model_check(&config, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/layers/0/input_bits");
}

/* ---- Training ---- */

static struct word_training qrnn_training(void)
{
	struct word_training what = {qrnn_model(2), "probability_cross_entropy", TARGET_WORDS};
	what.model.layers[0].qrnn.workspace = 7; /* enough for a batch to be cut */
	return what;
}

static void test_threads_change_nothing(void **state)
{
	(void)state;
	const struct word_training what = qrnn_training();
	threads_change_nothing(&what);
}

static void test_goes_on_from_a_checkpoint(void **state)
{
	(void)state;
	const struct word_training what = qrnn_training();
	goes_on_from_a_checkpoint(&what);
}

/* What is measured fits together: in training all is postselected, in the test part what is not drawn. */
static void test_metrics(void **state)
{
	(void)state;
	const struct word_training what = qrnn_training();
	struct word_run run;
	word_run_open(&run, &what, 1, PRECISION_FLOAT64);
	struct epoch_metrics metrics = word_run_epochs(&run, 1);
	double least = epoch_metric(&metrics, "train_min_postsel_prob"),
	       error = epoch_metric(&metrics, "test_error_rate");
	assert_true(least > 0 && least < 0.5);
	assert_true(epoch_metric(&metrics, "train_error_rate") > 0.5 && error > 0.3 && error < 1);
	assert_true(epoch_metric(&metrics, "test_min_postsel_prob") > 0);
	assert_true(epoch_metric(&metrics, "train_accuracy") >= 0);
	word_run_close(&run);
}

/* Rows of one step and two words, of which the first is the target: drawn right, drawn wrong, given, ignored. */
static void test_metrics_of_rows(void **state)
{
	(void)state;
	const double prediction[] = {0.9, 0.4, 0.2, 0.1, 0.1, 0.6, 0.8, 0.9}, target[4] = {0};
	const double mask[] = {1, 1, 2, 0}, outcomes[] = {0, 1, 0, 0};
	struct rows rows = {.frames = 1,
	                    .width = 2,
	                    .batch = 4,
	                    .prediction = prediction,
	                    .target = target,
	                    .mask = mask,
	                    .outcomes = outcomes};
	const struct metric *errors = metric_for(TARGET_WORDS, 1), *least = metric_for(TARGET_WORDS, 2);
	assert_string_equal(errors->name, "error_rate");
	assert_string_equal(least->name, "min_postsel_prob");
	assert_true(errors->sum(&rows) == 1.0);
	assert_true(least->sum(&rows) == 0.1);
	rows.training = true;
	assert_true(fabs(errors->sum(&rows) - (0.1 + 0.6 + 0.8)) < 1e-15);
	rows.mask = NULL;
	rows.training = false;
	assert_true(least->sum(&rows) == 1.0); /* all drawn */
	rows.mask = mask;
	rows.training = rows.measured = true;
	assert_true(least->sum(&rows) == 0.2); /* the one that was given */
	assert_true(metric_none(least) == 1.0 && metric_join(least, 0.3, 0.2) == 0.2);
	assert_true(metric_none(errors) == 0.0 && metric_join(errors, 3, 2) == 5);
}

/* Chance has the loss that the formula gives: 0.4236 where p is spread over two words of four. */
static void test_loss(void **state)
{
	(void)state;
	const double prediction[] = {0.5, 0.5, 0, 0}, right[] = {0, 1, 0, 0}, target[] = {1};
	struct rows rows = {.frames = 1, .width = 4, .batch = 1, .prediction = prediction, .target = target};
	const struct loss *loss = loss_find("probability_cross_entropy");
	assert_true(fabs(loss->sum(&rows) - 0.4236) < 5e-5);
	rows.prediction = right;
	assert_true(fabs(loss->sum(&rows)) < 1e-15);
}

/* Two sequences learned by heart, and training that ends when the loss is small. */
static void test_learns_and_stops(void **state)
{
	(void)state;
	struct table table = task_table("simple_seq");
	const struct words_config config = {0, 1, 2, 20, 3, 0.5, 0};
	struct model_config model_config = qrnn_model(3);
	struct word_run run = {0};
	struct qlstm_error error = {0};
	struct trainer_config training = {
	    .epochs = 300,
	    .batch_size = 2,
	    .seed = 1,
	    .stop_loss = 0.01,
	    .loss = "probability_cross_entropy",
	    .clip_norm = 0.5,
	    .optimizer = {.type = "adam", .learning_rate = 0.1, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}};
	must(words_take(&table, &config, &run.words, &error), &error);
	must(model_new(&run.model, &model_config, &error), &error);
	must(trainer_new(&run.trainer, run.model, words_samples(&run.words, TARGET_WORDS), &training, &error), &error);
	struct epoch_metrics metrics = {0};
	while (!trainer_has_stopped(run.trainer))
		must(trainer_epoch(run.trainer, NULL, NULL, &metrics, &error), &error);
	assert_in_range(trainer_epochs_done(run.trainer), 10, 299);
	assert_true(epoch_metric(&metrics, "test_loss") < 0.01);
	word_run_close(&run);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gradient),
	    cmocka_unit_test(test_tensors),
	    cmocka_unit_test(test_outcomes),
	    cmocka_unit_test(test_measured),
	    cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_models_refused),
	    cmocka_unit_test(test_threads_change_nothing),
	    cmocka_unit_test(test_goes_on_from_a_checkpoint),
	    cmocka_unit_test(test_metrics),
	    cmocka_unit_test(test_metrics_of_rows),
	    cmocka_unit_test(test_loss),
	    cmocka_unit_test(test_learns_and_stops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
