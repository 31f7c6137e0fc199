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

bool program_angle(const struct angle *angle, const double *weights, const double *features, double *radians)
{
	if (angle->source == ANGLE_FEATURE && features == NULL)
		return false;
	if (angle->source == ANGLE_FEATURE)
		*radians = encoder_angle(angle->encoder, features[angle->index]);
	else
		*radians = angle->source == ANGLE_WEIGHT ? weights[angle->index] : angle->value;
	return true;
}

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

/* "x0", "atan_x0". */
static void write_input_name(const struct angle *angle, struct text *out)
{
	if (angle->encoder != ENCODER_X)
		text_print(out, "%s_", angle->encoder == ENCODER_PI_X ? "pi" : encoder_name(angle->encoder));
	text_print(out, "x%d", angle->index);
}

static bool same_input(const struct angle *a, const struct angle *b)
{
	return a->source == ANGLE_FEATURE && b->source == ANGLE_FEATURE && a->index == b->index &&
	       a->encoder == b->encoder;
}

/* Each one where it is read first. */
static void write_inputs(const struct circuit_program *program, struct text *out)
{
	for (int i = 0; i < program->n_ops; i++) {
		const struct angle *angle = &program->ops[i].angle;
		int first = 0;
		while (!same_input(&program->ops[first].angle, angle) && first < i)
			first++;
		if (angle->source != ANGLE_FEATURE || first < i)
			continue;
		text_print(out, "input float[64] ");
		write_input_name(angle, out);
		if (angle->encoder == ENCODER_X)
			text_print(out, "; // feature %d\n", angle->index);
		else
			text_print(out, "; // radians: %s of feature %d\n", encoder_name(angle->encoder), angle->index);
	}
}

static int write_angle(const struct angle *angle, const double *weights, const double *features, struct text *out,
                       struct qlstm_error *error)
{
	double radians;
	char number[NUMBER_SIZE], pointer[32];
	if (!program_angle(angle, weights, features, &radians)) {
		write_input_name(angle, out);
		return 0;
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

static int write_gate(const struct circuit_op *op, const double *weights, const double *features, struct text *out,
                      struct qlstm_error *error)
{
	int rc = 0;
	text_print(out, "%s", names[op->gate]);
	if (gate_takes_angle(op->gate)) {
		text_print(out, "(");
		rc = write_angle(&op->angle, weights, features, out, error);
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

int program_write_qasm(const struct circuit_program *program, const double *weights, const double *features,
                       const char *about, struct text *out, struct qlstm_error *error)
{
	char observable[CIRCUIT_MAX_WIRES * 5];
	text_print(out, "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n");
	write_comment(about, out);
	if (features == NULL)
		write_inputs(program, out);
	text_print(out, "qubit[%d] q;\n", program->n_wires);
	int rc = 0;
	for (int i = 0; rc == 0 && i < program->n_ops; i++)
		rc = write_gate(&program->ops[i], weights, features, out, error);
	text_print(out, "// outputs, the expectation values of these products of Pauli matrices:\n");
	for (int i = 0; i < program->n_observables; i++) {
		program_print_observable(program, i, observable, sizeof observable);
		text_print(out, "// %d: %s\n", i, observable);
	}
	if (rc == 0 && out->failed)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the circuit's text");
	return rc;
}
