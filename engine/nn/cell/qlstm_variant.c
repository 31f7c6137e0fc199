/* The quantum LSTM's variants. */
#include "engine/nn/cell/qlstm_variant.h"

#include <string.h>

/* qdi: arXiv 2504.20823 and the TQ42 layer. linear: the cell of rdisipio/qlstm with circuits that are trained.
 * chen2020: arXiv 2009.01783. chen2024: the same author's current code. */
static const struct qlstm_variant variants[] = {
    /* name       ansatz      cell                 linear x first f  i  g  o */
    {"qdi", "qdi", &qlstm_gated_ops, true, false, 0, 1, 2, 3},
    {"linear", "basic", &qlstm_gated_ops, true, false, 0, 1, 2, 3},
    {"chen2020", "chen2020", &qlstm_chen2020_ops, false, true, 0, 1, 2, 3},
    {"chen2024", "chen2024", &qlstm_gated_ops, false, true, 1, 0, 2, 3},
};

const struct qlstm_variant *qlstm_variant_at(int index)
{
	return index >= 0 && (size_t)index < sizeof variants / sizeof variants[0] ? &variants[index] : NULL;
}

const struct qlstm_variant *qlstm_variant_find(const char *name)
{
	const struct qlstm_variant *variant;
	for (int k = 0; (variant = qlstm_variant_at(k)) != NULL; k++)
		if (strcmp(variant->name, name) == 0)
			return variant;
	return NULL;
}

int qlstm_choose_cell(const struct layer_config *config, const struct cell_ops **out, struct qlstm_error *error)
{
	const struct qlstm_variant *variant = qlstm_variant_find(config->qlstm.variant);
	if (variant == NULL)
		return error_set(error, ERR_NOT_FOUND, "/variant", "unknown variant '%s'", config->qlstm.variant);
	*out = variant->ops;
	return 0;
}

int qlstm_wires(const struct layer_config *config)
{
	return config->qlstm.circuit.n_qubits;
}

int qlstm_ansatz(const struct layer_config *config, const struct ansatz **out, struct qlstm_error *error)
{
	const struct qlstm_variant *variant = qlstm_variant_find(config->qlstm.variant);
	return quantum_circuit_ansatz(&config->qlstm.circuit, variant != NULL ? variant->ansatz : "", out, error);
}

int qlstm_check_features(const struct layer_config *config, int n_in, struct qlstm_error *error)
{
	const struct ansatz *ansatz;
	int rc = qlstm_ansatz(config, &ansatz, error);
	if (rc != 0)
		return rc;
	struct ansatz_config circuit = quantum_circuit_config(&config->qlstm.circuit, 0, 0);
	int most = ansatz->features(&circuit), wanted = n_in + config->recurrent.hidden_size;
	if (wanted > most)
		return error_set(error, ERR_INVALID, "/n_qubits",
		                 "n_qubits is %d, so a circuit takes %d values; variant %s feeds it %d inputs and "
		                 "hidden_size %d, together %d: raise n_qubits or lower hidden_size",
		                 config->qlstm.circuit.n_qubits, most, config->qlstm.variant, n_in,
		                 config->recurrent.hidden_size, wanted);
	if (config->recurrent.hidden_size > config->qlstm.circuit.n_qubits)
		return error_set(error, ERR_INVALID, "/hidden_size",
		                 "hidden_size is %d; variant %s measures one wire for each, and n_qubits is %d",
		                 config->recurrent.hidden_size, config->qlstm.variant, config->qlstm.circuit.n_qubits);
	return 0;
}
