/* Circuits that users write as lists of gates become OpenQASM 3 text, which is what a resolved spec has. */
#ifndef QLSTM_SCHEMA_CIRCUITS_H
#define QLSTM_SCHEMA_CIRCUITS_H

#include <jansson.h>

#include "engine/error.h"

/* In every layer of type circuit: gates, observables and n_qubits are replaced by qasm, one gate a line. `expanded` is
 * a request in the long form; its layers are changed in copies of their own. A fault is at its place, such as
 * "/model/layers/0/gates/2/wires/1". Whatever has another form than it must is left for the validation to refuse. */
int circuits_write(json_t *expanded, struct qlstm_error *error);

#endif
