/* A batch in a register is its samples, each on its own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "engine/vector/isa.h"
#include "tests/unit/register_fixture.h"
#include "tests/unit/wide_registers.h"

enum { STRINGS = 3, WORDS = 4 };

/* Everything that a run gives, for all samples. */
struct record {
	double outputs[STRINGS * FIXTURE_SAMPLES], probabilities[WORDS * FIXTURE_SAMPLES], kept[FIXTURE_SAMPLES];
	double d_features[FIXTURE_NUMBERS * FIXTURE_SAMPLES], d_weights[FIXTURE_NUMBERS];
	double amplitudes[2 * 8 * FIXTURE_SAMPLES], d_amplitudes[2 * 8 * FIXTURE_SAMPLES];
};

/* Evolve, read, project, evolve again, read; and all the way back. */
static void run_once(const struct fixture *fixture, enum precision precision, const double *states,
                     const double *cotangents, struct record *record)
{
	static const struct pauli_string strings[STRINGS] = {{1, 0}, {3, 6}, {0, 7}};
	struct register_state *reg = opened(&(struct register_shape){.n_wires = 3,
	                                                             .samples = fixture->samples,
	                                                             .precision = precision,
	                                                             .gradients = true,
	                                                             .n_kept = 2 * FIXTURE_OPS + 1});
	struct register_sequence *sequence = prepared(reg, fixture->ops, fixture->n_ops);
	struct register_inputs inputs = fixture_inputs(fixture);
	struct register_gradients gradients = {record->d_features, record->d_weights};
	register_load(reg, states, false);
	assert_int_equal(register_evolve(reg, sequence, &inputs, true, NULL), 0);
	assert_int_equal(register_probabilities(reg, 5, record->probabilities, NULL), 0);
	assert_int_equal(register_project(reg, 2, fixture->words, true, record->kept, NULL, NULL), 0);
	assert_int_equal(register_evolve(reg, sequence, &inputs, true, NULL), 0);
	assert_int_equal(register_expect(reg, strings, STRINGS, record->outputs, NULL), 0);
	register_store(reg, record->amplitudes);
	assert_int_equal(register_expect_backward(reg, strings, STRINGS, cotangents, NULL), 0);
	assert_int_equal(register_evolve_backward(reg, sequence, &inputs, &gradients, NULL), 0);
	assert_int_equal(register_project_backward(reg, 2, fixture->words, cotangents, NULL), 0);
	assert_int_equal(register_probabilities_backward(reg, 5, cotangents, NULL), 0);
	assert_int_equal(register_evolve_backward(reg, sequence, &inputs, &gradients, NULL), 0);
	assert_int_equal(register_load_backward(reg, false, record->d_amplitudes, NULL), 0);
	assert_int_equal(register_kept(reg), 0);
	register_sequence_free(sequence);
	register_close(reg);
}

/* Sample `b` of an array [rows][samples] as an array of one sample. */
static double *one_sample(const double *array, size_t rows, size_t samples, size_t b)
{
	double *one = malloc(rows * sizeof *one);
	for (size_t r = 0; r < rows; r++)
		one[r] = array[r * samples + b];
	return one;
}

static void assert_column(const char *what, uint64_t seed, const double *batch, const double *one, size_t rows,
                          size_t samples, size_t b)
{
	for (size_t r = 0; r < rows; r++)
		if (memcmp(&batch[r * samples + b], &one[r], sizeof *one) != 0)
			fail_msg("%s, seed %llu, sample %zu, row %zu: %a in the batch, %a alone", what,
			         (unsigned long long)seed, b, r, batch[r * samples + b], one[r]);
}

static void compare_one(uint64_t seed, const struct fixture *fixture, enum precision precision, const double *states,
                        const double *cotangents, size_t b, const struct record *batch, struct record *one)
{
	size_t samples = fixture->samples;
	struct fixture alone = *fixture;
	double *state = one_sample(states, 16, samples, b), *cotangent = one_sample(cotangents, WORDS, samples, b);
	uint32_t words[FIXTURE_ROWS];
	alone.samples = 1;
	alone.features = one_sample(fixture->features, FIXTURE_NUMBERS, samples, b);
	alone.words = words;
	for (size_t r = 0; r < FIXTURE_ROWS; r++)
		words[r] = fixture->words[r * samples + b];
	/* d_weights goes on from sample to sample, all else starts at 0. */
	memset(one->d_features, 0, sizeof one->d_features);
	memset(one->d_amplitudes, 0, sizeof one->d_amplitudes);
	run_once(&alone, precision, state, cotangent, one);
	assert_column("output", seed, batch->outputs, one->outputs, STRINGS, samples, b);
	assert_column("probability", seed, batch->probabilities, one->probabilities, WORDS, samples, b);
	assert_column("probability kept", seed, batch->kept, one->kept, 1, samples, b);
	assert_column("amplitude", seed, batch->amplitudes, one->amplitudes, 16, samples, b);
	assert_column("d_features", seed, batch->d_features, one->d_features, FIXTURE_NUMBERS, samples, b);
	assert_column("d_amplitudes", seed, batch->d_amplitudes, one->d_amplitudes, 16, samples, b);
	free(alone.features);
	free(cotangent);
	free(state);
}

/* To the bit. A sum over samples in one call of evolve_backward is that over calls with one sample each; the two calls
 * of run_once interleave, so those sums are compared to rounding. */
static void compare_samples(uint64_t seed)
{
	struct oracle_random random = {seed};
	size_t samples = seed % 3 == 0 ? FIXTURE_SAMPLES : 1 + seed % FIXTURE_SAMPLES;
	enum precision precision = seed % 4 == 3 ? PRECISION_FLOAT32 : PRECISION_FLOAT64;
	struct fixture fixture = fixture_new(&random, 3, FIXTURE_OPS, samples);
	fixture_draw(&random, &fixture);
	double *states = random_states(&random, 3, samples);
	double *cotangents = random_array(&random, WORDS * samples, 1);
	struct record *batch = calloc(1, sizeof *batch), *one = calloc(1, sizeof *one);
	run_once(&fixture, precision, states, cotangents, batch);
	for (size_t b = 0; b < samples; b++)
		compare_one(seed, &fixture, precision, states, cotangents, b, batch, one);
	assert_array("d_weights", seed, batch->d_weights, one->d_weights, FIXTURE_NUMBERS, 1e-12);
	free(one);
	free(batch);
	free(cotangents);
	free(states);
	fixture_free(&fixture);
}

static void a_batch_is_its_samples(void **state)
{
	(void)state;
	const struct isa *best = isa_pick();
	for (int i = 0; isa_at(i) != NULL; i++) {
		if (!isa_at(i)->supported())
			continue;
		isa_force(isa_at(i));
		for (uint64_t seed = 0; seed < 60; seed++)
			compare_samples(seed);
	}
	isa_force(best);
}

static void compare_registers(uint64_t seed)
{
	struct oracle_random random = {seed};
	size_t samples = 1 + seed % FIXTURE_SAMPLES;
	enum precision precision = seed % 2 == 0 ? PRECISION_FLOAT64 : PRECISION_FLOAT32;
	struct fixture fixture = fixture_new(&random, 3, FIXTURE_OPS, samples);
	fixture_draw(&random, &fixture);
	double *states = random_states(&random, 3, samples);
	double *cotangents = random_array(&random, WORDS * samples, 1);
	struct record *narrow = calloc(1, sizeof *narrow), *wide = calloc(1, sizeof *wide);
	isa_force(fused_isa());
	run_once(&fixture, precision, states, cotangents, narrow);
	isa_force(wide_registers());
	run_once(&fixture, precision, states, cotangents, wide);
	assert_memory_equal(narrow, wide, sizeof *wide);
	free(narrow);
	free(wide);
	free(cotangents);
	free(states);
	fixture_free(&fixture);
}

/* Registers of 64 bytes give the bytes of narrower ones. */
static void registers_may_be_wider(void **state)
{
	(void)state;
	const struct isa *best = isa_pick();
	if (wide_registers() == NULL)
		skip();
	for (uint64_t seed = 0; seed < 120; seed++)
		compare_registers(seed);
	isa_force(best);
}

/* One call with all samples adds up weights' gradients as calls with one sample each do, to the bit. */
static void sums_are_in_the_order_of_samples(void **state)
{
	(void)state;
	struct oracle_random random = {5};
	const struct register_op ops[] = {{.gate = GATE_RX, .angle = angle_weight(1)},
	                                  {.gate = GATE_RY, .wires = {1}, .angle = angle_feature(0, ENCODER_X)},
	                                  {.gate = GATE_CNOT, .wires = {0, 1}},
	                                  {.gate = GATE_RZ, .wires = {1}, .angle = angle_weight(1)}};
	static const struct pauli_string string = {1, 2};
	double *features = random_array(&random, FIXTURE_SAMPLES, 3), *d = random_array(&random, FIXTURE_SAMPLES, 1);
	double weights[] = {0, 0.7}, sums[2][2] = {{0}};
	for (size_t b = 0; b <= FIXTURE_SAMPLES; b++) {
		bool all = b == FIXTURE_SAMPLES;
		struct register_state *reg = opened(
		    &(struct register_shape){.n_wires = 2, .samples = all ? FIXTURE_SAMPLES : 1, .gradients = true});
		struct register_sequence *sequence = prepared(reg, ops, 4);
		struct register_inputs inputs = {features + (all ? 0 : b), weights, NULL};
		assert_int_equal(register_evolve(reg, sequence, &inputs, false, NULL), 0);
		assert_int_equal(register_expect_backward(reg, &string, 1, d + (all ? 0 : b), NULL), 0);
		assert_int_equal(register_evolve_backward(reg, sequence, &inputs,
		                                          &(struct register_gradients){NULL, sums[all]}, NULL),
		                 0);
		register_sequence_free(sequence);
		register_close(reg);
	}
	assert_memory_equal(sums[0], sums[1], sizeof sums[0]);
	assert_true(sums[0][0] == 0 && sums[0][1] != 0);
	free(features);
	free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_batch_is_its_samples),
	    cmocka_unit_test(registers_may_be_wider),
	    cmocka_unit_test(sums_are_in_the_order_of_samples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
