/* What training is told: optimisers, schedules and losses against values recorded from PyTorch 2.15 (float64), groups,
 * frozen tensors, the end of training without progress. */
#include "tests/unit/job_fixture.h"

#include "engine/nn/loss.h"
#include "engine/train/schedule.h"

static void near(double value, double expected)
{
	if (!(fabs(value - expected) <= 2e-15 * (1 + fabs(expected))))
		fail_msg("%.17g is not %.17g", value, expected);
}

/* Five steps at learning rate 0.1 from 1.5, -0.75, 2. */
static void optimizers_as_recorded(void **state)
{
	(void)state;
	static const double gradients[5][3] = {
	    {0.5, -0.25, 0}, {-0.125, 1.5, 0.375}, {0.0625, 0.75, -2}, {1, -0.5, 0.25}, {-0.75, 0.125, 0.5}};
	static const struct {
		struct optimizer_config config;
		double end[3];
	} cases[] = {
	    {{.type = "sgd", .momentum = 0.9, .nesterov = true, .weight_decay = 0.01},
	     {1.143650192763917, -1.3779335499548442, 2.3367575646065917}},
	    {{.type = "sgd", .momentum = 0.9, .weight_decay = 0.01},
	     {1.1874941128903485, -1.2732280163014242, 2.288914871984698}},
	    {{.type = "adagrad", .epsilon = 1e-8, .weight_decay = 0.01},
	     {1.3722245498850822, -0.7703676973119438, 1.8603470760534133}},
	    {{.type = "adam", .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.01},
	     {1.213758662429352, -0.8586375154474472, 1.9210265927249937}},
	    {{.type = "adamw", .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.1},
	     {1.1569807794259002, -0.8245109624729486, 1.9320050693155078}},
	    {{.type = "rmsprop", .alpha = 0.9, .momentum = 0.5, .epsilon = 1e-8, .weight_decay = 0.01},
	     {0.6869518957331155, -0.8518605103327134, 1.1896333096945548}},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct optimizer_config config = cases[k].config;
		struct optimizer *optimizer;
		double values[3] = {1.5, -0.75, 2};
		config.learning_rate = 0.1;
		assert_int_equal(optimizer_new(&optimizer, &config, 3, NULL), 0);
		for (int step = 0; step < 5; step++)
			optimizer_step(optimizer, values, gradients[step]);
		for (int i = 0; i < 3; i++)
			near(values[i], cases[k].end[i]);
		optimizer_free(optimizer);
	}
}

static void schedules_as_recorded(void **state)
{
	(void)state;
	static const double losses[12] = {1, 0.9, 0.95, 0.89999, 0.91, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6};
	static const struct {
		struct schedule_config config;
		double rates[12];
	} cases[] = {
	    {{.type = SCHEDULE_STEP, .step_epochs = 3, .factor = 0.5},
	     {1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125}},
	    {{.type = SCHEDULE_COSINE, .least = 0.1},
	     {1, 0.9846666218300807, 0.9397114317029974, 0.8681980515339462, 0.7749999999999999, 0.6664685702961343,
	      0.5499999999999999, 0.4335314297038657, 0.3250000000000001, 0.23180194846605368, 0.1602885682970026,
	      0.11533337816991932}},
	    {{.type = SCHEDULE_PLATEAU, .patience = 2, .factor = 0.25, .least = 0.1},
	     {1, 1, 1, 1, 1, 0.25, 0.25, 0.25, 0.25, 0.1, 0.1, 0.1}},
	    {{.type = SCHEDULE_STEP, .step_epochs = 3, .factor = 0.5, .warmup_epochs = 4},
	     {0.25, 0.5, 0.75, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125}},
	    {{.type = SCHEDULE_CONSTANT}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct schedule schedule;
		schedule_start(&schedule, &cases[k].config);
		for (int e = 0; e < 12; e++) {
			near(schedule_factor(&schedule, e + 1, 12), cases[k].rates[e]);
			schedule_note(&schedule, losses[e]);
		}
	}
}

/* Outputs 0.5 -1.5 3 and 0 2 -0.25 of two samples, the batch innermost. */
static void losses_as_recorded(void **state)
{
	(void)state;
	static const double outputs[6] = {0.5, 0, -1.5, 2, 3, -0.25}, reals[6] = {0, 0, 0.5, -1, 1, 0.25},
	                    classes[2] = {2, 0}, weights[3] = {0.5, 1, 3};
	static const struct {
		const char *name;
		struct loss_options options;
		double loss, gradient[6];
	} cases[] = {
	    {"huber",
	     {.huber_delta = 0.75},
	     0.7760416666666666,
	     {0.08333333333333333, 0, -0.125, 0.125, 0.125, -0.08333333333333333}},
	    {"quantile",
	     {.quantile = 0.9},
	     0.4666666666666666,
	     {0.016666666666666663, 0, -0.15, 0.016666666666666663, 0.016666666666666663, -0.15}},
	    {"bce",
	     {.quantile = 0},
	     0.7700153708697272,
	     {0.10374322186697577, -0.08333333333333333, 0.030404253967726058, 0.14679951299631372,
	      -0.007904312196261106, 0.07297058318570032}},
	    {"cross_entropy",
	     {.class_weights = weights},
	     0.6875814105477792,
	     {0.11263096804477608, -0.22273081340408035, 0.01524294396155365, 0.2014935495294579, -0.12787391200632958,
	      0.021237263874622467}},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		const struct loss *loss = loss_find(cases[k].name);
		double gradient[6];
		assert_non_null(loss);
		const struct rows rows = {.frames = 1,
		                          .width = 3,
		                          .batch = 2,
		                          .prediction = outputs,
		                          .target = loss->takes == TARGET_REALS ? reals : classes,
		                          .options = &cases[k].options};
		double terms = (double)loss_terms(loss, 2, 3);
		near(loss->sum(&rows) / terms, cases[k].loss);
		loss->backward(&rows, 1 / terms, gradient);
		for (int i = 0; i < 6; i++)
			if (strcmp(cases[k].name, "quantile") != 0 || i != 1) /* its slope at 0 is a matter of taste */
				near(gradient[i], cases[k].gradient[i]);
	}
}

#define QUANTUM "\"model\":{\"layers\":[{\"type\":\"qlstm\",\"hidden_size\":2,\"n_qubits\":2}]}"

static void open_training(struct job *job, const char *training)
{
	char spec[1024];
	snprintf(spec, sizeof spec,
	         "{" QUANTUM ",\"data\":{\"dataset\":\"mine\",\"inputs\":[\"small\"]},\"training\":{%s}}", training);
	job_of(job, spec);
}

/* How far parameters of a kind went in an epoch: the largest change. */
static double moved(struct job *job, enum param_kind kind)
{
	const struct params *params = model_params(job->model);
	double *before = malloc(params->size * sizeof *before), most = 0;
	memcpy(before, params->values, params->size * sizeof *before);
	job_train(job, 1);
	for (int k = 0; k < params->count; k++)
		for (size_t i = params->items[k].offset; i < params->items[k].offset + params->items[k].size; i++)
			if (params->items[k].kind == kind)
				most = fmax(most, fabs(params->values[i] - before[i]));
	free(before);
	return most;
}

static void groups_and_frozen_tensors(void **state)
{
	(void)state;
	struct job job;
	open_training(&job, "\"freeze\":[\"quantum\"]");
	assert_true(moved(&job, PARAM_QUANTUM) == 0);
	assert_true(moved(&job, PARAM_CLASSICAL) > 0);
	job_close(&job);
	open_training(&job, "\"freeze\":[\"classical\"]");
	assert_true(moved(&job, PARAM_CLASSICAL) == 0);
	assert_true(moved(&job, PARAM_QUANTUM) > 0);
	job_close(&job);
	open_training(&job, "\"optimizer\":{\"quantum_learning_rate\":1e-9}");
	double slow = moved(&job, PARAM_QUANTUM);
	assert_true(slow > 0 && slow < 1e-6);
	assert_true(moved(&job, PARAM_CLASSICAL) > 1e-3);
	job_close(&job);
	open_training(&job, "\"freeze\":[\"layers.1.\"]");
	const struct param *head = params_find(model_params(job.model), "layers.1.weight");
	double weight = model_params(job.model)->values[head->offset];
	job_train(&job, 2);
	assert_true(model_params(job.model)->values[head->offset] == weight);
	job_close(&job);
}

static void what_cannot_be_frozen(void **state)
{
	(void)state;
	static const struct {
		const char *training, *pointer;
	} cases[] = {{"\"freeze\":[\"quantum\",\"layers.7.\"]", "/freeze/1"},
	             {"\"freeze\":[\"quantum\",\"classical\"]", "/freeze"}};
	for (size_t k = 0; k < 2; k++) {
		struct job job;
		char spec[512];
		struct qlstm_error error = {0};
		snprintf(spec, sizeof spec,
		         "{" QUANTUM ",\"data\":{\"dataset\":\"mine\",\"inputs\":[\"small\"]},\"training\":{%s}}",
		         cases[k].training);
		const char *table = write_table();
		assert_int_equal(job_open(&job, write_text("spec.json", spec), table, 1, &error), ERR_INVALID);
		assert_string_equal(error.pointer, cases[k].pointer);
	}
}

/* A rate of which nothing can come ends after `patience` epochs; what a checkpoint says of them counts, too. */
static void ends_without_progress(void **state)
{
	(void)state;
	static const char training[] = "\"epochs\":50,\"patience\":3,\"optimizer\":{\"type\":\"sgd\",\"learning_rate\":"
	                               "1e-300},\"schedule\":{\"type\":\"plateau\",\"patience\":0,\"factor\":0.5}";
	struct job job, other;
	unsigned char *bytes;
	size_t length;
	struct qlstm_error error = {0};
	open_training(&job, training);
	job_train(&job, 3);
	assert_false(trainer_has_stopped(job.trainer));
	must(trainer_save(job.trainer, job.fingerprint, &bytes, &length, &error), &error);
	job_train(&job, 1);
	assert_true(trainer_has_stopped(job.trainer));
	assert_int_equal(trainer_kept_epoch(job.trainer, TRAINER_BEST), 1);
	open_training(&other, training);
	must(trainer_load(other.trainer, other.fingerprint, bytes, length, &error), &error);
	assert_false(trainer_has_stopped(other.trainer));
	job_train(&other, 1);
	assert_true(trainer_has_stopped(other.trainer));
	for (int k = 0; k < 4; k++) {
		double rate = epoch_metric(&trainer_history(job.trainer)[k], "learning_rate");
		assert_true(rate == 1e-300 * pow(0.5, k > 1 ? k - 1 : 0));
		assert_true(epoch_metric(&trainer_history(other.trainer)[k], "learning_rate") == rate);
	}
	free(bytes);
	job_close(&job);
	job_close(&other);
}

/* Rows 0 1 1 1 0 | ...: balanced weights are 5 / (2 x 2) and 5 / (2 x 3). */
static void classes_are_weighed(void **state)
{
	(void)state;
	struct job job;
	struct qlstm_error error = {0};
	const char *spec = "{" JOB_MODEL ",\"data\":{\"dataset\":\"mine\",\"task\":\"classification\",\"classes\":2,"
	                   "\"split\":{\"train\":0.5}},\"training\":{\"balance_classes\":true,\"loss\":\"bce\"}}";
	const char *rows = write_text("rows.csv", "x,label\n1,0\n2,1\n3,1\n4,1\n5,0\n4,1\n2,0\n1,0\n7,1\n8,1\n");
	must(job_open(&job, write_text("spec.json", spec), rows, 1, &error), &error);
	assert_true(job.spec.training.options.class_weights[0] == 1.25);
	assert_relative(job.spec.training.options.class_weights[1], 5.0 / 6, 1e-15);
	job_train(&job, 1);
	job_close(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(optimizers_as_recorded), cmocka_unit_test(schedules_as_recorded),
	    cmocka_unit_test(losses_as_recorded),     cmocka_unit_test(groups_and_frozen_tensors),
	    cmocka_unit_test(what_cannot_be_frozen),  cmocka_unit_test(ends_without_progress),
	    cmocka_unit_test(classes_are_weighed),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
