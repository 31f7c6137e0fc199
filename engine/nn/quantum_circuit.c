/* The circuits of layers, from their configuration. */
#include "engine/nn/quantum_circuit.h"

int quantum_circuit_check(const struct circuit_config *config, struct qlstm_error *error)
{
	const struct {
		const char *pointer;
		int value, most;
	} sizes[] = {
	    {"/n_qubits", config->n_qubits, CIRCUIT_MAX_WIRES},
	    {"/n_qlayers", config->n_qlayers, 1 << 10},
	    {"/depth", config->depth, 1 << 10},
	};
	for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
		if (sizes[k].value < 1 || sizes[k].value > sizes[k].most)
			return error_set(error, ERR_OUT_OF_RANGE, sizes[k].pointer, "%s is %d; allowed are 1 to %d",
			                 sizes[k].pointer + 1, sizes[k].value, sizes[k].most);
	return 0;
}

int quantum_circuit_ansatz(const struct circuit_config *config, const char *own, const struct ansatz **out,
                           struct qlstm_error *error)
{
	const char *name = config->ansatz[0] != '\0' ? config->ansatz : own;
	*out = ansatz_find(name);
	if (*out == NULL)
		return error_set(error, ERR_NOT_FOUND, "/ansatz", "unknown ansatz '%s'", name);
	return 0;
}

struct ansatz_config quantum_circuit_config(const struct circuit_config *config, int n_features, int n_outputs)
{
	return (struct ansatz_config){.n_wires = config->n_qubits,
	                              .n_features = n_features,
	                              .n_blocks = config->n_qlayers,
	                              .depth = config->depth,
	                              .n_outputs = n_outputs,
	                              .hadamard = config->hadamard,
	                              .rotation = config->rotation,
	                              .measure = config->measure,
	                              .entangling = config->entangling};
}
