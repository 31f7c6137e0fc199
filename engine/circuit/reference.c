/* The `reference` plan: the naive gate loop, one sample at a time, gradients by the parameter-shift rule. Nothing here
 * is shared with the other plans, so that it can serve as their oracle. */
#include <complex.h>
#include <math.h>
#include <stdlib.h>

#include "engine/circuit/plan_kind.h"
#include "engine/elementary/elementary.h"

struct reference {
	const struct circuit_program *program;
	double complex *psi; /* [2^n] */
};

/* One sample of the batch; `shifted_op` turns by `shift` more (none when -1). */
struct sample {
	const double *features, *weights;
	size_t batch, index;
	int shifted_op;
	double shift;
};

static double feature_of(const struct sample *sample, const struct angle *angle)
{
	return sample->features[(size_t)angle->index * sample->batch + sample->index];
}

static double angle_of(const struct sample *sample, const struct angle *angle)
{
	switch (angle->source) {
	case ANGLE_CONSTANT:
		return angle->value;
	case ANGLE_WEIGHT:
		return sample->weights[angle->index];
	case ANGLE_FEATURE:
		return encoder_angle(angle->encoder, feature_of(sample, angle));
	default:
		return 0.0;
	}
}

static const double complex fixed_gates[GATE_COUNT][2][2] = {
    [GATE_H] = {{M_SQRT1_2, M_SQRT1_2}, {M_SQRT1_2, -M_SQRT1_2}},
    [GATE_X] = {{0, 1}, {1, 0}},
    [GATE_Y] = {{0, -I}, {I, 0}},
    [GATE_Z] = {{1, 0}, {0, -1}},
    [GATE_S] = {{1, 0}, {0, I}},
    [GATE_T] = {{1, 0}, {0, M_SQRT1_2 + M_SQRT1_2 *I}},
};

static void gate_matrix(enum gate gate, double angle, double complex m[2][2])
{
	double c, s;
	elementary_cosine_sine(angle / 2, &c, &s);
	switch (gate) {
	case GATE_RX:
		m[0][0] = m[1][1] = c;
		m[0][1] = m[1][0] = -I * s;
		break;
	case GATE_RY:
		m[0][0] = m[1][1] = c;
		m[0][1] = -s;
		m[1][0] = s;
		break;
	case GATE_RZ:
		m[0][0] = c - I * s;
		m[1][1] = c + I * s;
		m[0][1] = m[1][0] = 0;
		break;
	default:
		for (int i = 0; i < 4; i++)
			m[i / 2][i % 2] = fixed_gates[gate][i / 2][i % 2];
	}
}

/* Wire 0 is the most significant bit of a basis index. */
static size_t wire_bit(const struct circuit_program *program, int wire)
{
	return (size_t)1 << (program->n_wires - 1 - wire);
}

static size_t states(const struct circuit_program *program)
{
	return (size_t)1 << program->n_wires;
}

static void apply_one_wire(struct reference *self, const struct circuit_op *op, double angle)
{
	double complex m[2][2];
	gate_matrix(op->gate, angle, m);
	size_t bit = wire_bit(self->program, op->wires[0]);
	for (size_t k = 0; k < states(self->program); k++) {
		if ((k & bit) != 0)
			continue;
		double complex zero = self->psi[k], one = self->psi[k | bit];
		self->psi[k] = m[0][0] * zero + m[0][1] * one;
		self->psi[k | bit] = m[1][0] * zero + m[1][1] * one;
	}
}

static void apply_two_wires(struct reference *self, const struct circuit_op *op)
{
	size_t first = wire_bit(self->program, op->wires[0]), second = wire_bit(self->program, op->wires[1]);
	/* CNOT exchanges |10> and |11>, SWAP exchanges |10> and |01>; each pair is met once, at |10>. */
	size_t partner = op->gate == GATE_CNOT ? second : first | second;
	for (size_t k = 0; k < states(self->program); k++) {
		if (op->gate == GATE_CZ) {
			if ((k & first) != 0 && (k & second) != 0)
				self->psi[k] = -self->psi[k];
		} else if ((k & first) != 0 && (k & second) == 0) {
			double complex keep = self->psi[k];
			self->psi[k] = self->psi[k ^ partner];
			self->psi[k ^ partner] = keep;
		}
	}
}

static void run(struct reference *self, const struct sample *sample)
{
	for (size_t k = 0; k < states(self->program); k++)
		self->psi[k] = k == 0;
	for (int i = 0; i < self->program->n_ops; i++) {
		const struct circuit_op *op = &self->program->ops[i];
		if (gate_wires(op->gate) == 2)
			apply_two_wires(self, op);
		else
			apply_one_wire(self, op, angle_of(sample, &op->angle));
		/* A gate of its own: added to an angle of 1e17 it would be lost. */
		if (i == sample->shifted_op)
			apply_one_wire(self, op, sample->shift);
	}
}

/* P|k> is a product over the wires: X flips, Z gives (-1)^bit, Y gives i (-1)^bit and flips. */
static double expectation(const struct reference *self, const struct pauli_string *string)
{
	double sum = 0.0;
	for (size_t k = 0; k < states(self->program); k++) {
		double complex factor = 1.0;
		size_t image = k;
		for (int w = 0; w < self->program->n_wires; w++) {
			size_t bit = wire_bit(self->program, w);
			bool x = (string->x >> w & 1) != 0, z = (string->z >> w & 1) != 0;
			if (z && (k & bit) != 0)
				factor = -factor;
			if (x && z)
				factor *= I;
			if (x)
				image ^= bit;
		}
		sum += creal(conj(self->psi[image]) * factor * self->psi[k]);
	}
	return sum;
}

static void forward(void *state, const double *features, const double *weights, size_t batch, double *outputs)
{
	struct reference *self = state;
	for (size_t b = 0; b < batch; b++) {
		struct sample sample = {features, weights, batch, b, -1, 0.0};
		run(self, &sample);
		for (int o = 0; o < self->program->n_observables; o++)
			outputs[(size_t)o * batch + b] = expectation(self, &self->program->observables[o]);
	}
}

/* sum_o d_outputs[o] <O_o> with one angle shifted. */
static double shifted_value(struct reference *self, struct sample *sample, double shift, const double *d_outputs)
{
	sample->shift = shift;
	run(self, sample);
	double sum = 0.0;
	for (int o = 0; o < self->program->n_observables; o++)
		sum += d_outputs[(size_t)o * sample->batch + sample->index] *
		       expectation(self, &self->program->observables[o]);
	return sum;
}

/* Parameter shift, exact for exp(-i t P / 2): df/dt = (f(t + pi/2) - f(t - pi/2)) / 2; Schuld et al., arXiv
 * 1811.11184. An angle used by several gates gets the sum over them. */
static void backward(void *state, const double *features, const double *weights, size_t batch, const double *d_outputs,
                     double *d_features, double *d_weights)
{
	struct reference *self = state;
	for (int i = 0; i < self->program->n_ops; i++) {
		const struct angle *angle = &self->program->ops[i].angle;
		bool feature = angle->source == ANGLE_FEATURE && d_features != NULL;
		bool weight = angle->source == ANGLE_WEIGHT && d_weights != NULL;
		for (size_t b = 0; b < batch && (feature || weight); b++) {
			struct sample sample = {features, weights, batch, b, i, 0.0};
			double plus = shifted_value(self, &sample, M_PI_2, d_outputs);
			double slope = (plus - shifted_value(self, &sample, -M_PI_2, d_outputs)) / 2;
			if (weight)
				d_weights[angle->index] += slope;
			else
				d_features[(size_t)angle->index * batch + b] +=
				    slope * encoder_derivative(angle->encoder, feature_of(&sample, angle));
		}
	}
}

static void destroy(void *state)
{
	struct reference *self = state;
	free(self->psi);
	free(self);
}

/* An operation is a gate on an amplitude: every gate once forward and twice per angle for the parameter shift. */
static void *compile(const struct circuit_program *program, enum precision precision, struct plan_work *work)
{
	(void)precision;
	struct reference *self = calloc(1, sizeof *self);
	if (self == NULL)
		return NULL;
	self->program = program;
	double angles = 0.0;
	for (int i = 0; i < program->n_ops; i++)
		angles += program->ops[i].angle.source > ANGLE_CONSTANT;
	double passes = (program->n_ops + 4.0 * program->n_observables) * (1.0 + 2.0 * angles);
	*work = (struct plan_work){.bytes = sizeof *self + states(program) * sizeof(double complex),
	                           .operations = passes * (double)states(program),
	                           .lanes = 1,
	                           .precision = PRECISION_FLOAT64};
	return self;
}

static bool allocate(void *state)
{
	struct reference *self = state;
	self->psi = malloc(states(self->program) * sizeof *self->psi);
	return self->psi != NULL;
}

const struct plan_kind plan_reference = {
    .name = "reference",
    .compile = compile,
    .allocate = allocate,
    .destroy = destroy,
    .forward = forward,
    .backward = backward,
};
