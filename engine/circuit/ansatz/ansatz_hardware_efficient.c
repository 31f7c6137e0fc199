/* The usual hardware-efficient circuit, V(n, L) of our benchmarks when it embeds by RY: rotations RY and RZ on every
 * wire, then a CNOT ring (Kandala et al., arXiv 1704.05018, with CNOT for the entangler). */
#include "engine/circuit/ansatz/ansatz_parts.h"

static void shape(const struct ansatz_config *config, struct ansatz_shape *out)
{
	*out = (struct ansatz_shape){.rank = 3, .dims = {ansatz_layers(config), config->n_wires, 2}};
}

static void build(const struct ansatz_config *config, struct circuit_program *program)
{
	int weight = 0;
	ansatz_embed(config, 0, ansatz_encoded(config, config->n_wires), program);
	for (int layer = 0; layer < ansatz_layers(config); layer++) {
		for (int w = 0; w < config->n_wires; w++, weight += 2) {
			program_rotation(program, GATE_RY, w, angle_weight(weight));
			program_rotation(program, GATE_RZ, w, angle_weight(weight + 1));
		}
		ansatz_ring(program, 1);
	}
	ansatz_measure(config, program);
}

const struct ansatz ansatz_hardware_efficient = {
    .name = "hardware_efficient",
    .summary = "angle embedding; layers of RY and RZ per wire, then a CNOT ring",
    .features = ansatz_features_per_wire,
    .shape = shape,
    .build = build,
};
