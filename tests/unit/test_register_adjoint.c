/* Gradients of registers against finite differences, through evolving, measuring and projecting; un-application. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/register_fixture.h"

enum { STRINGS = 3, STEPS = 3 };

/* A made-up recurrent loop. Each step flips the input bits in, evolves, reads probabilities of two wires, projects one
 * of them on a word and expectations of what is left; the loss weighs all that is read with fixed numbers. */
struct loop {
	struct fixture fixture;
	int steps;
	bool shared; /* the start */
	uint32_t read, projected;
	double *start;    /* [2^n][re, im][samples, or 1 when shared] */
	double *features; /* [steps] times those of the fixture */
	uint32_t *words;  /* [steps][rows][samples]; row 0 is also what is projected on */
	double *probability_weights, *kept_weights, *output_weights, *state_weights;
};

/* Kept states throughout, or a checkpoint before each step. */
enum memory { KEEP, RECOMPUTE };

static const struct pauli_string strings[STRINGS] = {{1, 0}, {1, 1}, {0, 1}};

static size_t start_size(const struct loop *loop)
{
	return ((size_t)2 << loop->fixture.n_wires) * (loop->shared ? 1 : loop->fixture.samples);
}

static struct loop loop_new(struct oracle_random *random, int n_wires, size_t samples, int steps)
{
	struct loop loop = {.steps = steps, .shared = oracle_below(random, 2) == 0};
	loop.fixture = fixture_new(random, n_wires, FIXTURE_OPS, samples);
	loop.read = (uint32_t)oracle_below(random, 1 << n_wires);
	loop.projected = 1u << oracle_below(random, n_wires);
	loop.start = random_array(random, start_size(&loop), 1.2 / sqrt((double)(1 << n_wires)));
	size_t features = FIXTURE_NUMBERS * samples, rows = FIXTURE_ROWS * samples, n = (size_t)steps;
	loop.features = random_array(random, n * features, 0.9);
	loop.words = malloc(n * rows * sizeof *loop.words);
	for (size_t i = 0; i < n * rows; i++)
		loop.words[i] = (uint32_t)oracle_below(random, 2);
	for (size_t t = 0; t < n; t++)
		for (size_t b = 0; b < samples; b++)
			make_unitary(random, loop.features + t * features + b, samples);
	loop.probability_weights = random_array(random, n * samples << n_wires, 1);
	loop.kept_weights = random_array(random, n * samples, 1);
	loop.output_weights = random_array(random, n * STRINGS * samples, 1);
	loop.state_weights = random_array(random, samples * 2 << n_wires, 1);
	return loop;
}

static void loop_free(struct loop *loop)
{
	double *arrays[] = {loop->start,        loop->features,       loop->probability_weights,
	                    loop->kept_weights, loop->output_weights, loop->state_weights};
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(arrays[i]);
	free(loop->words);
	fixture_free(&loop->fixture);
}

static struct register_inputs inputs_at(const struct loop *loop, int t)
{
	size_t samples = loop->fixture.samples, step = (size_t)t;
	return (struct register_inputs){loop->features + step * FIXTURE_NUMBERS * samples, loop->fixture.weights,
	                                loop->words + step * FIXTURE_ROWS * samples};
}

static struct register_state *loop_open(const struct loop *loop)
{
	return opened(&(struct register_shape){.n_wires = loop->fixture.n_wires,
	                                       .samples = loop->fixture.samples,
	                                       .gradients = true,
	                                       .n_checkpoints = STEPS,
	                                       .n_kept = STEPS * (FIXTURE_OPS + 1)});
}

static double weighed(const double *values, const double *weights, size_t count)
{
	double sum = 0.0;
	for (size_t i = 0; i < count; i++)
		sum += values[i] * weights[i];
	return sum;
}

/* One step; *lowest becomes the lowest probability projected on, where that is lower. */
static double step_forward(const struct loop *loop, struct register_state *reg,
                           const struct register_sequence *sequence, int t, bool keep, double *lowest)
{
	size_t samples = loop->fixture.samples, step = (size_t)t, n_read = samples << __builtin_popcount(loop->read);
	double probabilities[8 * 4], kept[4], outputs[STRINGS * 4];
	struct register_inputs inputs = inputs_at(loop, t);
	assert_int_equal(register_evolve(reg, sequence, &inputs, keep, NULL), 0);
	assert_int_equal(register_probabilities(reg, loop->read, probabilities, NULL), 0);
	assert_int_equal(register_project(reg, loop->projected, inputs.words, keep, kept, NULL, NULL), 0);
	assert_int_equal(register_expect(reg, strings, STRINGS, outputs, NULL), 0);
	for (size_t b = 0; b < samples; b++)
		*lowest = fmin(*lowest, kept[b]);
	return weighed(probabilities, loop->probability_weights + (step * samples << loop->fixture.n_wires), n_read) +
	       weighed(kept, loop->kept_weights + step * samples, samples) +
	       weighed(outputs, loop->output_weights + step * STRINGS * samples, STRINGS * samples);
}

static void step_backward(const struct loop *loop, struct register_state *reg, const struct register_sequence *sequence,
                          int t, const struct register_gradients *gradients)
{
	size_t samples = loop->fixture.samples, step = (size_t)t;
	struct register_inputs inputs = inputs_at(loop, t);
	const double *d_probabilities = loop->probability_weights + (step * samples << loop->fixture.n_wires);
	const double *d_outputs = loop->output_weights + step * STRINGS * samples;
	assert_int_equal(register_expect_backward(reg, strings, STRINGS, d_outputs, NULL), 0);
	assert_int_equal(
	    register_project_backward(reg, loop->projected, inputs.words, loop->kept_weights + step * samples, NULL),
	    0);
	assert_int_equal(register_probabilities_backward(reg, loop->read, d_probabilities, NULL), 0);
	assert_int_equal(register_evolve_backward(reg, sequence, &inputs, gradients, NULL), 0);
}

static double loop_loss(const struct loop *loop, struct register_state *reg, const struct register_sequence *sequence,
                        enum memory memory, double *lowest)
{
	double loss = 0.0, amplitudes[16 * 4];
	register_load(reg, loop->start, loop->shared);
	for (int t = 0; t < loop->steps; t++) {
		assert_int_equal(register_save(reg, t, NULL, NULL), 0);
		loss += step_forward(loop, reg, sequence, t, memory == KEEP, lowest);
	}
	register_store(reg, amplitudes);
	return loss + weighed(amplitudes, loop->state_weights, loop->fixture.samples * 2 << loop->fixture.n_wires);
}

struct loop_gradient {
	double features[STEPS * FIXTURE_NUMBERS * 4], weights[FIXTURE_NUMBERS], start[16 * 4];
};

static void loop_backward(const struct loop *loop, struct register_state *reg, const struct register_sequence *sequence,
                          enum memory memory, struct loop_gradient *gradient)
{
	double unused = 0.0;
	memset(gradient, 0, sizeof *gradient);
	loop_loss(loop, reg, sequence, memory, &unused);
	assert_int_equal(register_cotangent_clear(reg, NULL), 0);
	assert_int_equal(register_store_backward(reg, loop->state_weights, NULL), 0);
	for (int t = loop->steps - 1; t >= 0; t--) {
		struct register_gradients to = {
		    gradient->features + (size_t)t * FIXTURE_NUMBERS * loop->fixture.samples, gradient->weights};
		if (memory == RECOMPUTE) {
			assert_int_equal(register_restore(reg, t, NULL, NULL), 0);
			step_forward(loop, reg, sequence, t, true, &unused);
		}
		step_backward(loop, reg, sequence, t, &to);
	}
	assert_int_equal(register_kept(reg), 0);
	assert_int_equal(register_load_backward(reg, loop->shared, gradient->start, NULL), 0);
}

/* Fourth-order central differences of the loss for all numbers of an array. */
static void assert_slopes(const char *what, uint64_t seed, const struct loop *loop, struct register_state *reg,
                          const struct register_sequence *sequence, double *numbers, size_t count,
                          const double *gradient)
{
	const double h = 5e-4;
	for (size_t i = 0; i < count; i++) {
		double at[4], centre = numbers[i], unused = 0.0;
		for (int k = 0; k < 4; k++) {
			numbers[i] = centre + h * (k < 2 ? k - 2 : k - 1);
			at[k] = loop_loss(loop, reg, sequence, RECOMPUTE, &unused);
		}
		numbers[i] = centre;
		double slope = (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h);
		assert_array(what, seed, &gradient[i], &slope, 1, 1e-8);
	}
}

/* Below this probability of a word differences are not to be trusted. */
#define LIKELY 0.04

/* False when a word is less likely; nothing is compared then. */
static bool loop_agrees(uint64_t seed, struct loop *loop)
{
	struct register_state *reg = loop_open(loop);
	struct register_sequence *sequence = prepared(reg, loop->fixture.ops, loop->fixture.n_ops);
	size_t features = (size_t)loop->steps * FIXTURE_NUMBERS * loop->fixture.samples;
	static struct loop_gradient kept, recomputed;
	double lowest = 1.0;
	loop_loss(loop, reg, sequence, RECOMPUTE, &lowest);
	if (lowest > LIKELY) {
		loop_backward(loop, reg, sequence, KEEP, &kept);
		loop_backward(loop, reg, sequence, RECOMPUTE, &recomputed);
		assert_array("both ways", seed, (double *)&kept, (double *)&recomputed, sizeof kept / sizeof(double),
		             1e-11);
		assert_slopes("d_features", seed, loop, reg, sequence, loop->features, features, kept.features);
		assert_slopes("d_weights", seed, loop, reg, sequence, loop->fixture.weights, FIXTURE_NUMBERS,
		              kept.weights);
		assert_slopes("d_start", seed, loop, reg, sequence, loop->start, start_size(loop), kept.start);
	}
	register_sequence_free(sequence);
	register_close(reg);
	return lowest > LIKELY;
}

static void random_operations_have_slopes(void **state)
{
	(void)state;
	int compared = 0;
	for (uint64_t seed = 0; seed < 400; seed++) {
		struct oracle_random random = {seed};
		struct loop loop = loop_new(&random, 1 + (int)(seed % 3), 1 + seed % 2, 1);
		fixture_draw(&random, &loop.fixture);
		compared += loop_agrees(seed, &loop);
		loop_free(&loop);
	}
	assert_in_range(compared, 200, 400);
}

/* Wire 0 takes the input bits, wires 1 and 2 are the memory. */
static void a_recurrent_loop_has_slopes(void **state)
{
	(void)state;
	static const uint32_t ring[] = {0, 3, 6, 5, 1, 2, 7, 4};
	static const struct register_op ops[] = {
	    {.kind = REGISTER_FLIP, .flipped = 1, .row = 1},
	    {.gate = GATE_RY, .wires = {1}, .angle = {ANGLE_WEIGHT, 20, ENCODER_X, 0}},
	    {.gate = GATE_RX, .wires = {2}, .angle = {ANGLE_FEATURE, 30, ENCODER_ATAN, 0}, .controls = 3},
	    {.kind = REGISTER_PLANE, .wires = {1}, .table = {ANGLE_WEIGHT, 24, 5, false}},
	    {.kind = REGISTER_MATRIX, .wires = {2}, .table = {ANGLE_FEATURE, 0, 0, true}, .open_controls = 1},
	    {.kind = REGISTER_DIAGONAL, .table = {ANGLE_FEATURE, 40, 3, false}},
	    {.kind = REGISTER_PERMUTE, .map = ring},
	    {.gate = GATE_H, .wires = {0}, .controls = 2},
	};
	int compared = 0;
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct oracle_random random = {seed};
		struct loop loop = loop_new(&random, 3, 1 + seed % 4, STEPS);
		memcpy(loop.fixture.ops, ops, sizeof ops);
		loop.read = 3;
		compared += loop_agrees(seed, &loop);
		loop_free(&loop);
	}
	assert_in_range(compared, 8, 60);
}

/* 200 unitary operations and back. */
static void un_application_returns(void **state)
{
	(void)state;
	enum { ROUNDS = 25, SAMPLES = 5 };
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct oracle_random random = {seed};
		struct fixture fixture = fixture_new(&random, 4, FIXTURE_OPS, SAMPLES);
		struct register_inputs inputs = fixture_inputs(&fixture);
		struct register_gradients nothing = {NULL, NULL};
		double *states = random_states(&random, 4, SAMPLES), found[32 * SAMPLES];
		for (int i = 0; i < FIXTURE_OPS; i++)
			do
				fixture.ops[i] = random_op(&random, 4, fixture.maps[i]);
			while (fixture.ops[i].kind != REGISTER_GATE && fixture.ops[i].kind != REGISTER_FLIP &&
			       fixture.ops[i].kind != REGISTER_PERMUTE && !fixture.ops[i].table.unitary);
		struct register_state *reg =
		    opened(&(struct register_shape){.n_wires = 4, .samples = SAMPLES, .gradients = true});
		struct register_sequence *sequence = prepared(reg, fixture.ops, FIXTURE_OPS);
		register_load(reg, states, false);
		for (int i = 0; i < ROUNDS; i++)
			assert_int_equal(register_evolve(reg, sequence, &inputs, false, NULL), 0);
		for (int i = 0; i < ROUNDS; i++)
			assert_int_equal(register_evolve_backward(reg, sequence, &inputs, &nothing, NULL), 0);
		register_store(reg, found);
		assert_array("amplitude", seed, found, states, 32 * SAMPLES, 1e-13);
		register_sequence_free(sequence);
		register_close(reg);
		free(states);
		fixture_free(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_operations_have_slopes),
	    cmocka_unit_test(a_recurrent_loop_has_slopes),
	    cmocka_unit_test(un_application_returns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
