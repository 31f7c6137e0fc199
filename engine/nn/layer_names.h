/* The words for the enums of layers' fields, indexed by enumerator and ended by NULL:
 * angle_init_names[ANGLE_INIT_NORMAL] is "normal". The schema and the library's users write them. */
#ifndef QLSTM_NN_LAYER_NAMES_H
#define QLSTM_NN_LAYER_NAMES_H

extern const char *const pauli_names[];
extern const char *const entangling_names[];
extern const char *const angle_init_names[];
extern const char *const measurement_names[];
extern const char *const encoder_names[];
extern const char *const attention_names[];
extern const char *const query_names[];
extern const char *const handover_names[];
extern const char *const nonlinearity_names[];
extern const char *const controller_names[];
extern const char *const rotations_names[];
extern const char *const entangler_names[];
extern const char *const readouts_names[];
extern const char *const squash_names[];
extern const char *const initial_state_names[];
extern const char *const reading_names[];

#endif
