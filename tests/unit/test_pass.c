/* Passes over windows: slices and threads change no bit, slices add up to the batch, a pass can be given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/windows.h"
#include "engine/train/pass.h"
#include "engine/philox.h"

enum { N_TRAIN = 150, N_TEST = 70, STEPS = 3, INPUTS = 2, TARGETS = 2, BATCH = 100 };

static void must(int rc, const struct qlstm_error *error)
{
	if (rc != 0)
		fail_msg("%s: %s", error->pointer, error->message);
}

/* Random windows; no series has two columns. */
static void windows_fill(struct windows *windows)
{
	size_t n = N_TRAIN + N_TEST;
	*windows =
	    (struct windows){.n_inputs = INPUTS, .n_targets = TARGETS, .steps = STEPS, .parts = {N_TRAIN, 0, N_TEST}};
	windows->x = malloc(n * STEPS * INPUTS * sizeof(double));
	windows->y = malloc(n * TARGETS * sizeof(double));
	struct philox rng;
	philox_open(&rng, 5, PHILOX_SHUFFLE, 0);
	for (size_t k = 0; k < n * STEPS * INPUTS; k++)
		windows->x[k] = 2.0 * philox_uniform(&rng) - 1.0;
	for (size_t k = 0; k < n * TARGETS; k++)
		windows->y[k] = 2.0 * philox_uniform(&rng) - 1.0;
}

static const struct layer_config heavy = {.type = "qlstm",
                                          .qlstm = {.recurrent = {.hidden_size = 5},
                                                    .variant = "linear",
                                                    .circuit.n_qubits = 7,
                                                    .circuit.n_qlayers = 1,
                                                    .circuit.depth = 3,
                                                    .circuit.rotation = PAULI_Y,
                                                    .circuit.measure = PAULI_Z}};
static const struct layer_config classical = {.type = "lstm", .recurrent = {.hidden_size = 64, .bidirectional = true}};

static enum precision precision = PRECISION_FLOAT64;

static struct model *model_of(struct layer_config layer)
{
	struct qlstm_error error = {0};
	struct model_config config = {
	    .n_inputs = INPUTS, .n_outputs = TARGETS, .n_layers = 3, .plan = "auto", .precision = precision};
	config.layers[0] = layer;
	config.layers[1] = (struct layer_config){.type = "lstm", .recurrent = {.hidden_size = 4, .inversward = true}};
	config.layers[2] = (struct layer_config){.type = "dense", .dense = {.units = TARGETS, .bias = true}};
	struct model *model;
	must(model_new(&model, &config, &error), &error);
	params_initialise(model_params(model), 11);
	return model;
}

/* Everything that a pass says. */
struct said {
	double loss, test_loss;
	double *gradients; /* [n] */
	size_t n;
	double predictions[(N_TRAIN + N_TEST) * TARGETS];
};

static void ask(struct said *said, struct layer_config layer, int threads, int batch, size_t count)
{
	struct qlstm_error error = {0};
	struct windows windows;
	windows_fill(&windows);
	struct model *model = model_of(layer);
	struct team *team;
	must(team_new(&team, threads, &error), &error);
	struct pass *pass;
	const struct pass_config config = {.model = model,
	                                   .samples = windows_samples(&windows),
	                                   .loss = loss_find("mse"),
	                                   .batch = batch,
	                                   .team = team};
	must(pass_new(&pass, &config, &error), &error);
	size_t order[N_TRAIN];
	for (size_t k = 0; k < N_TRAIN; k++)
		order[k] = (k * 77 + 3) % N_TRAIN;
	said->loss = pass_train(pass, 1, order, count);
	said->n = model_params(model)->size;
	said->gradients = malloc(said->n * sizeof(double));
	memcpy(said->gradients, model_params(model)->gradients, said->n * sizeof(double));
	said->test_loss = pass_loss(pass, N_TRAIN, N_TEST);
	pass_predict(pass, 0, N_TRAIN + N_TEST, said->predictions);
	pass_free(pass);
	team_free(team);
	model_free(model);
	free(windows.x);
	free(windows.y);
}

static void check_threads(struct layer_config layer, int batch, size_t count)
{
	static struct said one, many;
	ask(&one, layer, 1, batch, count);
	assert_true(isfinite(one.loss) && one.loss > 0.0);
	for (int threads = 2; threads <= 5; threads++) {
		ask(&many, layer, threads, batch, count);
		assert_memory_equal(&one.loss, &many.loss, sizeof one.loss);
		assert_memory_equal(&one.test_loss, &many.test_loss, sizeof one.test_loss);
		assert_memory_equal(one.gradients, many.gradients, one.n * sizeof(double));
		assert_memory_equal(one.predictions, many.predictions, sizeof one.predictions);
		free(many.gradients);
	}
	free(one.gradients);
}

static void threads_change_no_bit(void **state)
{
	(void)state;
	check_threads(heavy, BATCH, BATCH);
	check_threads(heavy, BATCH, 37); /* an epoch's last batch */
	check_threads(heavy, 1, 1);
	check_threads(classical, BATCH, BATCH);
	precision = PRECISION_FLOAT32;
	check_threads(heavy, BATCH, 37);
	check_threads(classical, BATCH, BATCH);
	check_threads(classical, 7, 7);
	precision = PRECISION_FLOAT64;
}

/* The model on the whole batch at once. */
static double whole(struct model *model, const struct windows *windows, size_t count)
{
	struct qlstm_error error = {0};
	size_t frame = STEPS * INPUTS;
	double *x = malloc(frame * count * sizeof(double)), *y = malloc(TARGETS * count * sizeof(double));
	double *dy = malloc(TARGETS * count * sizeof(double)), loss = 0.0;
	must(model_reserve(model, STEPS, (int)count, &error), &error);
	for (size_t b = 0; b < count; b++)
		for (size_t k = 0; k < frame; k++)
			x[k * count + b] = windows->x[b * frame + k];
	model_forward(model, x, STEPS, (int)count, y);
	double all = (double)(TARGETS * count);
	for (size_t k = 0; k < TARGETS; k++)
		for (size_t b = 0; b < count; b++) {
			double difference = y[k * count + b] - windows->y[b * TARGETS + k];
			loss += difference * difference / all;
			dy[k * count + b] = 2.0 * difference / all;
		}
	params_zero_gradients(model_params(model));
	model_backward(model, dy, NULL);
	free(x);
	free(y);
	free(dy);
	return loss;
}

static void slices_add_up_to_the_batch(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	struct windows windows;
	windows_fill(&windows);
	struct model *plain = model_of(heavy), *sliced = model_of(heavy);
	double loss = whole(plain, &windows, BATCH);
	struct team *team;
	must(team_new(&team, 2, &error), &error);
	struct pass *pass;
	const struct pass_config config = {.model = sliced,
	                                   .samples = windows_samples(&windows),
	                                   .loss = loss_find("mse"),
	                                   .batch = BATCH,
	                                   .team = team};
	must(pass_new(&pass, &config, &error), &error);
	size_t order[BATCH];
	for (size_t k = 0; k < BATCH; k++)
		order[k] = k;
	for (int round = 0; round < 2; round++) {
		assert_float_equal(pass_train(pass, 1, order, BATCH), loss, 1e-13);
		for (size_t k = 0; k < model_params(plain)->size; k++)
			assert_float_equal(model_params(sliced)->gradients[k], model_params(plain)->gradients[k],
			                   1e-13);
	}
	pass_free(pass);
	team_free(team);
	model_free(plain);
	model_free(sliced);
	free(windows.x);
	free(windows.y);
}

struct watcher {
	int calls, stop_at;
};

static int watch(void *context)
{
	struct watcher *watcher = context;
	return ++watcher->calls >= watcher->stop_at;
}

static void a_pass_can_be_given_up(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 3; threads++) {
		struct qlstm_error error = {0};
		struct windows windows;
		windows_fill(&windows);
		struct model *model = model_of(heavy);
		struct team *team;
		must(team_new(&team, threads, &error), &error);
		struct pass *pass;
		const struct pass_config config = {.model = model,
		                                   .samples = windows_samples(&windows),
		                                   .loss = loss_find("mse"),
		                                   .batch = BATCH,
		                                   .team = team};
		must(pass_new(&pass, &config, &error), &error);
		struct watcher watcher = {.stop_at = 2};
		pass_watch(pass, watch, &watcher);
		size_t order[BATCH] = {0};
		/* The others may leave the caller, who alone asks, too little to do. */
		for (int tries = 0; tries < 1000 && watcher.calls < 2; tries++)
			pass_train(pass, 1, order, BATCH);
		assert_true(pass_abandoned(pass));
		assert_int_equal(watcher.calls, 2);
		pass_watch(pass, NULL, NULL);
		assert_true(isfinite(pass_loss(pass, 0, 10)));
		assert_false(pass_abandoned(pass));
		pass_free(pass);
		team_free(team);
		model_free(model);
		free(windows.x);
		free(windows.y);
	}
}

static void more_threads_need_more_memory(void **state)
{
	(void)state;
	struct model *model = model_of(heavy);
	size_t one = pass_bytes(model, STEPS, BATCH, 1), two = pass_bytes(model, STEPS, BATCH, 2);
	assert_true(two > one);
	model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(threads_change_no_bit),
	    cmocka_unit_test(slices_add_up_to_the_batch),
	    cmocka_unit_test(a_pass_can_be_given_up),
	    cmocka_unit_test(more_threads_need_more_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
