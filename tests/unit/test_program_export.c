/* A circuit as OpenQASM 3 and as a drawing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/export/program_qasm.h"
#include "engine/export/program_svg.h"

static const double weights[] = {0.1, -2.5e-7};

/* Every kind of gate, angle and observable. */
static struct circuit_program *sample(void)
{
	struct circuit_program *program = program_new(3);
	assert_non_null(program);
	program_gate(program, GATE_H, 0);
	program_rotation(program, GATE_RY, 0, angle_feature(1, ENCODER_ATAN));
	program_rotation(program, GATE_RX, 1, angle_feature(0, ENCODER_X));
	program_rotation(program, GATE_RZ, 1, angle_feature(0, ENCODER_X));
	program_rotation(program, GATE_RZ, 2, angle_weight(1));
	program_cnot(program, 2, 0);
	program_gate2(program, GATE_CZ, 0, 1);
	program_gate2(program, GATE_SWAP, 1, 2);
	program_rotation(program, GATE_RX, 2, angle_constant(3.0));
	program_rotation(program, GATE_RX, 2, angle_weight(0));
	program_gate(program, GATE_S, 1);
	program_observe(program, PAULI_Y, 1);
	program_observe_string(program, (struct pauli_string){.x = 5, .z = 4});
	program_observe_string(program, (struct pauli_string){0});
	assert_int_equal(program_check(program, NULL), 0);
	return program;
}

static void free_text(struct text *text)
{
	free(text->bytes);
	*text = (struct text){0};
}

static void qasm_with_inputs(void **state)
{
	(void)state;
	struct circuit_program *program = sample();
	struct text text = {0};
	assert_int_equal(program_write_qasm(program, weights, NULL, NULL, "one\ntwo", &text, NULL), 0);
	assert_string_equal(text.bytes, "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n// one\n// two\n"
	                                "input float[64] atan_x1; // radians: atan of feature 1\n"
	                                "input float[64] x0; // feature 0\n"
	                                "qubit[3] q;\nh q[0];\nry(atan_x1) q[0];\nrx(x0) q[1];\nrz(x0) q[1];\n"
	                                "rz(-2.5e-7) q[2];\ncx q[2], q[0];\ncz q[0], q[1];\nswap q[1], q[2];\n"
	                                "rx(3.0) q[2];\nrx(0.1) q[2];\ns q[1];\n"
	                                "// outputs, the expectation values of these products of Pauli matrices:\n"
	                                "// 0: Y1\n// 1: X0 Y2\n// 2: I\n");
	free_text(&text);
	program_free(program);
}

static void qasm_with_features(void **state)
{
	(void)state;
	struct circuit_program *program = sample();
	struct qlstm_error error = {0};
	struct text text = {0};
	double features[] = {0.25, 1.0};
	assert_int_equal(program_write_qasm(program, weights, NULL, features, NULL, &text, NULL), 0);
	assert_null(strstr(text.bytes, "input"));
	assert_non_null(strstr(text.bytes, "\nry(0.7853981633974483) q[0];\nrx(0.25) q[1];\nrz(0.25) q[1];\n"));
	free_text(&text);

	features[0] = NAN;
	assert_int_equal(program_write_qasm(program, weights, NULL, features, NULL, &text, &error), ERR_OUT_OF_RANGE);
	assert_string_equal(error.pointer, "/features/0");
	free_text(&text);
	program_free(program);
}

static int count(const char *text, const char *what)
{
	int n = 0;
	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

static void drawing(void **state)
{
	(void)state;
	struct circuit_program *program = sample();
	struct text text = {0};
	assert_int_equal(program_write_svg(program, weights, NULL, "a < b & c", SVG_LABELS_NAMES, 100, &text, NULL), 0);
	assert_non_null(strstr(text.bytes, "<title>a &#60; b &#38; c</title>"));
	/* The background, eight gates of one wire, a meter on each wire. */
	assert_int_equal(count(text.bytes, "<rect "), 1 + 8 + 3);
	/* Dots of CNOT and CZ, the target of a CNOT. */
	assert_int_equal(count(text.bytes, "<circle "), 4);
	assert_int_equal(count(text.bytes, "\xce\xb8"), 2);
	assert_int_equal(count(text.bytes, "3.00"), 1);
	assert_int_equal(count(text.bytes, ">q<tspan"), 3);
	free_text(&text);

	/* RY beside RX and RZ; the CNOT waits for wire 0, and crosses wire 1: seven columns and the meters, in rows
	 * of 3. */
	assert_int_equal(program_write_svg(program, weights, NULL, "", SVG_LABELS_VALUES, 3, &text, NULL), 0);
	assert_int_equal(count(text.bytes, ">q<tspan"), 3 * 3);
	assert_int_equal(count(text.bytes, "\xce\xb8"), 0);
	assert_int_equal(count(text.bytes, ">0.10<"), 1);
	free_text(&text);
	program_free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(qasm_with_inputs),
	    cmocka_unit_test(qasm_with_features),
	    cmocka_unit_test(drawing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
