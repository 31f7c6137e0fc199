/* The quantum LSTM's variants, one row each, and what they share: building a circuit from a layer's configuration. */
#ifndef QLSTM_NN_CELL_QLSTM_VARIANT_H
#define QLSTM_NN_CELL_QLSTM_VARIANT_H

#include <stdbool.h>

#include "engine/nn/cell.h"
#include "engine/nn/quantum_circuit.h"

struct qlstm_variant {
	const char *name;
	const char *ansatz; /* its circuit where the layer names none */
	const struct cell_ops *ops;
	bool linear_maps; /* Lin_in before and Lin_out behind the circuits, shared by the gates */
	bool x_first;     /* v = [x; h], else [h; x] */
	int f, i, g, o;   /* which circuit of the weight tensor belongs to which gate */
};

const struct qlstm_variant *qlstm_variant_find(const char *name); /* NULL when unknown */
const struct qlstm_variant *qlstm_variant_at(int index);          /* NULL past the end */

/* The layer's ansatz. ERR_NOT_FOUND at "/ansatz". */
int qlstm_ansatz(const struct layer_config *config, const struct ansatz **out, struct qlstm_error *error);
/* For variants without linear maps: inputs + hidden_size must fit what the circuit takes. */
int qlstm_check_features(const struct layer_config *config, int n_in, struct qlstm_error *error);

#endif
