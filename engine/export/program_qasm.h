/* A circuit as OpenQASM 3 (https://openqasm.com): angles as literals, gates of stdgates.inc alone.
 *
 * Wire w is q[w]; rotations are exp(-i t P / 2) there too, so that the states agree, global phase included. The
 * language has no expectation values: the observables are comments at the end. */
#ifndef QLSTM_EXPORT_PROGRAM_QASM_H
#define QLSTM_EXPORT_PROGRAM_QASM_H

#include "engine/circuit/program.h"
#include "engine/nn/layer_circuit.h"
#include "engine/text.h"

/* weights [n_weights] in radians. made: what the program's features are made of (layer_circuit.h), NULL: they are the
 * layer's inputs. features [n_features]: their angles are literals too; NULL: each angle made of a
 * feature is an `input float[64]`, named by encoder and feature: x0 is feature 0 itself, atan_x0 its arctangent, which
 * whoever runs the circuit computes. features [inputs of the layer] where `made` is given. `about`: lines for the
 * comment at the top, without "//"; NULL: none. ERR_OUT_OF_RANGE at "/features/2" where an encoder makes no finite
 * angle of a feature, ERR_OUT_OF_MEMORY. */
int program_write_qasm(const struct circuit_program *program, const double *weights, const struct feature_made *made,
                       const double *features, const char *about, struct text *out, struct qlstm_error *error);

/* The i-th observable as "Z0 X3"; "I" of the identity. */
void program_print_observable(const struct circuit_program *program, int index, char *out, size_t size);

#endif
