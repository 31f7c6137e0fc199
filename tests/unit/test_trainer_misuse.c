/* Trainers that cannot be made, windows that are not there, losses that are no numbers, and what is left behind. */
#include "tests/unit/training_fixture.h"

#include "tests/unit/heap.h"

static int refused(const struct training *t, const char *loss, const char *optimizer, struct qlstm_error *error)
{
	struct trainer_config config = small_training(optimizer);
	struct trainer *trainer = NULL;
	snprintf(config.loss, sizeof config.loss, "%s", loss);
	error_clear(error);
	int rc = trainer_new(&trainer, t->model, windows_samples(&t->windows), &config, error);
	assert_null(trainer);
	return rc;
}

static void unknown_names(void **state)
{
	(void)state;
	struct trainer_config config = small_training("sgd");
	struct training t;
	struct qlstm_error error = {0};
	training_open(&t, &config);
	assert_int_equal(refused(&t, "hinge", "sgd", &error), ERR_NOT_FOUND);
	assert_string_equal(error.pointer, "/loss");
	assert_string_equal(error.message, "unknown loss 'hinge'");
	assert_int_equal(refused(&t, "mse", "adadelta", &error), ERR_NOT_FOUND);
	assert_string_equal(error.pointer, "/type");
	trainer_free(NULL);
	training_close(&t);
}

/* 32 windows: the last one, none behind it, and no wrapping round. */
static void samples_that_are_not_there(void **state)
{
	(void)state;
	struct trainer_config config = small_training("sgd");
	struct training t;
	struct qlstm_error error = {0};
	double y[FIX_TARGETS];
	training_open(&t, &config);
	assert_int_equal(trainer_predict(t.trainer, 31, 1, y, NULL), 0);
	assert_int_equal(trainer_predict(t.trainer, 32, 0, y, NULL), 0);
	assert_int_equal(trainer_predict(t.trainer, 32, 1, y, &error), ERR_OUT_OF_RANGE);
	assert_string_equal(error.message, "samples 32 to 33 do not exist");
	assert_int_equal(trainer_predict(t.trainer, 33, 0, y, NULL), ERR_OUT_OF_RANGE);
	assert_int_equal(trainer_predict(t.trainer, 1, SIZE_MAX, y, NULL), ERR_OUT_OF_RANGE);
	training_close(&t);
}

/* An epoch that fails does not count, and says where it failed. */
static void losses_that_are_not_finite(void **state)
{
	(void)state;
	static const struct {
		size_t target;
		double value;
		const char *message;
	} cases[] = {
	    {12 * FIX_TARGETS, 1e200, /* its square is not finite: batch 3 */
	     "the loss is not finite in epoch 1, batch 3 of 5; a smaller learning_rate or a clip_norm may help"},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct trainer_config config = small_training("sgd");
		struct training t;
		struct epoch_metrics metrics;
		struct qlstm_error error = {0};
		config.optimizer.learning_rate = 1e-4;
		training_open(&t, &config);
		t.windows.y[cases[k].target] = cases[k].value;
		assert_int_equal(trainer_epoch(t.trainer, NULL, NULL, &metrics, &error), ERR_NOT_FINITE);
		assert_string_equal(error.message, cases[k].message);
		assert_int_equal(trainer_epochs_done(t.trainer), 0);
		training_close(&t);
	}
}

/* A loss of mae is finite where the squares of its gradient are not. */
static void a_gradient_that_is_not_finite(void **state)
{
	(void)state;
	struct trainer_config config = small_training("sgd");
	struct training t;
	struct epoch_metrics metrics;
	struct qlstm_error error = {0};
	training_open(&t, &config);
	t.windows.y[0] = 1e153; /* 1e306 / 10 is a loss, the gradient's norm is not */
	t.windows.x[0] = 1;
	struct params *p = model_params(t.model);
	p->values[params_find(p, "layers.1.weight")->offset] = 1e60;
	assert_int_equal(trainer_epoch(t.trainer, NULL, NULL, &metrics, &error), ERR_NOT_FINITE);
	assert_string_equal(error.message,
	                    "the gradient is not finite in epoch 1, batch 1 of 5; a smaller learning_rate "
	                    "or a clip_norm may help");
	training_close(&t);
}

static void open_and_close(void)
{
	struct trainer_config config = small_training("adam");
	struct training t;
	struct qlstm_error error = {0};
	training_open(&t, &config);
	training_epoch(&t);
	unsigned char *bytes;
	size_t length;
	must(trainer_save(t.trainer, "x", &bytes, &length, &error), &error);
	must(trainer_load(t.trainer, "x", bytes, length, &error), &error);
	assert_int_equal(trainer_load(t.trainer, "y", bytes, length, NULL), ERR_CONFLICT);
	free(bytes);
	refused(&t, "mse", "adadelta", &error);
	refused(&t, "hinge", "sgd", &error);
	training_close(&t);
}

static void nothing_is_left_behind(void **state)
{
	(void)state;
	assert_leaves_nothing(open_and_close);
}

int main(int argc, char **argv)
{
	(void)argc;
	heap_count_exactly(argv);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(unknown_names),
	    cmocka_unit_test(samples_that_are_not_there),
	    cmocka_unit_test(losses_that_are_not_finite),
	    cmocka_unit_test(a_gradient_that_is_not_finite),
	    cmocka_unit_test(nothing_is_left_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
