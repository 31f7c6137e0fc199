/* Training where memory runs out, at every allocation in turn: refused as such, and nothing is left behind. */
#include "tests/unit/training_fixture.h"

#include "engine/nn/model_state.h"
#include "engine/train/pass.h"
#include "tests/unit/allocation.h"
#include "tests/unit/heap.h"

static struct windows windows;
static struct model *model;
static struct team *team;
static struct trainer *trained;
static struct trainer_config config;
static unsigned char *kept;
static size_t kept_length;

static int open_all(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	struct epoch_metrics metrics;
	config = small_training("rmsprop");
	random_windows(&windows, 23, 9);
	model = small_model();
	must(team_new(&team, 2, &error), &error);
	must(trainer_new(&trained, model, windows_samples(&windows), &config, &error), &error);
	must(trainer_epoch(trained, NULL, NULL, &metrics, &error), &error);
	must(trainer_save(trained, "x", &kept, &kept_length, &error), &error);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	free(kept);
	team_free(team);
	trainer_free(trained);
	model_free(model);
	windows_free(&windows);
	return 0;
}

static int make(void)
{
	struct model *other = NULL;
	struct trainer *trainer = NULL;
	struct epoch_metrics metrics;
	struct model_config shape = *model_config(model);
	int rc = model_new(&other, &shape, NULL);
	if (rc == 0)
		rc = trainer_new(&trainer, other, windows_samples(&windows), &config, NULL);
	if (rc == 0)
		rc = trainer_epoch(trainer, NULL, NULL, &metrics, NULL);
	if (rc == 0)
		assert_true(metrics.values[0] == epoch_metric(&trainer_history(trained)[0], "train_loss"));
	trainer_free(trainer);
	model_free(other);
	return rc;
}

/* Circuits, slices and a replica for the second thread. */
static int make_pass(void)
{
	struct model_config shape = {.n_inputs = 2, .n_outputs = 2, .n_layers = 2, .plan = "batch"};
	shape.layers[0] = (struct layer_config){
	    .type = "qlstm",
	    .qlstm = {.recurrent = {.hidden_size = 2},
	              .variant = "linear",
	              .circuit = {.n_qubits = 8, .n_qlayers = 1, .depth = 3, .rotation = PAULI_Y, .measure = PAULI_Z}}};
	shape.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = 2, .bias = true}};
	struct model *circuits = NULL;
	struct pass *pass = NULL;
	int rc = model_new(&circuits, &shape, NULL);
	const struct pass_config wanted = {.model = circuits,
	                                   .samples = windows_samples(&windows),
	                                   .loss = loss_find("mse"),
	                                   .batch = 23,
	                                   .team = team};
	if (rc == 0)
		rc = pass_new(&pass, &wanted, NULL);
	if (rc == 0)
		assert_true(isfinite(pass_loss(pass, 0, 32)));
	pass_free(pass);
	model_free(circuits);
	return rc;
}

static int save(void)
{
	unsigned char *bytes = NULL;
	size_t length;
	int rc = trainer_save(trained, "x", &bytes, &length, NULL);
	if (rc == 0) {
		assert_int_equal(length, kept_length);
		assert_memory_equal(bytes, kept, length);
	}
	free(bytes);
	return rc;
}

static int load(void)
{
	int rc = trainer_load(trained, "x", kept, kept_length, NULL);
	assert_int_equal(trainer_epochs_done(trained), 1);
	return rc;
}

static int declare(void)
{
	struct params params = {0};
	int rc = 0;
	for (int k = 0; k < 40 && rc >= 0; k++) {
		rc = params_add(&params, "x", PARAM_CLASSICAL, INIT_ZERO, 0, 1, (size_t[]){3});
		assert_true(rc < 0 || rc == k);
	}
	if (rc >= 0)
		rc = params_allocate(&params, NULL);
	assert_int_equal(params.values != NULL && params.gradients != NULL, rc == 0);
	params_free(&params);
	return rc;
}

static int (*const works[])(void) = {make, make_pass, save, load, declare};

static void every_allocation_may_fail(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof works / sizeof works[0]; k++)
		assert_every_allocation_may_fail(works[k], false);
}

static void fail_once_each(void)
{
	for (size_t k = 0; k < sizeof works / sizeof works[0]; k++)
		assert_every_allocation_may_fail(works[k], false);
}

static void nothing_is_left_behind(void **state)
{
	(void)state;
	size_t left = 0;
	for (int round = 0; round < 3; round++) {
		size_t before = heap_in_use();
		fail_once_each();
		left = heap_in_use() - before;
		if (left == 0)
			return;
	}
	fail_msg("%zu bytes are left behind", left);
}

/* The room for small batches is given back before that for large ones is asked for: a run never holds both. Where that
 * is not to be had, small batches can be reserved again. */
static void room_is_never_held_twice(void **state)
{
	(void)state;
	if (!ALLOCATIONS_FAIL)
		skip();
	static double x[FIX_STEPS * FIX_INPUTS * 64], y[FIX_STEPS * FIX_TARGETS * 64];
	struct model *other = NULL;
	struct model_config shape = *model_config(model);
	assert_int_equal(model_new(&other, &shape, NULL), 0);
	assert_int_equal(model_reserve(other, FIX_STEPS, 64, NULL), 0);
	size_t with = heap_in_use(), room = model_activations(other, FIX_STEPS, 64, NULL);
	allocations_until_failure = 0;
	assert_int_equal(model_reserve(other, FIX_STEPS, 640, NULL), ERR_OUT_OF_MEMORY);
	allocations_until_failure = -1;
	assert_true(heap_in_use() <= with - room);
	assert_int_equal(model_reserve(other, FIX_STEPS, 64, NULL), 0);
	model_forward(other, x, FIX_STEPS, 64, y);
	model_free(other);
}

/* A wide batch of short windows, then one long window: not a wide batch of long ones, which no machine has room for. */
static void room_is_that_of_what_is_asked(void **state)
{
	(void)state;
	enum { MANY = 100000 };
	struct model *other = NULL;
	struct model_config shape = *model_config(model);
	assert_int_equal(model_new(&other, &shape, NULL), 0);
	assert_int_equal(model_reserve(other, 1, MANY, NULL), 0);
	assert_int_equal(model_reserve(other, MANY, 1, NULL), 0);
	double *x = calloc((size_t)MANY * FIX_INPUTS, sizeof *x), y[FIX_TARGETS];
	assert_non_null(x);
	model_forward(other, x, MANY, 1, y);
	free(x);
	assert_int_equal(model_reserve(other, 2, 16, NULL), 0);
	assert_int_equal(model_reserve(other, 3, 12, NULL), 0); /* near enough: room for both */
	allocations_until_failure = ALLOCATIONS_FAIL ? 0 : -1;
	assert_int_equal(model_reserve(other, 2, 16, NULL), 0);
	allocations_until_failure = -1;
	model_free(other);
}

int main(int argc, char **argv)
{
	(void)argc;
	heap_count_exactly(argv);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_allocation_may_fail), cmocka_unit_test(nothing_is_left_behind),
	    cmocka_unit_test(room_is_never_held_twice), cmocka_unit_test(room_is_that_of_what_is_asked)};
	return cmocka_run_group_tests(tests, open_all, close_all);
}
