/* What the tests of training share: windows without a pattern, a small model of two targets, a trainer on both. */
#ifndef QLSTM_TESTS_TRAINING_FIXTURE_H
#define QLSTM_TESTS_TRAINING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/windows.h"
#include "engine/philox.h"
#include "engine/train/trainer.h"

enum { FIX_STEPS = 3, FIX_INPUTS = 2, FIX_TARGETS = 2 };

static inline void must(int rc, const struct qlstm_error *error)
{
	if (rc != 0)
		fail_msg("%s: %s", error->pointer, error->message);
}

static inline void assert_relative(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance * fabs(expected)))
		fail_msg("%.17g is not %.17g to %g", value, expected, tolerance);
}

/* Free with windows_free. Target 1 is a hundred times as large as target 0. */
static inline void random_windows(struct windows *windows, size_t n_train, size_t n_test)
{
	size_t n = n_train + n_test;
	*windows = (struct windows){
	    .n_inputs = FIX_INPUTS, .n_targets = FIX_TARGETS, .steps = FIX_STEPS, .parts = {n_train, 0, n_test}};
	windows->x = malloc(n * FIX_STEPS * FIX_INPUTS * sizeof(double));
	windows->y = malloc(n * FIX_TARGETS * sizeof(double));
	assert_true(windows->x != NULL && windows->y != NULL);
	struct philox rng;
	philox_open(&rng, 77, PHILOX_TEST, 0);
	for (size_t k = 0; k < n * FIX_STEPS * FIX_INPUTS; k++)
		windows->x[k] = 2 * philox_uniform(&rng) - 1;
	for (size_t k = 0; k < n * FIX_TARGETS; k++)
		windows->y[k] = (k % FIX_TARGETS == 0 ? 1 : 100) * (2 * philox_uniform(&rng) - 1);
}

static inline struct model *small_model(void)
{
	struct model_config config = {.n_inputs = FIX_INPUTS, .n_outputs = FIX_TARGETS, .n_layers = 2, .plan = "auto"};
	config.layers[0] = (struct layer_config){.type = "lstm", .lstm = {{.hidden_size = 3}}};
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = FIX_TARGETS, .bias = true}};
	struct model *model = NULL;
	struct qlstm_error error = {0};
	must(model_new(&model, &config, &error), &error);
	return model;
}

struct training {
	struct windows windows;
	struct model *model;
	struct trainer *trainer;
};

static inline struct trainer_config small_training(const char *optimizer)
{
	struct trainer_config config = {.epochs = 4,
	                                .batch_size = 5,
	                                .loss = "mse",
	                                .seed = 3,
	                                .optimizer = {.learning_rate = 0.01,
	                                              .alpha = 0.9,
	                                              .beta1 = 0.9,
	                                              .beta2 = 0.99,
	                                              .epsilon = 1e-6,
	                                              .momentum = 0.5,
	                                              .history = 3,
	                                              .iterations = 2}};
	snprintf(config.optimizer.type, sizeof config.optimizer.type, "%s", optimizer);
	return config;
}

/* 23 training windows: batches of 5 leave a last one of 3. */
static inline void training_open(struct training *t, const struct trainer_config *config)
{
	struct qlstm_error error = {0};
	random_windows(&t->windows, 23, 9);
	t->model = small_model();
	must(trainer_new(&t->trainer, t->model, windows_samples(&t->windows), config, &error), &error);
}

static inline void training_close(struct training *t)
{
	trainer_free(t->trainer);
	model_free(t->model);
	windows_free(&t->windows);
}

/* All but the address of the names. */
static inline void assert_same_metrics(const struct epoch_metrics *a, const struct epoch_metrics *b)
{
	assert_int_equal(a->epoch, b->epoch);
	assert_int_equal(a->count, b->count);
	assert_memory_equal(a->values, b->values, sizeof a->values);
	assert_true(a->seconds == b->seconds);
	for (int k = 0; k < a->count; k++)
		assert_string_equal(a->names[k], b->names[k]);
}

static inline struct epoch_metrics training_epoch(struct training *t)
{
	struct epoch_metrics metrics = {0};
	struct qlstm_error error = {0};
	must(trainer_epoch(t->trainer, NULL, NULL, &metrics, &error), &error);
	return metrics;
}

#endif
