/* Gradients by the parameter-shift rule: the program with an input of its own for every variable angle. */
#include "engine/circuit/shift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Samples at once. */
enum { CHUNK = 64 };

struct shift {
	const struct circuit_program *program;
	struct circuit_program *expanded; /* its feature k is the angle of variable gate k */
	struct plan *plan;                /* of that */
	const struct angle **variable;    /* [slots] the program's angles */
	int slots;
	double *angles;       /* [slots][CHUNK] */
	double *plus, *minus; /* [observables][CHUNK] */
};

static bool is_variable(const struct circuit_op *op)
{
	return op->angle.source == ANGLE_WEIGHT || op->angle.source == ANGLE_FEATURE;
}

static int count_variable(const struct circuit_program *program)
{
	int n = 0;
	for (int i = 0; i < program->n_ops; i++)
		n += is_variable(&program->ops[i]);
	return n;
}

static void copy_op(struct circuit_program *to, const struct circuit_op *op, int *slot)
{
	if (is_variable(op))
		program_rotation(to, op->gate, op->wires[0], angle_feature((*slot)++, ENCODER_X));
	else if (op->angle.source == ANGLE_CONSTANT)
		program_rotation(to, op->gate, op->wires[0], op->angle);
	else if (gate_wires(op->gate) == 2)
		program_gate2(to, op->gate, op->wires[0], op->wires[1]);
	else
		program_gate(to, op->gate, op->wires[0]);
}

static struct circuit_program *expand(const struct circuit_program *program)
{
	struct circuit_program *to = program_new(program->n_wires);
	int slot = 0;
	for (int i = 0; to != NULL && i < program->n_ops; i++)
		copy_op(to, &program->ops[i], &slot);
	for (int o = 0; to != NULL && o < program->n_observables; o++)
		program_observe_string(to, program->observables[o]);
	return to;
}

static bool allocate(struct shift *shift)
{
	const struct circuit_program *program = shift->program;
	size_t slots = (size_t)shift->slots, outputs = (size_t)program->n_observables;
	shift->variable = malloc((slots + 1) * sizeof(const struct angle *));
	shift->angles = malloc((slots + 1) * CHUNK * sizeof(double));
	shift->plus = malloc(2 * outputs * CHUNK * sizeof(double));
	if (shift->variable == NULL || shift->angles == NULL || shift->plus == NULL)
		return false;
	shift->minus = shift->plus + outputs * CHUNK;
	for (int i = 0, slot = 0; i < program->n_ops; i++)
		if (is_variable(&program->ops[i]))
			shift->variable[slot++] = &program->ops[i].angle;
	return true;
}

int shift_new(struct shift **out, const struct circuit_program *program, const struct plan_request *request,
              struct qlstm_error *error)
{
	struct plan_request inner = *request;
	inner.diff_method = DIFF_ADJOINT;
	struct shift *shift = calloc(1, sizeof *shift);
	if (shift == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the parameter-shift rule");
	shift->program = program;
	shift->slots = count_variable(program);
	shift->expanded = expand(program);
	int rc = shift->expanded == NULL || !allocate(shift)
	             ? error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the parameter-shift rule")
	             : plan_new_request(&shift->plan, shift->expanded, &inner, error);
	if (rc != 0) {
		shift_free(shift);
		return rc;
	}
	*out = shift;
	return 0;
}

void shift_free(struct shift *shift)
{
	if (shift == NULL)
		return;
	plan_free(shift->plan);
	program_free(shift->expanded);
	free(shift->variable);
	free(shift->angles);
	free(shift->plus);
	free(shift);
}

struct plan *shift_plan(const struct shift *shift)
{
	return shift->plan;
}

/* Samples first .. first + count - 1 of a batch. */
struct chunk {
	size_t batch, first, count;
};

static struct chunk chunk_at(size_t first, size_t batch)
{
	return (struct chunk){.batch = batch, .first = first, .count = batch - first < CHUNK ? batch - first : CHUNK};
}

static double feature_of(const double *features, const struct angle *angle, const struct chunk *chunk, size_t b)
{
	return features[(size_t)angle->index * chunk->batch + chunk->first + b];
}

/* The angles of all variable gates, [slots][count]. */
static void set_angles(struct shift *shift, const double *features, const double *weights, const struct chunk *chunk)
{
	for (int k = 0; k < shift->slots; k++) {
		const struct angle *angle = shift->variable[k];
		double *to = shift->angles + (size_t)k * chunk->count;
		for (size_t b = 0; b < chunk->count; b++)
			to[b] = angle->source == ANGLE_WEIGHT
			            ? weights[angle->index]
			            : encoder_angle(angle->encoder, feature_of(features, angle, chunk, b));
	}
}

void shift_forward(struct shift *shift, const double *features, const double *weights, size_t batch, double *outputs)
{
	for (size_t first = 0; first < batch; first += CHUNK) {
		const struct chunk chunk = chunk_at(first, batch);
		set_angles(shift, features, weights, &chunk);
		plan_forward(shift->plan, shift->angles, NULL, chunk.count, shift->plus);
		for (int o = 0; o < shift->program->n_observables; o++)
			memcpy(outputs + (size_t)o * batch + first, shift->plus + (size_t)o * chunk.count,
			       chunk.count * sizeof *outputs);
	}
}

/* The circuit with gate `slot` turned by `by` more. */
static void evaluate(struct shift *shift, int slot, double by, size_t count, double *outputs)
{
	double *angles = shift->angles + (size_t)slot * count, kept[CHUNK];
	memcpy(kept, angles, count * sizeof *kept);
	for (size_t b = 0; b < count; b++)
		angles[b] += by;
	plan_forward(shift->plan, shift->angles, NULL, count, outputs);
	memcpy(angles, kept, count * sizeof *kept);
}

/* sum_o d_outputs[o] d<O_o>/d(angle) of sample b of the chunk. */
static double slope(const struct shift *shift, const double *d_outputs, const struct chunk *chunk, size_t b)
{
	double sum = 0.0;
	for (int o = 0; o < shift->program->n_observables; o++) {
		size_t at = (size_t)o * chunk->count + b;
		sum +=
		    d_outputs[(size_t)o * chunk->batch + chunk->first + b] * ((shift->plus[at] - shift->minus[at]) / 2);
	}
	return sum;
}

static void differentiate(struct shift *shift, int slot, const double *features, const double *d_outputs,
                          const struct chunk *chunk, double *d_features, double *d_weights)
{
	const struct angle *angle = shift->variable[slot];
	bool weight = angle->source == ANGLE_WEIGHT;
	if ((weight ? d_weights : d_features) == NULL)
		return;
	evaluate(shift, slot, M_PI_2, chunk->count, shift->plus);
	evaluate(shift, slot, -M_PI_2, chunk->count, shift->minus);
	for (size_t b = 0; b < chunk->count; b++) {
		double by_angle = slope(shift, d_outputs, chunk, b);
		if (weight)
			d_weights[angle->index] += by_angle;
		else
			d_features[(size_t)angle->index * chunk->batch + chunk->first + b] +=
			    by_angle * encoder_derivative(angle->encoder, feature_of(features, angle, chunk, b));
	}
}

void shift_backward(struct shift *shift, const double *features, const double *weights, size_t batch,
                    const double *d_outputs, double *d_features, double *d_weights)
{
	for (size_t first = 0; first < batch; first += CHUNK) {
		const struct chunk chunk = chunk_at(first, batch);
		set_angles(shift, features, weights, &chunk);
		for (int slot = 0; slot < shift->slots; slot++)
			differentiate(shift, slot, features, d_outputs, &chunk, d_features, d_weights);
	}
}

void shift_estimate(const struct circuit_program *program, struct plan_estimate *estimate)
{
	double times = (1.0 + 2.0 * count_variable(program)) / 3.0;
	estimate->kept = 0;
	if (!estimate->possible || times < 1.0)
		return;
	estimate->ns_per_call *= times;
	estimate->ns_per_tile *= times;
	estimate->ns_per_sample *= times;
}
