/* Contraction of a circuit, wire by wire, into an expression for every observable. Internal to engine/circuit.
 *
 * Strings that begin alike share the tensors of their left wires, strings that end alike those of their right wires, so
 * that the single-wire observables of n wires cost about 2 n columns together: prefix and suffix products. */
#ifndef QLSTM_CIRCUIT_LOCAL_NETWORK_H
#define QLSTM_CIRCUIT_LOCAL_NETWORK_H

#include "engine/circuit/local/local_circuit.h"

/* outputs[n_observables]. False when some cut between wires is crossed by too many gates, when the graph failed or when
 * out of memory. Cost: about 4^bonds a wire. */
bool local_network_contract(const struct local_circuit *circuit, local_ref *outputs);

#endif
