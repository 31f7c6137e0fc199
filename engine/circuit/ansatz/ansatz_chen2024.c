/* The circuit of the author's later code, ycchen1989/Quantum_Long_Short_Term_Memory, QLSTM_v0.py: H and RY encoding,
 * then layers of a CNOT brick and RY. All amplitudes stay real. */
#include "engine/circuit/ansatz/ansatz_parts.h"

static void shape(const struct ansatz_config *config, struct ansatz_shape *out)
{
	*out = (struct ansatz_shape){.rank = 2, .dims = {ansatz_layers(config), config->n_wires}};
}

static void build(const struct ansatz_config *config, struct circuit_program *program)
{
	int n = config->n_wires, encoded = ansatz_encoded(config, n), weight = 0;
	for (int w = 0; w < n && config->hadamard; w++)
		program_gate(program, GATE_H, w);
	for (int w = 0; w < encoded; w++)
		program_rotation(program, GATE_RY, w, angle_feature(w, ENCODER_X));
	for (int layer = 0; layer < ansatz_layers(config); layer++) {
		for (int parity = 0; parity < 2; parity++)
			for (int w = parity; w + 1 < n; w += 2)
				program_cnot(program, w, w + 1);
		for (int w = 0; w < n; w++)
			program_rotation(program, GATE_RY, w, angle_weight(weight++));
	}
	ansatz_measure(config, program);
}

const struct ansatz ansatz_chen2024 = {
    .name = "chen2024",
    .summary = "H, RY(x); layers of a CNOT brick, then RY (the author's later code)",
    .features = ansatz_features_per_wire,
    .shape = shape,
    .build = build,
};
