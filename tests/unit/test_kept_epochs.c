/* What is kept of an epoch is the state of its layers too, such as running means: of the last one, the best one and one
 * that was asked for, behind a checkpoint as well, and for another training to go on from. */
#include "tests/unit/training_fixture.h"

enum { EPOCHS = 2 };

/* small_model with a batch_norm in front. */
static void open_normed(struct training *t)
{
	struct model_config config = {.n_inputs = FIX_INPUTS, .n_outputs = FIX_TARGETS, .n_layers = 3, .plan = "auto"};
	struct trainer_config trainer = small_training("adam");
	struct qlstm_error error = {0};
	config.layers[0] = (struct layer_config){.type = "batch_norm", .norm = {.epsilon = 1e-3, .momentum = 0.1}};
	config.layers[1] = (struct layer_config){.type = "lstm", .lstm = {{.hidden_size = 3}}};
	config.layers[2] = (struct layer_config){.type = "dense", .dense = {.units = FIX_TARGETS, .bias = true}};
	trainer.snapshots.count = 1;
	trainer.snapshots.epochs[0] = 1;
	random_windows(&t->windows, 23, 9);
	must(model_new(&t->model, &config, &error), &error);
	assert_true(model_params(t->model)->state_size > 0);
	must(trainer_new(&t->trainer, t->model, windows_samples(&t->windows), &trainer, &error), &error);
}

static double *copy_of(const struct training *t)
{
	size_t bytes = params_elements(model_params(t->model)) * sizeof(double);
	double *copy = malloc(bytes);
	assert_non_null(copy);
	return memcpy(copy, model_params(t->model)->values, bytes);
}

static void assert_values(const struct training *t, const double *values)
{
	const struct params *params = model_params(t->model);
	assert_memory_equal(params->values, values, params_elements(params) * sizeof(double));
}

static int stop_at_the_second(void *context, int epoch, size_t batch, size_t n_batches)
{
	(void)context, (void)epoch, (void)n_batches;
	return batch > 0;
}

/* `after[e]`: the values after epoch e. */
static void assert_kept(struct training *t, double *const *after)
{
	assert_true(trainer_take_snapshot(t->trainer, 0));
	assert_values(t, after[1]);
	assert_true(trainer_take(t->trainer, TRAINER_BEST));
	assert_values(t, after[trainer_kept_epoch(t->trainer, TRAINER_BEST)]);
	assert_true(trainer_take(t->trainer, TRAINER_LAST));
	assert_values(t, after[EPOCHS]);
}

static void kept_epochs(void **state)
{
	(void)state;
	struct training t, resumed;
	struct qlstm_error error = {0};
	struct epoch_metrics metrics;
	unsigned char *bytes;
	size_t length;
	double *after[EPOCHS + 1] = {NULL};
	open_normed(&t);
	open_normed(&resumed);
	for (int epoch = 1; epoch <= EPOCHS; epoch++) {
		training_epoch(&t);
		after[epoch] = copy_of(&t);
	}
	must(trainer_save(t.trainer, "f", &bytes, &length, &error), &error);
	must(trainer_load(resumed.trainer, "f", bytes, length, &error), &error);
	free(bytes);
	assert_int_equal(trainer_epoch(t.trainer, stop_at_the_second, NULL, &metrics, NULL), ERR_CANCELLED);
	assert_kept(&t, after);
	assert_kept(&resumed, after);
	training_close(&t);
	training_close(&resumed);
	for (int epoch = 1; epoch <= EPOCHS; epoch++)
		free(after[epoch]);
}

static void state_for_another(void **state)
{
	(void)state;
	struct training t, other;
	struct qlstm_error error = {0};
	unsigned char *bytes;
	size_t length;
	open_normed(&t);
	open_normed(&other);
	training_epoch(&t);
	double *after = copy_of(&t);
	params_initialise(model_params(t.model), 99); /* as if the best epoch's were in the model */
	must(trainer_save_state(t.trainer, &bytes, &length, &error), &error);
	must(trainer_load_state(other.trainer, bytes, length, &error), &error);
	assert_values(&other, after);
	free(bytes);
	free(after);
	training_close(&t);
	training_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kept_epochs),
	    cmocka_unit_test(state_for_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
