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

const char *const nonlinearity_names[] = {[RNN_TANH] = "tanh", [RNN_RELU] = "relu", NULL};
