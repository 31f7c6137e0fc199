/* A circuit as OpenQASM 3. */
#include "engine/export/program_qasm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/number.h"

/* The gates' names in stdgates.inc. */
static const char *const names[GATE_COUNT] = {
    [GATE_H] = "h",   [GATE_X] = "x",   [GATE_Y] = "y",   [GATE_Z] = "z",     [GATE_S] = "s",   [GATE_T] = "t",
    [GATE_RX] = "rx", [GATE_RY] = "ry", [GATE_RZ] = "rz", [GATE_CNOT] = "cx", [GATE_CZ] = "cz", [GATE_SWAP] = "swap",
};

void program_print_observable(const struct circuit_program *program, int index, char *out, size_t size)
{
	static const char letters[] = "IXZY";
	const struct pauli_string *string = &program->observables[index];
	size_t used = 0;
	for (int w = 0; w < program->n_wires && used < size; w++) {
		unsigned letter = (string->x >> w & 1u) | (string->z >> w & 1u) << 1;
		if (letter != 0)
			used += (size_t)snprintf(out + used, size - used, "%s%c%d", used > 0 ? " " : "",
			                         letters[letter], w);
	}
	if (used == 0)
		snprintf(out, size, "I");
}

/* What a feature's angle is made of. */
static struct feature_made made_of(const struct angle *angle, const struct feature_made *made)
{
	return made != NULL ? made[angle->index] : (struct feature_made){angle->index, angle->encoder, 1.0};
}

/* "x0", "atan_x0". */
static void write_input_name(struct feature_made input, struct text *out)
{
	if (input.encoder != ENCODER_X)
		text_print(out, "%s_", input.encoder == ENCODER_PI_X ? "pi" : encoder_name(input.encoder));
	text_print(out, "x%d", input.source);
}

static bool same_input(struct feature_made a, struct feature_made b)
{
	return a.source == b.source && a.encoder == b.encoder;
}

/* Whether an operation before the i-th reads the same input. */
static bool read_before(const struct circuit_program *program, int i, const struct feature_made *made)
{
	struct feature_made input = made_of(&program->ops[i].angle, made);
	for (int k = 0; k < i; k++)
		if (program->ops[k].angle.source == ANGLE_FEATURE &&
		    same_input(made_of(&program->ops[k].angle, made), input))
			return true;
	return false;
}

/* Each one where it is read first. */
static void write_inputs(const struct circuit_program *program, const struct feature_made *made, struct text *out)
{
	for (int i = 0; i < program->n_ops; i++) {
		const struct angle *angle = &program->ops[i].angle;
		if (angle->source != ANGLE_FEATURE || read_before(program, i, made))
			continue;
		struct feature_made input = made_of(angle, made);
		text_print(out, "input float[64] ");
		write_input_name(input, out);
		if (input.encoder == ENCODER_X)
			text_print(out, "; // feature %d\n", input.source);
		else
			text_print(out, "; // radians: %s of feature %d\n", encoder_name(input.encoder), input.source);
	}
}

/* "x0", "-0.5*atan_x0". */
static void write_input(struct feature_made input, struct text *out)
{
	char number[NUMBER_SIZE];
	if (input.scale != 1.0) {
		number_text(number, input.scale);
		text_print(out, "%s*", number);
	}
	write_input_name(input, out);
}

static int write_angle(const struct angle *angle, const double *weights, const struct feature_made *made,
                       const double *features, struct text *out, struct qlstm_error *error)
{
	double radians;
	char number[NUMBER_SIZE], pointer[32];
	if (angle->source == ANGLE_FEATURE && features == NULL) {
		write_input(made_of(angle, made), out);
		return 0;
	}
	if (angle->source == ANGLE_FEATURE) {
		struct feature_made input = made_of(angle, made);
		radians = input.scale * encoder_angle(input.encoder, features[input.source]);
	} else {
		radians = angle->source == ANGLE_WEIGHT ? weights[angle->index] : angle->value;
	}
	if (!isfinite(radians)) {
		snprintf(pointer, sizeof pointer, "/features/%d", angle->index);
		return error_set(error, ERR_OUT_OF_RANGE, angle->source == ANGLE_FEATURE ? pointer : NULL,
		                 "%s %d makes no finite angle", angle->source == ANGLE_FEATURE ? "feature" : "weight",
		                 angle->index);
	}
	number_text(number, radians);
	text_print(out, "%s", number);
	return 0;
}

static int write_gate(const struct circuit_op *op, const double *weights, const struct feature_made *made,
                      const double *features, struct text *out, struct qlstm_error *error)
{
	int rc = 0;
	text_print(out, "%s", names[op->gate]);
	if (gate_takes_angle(op->gate)) {
		text_print(out, "(");
		rc = write_angle(&op->angle, weights, made, features, out, error);
		text_print(out, ")");
	}
	text_print(out, " q[%d]", op->wires[0]);
	if (gate_wires(op->gate) == 2)
		text_print(out, ", q[%d]", op->wires[1]);
	text_print(out, ";\n");
	return rc;
}

static void write_comment(const char *about, struct text *out)
{
	while (about != NULL && *about != '\0') {
		size_t length = strcspn(about, "\n");
		text_print(out, "// %.*s\n", (int)length, about);
		about += length + (about[length] == '\n');
	}
}

int program_write_qasm(const struct circuit_program *program, const double *weights, const struct feature_made *made,
                       const double *features, const char *about, struct text *out, struct qlstm_error *error)
{
	char observable[CIRCUIT_MAX_WIRES * 5];
	text_print(out, "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n");
	write_comment(about, out);
	if (features == NULL)
		write_inputs(program, made, out);
	text_print(out, "qubit[%d] q;\n", program->n_wires);
	int rc = 0;
	for (int i = 0; rc == 0 && i < program->n_ops; i++)
		rc = write_gate(&program->ops[i], weights, made, features, out, error);
	text_print(out, "// outputs, the expectation values of these products of Pauli matrices:\n");
	for (int i = 0; i < program->n_observables; i++) {
		program_print_observable(program, i, observable, sizeof observable);
		text_print(out, "// %d: %s\n", i, observable);
	}
	if (rc == 0 && out->failed)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the circuit's text");
	return rc;
}
