/* OpenQASM text of users: what is taken is a program that every plan takes, all of whose angles come from somewhere. */
#include "tests/fuzz/target.h"

#include <math.h>

#include "engine/circuit/qasm/qasm.h"

static void check_angles(const struct qasm_angle *angles, int count, int sources)
{
	for (int k = 0; k < count; k++) {
		CHECK(angles[k].source >= 0 && angles[k].source < sources);
		CHECK((unsigned)angles[k].encoder < ENCODER_COUNT);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qlstm_error error = {0};
	struct qasm_circuit circuit;
	char *text = malloc(size + 1);
	CHECK(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	int rc = qasm_read(text, &circuit, &error);
	if (rc != 0) {
		check_refusal(&error, rc);
		CHECK(circuit.program == NULL);
	} else {
		CHECK(program_check(circuit.program, NULL) == 0);
		check_angles(circuit.features, circuit.program->n_features, circuit.n_features);
		check_angles(circuit.weights, circuit.program->n_weights, circuit.n_weights);
		qasm_free(&circuit);
	}
	free(text);
	return 0;
}

void target_seeds(target_give *give, void *context)
{
	static const char *const texts[] = {
	    "",
	    ("OPENQASM 3.0;\ninclude \"stdgates.inc\";\ninput float[64] x0; input angle[32] theta;\nqubit[3] "
	     "q;\nbit[3] "
	     "c;\n"
	     "h q;\nrx(2*x0 - pi/2) q[0];\ncrz(-theta) q[0], q[1];\nbarrier q;\nc = measure q;\n"),
	    ("gate g(a, b) p, q { rxx(a) p, q; u3(b, 0.5, -b/3) q; }\nqubit[2] q; input float atan_x3; input float y;\n"
	     "g(atan_x3, y + 1e-3) q[1], q[0];\n#pragma braket result expectation z(q[0]) @ x(q[1])\n"),
	    "qreg q[2]; creg c[2]; /* a\nb */ ccx q[0], q[1], q[0]; measure q[0] -> c[0];",
	    "input float \xce\xb8; qubit r; U(\xcf\x80, \xcf\x84, ((\xce\xb8))) r; // end",
	    "gate a q { a q; } qubit q; a q;",
	    "qubit q; rx(1e999) q; rx(.5.5) q; rx(0x10) q;",
	};
	GIVE_TEXTS(texts);
}
