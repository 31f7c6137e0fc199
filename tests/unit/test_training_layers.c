/* Layers to which training is not evaluation: dropout, and layers that own state. How a batch is cut and how many
 * threads there are changes nothing; a run that is taken up again goes on as it would have. */
#include "tests/unit/nn_fixture.h"

#include <stdlib.h>

#include "engine/nn/layer.h"
#include "engine/data/windows.h"
#include "engine/train/trainer.h"
#include "engine/train/pass.h"

enum { N_TRAIN = 150, N_TEST = 20, STEPS = 3, BATCH = 100, WIDTH = 2 };

static void must(int rc, const struct qlstm_error *error)
{
	if (rc != 0)
		fail_msg("%s: %s", error->pointer, error->message);
}

/* A layer that changes nothing and keeps the running mean of each row of what it is trained on: mean += 0.1 (the
 * batch's mean - mean). Tensors layers.I.mean [width] and layers.I.values, how many of a row were seen. */
struct mean {
	int mean, values; /* parameter indices */
	size_t frames, batch;
};

static int largest_batch; /* that any mean layer was trained on in one call */

static int mean_check(const struct layer_config *config, struct shape in, struct shape *out, struct qlstm_error *error)
{
	(void)config, (void)error;
	*out = in;
	return 0;
}

static int mean_open(struct layer *layer, struct qlstm_error *error)
{
	(void)error;
	struct mean *own = calloc(1, sizeof *own);
	char name[PARAM_NAME_SIZE];
	layer->own = own;
	snprintf(name, sizeof name, "%s.mean", layer->name);
	own->mean = params_add(layer->params, name, PARAM_STATE, INIT_ZERO, 0, 1, (size_t[]){(size_t)layer->in.width});
	snprintf(name, sizeof name, "%s.values", layer->name);
	own->values = params_add(layer->params, name, PARAM_STATE, INIT_CONSTANT, 7.0, 0, NULL);
	return 0;
}

static double mean_cost(const struct layer *layer, const struct layer_work *work)
{
	(void)layer;
	return 5000.0 * work->batch; /* so that a batch is worth cutting */
}

static void mean_forward(struct layer *layer, const struct training_context *training, const double *x, int frames,
                         int batch, double *y)
{
	struct mean *own = layer->own;
	const struct param *items = layer->params->items;
	size_t n = (size_t)batch, width = (size_t)layer->in.width;
	own->frames = (size_t)frames;
	own->batch = n;
	memcpy(y, x, (size_t)frames * width * n * sizeof(double));
	if (training == NULL)
		return;
	largest_batch = batch > largest_batch ? batch : largest_batch;
	for (size_t t = 0; t < (size_t)frames; t++)
		for (size_t k = 0; k < width; k++)
			for (size_t b = 0; b < n; b++)
				layer->params->gradients[items[own->mean].offset + k] += x[(t * width + k) * n + b];
	layer->params->gradients[items[own->values].offset] += (double)((size_t)frames * n);
}

static void mean_backward(struct layer *layer, const double *x, const double *dy, double *dx)
{
	(void)x;
	const struct mean *own = layer->own;
	if (dx != NULL)
		memcpy(dx, dy, own->frames * (size_t)layer->in.width * own->batch * sizeof(double));
}

static void mean_update(struct layer *layer)
{
	const struct mean *own = layer->own;
	struct params *params = layer->params;
	size_t mean = params->items[own->mean].offset, values = params->items[own->values].offset;
	for (size_t k = 0; k < (size_t)layer->in.width; k++)
		params->values[mean + k] +=
		    0.1 * (params->gradients[mean + k] / params->gradients[values] - params->values[mean + k]);
	params->values[values] += params->gradients[values];
}

static const struct layer_ops mean_ops = {.check = mean_check,
                                          .open = mean_open,
                                          .cost = mean_cost,
                                          .forward = mean_forward,
                                          .backward = mean_backward,
                                          .update_state = mean_update};
static const struct layer_type mean_type = {
    .name = "mean", {.sequence = true, .vector = true, .state = true}, .ops = &mean_ops};
static const struct layer_type whole_type = {
    .name = "whole", {.sequence = true, .vector = true, .state = true, .whole_batch = true}, .ops = &mean_ops};

static struct layer_config dropout_layer(double p)
{
	return (struct layer_config){.type = "dropout", .dropout = {.p = p}};
}

/* Random windows of two columns. */
static void windows_fill(struct windows *windows)
{
	size_t n = N_TRAIN + N_TEST;
	*windows = (struct windows){.n_inputs = WIDTH, .n_targets = 1, .steps = STEPS, .parts = {N_TRAIN, 0, N_TEST}};
	windows->x = malloc(n * STEPS * WIDTH * sizeof(double));
	windows->y = malloc(n * sizeof(double));
	struct philox rng;
	philox_open(&rng, 5, PHILOX_TEST, 0);
	for (size_t k = 0; k < n * STEPS * WIDTH; k++)
		windows->x[k] = philox_normal(&rng);
	for (size_t k = 0; k < n; k++)
		windows->y[k] = philox_normal(&rng);
}

/* mean, dropout on the sequence, lstm, dropout on its last step, mean, a head. */
static struct model_config stack(const struct layer_type *mean)
{
	struct model_config config = {.n_inputs = WIDTH, .n_outputs = 1, .plan = "auto"};
	const struct layer_config layers[] = {{.own_type = mean}, dropout_layer(0.3),
	                                      lstm_layer(20),     dropout_layer(0.2),
	                                      {.own_type = mean}, {.type = "dense", .dense = {1, true}}};
	config.n_layers = sizeof layers / sizeof layers[0];
	memcpy(config.layers, layers, sizeof layers);
	return config;
}

struct training {
	struct windows windows;
	struct model *model;
	struct team *team;
	struct trainer *trainer;
};

static void training_open(struct training *t, const struct layer_type *mean, int threads, double weight_decay)
{
	struct qlstm_error error = {0};
	struct model_config config = stack(mean);
	windows_fill(&t->windows);
	must(team_new(&t->team, threads, &error), &error);
	must(model_new(&t->model, &config, &error), &error);
	struct trainer_config trainer = {.epochs = 4,
	                                 .batch_size = BATCH,
	                                 .shuffle = true,
	                                 .loss = "mse",
	                                 .seed = 3,
	                                 .optimizer = {.type = "adam",
	                                               .learning_rate = 0.01,
	                                               .beta1 = 0.9,
	                                               .beta2 = 0.999,
	                                               .epsilon = 1e-8,
	                                               .weight_decay = weight_decay},
	                                 .team = t->team};
	must(trainer_new(&t->trainer, t->model, windows_samples(&t->windows), &trainer, &error), &error);
}

static void training_run(struct training *t, int epochs)
{
	struct qlstm_error error = {0};
	struct epoch_metrics metrics;
	for (int k = 0; k < epochs; k++)
		must(trainer_epoch(t->trainer, NULL, NULL, &metrics, &error), &error);
}

static void training_close(struct training *t)
{
	trainer_free(t->trainer);
	model_free(t->model);
	team_free(t->team);
	free(t->windows.x);
	free(t->windows.y);
}

static void assert_same(const struct training *a, const struct training *b)
{
	const struct params *p = model_params(a->model), *q = model_params(b->model);
	assert_memory_equal(p->values, q->values, params_elements(p) * sizeof(double));
	for (int e = 0; e < trainer_epochs_done(a->trainer); e++) {
		assert_true(epoch_metric(&trainer_history(a->trainer)[e], "train_loss") ==
		            epoch_metric(&trainer_history(b->trainer)[e], "train_loss"));
		assert_true(epoch_metric(&trainer_history(a->trainer)[e], "test_loss") ==
		            epoch_metric(&trainer_history(b->trainer)[e], "test_loss"));
	}
}

static void test_threads_change_no_bit(void **state)
{
	(void)state;
	struct training one;
	largest_batch = 0;
	training_open(&one, &mean_type, 1, 0.0);
	training_run(&one, 4);
	assert_in_range(largest_batch, 1, BATCH / 2); /* it was cut */
	for (int threads = 2; threads <= 5; threads++) {
		struct training many;
		training_open(&many, &mean_type, threads, 0.0);
		training_run(&many, 4);
		assert_same(&one, &many);
		training_close(&many);
	}
	training_close(&one);
}

static void test_resume_is_exact(void **state)
{
	(void)state;
	struct training whole, first, second;
	struct qlstm_error error = {0};
	unsigned char *bytes;
	size_t length;
	training_open(&whole, &mean_type, 1, 0.0);
	training_open(&first, &mean_type, 2, 0.0);
	training_open(&second, &mean_type, 3, 0.0);
	training_run(&whole, 4);
	training_run(&first, 2);
	must(trainer_save(first.trainer, "f", &bytes, &length, &error), &error);
	must(trainer_load(second.trainer, "f", bytes, length, &error), &error);
	free(bytes);
	training_run(&second, 2);
	assert_same(&whole, &second);
	training_close(&whole);
	training_close(&first);
	training_close(&second);
}

/* Every batch moves the state by its own mean; weight decay, which draws parameters to zero, leaves it alone. */
static void test_state(void **state)
{
	(void)state;
	struct training t, decayed;
	training_open(&t, &mean_type, 2, 0.0);
	training_open(&decayed, &mean_type, 2, 0.5);
	struct params *params = model_params(t.model);
	const struct param *mean = params_find(params, "layers.0.mean"),
	                   *values = params_find(params, "layers.0.values");
	assert_int_equal(params_count(params, PARAM_STATE), WIDTH + 1 + 20 + 1);
	assert_int_equal(params->size, params_count(params, PARAM_CLASSICAL));
	assert_true(params->values[values->offset] == 7.0);
	training_run(&t, 1);
	training_run(&decayed, 1);
	struct philox rng;
	size_t order[N_TRAIN];
	double expected[WIDTH] = {0};
	philox_open(&rng, 3, PHILOX_SHUFFLE, 1);
	philox_permute(&rng, order, N_TRAIN);
	for (size_t from = 0; from < N_TRAIN; from += BATCH) {
		size_t end = from + BATCH < N_TRAIN ? from + BATCH : N_TRAIN;
		for (size_t k = 0; k < WIDTH; k++) {
			double sum = 0.0;
			for (size_t b = from; b < end; b++)
				for (size_t s = 0; s < STEPS; s++)
					sum += t.windows.x[(order[b] * STEPS + s) * WIDTH + k];
			expected[k] += 0.1 * (sum / (double)((end - from) * STEPS) - expected[k]);
		}
	}
	for (size_t k = 0; k < WIDTH; k++)
		assert_near(params->values[mean->offset + k], expected[k], 1e-14);
	assert_true(params->values[values->offset] == 7.0 + N_TRAIN * STEPS);
	assert_memory_equal(params->values + mean->offset, model_params(decayed.model)->values + mean->offset,
	                    WIDTH * sizeof(double));
	/* What is only looked at changes no state. */
	double y[N_TEST], before = params->values[mean->offset];
	must(trainer_predict(t.trainer, N_TRAIN, N_TEST, y, NULL), NULL);
	assert_true(params->values[mean->offset] == before);
	training_close(&t);
	training_close(&decayed);
}

static void test_whole_batches(void **state)
{
	(void)state;
	struct training t;
	largest_batch = 0;
	training_open(&t, &whole_type, 3, 0.0);
	training_run(&t, 1);
	assert_int_equal(largest_batch, BATCH);
	training_close(&t);
}

/* A layer of its own: x of ones in, so that y is the factors. */
enum { FRAMES = 5, ROWS = 40, SAMPLES = 50 };

static void factors(struct model *model, const struct training_context *training, size_t n, double *y)
{
	double *x = malloc(FRAMES * ROWS * n * sizeof *x);
	for (size_t k = 0; k < FRAMES * ROWS * n; k++)
		x[k] = 1.0;
	model_forward_training(model, training, x, FRAMES, (int)n, y);
	free(x);
}

/* What goes through dropout comes out at the end: the head of a sequence is the unit matrix, behind a recurrent layer
 * that passes on what it gets. */
static int pass_check(const struct layer_config *config, struct shape in, struct shape *out, struct qlstm_error *error)
{
	(void)config, (void)error;
	*out = in;
	return 0;
}

static int pass_open(struct layer *layer, struct qlstm_error *error)
{
	(void)error;
	layer->own = calloc(1, sizeof(struct mean));
	return 0;
}

static const struct layer_ops pass_ops = {
    .check = pass_check, .open = pass_open, .cost = mean_cost, .forward = mean_forward, .backward = mean_backward};

static void just_forward(struct layer *layer, const struct training_context *training, const double *x, int frames,
                         int batch, double *y)
{
	(void)training;
	mean_forward(layer, NULL, x, frames, batch, y);
}

static struct model *dropout_model(double p)
{
	static struct layer_ops ops;
	static struct layer_type recurrent, plain;
	ops = pass_ops;
	ops.forward = just_forward;
	recurrent = (struct layer_type){.name = "pass", .traits = {.recurrent = true, .sequence = true}, .ops = &ops};
	plain = (struct layer_type){.name = "end", .traits = {.sequence = true}, .ops = &ops};
	struct model_config config = {
	    .n_inputs = ROWS, .n_outputs = ROWS, .n_layers = 3, .output = MODEL_OUTPUT_SEQUENCE};
	config.layers[0] = dropout_layer(p);
	config.layers[1] = (struct layer_config){.own_type = &recurrent};
	config.layers[2] = (struct layer_config){.own_type = &plain};
	return open_model(&config, FRAMES, SAMPLES);
}

/* Dropped or scaled, each with its probability; the mean stays. */
static void test_dropout_in_expectation(void **state)
{
	(void)state;
	static const double ps[] = {0.0, 0.1, 0.5, 0.9, 1.0};
	for (size_t i = 0; i < sizeof ps / sizeof ps[0]; i++) {
		double p = ps[i], *y = malloc(FRAMES * ROWS * SAMPLES * sizeof *y);
		struct model *model = dropout_model(p);
		size_t dropped = 0, all = 0;
		for (uint32_t epoch = 1; epoch <= 10; epoch++) {
			const struct training_context training = {.seed = 9, .epoch = epoch};
			factors(model, &training, SAMPLES, y);
			for (size_t k = 0; k < FRAMES * ROWS * SAMPLES; k++, all++) {
				dropped += y[k] == 0.0;
				if (y[k] != 0.0)
					assert_near(y[k], 1.0 / (1.0 - p), 1e-15 / (1.0 - p));
			}
		}
		double n = (double)all, deviation = sqrt(n * p * (1.0 - p));
		assert_near((double)dropped, n * p, 4.0 * deviation);
		factors(model, NULL, SAMPLES, y);
		for (size_t k = 0; k < FRAMES * ROWS * SAMPLES; k++)
			assert_true(y[k] == 1.0);
		model_free(model);
		free(y);
	}
}

/* A sample's factors follow it to any place of any batch, and no two samples, epochs, seeds or steps have the same. */
static void test_dropout_follows_the_sample(void **state)
{
	(void)state;
	enum { UNITS = FRAMES * ROWS };
	struct model *model = dropout_model(0.5);
	static double many[UNITS * SAMPLES], one[UNITS], other[UNITS];
	size_t order[SAMPLES];
	for (size_t b = 0; b < SAMPLES; b++)
		order[b] = (b * 17 + 5) % SAMPLES + ((size_t)1 << 33) * (b % 2);
	struct training_context training = {.seed = 9, .epoch = 2, .order = order};
	factors(model, &training, SAMPLES, many);
	for (size_t b = 0; b < SAMPLES; b++) {
		training = (struct training_context){.seed = 9, .epoch = 2, .first = order[b]};
		factors(model, &training, 1, one);
		for (size_t k = 0; k < UNITS; k++)
			assert_true(one[k] == many[k * SAMPLES + b]);
	}
	assert_memory_not_equal(one, one + ROWS, ROWS * sizeof(double));
	const struct training_context others[] = {
	    {.seed = 9, .epoch = 2, .first = training.first + 1},
	    {.seed = 9, .epoch = 2, .first = training.first ^ ((size_t)1 << 33)},
	    {.seed = 9, .epoch = 3, .first = training.first},
	    {.seed = 10, .epoch = 2, .first = training.first},
	};
	for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
		factors(model, &others[k], 1, other);
		assert_memory_not_equal(one, other, sizeof one);
	}
	model_free(model);
}

/* While it trains: d(u . y) by parameters and inputs against differences, for one draw. */
static void test_dropout_gradient(void **state)
{
	(void)state;
	enum { N = 3 };
	struct model_config config = stack(&mean_type);
	config.layers[2] = lstm_layer(3);
	struct model *model = open_model(&config, STEPS, N);
	struct params *params = model_params(model);
	const struct training_context training = {.seed = 4, .epoch = 1, .first = 10};
	double x[STEPS * WIDTH * N], dx[STEPS * WIDTH * N], y[N], u[N] = {1.0, -0.7, 0.4}, sides[2];
	params_initialise(params, 7);
	for (size_t k = 0; k < STEPS * WIDTH * N; k++)
		x[k] = sin(1.1 * (double)k);
	params_zero_gradients(params);
	model_forward_training(model, &training, x, STEPS, N, y);
	model_backward(model, u, dx);
	for (size_t k = 0; k < params->size + STEPS * WIDTH * N; k++) {
		double *at = k < params->size ? &params->values[k] : &x[k - params->size], kept = *at;
		double given = k < params->size ? params->gradients[k] : dx[k - params->size];
		for (int side = 0; side < 2; side++) {
			*at = kept + (side == 0 ? 1e-5 : -1e-5);
			model_forward_training(model, &training, x, STEPS, N, y);
			sides[side] = u[0] * y[0] + u[1] * y[1] + u[2] * y[2];
		}
		*at = kept;
		assert_near(given, (sides[0] - sides[1]) / 2e-5, 1e-9);
	}
	model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_threads_change_no_bit),
	    cmocka_unit_test(test_resume_is_exact),
	    cmocka_unit_test(test_state),
	    cmocka_unit_test(test_whole_batches),
	    cmocka_unit_test(test_dropout_in_expectation),
	    cmocka_unit_test(test_dropout_follows_the_sample),
	    cmocka_unit_test(test_dropout_gradient),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
