/* The cell of quantum neurons on random networks: against the plain program on all amplitudes, gradients against
 * differences, batches against single samples, instruction sets and precisions against each other. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "engine/vector/isa.h"
#include "tests/unit/neuron_fixture.h"

#define HALF_PI 1.57079632679489661923

enum { NUMBERS = 1 << 16 };

static double p[NUMBERS], other_p[NUMBERS], dp[NUMBERS], gradient[NUMBERS], other_gradient[NUMBERS];

static struct neuron_shape random_shape(struct oracle_random *random)
{
	return (struct neuron_shape){.workspace = 1 + oracle_below(random, 5),
	                             .stages = 1 + oracle_below(random, 2),
	                             .order = 1 + oracle_below(random, 3),
	                             .degree = 1 + oracle_below(random, 4),
	                             .input_bits = 1 + oracle_below(random, 3),
	                             .bias = oracle_uniform(random, 0.0, 3.2)};
}

static void assert_same(const char *what, int seed, const double *found, const double *wanted, size_t count,
                        double tolerance)
{
	for (size_t k = 0; k < count; k++)
		if (!(fabs(found[k] - wanted[k]) <= tolerance * fmax(1.0, fabs(wanted[k]))))
			fail_msg("%s %zu, network %d: %.17g is not %.17g", what, k, seed, found[k], wanted[k]);
}

static struct network moved(const struct network *network, const double *direction, double by)
{
	struct network copy = *network;
	copy.parameters = malloc(network->n_parameters * sizeof(double));
	for (size_t k = 0; k < network->n_parameters; k++)
		copy.parameters[k] = network->parameters[k] + by * direction[k];
	return copy;
}

/* The derivative of the plain program's loss along a direction, by a difference of the fourth order. */
static double plain_slope(const struct network *network, const double *direction, double h)
{
	static const double steps[] = {1.0, -1.0, 2.0, -2.0}, weights[] = {8.0, -8.0, -1.0, 1.0};
	double sum = 0.0;
	for (int k = 0; k < 4; k++) {
		struct network at = moved(network, direction, steps[k] * h);
		network_plain(&at, at.parameters, other_p);
		sum += weights[k] * network_loss(&at, other_p, NULL, NULL);
		free(at.parameters);
	}
	return sum / (12.0 * h);
}

/* A thousand networks: probabilities, and the gradient along a random direction. An outcome of probability p makes both
 * programs' rounding errors grow by 1 / p, and differences useless. */
static void test_equals_plain_program(void **state)
{
	(void)state;
	struct oracle_random random = {7};
	int compared = 0;
	for (int k = 0; k < 1000; k++) {
		struct network network =
		    network_new(random_shape(&random), 1 + oracle_below(&random, 4), 1 + oracle_below(&random, 3));
		double direction[NUMBERS / 16], slope = 0.0, least;
		network_draw(&network, &random);
		for (size_t i = 0; k % 2 == 0 && i < network.n_parameters; i++)
			network.parameters[i] *= 0.3;
		network_gradient(&network, p, dp, gradient);
		network_plain(&network, network.parameters, other_p);
		network_loss(&network, other_p, NULL, &least);
		if (least > 1e-9)
			assert_same("p", k, p, other_p, network_probabilities(&network), 1e-13 / least);
		for (size_t i = 0; i < network.n_parameters; i++) {
			direction[i] = oracle_uniform(&random, -1.0, 1.0) / sqrt((double)network.n_parameters);
			slope += direction[i] * gradient[i];
		}
		if (least > 1e-4) {
			double wanted = plain_slope(&network, direction, 2e-4);
			assert_same("slope", k, &slope, &wanted, 1, 1e-7);
			compared++;
		}
		network_free(&network);
	}
	assert_true(compared > 500);
}

/* Every parameter, orders 1 to 3, degrees 1 to 4. */
static void test_gradients(void **state)
{
	(void)state;
	struct oracle_random random = {11};
	for (int order = 1; order <= 3; order++)
		for (int degree = 1; degree <= 4; degree++) {
			const struct neuron_shape shape = {4, 1, order, degree, 2, HALF_PI};
			struct network network = network_new(shape, 3, 2);
			double direction[NUMBERS / 16] = {0};
			network_draw(&network, &random);
			for (size_t i = 0; i < network.n_parameters; i++)
				network.parameters[i] *= 0.5;
			network_gradient(&network, p, dp, gradient);
			for (size_t i = 0; i < network.n_parameters; i++) {
				direction[i] = 1.0;
				double wanted = plain_slope(&network, direction, 2e-4);
				assert_same("gradient", order * 10 + degree, &gradient[i], &wanted, 1, 1e-9);
				direction[i] = 0.0;
			}
			network_free(&network);
		}
}

/* Sample `sample` of a network, alone. */
static struct network single(const struct network *network, size_t sample)
{
	struct network alone = network_new(network->shape, network->steps, 1);
	memcpy(alone.parameters, network->parameters, network->n_parameters * sizeof(double));
	memcpy(alone.scored, network->scored, sizeof alone.scored);
	alone.precision = network->precision;
	for (size_t t = 0; t < (size_t)network->steps; t++) {
		alone.inputs[t] = network->inputs[t * (size_t)network->samples + sample];
		alone.outcomes[t] = network->outcomes[t * (size_t)network->samples + sample];
	}
	return alone;
}

static void check_single(enum precision precision)
{
	struct oracle_random random = {13};
	struct network network = network_new((struct neuron_shape){5, 2, 2, 3, 3, HALF_PI}, 6, 7);
	size_t rows = (size_t)network.steps * network_words(&network);
	network.precision = precision;
	network_draw(&network, &random);
	network_gradient(&network, p, dp, gradient);
	memset(other_gradient, 0, sizeof other_gradient);
	for (size_t b = 0; b < 7; b++) {
		double own_gradient[NUMBERS / 16];
		struct network alone = single(&network, b);
		network_gradient(&alone, other_p, dp, own_gradient);
		for (size_t k = 0; k < rows; k++)
			assert_memory_equal(&other_p[k], &p[k * 7 + b], sizeof(double));
		for (size_t k = 0; k < network.n_parameters; k++)
			other_gradient[k] += own_gradient[k] / 7.0;
		network_free(&alone);
	}
	assert_same("gradient", 0, other_gradient, gradient, network.n_parameters,
	            precision == PRECISION_FLOAT32 ? 1e-5 : 1e-13);
	network_free(&network);
}

static void test_batch_equals_single_samples(void **state)
{
	(void)state;
	check_single(PRECISION_FLOAT64);
	check_single(PRECISION_FLOAT32);
}

/* As experiments have it: small parameters, several stages of deep shrinking neurons. */
static void test_float32(void **state)
{
	(void)state;
	struct oracle_random random = {17};
	for (int order = 1; order <= 4; order++) {
		struct network network = network_new((struct neuron_shape){6, 3, order, 2, 2, HALF_PI}, 12, 3);
		network_draw(&network, &random);
		for (size_t i = 0; i < network.n_parameters; i++)
			network.parameters[i] *= 0.1;
		network_gradient(&network, other_p, dp, other_gradient);
		network.precision = PRECISION_FLOAT32;
		network_gradient(&network, p, dp, gradient);
		assert_same("p", order, p, other_p, network_probabilities(&network), 1e-4);
		assert_same("gradient", order, gradient, other_gradient, network.n_parameters, 2e-4);
		network_free(&network);
	}
}

static bool has_reference_bytes(const struct isa *isa)
{
	return isa->supported() && isa_same_bytes(isa->name, isa_at(0)->name) && isa_at(0)->supported();
}

static void check_bytes(const struct isa *isa, struct network *network)
{
	size_t count = network_probabilities(network) * sizeof(double);
	isa_force(isa_at(0));
	network_gradient(network, p, dp, gradient);
	isa_force(isa);
	network_gradient(network, other_p, dp, other_gradient);
	assert_memory_equal(p, other_p, count);
	assert_memory_equal(gradient, other_gradient, network->n_parameters * sizeof(double));
}

/* All widths of rows, both precisions. */
static void test_same_bytes(void **state)
{
	(void)state;
	struct oracle_random random = {19};
	const struct isa *isa;
	for (int k = 1; (isa = isa_at(k)) != NULL; k++)
		for (int w = 1; w <= 8 && has_reference_bytes(isa); w++)
			for (int single_precision = 0; single_precision < 2; single_precision++) {
				struct network network =
				    network_new((struct neuron_shape){w, 2, 2, 2, 1 + w % 3, HALF_PI}, 4, 3);
				network.precision = single_precision ? PRECISION_FLOAT32 : PRECISION_FLOAT64;
				network_draw(&network, &random);
				check_bytes(isa, &network);
				network_free(&network);
			}
	isa_force(isa_at(0)->supported() ? isa_at(0) : isa_pick());
}

/* ---- Outcomes ---- */

enum { DRAWS = 400 };

/* A cell of one step: p of its words in `probabilities`, outcomes drawn with these uniforms in `outcomes`. */
static void draw_outcomes(const struct network *network, const double *uniforms, double *probabilities,
                          uint8_t *outcomes)
{
	struct neuron_cell *cell;
	struct arena arena = {0};
	assert_int_equal(neuron_open(&cell, &network->shape, PRECISION_FLOAT64, NULL), 0);
	neuron_lay_out(cell, &arena, network->steps, DRAWS);
	void *memory = aligned_alloc(ARENA_ALIGN, arena.used);
	memset(memory, 0, arena.used);
	arena = (struct arena){.base = memory};
	neuron_lay_out(cell, &arena, network->steps, DRAWS);
	const struct neuron_sequence sequence = {network->steps, DRAWS, network->inputs, outcomes, uniforms};
	memset(outcomes, NEURON_DRAW, (size_t)(network->steps * DRAWS));
	neuron_set(cell, network->parameters);
	for (size_t b = 0; b < DRAWS; b++)
		neuron_forward(cell, &sequence, b, probabilities);
	neuron_close(cell);
	free(memory);
}

/* Uniforms spread evenly draw every word as often as its probability says; and the steps behind it go on from what was
 * drawn. */
static void test_draws(void **state)
{
	(void)state;
	struct oracle_random random = {23};
	struct network network = network_new((struct neuron_shape){3, 1, 2, 2, 2, HALF_PI}, 2, DRAWS);
	static double uniforms[2 * DRAWS], counts[4];
	network_draw(&network, &random);
	memset(network.inputs, 1, 2 * DRAWS);
	for (size_t b = 0; b < DRAWS; b++)
		uniforms[b] = uniforms[DRAWS + b] = ((double)b + 0.5) / DRAWS;
	draw_outcomes(&network, uniforms, p, network.outcomes);
	for (size_t b = 0; b < DRAWS; b++)
		counts[network.outcomes[b]]++;
	for (size_t w = 0; w < 4; w++)
		assert_true(fabs(counts[w] / DRAWS - p[w * DRAWS]) <= 1.0 / DRAWS);
	network_run(&network, network.parameters, other_p, NULL, NULL);
	assert_memory_equal(p, other_p, network_probabilities(&network) * sizeof *p);
	network_free(&network);
}

/* theta = -bias: s is 0, so is the probability of 1. */
static void test_impossible_outcome(void **state)
{
	(void)state;
	struct neuron_cell *cell;
	const struct neuron_shape shape = {1, 1, 2, 1, 1, HALF_PI};
	double parameters[9] = {0}, probabilities[4], d[4] = {0, 0, 0, 1}, found[9] = {0};
	uint8_t inputs[2] = {0, 0}, outcomes[2] = {1, 0};
	struct arena arena = {0};
	const struct neuron_sequence sequence = {2, 1, inputs, outcomes, NULL};
	assert_int_equal(neuron_parameters(&shape), 7);
	parameters[6] = -HALF_PI;
	assert_int_equal(neuron_open(&cell, &shape, PRECISION_FLOAT64, NULL), 0);
	neuron_lay_out(cell, &arena, 2, 1);
	void *memory = aligned_alloc(ARENA_ALIGN, arena.used);
	memset(memory, 0, arena.used);
	arena = (struct arena){.base = memory};
	neuron_lay_out(cell, &arena, 2, 1);
	neuron_set(cell, parameters);
	assert_int_equal(neuron_forward(cell, &sequence, 0, probabilities), 1);
	assert_true(probabilities[1] == 0.0 && probabilities[0] == 1.0);
	neuron_gradient_clear(cell);
	neuron_backward(cell, &sequence, 0, d);
	neuron_gradient_take(cell, found);
	neuron_close(cell);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_equals_plain_program),
	    cmocka_unit_test(test_gradients),
	    cmocka_unit_test(test_batch_equals_single_samples),
	    cmocka_unit_test(test_float32),
	    cmocka_unit_test(test_same_bytes),
	    cmocka_unit_test(test_draws),
	    cmocka_unit_test(test_impossible_outcome),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
