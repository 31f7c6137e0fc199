/* Random numbers, parameters, optimisers, losses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/nn/loss.h"
#include "engine/train/optimizer.h"
#include "engine/nn/params.h"
#include "engine/philox.h"

static void assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
}

/* Random123's kat_vectors, philox4x32 with 10 rounds. */
static void philox_known_answers(void **state)
{
	(void)state;
	static const struct {
		uint32_t counter[4], key[2], out[4];
	} cases[] = {
	    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
	    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
	     {0xffffffff, 0xffffffff},
	     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
	    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
	     {0xa4093822, 0x299f31d0},
	     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint32_t out[4];
		philox_block(cases[i].counter, cases[i].key, out);
		assert_memory_equal(out, cases[i].out, sizeof out);
	}
}

static void philox_counts_blocks(void **state)
{
	(void)state;
	struct philox rng;
	uint32_t block[4];
	philox_open(&rng, UINT64_C(0x0123456789abcdef), PHILOX_TEST, 7);
	for (uint32_t n = 0; n < 3; n++) {
		philox_block((uint32_t[]){n, 0, 7, PHILOX_TEST}, (uint32_t[]){0x89abcdef, 0x01234567}, block);
		for (int k = 0; k < 4; k++)
			assert_int_equal(philox_u32(&rng), block[k]);
	}
	rng.counter[0] = UINT32_MAX;
	for (int k = 0; k < 4; k++)
		philox_u32(&rng);
	assert_int_equal(rng.counter[0], 0);
	assert_int_equal(rng.counter[1], 1);
}

static void philox_distributions(void **state)
{
	(void)state;
	enum { N = 200000 };
	struct philox rng;
	philox_open(&rng, 1, PHILOX_TEST, 0);
	double sum = 0, squares = 0, uniform_sum = 0;
	for (int i = 0; i < N; i++) {
		double u = philox_uniform(&rng), z = philox_normal(&rng);
		assert_true(u >= 0 && u < 1);
		uniform_sum += u;
		sum += z;
		squares += z * z;
	}
	assert_near(uniform_sum / N, 0.5, 0.003);
	assert_near(sum / N, 0, 0.01);
	assert_near(squares / N, 1, 0.015);
	int counts[7] = {0};
	for (int i = 0; i < 70000; i++)
		counts[philox_below(&rng, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_near(counts[i], 10000, 500);
	for (int i = 0; i < 100; i++)
		assert_int_equal(philox_below(&rng, 1), 0);
}

static void philox_permutes(void **state)
{
	(void)state;
	struct philox rng;
	size_t a[100], b[100];
	bool seen[100] = {false};
	philox_open(&rng, 5, PHILOX_SHUFFLE, 1);
	philox_permute(&rng, a, 100);
	philox_open(&rng, 5, PHILOX_SHUFFLE, 1);
	philox_permute(&rng, b, 100);
	assert_memory_equal(a, b, sizeof a);
	philox_open(&rng, 5, PHILOX_SHUFFLE, 2);
	philox_permute(&rng, b, 100);
	assert_memory_not_equal(a, b, sizeof a);
	for (int i = 0; i < 100; i++) {
		assert_true(a[i] < 100 && !seen[a[i]]);
		seen[a[i]] = true;
	}
	philox_permute(&rng, a, 0);
	philox_permute(&rng, a, 1);
	assert_int_equal(a[0], 0);
}

static void params_lay_out_and_initialise(void **state)
{
	(void)state;
	struct params params = {0};
	assert_int_equal(params_add(&params, "w", PARAM_CLASSICAL, INIT_UNIFORM, 0.5, 2, (size_t[]){3, 4}), 0);
	assert_int_equal(params_add(&params, "b", PARAM_CLASSICAL, INIT_ZERO, 0, 1, (size_t[]){4}), 1);
	assert_int_equal(params_add(&params, "angles", PARAM_QUANTUM, INIT_ANGLE, 6.25, 3, (size_t[]){2, 5, 3}), 2);
	assert_int_equal(params_add(&params, "scalar", PARAM_QUANTUM, INIT_NORMAL, 0.01, 0, NULL), 3);
	assert_int_equal(params_add(&params, "huge", PARAM_QUANTUM, INIT_ZERO, 0, 2, (size_t[]){SIZE_MAX, 2}),
	                 ERR_OUT_OF_MEMORY);
	assert_int_equal(params.size, 12 + 4 + 30 + 1);
	assert_int_equal(params_count(&params, PARAM_CLASSICAL), 16);
	assert_int_equal(params_count(&params, PARAM_QUANTUM), 31);
	assert_int_equal(params_find(&params, "angles")->offset, 16);
	assert_null(params_find(&params, "huge"));

	assert_int_equal(params_allocate(&params, NULL), 0);
	params_initialise(&params, 42);
	for (int i = 0; i < 12; i++)
		assert_true(fabs(params.values[i]) <= 0.5 && params.values[i] != 0);
	for (int i = 12; i < 16; i++)
		assert_true(params.values[i] == 0);
	for (int i = 16; i < 46; i++)
		assert_true(params.values[i] >= 0 && params.values[i] < 6.25);
	struct philox rng;
	philox_open(&rng, 42, PHILOX_INIT, 3);
	assert_true(params.values[46] == 0.01 * philox_normal(&rng));
	params.gradients[3] = 1;
	params_zero_gradients(&params);
	assert_true(params.gradients[3] == 0);
	params_free(&params);

	for (int i = 0; i < 40; i++)
		assert_int_equal(params_add(&params, "x", PARAM_CLASSICAL, INIT_ZERO, 0, 1, (size_t[]){1}), i);
	params_free(&params);
}

/* Two steps from value 1 with gradients 0.5 and -0.25; the expected values are worked out by hand in the comments. */
static void two_steps(const struct optimizer_config *config, int slots, double first, double second)
{
	struct optimizer *optimizer;
	double values[2] = {1, 1};
	assert_int_equal(optimizer_new(&optimizer, config, 2, NULL), 0);
	assert_int_equal(optimizer_slots(optimizer), slots);
	optimizer_step(optimizer, values, (double[]){0.5, 0});
	assert_near(values[0], first, 1e-15);
	optimizer_step(optimizer, values, (double[]){-0.25, 0});
	assert_near(values[0], second, 1e-15);
	if (config->weight_decay == 0)
		assert_true(values[1] == 1);
	assert_int_equal(*optimizer_steps(optimizer), 2);
	assert_null(optimizer_slot(optimizer, slots));
	optimizer_free(optimizer);
}

static void optimizers_follow_their_definitions(void **state)
{
	(void)state;
	/* 1 - 0.1 * 0.5; 0.95 + 0.1 * 0.25 */
	two_steps(&(struct optimizer_config){.type = "sgd", .learning_rate = 0.1}, 0, 0.95, 0.975);
	/* buf 0.5, then 0.9 * 0.5 - 0.25 = 0.2 */
	two_steps(&(struct optimizer_config){.type = "sgd", .learning_rate = 0.1, .momentum = 0.9}, 1, 0.95, 0.93);
	/* g = 0.5 + 0.1 * 1 = 0.6; g = -0.25 + 0.1 * 0.94 = -0.156 */
	two_steps(&(struct optimizer_config){.type = "sgd", .learning_rate = 0.1, .weight_decay = 0.1}, 0, 0.94,
	          0.9556);
	/* v 0.0625, root 0.25, 0.5 / 0.5 = 1; v 0.75 * 0.0625 + 0.25 * 0.0625 = 0.0625, -0.25 / 0.5 = -0.5 */
	struct optimizer_config rmsprop = {.type = "rmsprop", .learning_rate = 0.1, .alpha = 0.75, .epsilon = 0.25};
	two_steps(&rmsprop, 1, 0.9, 0.95);
	/* buf 1, then 0.5 * 1 - 0.5 = 0 */
	rmsprop.momentum = 0.5;
	two_steps(&rmsprop, 2, 0.9, 0.9);
	/* m 0.25, v 0.0625, corrections 0.5 and 0.25: m^ 0.5, v^ 0.25: 0.5 / (0.5 + 0.5) = 0.5;
	 * m 0, so that the second step does nothing */
	struct optimizer_config adam = {
	    .type = "adam", .learning_rate = 0.1, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 0.5};
	two_steps(&adam, 2, 0.95, 0.95);
	/* m 0.75 * 0.125 + 0.25 * -0.25 = 0.03125, correction 0.4375; v 0.75 * 0.0625 + 0.25 * 0.0625 = 0.0625,
	 * correction 0.4375 */
	adam.beta1 = 0.75;
	two_steps(&adam, 2, 0.95, 0.95 - 0.1 * (0.03125 / 0.4375) / (0.25 / sqrt(0.4375) + 0.5));
}

static void optimizers_resume_from_their_slots(void **state)
{
	(void)state;
	const char *name;
	for (int i = 0; (name = optimizer_name_at(i)) != NULL; i++) {
		struct optimizer_config config = {.learning_rate = 0.01,
		                                  .momentum = 0.9,
		                                  .alpha = 0.99,
		                                  .beta1 = 0.9,
		                                  .beta2 = 0.999,
		                                  .epsilon = 1e-8,
		                                  .weight_decay = 0.01};
		snprintf(config.type, sizeof config.type, "%s", name);
		if (strcmp(name, "lbfgs") == 0) /* it needs an objective: test_lbfgs.c */
			continue;
		struct optimizer *a, *b;
		double x[3] = {1, 2, 3}, y[3];
		assert_int_equal(optimizer_new(&a, &config, 3, NULL), 0);
		assert_int_equal(optimizer_new(&b, &config, 3, NULL), 0);
		for (int k = 0; k < 5; k++)
			optimizer_step(a, x, (double[]){x[0], -1, 0.5});
		memcpy(y, x, sizeof x);
		*optimizer_steps(b) = *optimizer_steps(a);
		for (int k = 0; k < optimizer_slots(a); k++)
			memcpy(optimizer_slot(b, k), optimizer_slot(a, k), sizeof x);
		optimizer_step(a, x, (double[]){1, 2, 3});
		optimizer_step(b, y, (double[]){1, 2, 3});
		assert_memory_equal(x, y, sizeof x);
		optimizer_free(a);
		optimizer_free(b);
	}
	struct optimizer *none;
	struct qlstm_error error = {0};
	assert_int_equal(optimizer_new(&none, &(struct optimizer_config){.type = "adadelta"}, 1, &error),
	                 ERR_NOT_FOUND);
	assert_string_equal(error.pointer, "/type");
	optimizer_free(NULL);
}

static void losses_match_finite_differences(void **state)
{
	(void)state;
	static const double target[] = {0.5, -1, 2, 0.25}, classes[] = {1, 0};
	double prediction[] = {0.75, -1.5, 2.25, -3};
	const struct loss *loss;
	const struct loss_options options = {.huber_delta = 1, .quantile = 0.3};
	const double h = 1e-6;
	for (int i = 0; (loss = loss_at(i)) != NULL; i++) {
		double gradient[4];
		assert_ptr_equal(loss_find(loss->name), loss);
		const struct rows rows = {.frames = 1,
		                          .width = 2,
		                          .batch = 2,
		                          .prediction = prediction,
		                          .target = loss->takes == TARGET_REALS ? target : classes,
		                          .options = &options};
		loss->backward(&rows, 0.25, gradient);
		for (int k = 0; k < 4; k++) {
			double kept = prediction[k];
			prediction[k] = kept + h;
			double up = loss->sum(&rows);
			prediction[k] = kept - h;
			double down = loss->sum(&rows);
			prediction[k] = kept;
			assert_near(gradient[k], 0.25 * (up - down) / (2 * h), 1e-8);
		}
	}
	assert_null(loss_find("none"));
	const struct rows rows = {.frames = 1, .width = 1, .batch = 4, .prediction = prediction, .target = target};
	assert_near(loss_find("mse")->sum(&rows), 0.0625 + 0.25 + 0.0625 + 10.5625, 1e-15);
	assert_near(loss_find("mae")->sum(&rows), 0.25 + 0.5 + 0.25 + 3.25, 1e-15);
	double gradient = 9;
	const struct rows equal = {.frames = 1, .width = 1, .batch = 1, .prediction = target, .target = target};
	loss_find("mae")->backward(&equal, 1, &gradient);
	assert_true(gradient == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(philox_known_answers),
	    cmocka_unit_test(philox_counts_blocks),
	    cmocka_unit_test(philox_distributions),
	    cmocka_unit_test(philox_permutes),
	    cmocka_unit_test(params_lay_out_and_initialise),
	    cmocka_unit_test(optimizers_follow_their_definitions),
	    cmocka_unit_test(optimizers_resume_from_their_slots),
	    cmocka_unit_test(losses_match_finite_differences),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
