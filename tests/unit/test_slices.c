/* Passes: every size of a batch against the whole, evaluation of any range, what a pass takes and leaves behind. */
#include "tests/unit/training_fixture.h"

#include "engine/train/pass.h"
#include "tests/unit/heap.h"

enum { MOST = 70 };

/* Circuits that take long enough for a batch of MOST to be cut. */
static struct model *sliced_model(void)
{
	struct qlstm_error error = {0};
	struct model_config config = {.n_inputs = FIX_INPUTS, .n_outputs = FIX_TARGETS, .n_layers = 2, .plan = "batch"};
	config.layers[0] = (struct layer_config){
	    .type = "qlstm",
	    .qlstm = {.recurrent = {.hidden_size = 2},
	              .variant = "linear",
	              .circuit = {.n_qubits = 8, .n_qlayers = 1, .depth = 3, .rotation = PAULI_Y, .measure = PAULI_Z}}};
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = FIX_TARGETS, .bias = true}};
	struct model *model = NULL;
	must(model_new(&model, &config, &error), &error);
	params_initialise(model_params(model), 5);
	return model;
}

static struct windows windows;
static struct model *model, *plain; /* the same values */
static struct team *team;
static struct pass *pass;

static int open_pass(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	random_windows(&windows, MOST, 20);
	model = sliced_model();
	plain = sliced_model();
	must(model_reserve(plain, FIX_STEPS, MOST + 20, &error), &error);
	must(team_new(&team, 2, &error), &error);
	const struct pass_config config = {.model = model,
	                                   .samples = windows_samples(&windows),
	                                   .loss = loss_find("mse"),
	                                   .batch = MOST,
	                                   .team = team};
	must(pass_new(&pass, &config, &error), &error);
	return 0;
}

static int close_pass(void **state)
{
	(void)state;
	pass_free(pass);
	team_free(team);
	model_free(model);
	model_free(plain);
	windows_free(&windows);
	return 0;
}

/* The plain model's outputs [target][count] of windows order[..]. */
static void plain_outputs(const size_t *order, size_t count, double *y)
{
	static double x[FIX_STEPS * FIX_INPUTS * (MOST + 20)]; /* model_backward reads it too */
	for (size_t b = 0; b < count; b++)
		for (size_t k = 0; k < FIX_STEPS * FIX_INPUTS; k++)
			x[k * count + b] = windows.x[order[b] * FIX_STEPS * FIX_INPUTS + k];
	model_forward(plain, x, FIX_STEPS, (int)count, y);
}

static double plain_loss(const size_t *order, size_t count, double *dy)
{
	double y[FIX_TARGETS * (MOST + 20)], sum = 0, all = (double)(count * FIX_TARGETS);
	plain_outputs(order, count, y);
	for (size_t k = 0; k < FIX_TARGETS; k++)
		for (size_t b = 0; b < count; b++) {
			double off = y[k * count + b] - windows.y[order[b] * FIX_TARGETS + k];
			sum += off * off;
			dy[k * count + b] = 2 * off / all;
		}
	return sum / all;
}

/* Also the sizes that slices divide exactly, and those that leave a slice of one. From the largest on: what its last
 * slices left behind is in nobody's sum after it. */
static void every_size_of_a_batch(void **state)
{
	(void)state;
	const struct params *a = model_params(model);
	struct params *b = model_params(plain);
	size_t order[MOST];
	double dy[FIX_TARGETS * (MOST + 20)];
	for (size_t k = 0; k < MOST; k++)
		order[k] = (k * 33 + 7) % MOST;
	for (size_t count = MOST; count > 0; count--) {
		double loss = plain_loss(order, count, dy);
		params_zero_gradients(b);
		model_backward(plain, dy, NULL);
		assert_relative(pass_train(pass, 1, order, count), loss, 1e-12);
		for (size_t k = 0; k < a->size; k++)
			assert_true(fabs(a->gradients[k] - b->gradients[k]) <= 1e-11 * (1 + fabs(b->gradients[k])));
	}
}

static void every_range(void **state)
{
	(void)state;
	static const size_t ranges[][2] = {{0, MOST + 20}, {0, 1},   {MOST, 20}, {MOST + 19, 1},
	                                   {3, 64},        {10, 65}, {1, 8},     {5, 0}};
	for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
		size_t first = ranges[r][0], count = ranges[r][1], order[MOST + 20];
		double y[FIX_TARGETS * (MOST + 20)], expected[FIX_TARGETS * (MOST + 20)], dy[FIX_TARGETS * (MOST + 20)];
		for (size_t k = 0; k < count; k++)
			order[k] = first + k;
		if (count == 0) {
			assert_true(pass_loss(pass, first, 0) == 0);
			continue;
		}
		double loss = plain_loss(order, count, dy) * (double)(count * FIX_TARGETS);
		assert_relative(pass_loss(pass, first, count), loss, 1e-12);
		plain_outputs(order, count, expected);
		pass_predict(pass, first, count, y);
		for (size_t b = 0; b < count; b++)
			for (size_t k = 0; k < FIX_TARGETS; k++)
				assert_true(fabs(y[b * FIX_TARGETS + k] - expected[k * count + b]) <= 1e-13);
	}
}

static int count_call(void *context)
{
	++*(int *)context;
	return 0;
}

static void busy(void *context, size_t part, int member)
{
	(void)part, (void)member;
	volatile double *sum = context;
	for (int k = 0; k < 2000000; k++)
		sum[member * 16] += 1.0 / (k + 1);
}

/* A team outlives the passes that it worked for, and asks the last one nothing any more. */
static void a_freed_pass_is_not_asked(void **state)
{
	(void)state;
	int calls = 0;
	double sums[64] = {0};
	size_t order[MOST] = {0};
	pass_watch(pass, count_call, &calls);
	/* On a busy machine the others may have done it all before the caller, who is asked, begins. */
	for (int k = 0; calls == 0 && k < 100000; k++)
		pass_train(pass, 1, order, MOST);
	assert_true(calls > 0);
	pass_free(pass);
	pass = NULL;
	calls = 0;
	for (int k = 0; k < 20; k++)
		team_run(team, busy, sums, 2);
	assert_int_equal(calls, 0);
}

/* A slice for each member, and the gradients of all of them. */
static size_t slices_bytes(struct model *of, int steps, int batch, int threads)
{
	int held = (int)pass_held(of, steps, batch), slices = (batch + held - 1) / held;
	bool cut = slices > 1 || held < 64;
	return model_bytes(of, steps, held * (cut ? threads : 1), threads) +
	       (size_t)(slices - 1) * params_elements(model_params(of)) * sizeof(double);
}

/* The estimate that experiments are refused by. */
static void bytes(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 3; threads++) {
		assert_true(pass_held(model, 3, 100) < 100);
		assert_int_equal(pass_bytes(model, 3, 100, threads), slices_bytes(model, 3, 100, threads));
		assert_int_equal(pass_bytes(model, 3, 64, threads), slices_bytes(model, 3, 64, threads));
		/* Evaluation takes 64 windows, also where batches are smaller. */
		assert_int_equal(pass_held(model, 3, 1), pass_held(model, 3, 64));
		assert_int_equal(pass_bytes(model, 3, 1, threads), slices_bytes(model, 3, 1, threads));
	}
	/* Two slices at least, and no more than 256 MiB of gradients otherwise. */
	struct model_config config = {.n_inputs = 1, .n_outputs = 1, .n_layers = 2, .plan = "auto"};
	config.layers[0] = (struct layer_config){.type = "lstm", .lstm = {{.hidden_size = 1200}}};
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = 1}};
	struct model *large = NULL;
	assert_int_equal(model_new(&large, &config, NULL), 0);
	size_t n = model_params(large)->size;
	assert_in_range(((size_t)256 << 20) / (8 * (n + 1)), 3, 15);
	assert_int_equal(pass_bytes(large, 1, 64, 1), slices_bytes(large, 1, 64, 1));
	assert_true(pass_bytes(large, 1, 64, 1) < ((size_t)256 << 20) + model_bytes(large, 1, 64, 1));
	model_free(large);
}

/* Products read all weights once for the samples of a slice; circuits do not. */
static void slices_of_classical_layers(void **state)
{
	(void)state;
	struct model_config config = {.n_inputs = 1, .n_outputs = 1, .n_layers = 2, .plan = "auto"};
	config.layers[0] = (struct layer_config){.type = "lstm", .lstm = {{.hidden_size = 64}}};
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = 1}};
	struct model *lstm = NULL;
	assert_int_equal(model_new(&lstm, &config, NULL), 0);
	assert_true(model_is_classical(lstm, 8, 256) && !model_is_classical(model, 8, 256));
	assert_int_equal(pass_held(lstm, 8, 256), 64);
	assert_int_equal(pass_held(lstm, 8, 1024), 64);
	assert_int_equal(pass_held(lstm, 8, 4096), 256);
	assert_int_equal(pass_held(lstm, 8, 128), 64);
	assert_true(pass_held(lstm, 8, 127) < 64 && pass_held(model, 8, 256) < 64);
	model_free(lstm);
}

/* What the heap holds more for a pass of that team. */
static size_t taken(struct model *of, const struct windows *w, struct team *by)
{
	struct qlstm_error error = {0};
	struct pass *other = NULL;
	const struct pass_config config = {
	    .model = of, .samples = windows_samples(w), .loss = loss_find("mse"), .batch = MOST, .team = by};
	must(model_reserve(of, FIX_STEPS, MOST, &error), &error);
	size_t before = heap_in_use();
	must(pass_new(&other, &config, &error), &error);
	size_t after = heap_in_use();
	pass_free(other);
	return after - before;
}

/* Every member of a team that can have something to do has a replica; where there is one slice, nobody has. */
static void a_replica_for_each_member(void **state)
{
	(void)state;
	struct model *of = sliced_model(), *small = small_model();
	struct windows few;
	struct team *three = NULL;
	random_windows(&few, 23, 9);
	assert_int_equal(team_new(&three, 3, NULL), 0);
	taken(of, &windows, NULL); /* makes the model's plans */
	taken(small, &few, NULL);
	size_t alone = taken(of, &windows, NULL), two = taken(of, &windows, team), all = taken(of, &windows, three);
	size_t replica = model_params(of)->size * sizeof(double);
	if (heap_in_use() > 0) { /* else a sanitizer counts */
		assert_true(two > alone + replica && all > two + replica);
		assert_int_equal(taken(small, &few, three), taken(small, &few, NULL));
	}
	team_free(three);
	model_free(of);
	model_free(small);
	windows_free(&few);
}

static void open_and_close(void)
{
	struct qlstm_error error = {0};
	struct pass *other = NULL;
	struct model *of = sliced_model();
	size_t order[MOST] = {0};
	const struct pass_config config = {
	    .model = of, .samples = windows_samples(&windows), .loss = loss_find("mse"), .batch = MOST, .team = team};
	must(pass_new(&other, &config, &error), &error);
	pass_train(other, 1, order, MOST);
	pass_free(other);
	model_free(of);
}

static void nothing_is_left_behind(void **state)
{
	(void)state;
	pass_free(NULL);
	assert_leaves_nothing(open_and_close);
}

/* What the planner does not take is refused before anything is made. */
static void a_plan_that_does_not_take_the_circuit(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	struct model_config config = *model_config(model);
	struct model *deep = NULL;
	struct pass *none = NULL;
	config.layers[0].qlstm.circuit.n_qubits = 25;
	config.layers[0].qlstm.circuit.depth = 50;
	snprintf(config.plan, sizeof config.plan, "local");
	must(model_new(&deep, &config, &error), &error);
	const struct pass_config wanted = {
	    .model = deep, .samples = windows_samples(&windows), .loss = loss_find("mse"), .batch = 4};
	assert_true(pass_new(&none, &wanted, &error) < 0);
	assert_true(none == NULL && error.message[0] != '\0');
	model_free(deep);
}

#define IN_A_PASS(test) cmocka_unit_test_setup_teardown(test, open_pass, close_pass)

int main(int argc, char **argv)
{
	(void)argc;
	heap_count_exactly(argv);
	const struct CMUnitTest tests[] = {
	    IN_A_PASS(every_size_of_a_batch),      IN_A_PASS(every_range),
	    IN_A_PASS(a_freed_pass_is_not_asked),  IN_A_PASS(bytes),
	    IN_A_PASS(slices_of_classical_layers), IN_A_PASS(nothing_is_left_behind),
	    IN_A_PASS(a_replica_for_each_member),  IN_A_PASS(a_plan_that_does_not_take_the_circuit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
