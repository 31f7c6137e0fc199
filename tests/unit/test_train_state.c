/* What one training leaves and another one goes on from: weights of the last epoch, moments, steps; what is refused. */
#include "tests/unit/training_fixture.h"

struct state {
	unsigned char *bytes;
	size_t length;
};

static void open_for(struct training *t, const char *optimizer, int epochs)
{
	struct trainer_config config = small_training(optimizer);
	config.epochs = epochs;
	training_open(t, &config);
}

static struct state state_after(const char *optimizer, int epochs)
{
	struct training t;
	struct state state;
	struct qlstm_error error = {0};
	open_for(&t, optimizer, 4);
	for (int k = 0; k < epochs; k++)
		training_epoch(&t);
	params_initialise(model_params(t.model), 99); /* as if the best epoch's were in the model */
	must(trainer_save_state(t.trainer, &state.bytes, &state.length, &error), &error);
	training_close(&t);
	return state;
}

/* Two epochs and two more are four. */
static void goes_on(void **state)
{
	(void)state;
	static const char *const optimizers[] = {"sgd", "rmsprop", "adam", "adamw", "adagrad", "lbfgs"};
	for (size_t k = 0; k < sizeof optimizers / sizeof *optimizers; k++) {
		struct training whole, second;
		struct qlstm_error error = {0};
		struct state left = state_after(optimizers[k], 2);
		open_for(&whole, optimizers[k], 4);
		open_for(&second, optimizers[k], 2);
		must(trainer_load_state(second.trainer, left.bytes, left.length, &error), &error);
		for (int epoch = 0; epoch < 4; epoch++)
			training_epoch(&whole);
		for (int epoch = 0; epoch < 2; epoch++)
			training_epoch(&second);
		const struct params *p = model_params(whole.model), *q = model_params(second.model);
		assert_memory_equal(p->values, q->values, p->size * sizeof(double));
		free(left.bytes);
		training_close(&whole);
		training_close(&second);
	}
}

static void assert_refused(struct training *t, struct state left, int code, const char *words)
{
	struct qlstm_error error = {0};
	struct params *params = model_params(t->model);
	double before[128];
	assert_in_range(params->size, 1, 128);
	memcpy(before, params->values, params->size * sizeof *before);
	assert_int_equal(trainer_load_state(t->trainer, left.bytes, left.length, &error), code);
	if (strstr(error.message, words) == NULL)
		fail_msg("%s", error.message);
	assert_memory_equal(params->values, before, params->size * sizeof *before);
	free(left.bytes);
}

static void refusals(void **state)
{
	(void)state;
	struct training adam, rms;
	struct state weights;
	struct trainer_config config = small_training("lbfgs");
	struct qlstm_error error = {0};
	open_for(&adam, "adam", 4);
	assert_refused(&adam, state_after("adamw", 1), ERR_CONFLICT, "its optimiser was adamw, this one is adam");
	training_epoch(&adam);
	must(trainer_save(adam.trainer, "x", &weights.bytes, &weights.length, &error), &error);
	assert_refused(&adam, weights, ERR_MISSING, "nothing of an optimiser");
	weights.bytes = calloc(1, 20);
	weights.length = 20;
	assert_refused(&adam, weights, ERR_CORRUPT, "");
	training_close(&adam);
	config.optimizer.history = 5;
	training_open(&rms, &config);
	assert_refused(&rms, state_after("lbfgs", 1), ERR_CONFLICT, "another size");
	training_close(&rms);
}

static int stop_at_the_second(void *context, int epoch, size_t batch, size_t n_batches)
{
	(void)context;
	(void)epoch;
	(void)n_batches;
	return batch > 0;
}

/* The moments are those of a batch later than the weights: they are left out, the weights are there. */
static void an_abandoned_epoch_leaves_weights_alone(void **state)
{
	(void)state;
	struct training t, other;
	struct state left;
	struct epoch_metrics metrics;
	struct qlstm_error error = {0};
	open_for(&t, "adam", 4);
	open_for(&other, "adam", 4);
	training_epoch(&t);
	assert_int_equal(trainer_epoch(t.trainer, stop_at_the_second, NULL, &metrics, NULL), ERR_CANCELLED);
	must(trainer_save_state(t.trainer, &left.bytes, &left.length, &error), &error);
	assert_refused(&other, left, ERR_MISSING, "nothing of an optimiser");
	training_close(&t);
	training_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(goes_on),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(an_abandoned_epoch_leaves_weights_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
