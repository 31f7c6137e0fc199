/* Circuit programs: the gate and encoder tables, appending, and the check that every plan relies on. */
#include "engine/circuit/program.h"
#include "engine/elementary/elementary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Far above any trainable circuit; keeps 1 + index and the sizes derived from it inside an int. */
#define ANGLE_INDEX_MAX (1 << 20)

static const struct {
	const char *name;
	int wires;
	bool takes_angle;
} gates[GATE_COUNT] = {
#define X(id, name, wires, angle) [id] = {name, wires, angle},
    CIRCUIT_GATES(X)
#undef X
};

const char *gate_name(enum gate gate)
{
	return gates[gate].name;
}

int gate_wires(enum gate gate)
{
	return gates[gate].wires;
}

bool gate_takes_angle(enum gate gate)
{
	return gates[gate].takes_angle;
}

int gate_from_name(const char *name, enum gate *gate)
{
	for (int i = 0; i < GATE_COUNT; i++)
		if (strcasecmp(name, gates[i].name) == 0) {
			*gate = (enum gate)i;
			return 0;
		}
	return ERR_NOT_FOUND;
}

#define X(id, name, value, derivative)                                                                                 \
	static double value_##id(double x)                                                                             \
	{                                                                                                              \
		return (void)x, value;                                                                                 \
	}                                                                                                              \
	static double derivative_##id(double x)                                                                        \
	{                                                                                                              \
		return (void)x, derivative;                                                                            \
	}
CIRCUIT_ENCODERS(X)
#undef X

static const struct {
	const char *name;
	double (*value)(double x);
	double (*derivative)(double x);
} encoders[ENCODER_COUNT] = {
#define X(id, name, value, derivative) [id] = {name, value_##id, derivative_##id},
    CIRCUIT_ENCODERS(X)
#undef X
};

static const struct {
	const char *name;
	enum encoder encoder;
} encoder_aliases[] = {
    {"identity", ENCODER_X},
    {"pi", ENCODER_PI_X},
    {"pi x", ENCODER_PI_X},
    {"pi*x", ENCODER_PI_X},
    {"atan x", ENCODER_ATAN},
    {"arctan", ENCODER_ATAN},
    {"arctan x", ENCODER_ATAN},
    {"atan x^2", ENCODER_ATAN_SQUARE},
    {"atan_x2", ENCODER_ATAN_SQUARE},
    {"atan_x^2", ENCODER_ATAN_SQUARE},
    {"arctan x^2", ENCODER_ATAN_SQUARE},
    {"arctan_square", ENCODER_ATAN_SQUARE},
    {"asin x", ENCODER_ASIN},
    {"arcsin", ENCODER_ASIN},
    {"arcsin x", ENCODER_ASIN},
    {"acos x", ENCODER_ACOS},
    {"arccos", ENCODER_ACOS},
    {"arccos x", ENCODER_ACOS},
    {"tanh x", ENCODER_TANH},
};

const char *encoder_name(enum encoder encoder)
{
	return encoders[encoder].name;
}

int encoder_from_name(const char *name, enum encoder *encoder)
{
	for (int i = 0; i < ENCODER_COUNT; i++)
		if (strcasecmp(name, encoders[i].name) == 0) {
			*encoder = (enum encoder)i;
			return 0;
		}
	for (size_t i = 0; i < sizeof encoder_aliases / sizeof *encoder_aliases; i++)
		if (strcasecmp(name, encoder_aliases[i].name) == 0) {
			*encoder = encoder_aliases[i].encoder;
			return 0;
		}
	return ERR_NOT_FOUND;
}

double encoder_angle(enum encoder encoder, double x)
{
	return encoders[encoder].value(x);
}

double encoder_derivative(enum encoder encoder, double x)
{
	return encoders[encoder].derivative(x);
}

struct angle angle_constant(double radians)
{
	return (struct angle){.source = ANGLE_CONSTANT, .value = radians};
}

struct angle angle_weight(int index)
{
	return (struct angle){.source = ANGLE_WEIGHT, .index = index};
}

struct angle angle_feature(int index, enum encoder encoder)
{
	return (struct angle){.source = ANGLE_FEATURE, .index = index, .encoder = encoder};
}

struct circuit_program *program_new(int n_wires)
{
	struct circuit_program *program = calloc(1, sizeof *program);
	if (program != NULL)
		program->n_wires = n_wires;
	return program;
}

void program_free(struct circuit_program *program)
{
	if (program == NULL)
		return;
	free(program->ops);
	free(program->observables);
	free(program);
}

/* Makes room for one more item; false, and sticky, when there is none. */
static bool grow(struct circuit_program *program, void **items, int count, int *capacity, size_t size)
{
	if (count < *capacity)
		return true;
	int wanted = *capacity > 0 ? 2 * *capacity : 32;
	void *larger = realloc(*items, (size_t)wanted * size);
	if (larger == NULL) {
		program->failed = true;
		return false;
	}
	*items = larger;
	*capacity = wanted;
	return true;
}

static void note_index(int *count, int index)
{
	if (index >= *count && index < ANGLE_INDEX_MAX)
		*count = index + 1;
}

static void append(struct circuit_program *program, struct circuit_op op)
{
	void *ops = program->ops;
	if (!grow(program, &ops, program->n_ops, &program->ops_capacity, sizeof op))
		return;
	program->ops = ops;
	program->ops[program->n_ops++] = op;
	if (op.angle.source == ANGLE_WEIGHT)
		note_index(&program->n_weights, op.angle.index);
	if (op.angle.source == ANGLE_FEATURE)
		note_index(&program->n_features, op.angle.index);
}

void program_gate(struct circuit_program *program, enum gate gate, int wire)
{
	append(program, (struct circuit_op){.gate = gate, .wires = {wire, -1}});
}

void program_rotation(struct circuit_program *program, enum gate gate, int wire, struct angle angle)
{
	append(program, (struct circuit_op){.gate = gate, .wires = {wire, -1}, .angle = angle});
}

void program_cnot(struct circuit_program *program, int control, int target)
{
	program_gate2(program, GATE_CNOT, control, target);
}

void program_gate2(struct circuit_program *program, enum gate gate, int first, int second)
{
	append(program, (struct circuit_op){.gate = gate, .wires = {first, second}});
}

void program_rot(struct circuit_program *program, int wire, int first_weight)
{
	program_rotation(program, GATE_RZ, wire, angle_weight(first_weight));
	program_rotation(program, GATE_RY, wire, angle_weight(first_weight + 1));
	program_rotation(program, GATE_RZ, wire, angle_weight(first_weight + 2));
}

void program_observe_string(struct circuit_program *program, struct pauli_string string)
{
	void *items = program->observables;
	if (!grow(program, &items, program->n_observables, &program->observables_capacity, sizeof string))
		return;
	program->observables = items;
	program->observables[program->n_observables++] = string;
}

void program_observe(struct circuit_program *program, enum pauli pauli, int wire)
{
	/* A wire out of range becomes a bit that program_check refuses. */
	uint32_t bit = wire >= 0 && wire < CIRCUIT_MAX_WIRES ? 1u << wire : 1u << 31;
	struct pauli_string string = {.x = pauli != PAULI_Z ? bit : 0, .z = pauli != PAULI_X ? bit : 0};
	program_observe_string(program, string);
}

/* Of an operation: the pointers are below its own. */
static int check_angle(const struct circuit_op *op, struct qlstm_error *error)
{
	static const char at[] = "/angle";
	const struct angle *angle = &op->angle;
	const char *name = gate_name(op->gate);
	switch (angle->source) {
	case ANGLE_NONE:
		return gate_takes_angle(op->gate) ? error_set(error, ERR_MISSING, at, "gate %s needs an angle", name)
		                                  : 0;
	case ANGLE_CONSTANT:
		if (!isfinite(angle->value))
			return error_set(error, ERR_OUT_OF_RANGE, at, "the angle must be finite");
		break;
	case ANGLE_FEATURE:
		if ((unsigned)angle->encoder >= ENCODER_COUNT)
			return error_set(error, ERR_UNKNOWN_FIELD, at, "unknown encoder %d", (int)angle->encoder);
	/* fallthrough */
	case ANGLE_WEIGHT:
		if (angle->index < 0 || angle->index >= ANGLE_INDEX_MAX)
			return error_set(error, ERR_OUT_OF_RANGE, at, "index %d is not in 0..%d", angle->index,
			                 ANGLE_INDEX_MAX - 1);
		break;
	default:
		return error_set(error, ERR_INVALID, at, "unknown angle source %d", (int)angle->source);
	}
	return gate_takes_angle(op->gate) ? 0 : error_set(error, ERR_INVALID, at, "gate %s takes no angle", name);
}

static int check_op(const struct circuit_program *program, const struct circuit_op *op, struct qlstm_error *error)
{
	if ((unsigned)op->gate >= GATE_COUNT)
		return error_set(error, ERR_UNKNOWN_FIELD, "/gate", "unknown gate %d", (int)op->gate);
	for (int i = 0; i < gate_wires(op->gate); i++)
		if (op->wires[i] < 0 || op->wires[i] >= program->n_wires)
			return error_set(error, ERR_OUT_OF_RANGE, i == 0 ? "/wires/0" : "/wires/1",
			                 "wire %d is not in 0..%d", op->wires[i], program->n_wires - 1);
	if (gate_wires(op->gate) == 2 && op->wires[0] == op->wires[1])
		return error_set(error, ERR_INVALID, "/wires/1", "gate %s needs two different wires",
		                 gate_name(op->gate));
	if (gate_wires(op->gate) == 1 && op->wires[1] != -1)
		return error_set(error, ERR_INVALID, "/wires", "gate %s takes one wire", gate_name(op->gate));
	return check_angle(op, error);
}

int program_check(const struct circuit_program *program, struct qlstm_error *error)
{
	if (program->failed)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory while building the circuit");
	if (program->n_wires < 1 || program->n_wires > CIRCUIT_MAX_WIRES)
		return error_set(error, ERR_OUT_OF_RANGE, "/n_wires", "a circuit has 1 to %d wires, not %d",
		                 CIRCUIT_MAX_WIRES, program->n_wires);
	for (int i = 0; i < program->n_ops; i++) {
		int code = check_op(program, &program->ops[i], error);
		if (code != 0) {
			char at[64];
			snprintf(at, sizeof at, "/gates/%d", i);
			error_prefix(error, at);
			return code;
		}
	}
	if (program->n_observables == 0)
		return error_set(error, ERR_MISSING, "/observables", "a circuit needs at least one observable");
	for (int i = 0; i < program->n_observables; i++)
		if ((program->observables[i].x | program->observables[i].z) >> program->n_wires != 0) {
			char at[64];
			snprintf(at, sizeof at, "/observables/%d", i);
			return error_set(error, ERR_OUT_OF_RANGE, at, "the observable acts on a wire outside 0..%d",
			                 program->n_wires - 1);
		}
	return 0;
}
