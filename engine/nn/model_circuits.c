/* A model's circuits one by one, with their angles. */
#include "engine/nn/model_state.h"

#include <stdio.h>
#include <string.h>

/* Whether the block's angles are rows of the tensor. */
static bool reads(const struct quantum_block *block, const char *tensor)
{
	return strcmp(block->params->items[block->tensor].name, tensor) == 0;
}

bool model_trained_circuit(const struct model *model, int layer, bool reverse, int row, struct trained_angles *out)
{
	char tensor[PARAM_NAME_SIZE];
	if (layer < 0 || layer >= model->config.n_layers)
		return false;
	snprintf(tensor, sizeof tensor, "%s.%scircuits", model->layers[layer].name, reverse ? "reverse." : "");
	for (const struct quantum_block *block = model->layers[layer].circuits.first; block != NULL;
	     block = block->next) {
		if (!reads(block, tensor) || row < block->first_set || row >= block->first_set + block->sets)
			continue;
		quantum_block_trained(block, row - block->first_set, out);
		return true;
	}
	return false;
}
