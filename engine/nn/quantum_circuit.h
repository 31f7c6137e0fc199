/* From a layer's circuit_config to an ansatz and its configuration; for every layer with circuits. */
#ifndef QLSTM_NN_QUANTUM_CIRCUIT_H
#define QLSTM_NN_QUANTUM_CIRCUIT_H

#include "engine/circuit/ansatz/ansatz.h"
#include "engine/error.h"
#include "engine/nn/layer_config.h"

/* Whether n_qubits is 1 .. CIRCUIT_MAX_WIRES, n_qlayers and depth 1 .. 1024. ERR_OUT_OF_RANGE at "/n_qubits", ... */
int quantum_circuit_check(const struct circuit_config *config, struct qlstm_error *error);
/* The ansatz that the configuration names, `own` where it names none. ERR_NOT_FOUND at "/ansatz". */
int quantum_circuit_ansatz(const struct circuit_config *config, const char *own, const struct ansatz **out,
                           struct qlstm_error *error);
/* n_features 0: all that the ansatz takes; n_outputs 0: all wires. */
struct ansatz_config quantum_circuit_config(const struct circuit_config *config, int n_features, int n_outputs);

#endif
