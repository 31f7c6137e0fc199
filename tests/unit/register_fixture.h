/* Random operations and inputs for the tests of registers. */
#ifndef QLSTM_TESTS_REGISTER_FIXTURE_H
#define QLSTM_TESTS_REGISTER_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "engine/circuit/register/register.h"
#include "tests/unit/oracle.h"

enum {
	FIXTURE_OPS = 8,
	FIXTURE_NUMBERS = 48, /* features and weights; the first ten of each can make unitary tables */
	FIXTURE_ROWS = 2,
	FIXTURE_SAMPLES = 37
};

/* A list of operations with everything that it reads, allocated to size so that a sanitizer sees every overrun. */
struct fixture {
	int n_wires, n_ops;
	size_t samples;
	struct register_op ops[FIXTURE_OPS];
	uint32_t maps[FIXTURE_OPS][ORACLE_STATES];
	double *features, *weights;
	uint32_t *words;
};

static inline double *random_array(struct oracle_random *random, size_t count, double range)
{
	double *array = malloc(count * sizeof *array);
	for (size_t i = 0; i < count; i++)
		array[i] = oracle_uniform(random, -range, range);
	return array;
}

/* A state for each sample, [2^n][re, im][samples], of norm about 1. */
static inline double *random_states(struct oracle_random *random, int n_wires, size_t samples)
{
	return random_array(random, ((size_t)2 << n_wires) * samples, 1.2 / sqrt((double)(1 << n_wires)));
}

/* Numbers 0 .. 7 become exp(i a) Rot, numbers 8 and 9 the cosine and sine of an angle. */
static inline void make_unitary(struct oracle_random *random, double *numbers, size_t stride)
{
	double t = oracle_uniform(random, -3, 3), a = oracle_uniform(random, -3, 3), b = oracle_uniform(random, -3, 3);
	double complex m[4] = {cexp(I * a) * cos(t), -cexp(I * b) * sin(t), cexp(-I * b) * sin(t),
	                       cexp(-I * a) * cos(t)};
	for (size_t i = 0; i < 4; i++) {
		numbers[2 * i * stride] = creal(m[i]);
		numbers[(2 * i + 1) * stride] = cimag(m[i]);
	}
	numbers[8 * stride] = cos(t);
	numbers[9 * stride] = sin(t);
}

/* A random set of wires outside `taken`, each with a chance of one in `odds`. */
static inline uint32_t random_set(struct oracle_random *random, int n_wires, int odds, uint32_t *taken)
{
	uint32_t set = 0;
	for (int w = 0; w < n_wires; w++)
		if ((*taken >> w & 1) == 0 && oracle_below(random, odds) == 0)
			set |= 1u << w;
	*taken |= set;
	return set;
}

static inline void random_permutation(struct oracle_random *random, int size, uint32_t *map)
{
	for (int k = 0; k < size; k++) {
		int at = oracle_below(random, k + 1);
		map[k] = map[at];
		map[at] = (uint32_t)k;
	}
}

static inline struct angle fixture_angle(struct oracle_random *random)
{
	static const enum encoder smooth[] = {ENCODER_X,    ENCODER_X,           ENCODER_PI_X,
	                                      ENCODER_ATAN, ENCODER_ATAN_SQUARE, ENCODER_TANH};
	int kind = oracle_below(random, 5), index = oracle_below(random, FIXTURE_NUMBERS);
	return kind == 0   ? angle_constant(oracle_uniform(random, -4, 4))
	       : kind == 1 ? angle_weight(index)
	                   : angle_feature(index, smooth[oracle_below(random, 6)]);
}

static inline struct register_table random_table(struct oracle_random *random, int n_wires, enum register_op_kind kind,
                                                 uint32_t *taken)
{
	static const int numbers[REGISTER_OP_COUNT] = {
	    [REGISTER_MATRIX] = 8, [REGISTER_PLANE] = 2, [REGISTER_DIAGONAL] = 2};
	struct register_table table = {.source = oracle_below(random, 2) == 0 ? ANGLE_WEIGHT : ANGLE_FEATURE};
	if (oracle_below(random, 3) == 0) {
		table.first = kind == REGISTER_MATRIX ? 0 : 8;
		table.unitary = true;
		return table;
	}
	do
		table.selectors = random_set(random, n_wires, 2, &(uint32_t){*taken});
	while (__builtin_popcount(table.selectors) > 2);
	*taken |= table.selectors;
	table.first =
	    oracle_below(random, FIXTURE_NUMBERS + 1 - (numbers[kind] << __builtin_popcount(table.selectors)));
	return table;
}

static inline struct register_op random_op(struct oracle_random *random, int n_wires, uint32_t *map)
{
	struct register_op op = {.kind = (enum register_op_kind)oracle_below(random, REGISTER_OP_COUNT)};
	int wire = oracle_below(random, n_wires);
	uint32_t taken = 0;
	op.wires[0] = wire;
	if (op.kind == REGISTER_PERMUTE) {
		random_permutation(random, 1 << n_wires, map);
		op.map = map;
		return op;
	}
	if (op.kind == REGISTER_GATE) {
		do
			op.gate = (enum gate)oracle_below(random, GATE_COUNT);
		while (gate_wires(op.gate) > n_wires);
		op.wires[1] = n_wires > 1 ? (wire + 1 + oracle_below(random, n_wires - 1)) % n_wires : -1;
		taken = 1u << wire | (gate_wires(op.gate) == 2 ? 1u << op.wires[1] : 0);
		if (gate_takes_angle(op.gate))
			op.angle = fixture_angle(random);
	} else if (op.kind == REGISTER_FLIP) {
		op.flipped = random_set(random, n_wires, 2, &taken);
		op.row = oracle_below(random, FIXTURE_ROWS);
	} else {
		taken = op.kind == REGISTER_DIAGONAL ? 0 : 1u << wire;
		op.table = random_table(random, n_wires, op.kind, &taken);
	}
	op.controls = random_set(random, n_wires, 4, &taken);
	op.open_controls = random_set(random, n_wires, 4, &taken);
	return op;
}

static inline struct fixture fixture_new(struct oracle_random *random, int n_wires, int n_ops, size_t samples)
{
	struct fixture fixture = {.n_wires = n_wires, .n_ops = n_ops, .samples = samples};
	fixture.features = random_array(random, FIXTURE_NUMBERS * samples, 0.9);
	fixture.weights = random_array(random, FIXTURE_NUMBERS, 0.9);
	fixture.words = malloc(FIXTURE_ROWS * samples * sizeof *fixture.words);
	for (size_t b = 0; b < samples; b++)
		make_unitary(random, fixture.features + b, samples);
	make_unitary(random, fixture.weights, 1);
	for (size_t i = 0; i < FIXTURE_ROWS * samples; i++)
		fixture.words[i] = (uint32_t)oracle_below(random, 1 << n_wires);
	return fixture;
}

/* Fills in the operations; separate, since maps point into the fixture. */
static inline void fixture_draw(struct oracle_random *random, struct fixture *fixture)
{
	for (int i = 0; i < fixture->n_ops; i++)
		fixture->ops[i] = random_op(random, fixture->n_wires, fixture->maps[i]);
}

static inline void fixture_free(struct fixture *fixture)
{
	free(fixture->features);
	free(fixture->weights);
	free(fixture->words);
}

static inline struct register_inputs fixture_inputs(const struct fixture *fixture)
{
	return (struct register_inputs){fixture->features, fixture->weights, fixture->words};
}

static inline struct register_state *opened(const struct register_shape *shape)
{
	struct register_state *reg;
	struct qlstm_error error = {0};
	if (register_open(&reg, NULL, shape, &error) != 0)
		fail_msg("%s %s", error.pointer, error.message);
	return reg;
}

static inline struct register_sequence *prepared(struct register_state *reg, const struct register_op *ops, int n_ops)
{
	struct register_sequence *sequence;
	struct qlstm_error error = {0};
	if (register_prepare(&sequence, reg, ops, n_ops, &error) != 0)
		fail_msg("%s %s", error.pointer, error.message);
	return sequence;
}

static inline void assert_array(const char *what, uint64_t seed, const double *found, const double *wanted,
                                size_t count, double tolerance)
{
	for (size_t i = 0; i < count; i++)
		if (!(fabs(found[i] - wanted[i]) <= tolerance * fmax(1.0, fabs(wanted[i]))))
			fail_msg("%s %zu of seed %llu: %.17g is not %.17g", what, i, (unsigned long long)seed, found[i],
			         wanted[i]);
}

#endif
