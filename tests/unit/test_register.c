/* Registers against naive algebra and against the reference plan. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "engine/vector/isa.h"
#include "tests/unit/register_fixture.h"

/* ---- Naive algebra on one sample ---- */

struct naive {
	const struct fixture *fixture;
	size_t sample;
};

static int bit_of(const struct naive *naive, int wire, int k)
{
	return k >> (naive->fixture->n_wires - 1 - wire) & 1;
}

static bool carries(const struct naive *naive, uint32_t wires, int bit, int k)
{
	for (int w = 0; w < naive->fixture->n_wires; w++)
		if ((wires >> w & 1) != 0 && bit_of(naive, w, k) != bit)
			return false;
	return true;
}

static uint32_t word_of(const struct naive *naive, uint32_t wires, int k)
{
	uint32_t word = 0;
	for (int w = 0; w < naive->fixture->n_wires; w++)
		if ((wires >> w & 1) != 0)
			word = 2 * word + (uint32_t)bit_of(naive, w, k);
	return word;
}

static double number_of(const struct naive *naive, const struct register_table *table, size_t i)
{
	size_t at = (size_t)table->first + i;
	return table->source == ANGLE_WEIGHT ? naive->fixture->weights[at]
	                                     : naive->fixture->features[at * naive->fixture->samples + naive->sample];
}

static double angle_of(const struct naive *naive, const struct angle *angle)
{
	const struct fixture *fixture = naive->fixture;
	if (angle->source == ANGLE_FEATURE)
		return encoder_angle(angle->encoder,
		                     fixture->features[(size_t)angle->index * fixture->samples + naive->sample]);
	return angle->source == ANGLE_WEIGHT ? fixture->weights[angle->index] : angle->value;
}

/* Element [r][c] of the 2x2 matrix that column k of the whole matrix sees. */
static double complex entry_of(const struct naive *naive, const struct register_op *op, int k, int r, int c)
{
	const struct register_table *table = &op->table;
	size_t entry = word_of(naive, table->selectors, k), i = (size_t)(2 * r + c);
	if (op->kind == REGISTER_MATRIX)
		return number_of(naive, table, 8 * entry + 2 * i) + I * number_of(naive, table, 8 * entry + 2 * i + 1);
	double first = number_of(naive, table, 2 * entry), second = number_of(naive, table, 2 * entry + 1);
	if (op->kind == REGISTER_DIAGONAL)
		return first + I * second;
	return r == c ? first : r == 0 ? -second : second;
}

/* Element [row][column] of the whole matrix of any kind but a gate. */
static double complex element_of(const struct naive *naive, const struct register_op *op, int row, int column)
{
	int n = naive->fixture->n_wires;
	if (op->kind == REGISTER_PERMUTE)
		return (uint32_t)row == op->map[column];
	if (op->kind == REGISTER_FLIP) {
		uint32_t all = (1u << __builtin_popcount(op->flipped)) - 1;
		uint32_t flip = naive->fixture->words[(size_t)op->row * naive->fixture->samples + naive->sample] & all;
		return word_of(naive, op->flipped, row) == (word_of(naive, op->flipped, column) ^ flip) &&
		       word_of(naive, ~op->flipped, row) == word_of(naive, ~op->flipped, column);
	}
	if (op->kind == REGISTER_DIAGONAL)
		return row == column ? entry_of(naive, op, column, 0, 0) : 0;
	int bit = 1 << (n - 1 - op->wires[0]);
	if ((row & ~bit) != (column & ~bit))
		return 0;
	return entry_of(naive, op, column, bit_of(naive, op->wires[0], row), bit_of(naive, op->wires[0], column));
}

static void naive_apply(const struct naive *naive, const struct register_op *op, double complex *psi)
{
	int n = naive->fixture->n_wires, size = 1 << n;
	double complex active[ORACLE_STATES] = {0}, out[ORACLE_STATES] = {0};
	for (int k = 0; k < size; k++) {
		bool acts = carries(naive, op->controls, 1, k) && carries(naive, op->open_controls, 0, k);
		*(acts ? &active[k] : &out[k]) = psi[k];
	}
	if (op->kind == REGISTER_GATE) {
		struct circuit_op gate = {op->gate, {op->wires[0], op->wires[1]}, op->angle};
		oracle_apply(n, &gate, angle_of(naive, &op->angle), active);
	}
	for (int r = 0; r < size; r++)
		for (int c = 0; c < size && op->kind != REGISTER_GATE; c++)
			out[r] += element_of(naive, op, r, c) * active[c];
	for (int k = 0; k < size; k++)
		psi[k] = op->kind == REGISTER_GATE ? out[k] + active[k] : out[k];
}

static void naive_project(const struct naive *naive, uint32_t wires, uint32_t word, double complex *psi, double *p)
{
	*p = 0;
	for (int k = 0; k < 1 << naive->fixture->n_wires; k++) {
		if (word_of(naive, wires, k) != word)
			psi[k] = 0;
		*p += creal(psi[k] * conj(psi[k]));
	}
	for (int k = 0; k < 1 << naive->fixture->n_wires; k++)
		psi[k] /= sqrt(fmax(*p, REGISTER_PROBABILITY_FLOOR));
}

/* ---- Values ---- */

static void assert_state(const struct register_state *reg, const double complex *psi, size_t sample, uint64_t seed,
                         double tolerance)
{
	const struct register_shape *shape = register_shape_of(reg);
	double *found = malloc(((size_t)2 << shape->n_wires) * shape->samples * sizeof *found);
	register_store(reg, found);
	for (size_t k = 0; k < (size_t)1 << shape->n_wires; k++) {
		double wanted[] = {creal(psi[k]), cimag(psi[k])};
		double pair[] = {found[2 * k * shape->samples + sample], found[(2 * k + 1) * shape->samples + sample]};
		assert_array("amplitude", seed, pair, wanted, 2, tolerance);
	}
	free(found);
}

static void state_of(const double *states, int n_wires, size_t samples, size_t sample, double complex *psi)
{
	for (size_t k = 0; k < (size_t)1 << n_wires; k++)
		psi[k] = states[2 * k * samples + sample] + I * states[(2 * k + 1) * samples + sample];
}

static void operations_are_their_matrices(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct oracle_random random = {seed};
		int n = 1 + (int)(seed % ORACLE_WIRES);
		size_t samples = 1 + seed % 11;
		struct fixture fixture = fixture_new(&random, n, FIXTURE_OPS, samples);
		struct register_inputs inputs = fixture_inputs(&fixture);
		double *states = random_states(&random, n, samples);
		fixture_draw(&random, &fixture);
		struct register_state *reg = opened(&(struct register_shape){.n_wires = n, .samples = samples});
		struct register_sequence *sequence = prepared(reg, fixture.ops, FIXTURE_OPS);
		register_load(reg, states, false);
		assert_int_equal(register_evolve(reg, sequence, &inputs, false, NULL), 0);
		for (size_t b = 0; b < samples; b++) {
			double complex psi[ORACLE_STATES];
			state_of(states, n, samples, b, psi);
			for (int i = 0; i < FIXTURE_OPS; i++)
				naive_apply(&(struct naive){&fixture, b}, &fixture.ops[i], psi);
			assert_state(reg, psi, b, seed, 1e-13);
		}
		register_sequence_free(sequence);
		register_close(reg);
		free(states);
		fixture_free(&fixture);
	}
}

static void measuring_and_projecting_are_their_matrices(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct oracle_random random = {seed};
		int n = 1 + (int)(seed % ORACLE_WIRES);
		size_t samples = 1 + seed % 11;
		struct fixture fixture = fixture_new(&random, n, 0, samples);
		double *states = random_states(&random, n, samples);
		double *probabilities = malloc(((size_t)1 << n) * samples * sizeof *probabilities);
		double *kept = malloc(samples * sizeof *kept);
		uint32_t wires = (uint32_t)oracle_below(&random, 1 << n), *words = malloc(samples * sizeof *words);
		for (size_t b = 0; b < samples; b++)
			words[b] = (uint32_t)oracle_below(&random, 1 << __builtin_popcount(wires));
		struct register_state *reg = opened(&(struct register_shape){.n_wires = n, .samples = samples});
		size_t n_floored = 7;
		register_load(reg, states, false);
		assert_int_equal(register_probabilities(reg, wires, probabilities, NULL), 0);
		assert_int_equal(register_project(reg, wires, words, false, kept, &n_floored, NULL), 0);
		assert_int_equal(n_floored, 0);
		for (size_t b = 0; b < samples; b++) {
			struct naive naive = {&fixture, b};
			double complex psi[ORACLE_STATES];
			for (uint32_t word = 0; word < 1u << __builtin_popcount(wires); word++) {
				double p;
				state_of(states, n, samples, b, psi);
				naive_project(&naive, wires, word, psi, &p);
				assert_array("probability", seed, &probabilities[word * samples + b], &p, 1, 1e-14);
				if (word != words[b])
					continue;
				assert_array("probability kept", seed, &kept[b], &p, 1, 1e-14);
				assert_state(reg, psi, b, seed, 1e-13);
			}
		}
		register_close(reg);
		free(words);
		free(kept);
		free(probabilities);
		free(states);
		fixture_free(&fixture);
	}
}

/* ---- The reference plan ---- */

struct results {
	double outputs[4 * 16], d_features[4 * 16], d_weights[6];
};

static void run_register(const struct circuit_program *program, const struct register_shape *shape,
                         const double *features, const double *weights, const double *d_outputs, struct results *to)
{
	struct register_state *reg = opened(shape);
	struct register_sequence *sequence;
	struct register_inputs inputs = {features, weights, NULL};
	struct register_gradients gradients = {to->d_features, to->d_weights};
	assert_int_equal(register_prepare_program(&sequence, reg, program, NULL), 0);
	assert_int_equal(register_sequence_needs(sequence).n_kept, 0);
	assert_int_equal(register_evolve(reg, sequence, &inputs, true, NULL), 0);
	assert_int_equal(register_expect(reg, program->observables, program->n_observables, to->outputs, NULL), 0);
	assert_int_equal(register_expect_backward(reg, program->observables, program->n_observables, d_outputs, NULL),
	                 0);
	assert_int_equal(register_evolve_backward(reg, sequence, &inputs, &gradients, NULL), 0);
	const double complex start[ORACLE_STATES] = {1};
	for (size_t b = 0; b < shape->samples; b++)
		assert_state(reg, start, b, 0, shape->precision == PRECISION_FLOAT32 ? 1e-5 : 1e-13);
	register_sequence_free(sequence);
	register_close(reg);
}

static void compare_with_reference(uint64_t seed, enum precision precision, double tolerance)
{
	struct oracle_random random = {seed};
	int n = 1 + (int)(seed % ORACLE_WIRES);
	size_t samples = 1 + seed % 16;
	struct circuit_program *program = oracle_random_program(&random, n);
	double *features = random_array(&random, 4 * samples, 0.9), *weights = random_array(&random, 6, 7);
	double *d_outputs = random_array(&random, 4 * samples, 1);
	static struct results found, wanted;
	struct plan *plan;
	memset(&found, 0, sizeof found);
	memset(&wanted, 0, sizeof wanted);
	run_register(
	    program,
	    &(struct register_shape){.n_wires = n, .samples = samples, .precision = precision, .gradients = true},
	    features, weights, d_outputs, &found);
	assert_int_equal(plan_new(&plan, program, "reference", NULL), 0);
	plan_forward(plan, features, weights, samples, wanted.outputs);
	plan_backward(plan, features, weights, samples, d_outputs, wanted.d_features, wanted.d_weights);
	assert_array("output", seed, found.outputs, wanted.outputs, 4 * 16, tolerance);
	assert_array("d_features", seed, found.d_features, wanted.d_features, 4 * 16, tolerance);
	assert_array("d_weights", seed, found.d_weights, wanted.d_weights, 6, tolerance);
	plan_free(plan);
	free(d_outputs);
	free(weights);
	free(features);
	program_free(program);
}

static void programs_are_those_of_the_reference(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 1000; seed++)
		compare_with_reference(seed, PRECISION_FLOAT64, 1e-12);
}

static void float32_is_near(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++)
		compare_with_reference(seed, PRECISION_FLOAT32, 5e-5);
}

static void every_instruction_set_agrees(void **state)
{
	(void)state;
	const struct isa *best = isa_pick();
	for (int i = 0; isa_at(i) != NULL; i++) {
		if (!isa_at(i)->supported())
			continue;
		isa_force(isa_at(i));
		for (uint64_t seed = 0; seed < 50; seed++) {
			compare_with_reference(seed, PRECISION_FLOAT64, 1e-12);
			compare_with_reference(seed, PRECISION_FLOAT32, 5e-5);
		}
	}
	isa_force(best);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(operations_are_their_matrices),
	    cmocka_unit_test(measuring_and_projecting_are_their_matrices),
	    cmocka_unit_test(programs_are_those_of_the_reference),
	    cmocka_unit_test(float32_is_near),
	    cmocka_unit_test(every_instruction_set_agrees),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
