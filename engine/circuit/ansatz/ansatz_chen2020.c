/* The circuit of Chen, Yoo, Fang, "Quantum Long Short-Term Memory", arXiv 2009.01783, as executed by the author's code
 * (FederatedQLSTM, metaquantum/CircuitComponents.py): two CNOT rings, then Rot, in every layer. */
#include "engine/circuit/ansatz/ansatz_parts.h"

static void shape(const struct ansatz_config *config, struct ansatz_shape *out)
{
	*out = (struct ansatz_shape){.rank = 3, .dims = {ansatz_layers(config), config->n_wires, 3}};
}

static void build(const struct ansatz_config *config, struct circuit_program *program)
{
	int n = config->n_wires, encoded = ansatz_encoded(config, n), weight = 0;
	for (int w = 0; w < encoded; w++) {
		if (config->hadamard)
			program_gate(program, GATE_H, w);
		program_rotation(program, GATE_RY, w, angle_feature(w, ENCODER_ATAN));
		program_rotation(program, GATE_RZ, w, angle_feature(w, ENCODER_ATAN_SQUARE));
	}
	for (int layer = 0; layer < ansatz_layers(config); layer++) {
		/* Both vanish on one wire, the second on two, where it would connect a wire with itself. */
		ansatz_ring(program, 1);
		ansatz_ring(program, 2);
		for (int w = 0; w < n; w++, weight += 3)
			program_rot(program, w, weight);
	}
	ansatz_measure(config, program);
}

const struct ansatz ansatz_chen2020 = {
    .name = "chen2020",
    .summary = "H, RY(atan x), RZ(atan x^2); layers of CNOT rings +1 and +2, then Rot (arXiv 2009.01783)",
    .features = ansatz_features_per_wire,
    .shape = shape,
    .build = build,
};
