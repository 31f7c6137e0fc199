/* Records: what becomes of a row, which classes are refused and where; cross-entropy against a naive reference; a
 * trainer that tells accuracies, keeps them in its checkpoints and learns what can be learned. */
#include "tests/unit/training_fixture.h"

#include "engine/data/records.h"
#include "engine/nn/loss.h"

enum { ROWS = 40, INPUTS = 6 };

/* Columns a0 .. a5, label (0, 1, 2 in turn), value (label / 2 + 1). */
static struct column columns[INPUTS + 2];
static double cells[INPUTS + 2][ROWS];
static const struct table table = {.n_rows = ROWS, .n_columns = INPUTS + 2, .columns = columns};

static struct records_config fresh(void)
{
	static const int inputs[INPUTS] = {0, 1, 2, 3, 4, 5}, targets[2] = {INPUTS, INPUTS + 1};
	static char names[INPUTS + 2][8];
	struct philox rng;
	philox_open(&rng, 3, PHILOX_TEST, 0);
	for (int c = 0; c < INPUTS + 2; c++) {
		snprintf(names[c], sizeof names[c], "a%d", c);
		columns[c] = (struct column){.name = names[c], .values = cells[c]};
	}
	columns[INPUTS].name = (char *)"label";
	for (int i = 0; i < ROWS; i++) {
		cells[INPUTS][i] = i % 3;
		cells[INPUTS + 1][i] = 1 + i % 3 / 2.0;
		for (int c = 0; c < INPUTS; c++)
			cells[c][i] = (c % 3 == i % 3 ? 3 : 0) + philox_uniform(&rng);
	}
	return (struct records_config){.n_inputs = INPUTS,
	                               .n_targets = 1,
	                               .inputs = inputs,
	                               .targets = targets,
	                               .steps = 2,
	                               .classes = 3,
	                               .split.train = 0.75,
	                               .scaling = SCALING_MINMAX,
	                               .scaling_fit = SCALING_FIT_TRAIN};
}

static void rows_are_laid_out_as_steps(void **state)
{
	(void)state;
	struct records_config config = fresh();
	struct records records;
	struct qlstm_error error = {0};
	must(records_take(&table, &config, &records, &error), &error);
	const struct samples samples = records_samples(&records);
	assert_int_equal(samples.n_train, 30);
	assert_int_equal(samples.n_test, 10);
	assert_int_equal(samples.shape.steps, 2);
	assert_int_equal(samples.shape.n_inputs, 3);
	assert_int_equal(samples.shape.target, TARGET_CLASSES);
	assert_int_equal(samples.shape.width, 3);
	double x[INPUTS * 2], target[2];
	const size_t order[2] = {31, 4};
	samples.gather(samples.self, order, 0, 2, &(struct samples_batch){.x = x, .target = target});
	assert_true(target[0] == 31 % 3 && target[1] == 4 % 3);
	for (int c = 0; c < INPUTS; c++) {
		double low = cells[c][0], high = low;
		for (int i = 1; i < 30; i++) { /* fitted on the training part */
			low = fmin(low, cells[c][i]);
			high = fmax(high, cells[c][i]);
		}
		for (int b = 0; b < 2; b++)
			assert_true(fabs(x[c * 2 + b] - (2 * (cells[c][order[b]] - low) / (high - low) - 1)) < 1e-12);
	}
	records_free(&records);
	/* Real targets are scaled, and there may be several. */
	config.classes = 0;
	config.n_targets = 2;
	config.steps = 6;
	must(records_take(&table, &config, &records, &error), &error);
	const struct samples reals = records_samples(&records);
	assert_true(reals.shape.target == TARGET_REALS && reals.shape.width == 2 && reals.shape.n_inputs == 1);
	reals.gather(reals.self, NULL, 2, 1, &(struct samples_batch){.x = x, .target = target});
	assert_true(target[0] == 1 && target[1] == 1); /* the largest of each */
	records_free(&records);
}

static void refusals(void **state)
{
	(void)state;
	static const struct {
		int row;
		double value;
		const char *message;
	} bad[] = {
	    {7, -1, "column 'label' holds -1 in row 7 (from 0); its classes are the whole numbers from 0 to 2"},
	    {0, 0.5, "column 'label' holds 0.5 in row 0 (from 0); its classes are the whole numbers from 0 to 2"},
	    {39, 3, "column 'label' holds 3 in row 39 (from 0); its classes are the whole numbers from 0 to 2"},
	};
	for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
		struct records_config config = fresh();
		struct records records;
		struct qlstm_error error = {0};
		cells[INPUTS][bad[k].row] = bad[k].value;
		assert_int_equal(records_take(&table, &config, &records, &error), ERR_INVALID);
		assert_string_equal(error.pointer, "/targets/0");
		assert_string_equal(error.message, bad[k].message);
	}
	/* In the test part alone; and a class that nobody has is none too many. */
	struct records_config config = fresh();
	struct records records;
	struct qlstm_error error = {0};
	config.classes = 5;
	must(records_take(&table, &config, &records, &error), &error);
	records_free(&records);
	cells[INPUTS][35] = 4;
	assert_int_equal(records_take(&table, &config, &records, &error), ERR_INVALID);
	assert_string_equal(error.message,
	                    "class 4 of column 'label' is in row 35 (from 0) of the test part, and nowhere in the "
	                    "training part, the first 30 rows");
	static const struct {
		int steps, n_targets;
		double train;
		int code;
		const char *pointer;
	} cases[] = {{4, 1, 0.5, ERR_INVALID, "/steps"},
	             {0, 1, 0.5, ERR_INVALID, "/steps"},
	             {2, 2, 0.5, ERR_INVALID, "/targets"},
	             {2, 1, 0.02, ERR_INVALID, "/split/train"},
	             {2, 1, 1, ERR_OUT_OF_RANGE, "/split/train"}};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		config = fresh();
		config.steps = cases[k].steps;
		config.n_targets = cases[k].n_targets;
		config.split.train = cases[k].train;
		error_clear(&error);
		assert_int_equal(records_take(&table, &config, &records, &error), cases[k].code);
		assert_string_equal(error.pointer, cases[k].pointer);
	}
	config = fresh();
	columns[3].values = NULL;
	error_clear(&error);
	assert_int_equal(records_take(&table, &config, &records, &error), ERR_INVALID);
	assert_string_equal(error.pointer, "/inputs/3");
}

/* -log of the softmax by its definition, where that does not overflow; far outside of it, the linear limit. */
static void cross_entropy_by_definition(void **state)
{
	(void)state;
	static const double logits[6] = {0.5, -2, 1, 0.25, -0.75, 3}, truth[2] = {2, 0}; /* [3][2] */
	const struct rows rows = {.frames = 1, .width = 3, .batch = 2, .prediction = logits, .target = truth};
	const struct loss *loss = loss_find("cross_entropy");
	double expected = 0, gradient[6];
	for (size_t b = 0; b < 2; b++) {
		double sum = exp(logits[b]) + exp(logits[2 + b]) + exp(logits[4 + b]);
		expected -= log(exp(logits[2 * (size_t)truth[b] + b]) / sum);
	}
	assert_relative(loss->sum(&rows), expected, 1e-14);
	static const double far[6] = {1000, -1000, 0, -1000, -1000, 1e6};
	const struct rows large = {.frames = 1, .width = 3, .batch = 2, .prediction = far, .target = truth};
	assert_relative(loss->sum(&large), 2000 + 1001000, 1e-14);
	loss->backward(&large, 0.5, gradient);
	static const double limit[6] = {0.5, -0.5, 0, 0, -0.5, 0.5};
	for (size_t k = 0; k < 6; k++)
		assert_true(gradient[k] == limit[k]);
}

static struct model *classifier(void)
{
	struct model_config config = {.n_inputs = 3, .n_outputs = 3, .n_layers = 2, .plan = "auto"};
	config.layers[0] = (struct layer_config){.type = "lstm", .lstm = {{.hidden_size = 4}}};
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = 3, .bias = true}};
	struct model *model = NULL;
	struct qlstm_error error = {0};
	must(model_new(&model, &config, &error), &error);
	return model;
}

static void accuracies_are_told_and_kept(void **state)
{
	(void)state;
	struct records_config config = fresh();
	struct records records;
	struct qlstm_error error = {0};
	must(records_take(&table, &config, &records, &error), &error);
	struct trainer_config training = small_training("adam");
	snprintf(training.loss, sizeof training.loss, "cross_entropy");
	training.epochs = 40;
	training.optimizer.learning_rate = 0.05;
	struct model *models[2] = {classifier(), classifier()};
	struct trainer *trainers[2];
	struct epoch_metrics row = {0};
	for (int k = 0; k < 2; k++)
		must(trainer_new(&trainers[k], models[k], records_samples(&records), &training, &error), &error);
	for (int e = 0; e < 39; e++)
		must(trainer_epoch(trainers[0], NULL, NULL, &row, &error), &error);
	assert_int_equal(row.count, 5);
	assert_string_equal(row.names[3], "train_accuracy");
	assert_string_equal(row.names[4], "test_accuracy");
	unsigned char *bytes = NULL;
	size_t length = 0;
	must(trainer_save(trainers[0], "x", &bytes, &length, &error), &error);
	must(trainer_load(trainers[1], "x", bytes, length, &error), &error);
	free(bytes);
	for (int e = 0; e < 39; e++)
		assert_same_metrics(&trainer_history(trainers[1])[e], &trainer_history(trainers[0])[e]);
	must(trainer_epoch(trainers[1], NULL, NULL, &row, &error), &error);
	assert_true(epoch_metric(&row, "train_accuracy") == 1 && epoch_metric(&row, "test_accuracy") == 1);
	assert_true(epoch_metric(&row, "test_loss") < 0.1);
	assert_true(isnan(epoch_metric(&row, "test_f1")));
	/* The test part again, by hand. */
	double y[10][3], loss = 0;
	must(trainer_predict(trainers[1], 30, 10, &y[0][0], &error), &error);
	for (int i = 0; i < 10; i++) {
		int truth = (30 + i) % 3;
		loss -= log(exp(y[i][truth]) / (exp(y[i][0]) + exp(y[i][1]) + exp(y[i][2]))) / 10;
	}
	assert_relative(epoch_metric(&row, "test_loss"), loss, 1e-12);
	/* Numbers are no classes. */
	struct trainer *none = NULL;
	snprintf(training.loss, sizeof training.loss, "mse");
	assert_int_equal(trainer_new(&none, models[0], records_samples(&records), &training, &error), ERR_INVALID);
	assert_string_equal(error.message, "loss 'mse' takes real numbers, the targets are classes");
	for (int k = 0; k < 2; k++) {
		trainer_free(trainers[k]);
		model_free(models[k]);
	}
	records_free(&records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_laid_out_as_steps),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(cross_entropy_by_definition),
	    cmocka_unit_test(accuracies_are_told_and_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
