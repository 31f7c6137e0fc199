/* The words for the enums of layers' fields. */
#include "engine/nn/layer_names.h"

#include <stddef.h>

#include "engine/nn/layer_config.h"

const char *const pauli_names[] = {[PAULI_X] = "X", [PAULI_Y] = "Y", [PAULI_Z] = "Z", NULL};

const char *const entangling_names[] = {[ENTANGLING_BASIC] = "basic", [ENTANGLING_STRONG] = "strong", NULL};

const char *const angle_init_names[] = {[ANGLE_INIT_NORMAL] = "normal", [ANGLE_INIT_UNIFORM] = "uniform", NULL};

const char *const measurement_names[] = {
    [MEASUREMENT_ALL] = "all", [MEASUREMENT_EVEN] = "even", [MEASUREMENT_SINGLE] = "single", NULL};

const char *const encoder_names[] = {
#define X(id, name, value, derivative) [id] = name,
    CIRCUIT_ENCODERS(X)
#undef X
        NULL};

const char *const attention_names[] = {
    [ATTENTION_ADDITIVE] = "additive", [ATTENTION_DOT] = "dot", [ATTENTION_GENERAL] = "general", NULL};

const char *const query_names[] = {[QUERY_AFTER] = "after", [QUERY_BEFORE] = "before", [QUERY_AGAIN] = "again", NULL};

const char *const handover_names[] = {[HANDOVER_MEAN] = "mean", [HANDOVER_STATE] = "state", NULL};

const char *const nonlinearity_names[] = {[RNN_TANH] = "tanh", [RNN_RELU] = "relu", NULL};

const char *const controller_names[] = {[CONTROLLER_LINEAR] = "linear",
                                        [CONTROLLER_RELU] = "relu",
                                        [CONTROLLER_GELU] = "gelu",
                                        [CONTROLLER_GLU] = "glu",
                                        NULL};

const char *const rotations_names[] = {
    [HYBRID_RX_RY_RZ] = "rx_ry_rz", [HYBRID_RY_RZ] = "ry_rz", [HYBRID_RY] = "ry", NULL};

const char *const entangler_names[] = {[HYBRID_CNOT_RING] = "cnot_ring",
                                       [HYBRID_CNOT_CHAIN] = "cnot_chain",
                                       [HYBRID_CZ_RING] = "cz_ring",
                                       [HYBRID_CZ_CHAIN] = "cz_chain",
                                       NULL};

const char *const readouts_names[] = {[HYBRID_XYZ] = "xyz", [HYBRID_XZ] = "xz", [HYBRID_Z] = "z", NULL};

const char *const squash_names[] = {[SQUASH_NONE] = "none", [SQUASH_PI_TANH] = "pi_tanh", NULL};

const char *const initial_state_names[] = {[INITIAL_ZERO] = "zero", [INITIAL_LEARNED] = "learned", NULL};

const char *const reading_names[] = {
    [READING_EXPECTATION] = "expectation", [READING_PROJECTIVE] = "projective", [READING_COLLAPSE] = "collapse", NULL};
