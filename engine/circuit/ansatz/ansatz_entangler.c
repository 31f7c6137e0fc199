/* Angle embedding followed by PennyLane's entangler templates. `basic` with rotation X is the circuit of rdisipio/qlstm
 * (qlstm_pennylane.py): RX embedding and BasicEntanglerLayers. */
#include "engine/circuit/ansatz/ansatz_parts.h"

static void shape_basic(const struct ansatz_config *config, struct ansatz_shape *out)
{
	*out = (struct ansatz_shape){.rank = 2, .dims = {ansatz_layers(config), config->n_wires}};
}

static void build_basic(const struct ansatz_config *config, struct circuit_program *program)
{
	int weight = 0;
	ansatz_embed(config, 0, ansatz_encoded(config, config->n_wires), program);
	for (int layer = 0; layer < ansatz_layers(config); layer++)
		weight = ansatz_basic_layer(program, ansatz_rotation_gate(config->rotation), weight);
	ansatz_measure(config, program);
}

const struct ansatz ansatz_basic = {
    .name = "basic",
    .summary = "angle embedding; layers of one rotation per wire, then a CNOT ring (BasicEntanglerLayers)",
    .features = ansatz_features_per_wire,
    .shape = shape_basic,
    .build = build_basic,
};

static void shape_strong(const struct ansatz_config *config, struct ansatz_shape *out)
{
	*out = (struct ansatz_shape){.rank = 3, .dims = {ansatz_layers(config), config->n_wires, 3}};
}

static void build_strong(const struct ansatz_config *config, struct circuit_program *program)
{
	int weight = 0;
	ansatz_embed(config, 0, ansatz_encoded(config, config->n_wires), program);
	for (int layer = 0; layer < ansatz_layers(config); layer++)
		weight = ansatz_strong_layer(program, layer, weight);
	ansatz_measure(config, program);
}

const struct ansatz ansatz_strong = {
    .name = "strong",
    .summary = "angle embedding; layers of Rot per wire, then CNOT rings of growing range (StronglyEntanglingLayers)",
    .features = ansatz_features_per_wire,
    .shape = shape_strong,
    .build = build_strong,
};
