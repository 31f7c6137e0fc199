/* TQ42's Quantum Depth-Infused layer: Var_0, then n_blocks times an embedding of fresh features and a Var of `depth`
 * layers. Var_0 matters: RZ on |0> alone encodes nothing. */
#include "engine/circuit/ansatz/ansatz_parts.h"

static int features(const struct ansatz_config *config)
{
	return config->n_blocks * config->n_wires;
}

static void shape(const struct ansatz_config *config, struct ansatz_shape *out)
{
	bool strong = config->entangling == ENTANGLING_STRONG;
	*out = (struct ansatz_shape){.rank = strong ? 4 : 3,
	                             .dims = {config->n_blocks + 1, config->depth, config->n_wires, strong ? 3 : 0}};
}

static void build(const struct ansatz_config *config, struct circuit_program *program)
{
	int weight = 0, encoded = ansatz_encoded(config, features(config));
	for (int block = 0; block <= config->n_blocks; block++) {
		if (block > 0)
			ansatz_embed(config, (block - 1) * config->n_wires, encoded, program);
		/* The ring ranges of `strong` restart in every block. */
		for (int layer = 0; layer < config->depth; layer++)
			weight = config->entangling == ENTANGLING_STRONG ? ansatz_strong_layer(program, layer, weight)
			                                                 : ansatz_basic_layer(program, GATE_RX, weight);
	}
	ansatz_measure(config, program);
}

const struct ansatz ansatz_qdi = {
    .name = "qdi",
    .summary = "data re-uploading: variational layers before, between and after the embeddings (TQ42 QDI)",
    .features = features,
    .shape = shape,
    .build = build,
};
