/* What the ansatz builders share. Internal to engine/circuit. */
#ifndef QLSTM_CIRCUIT_ANSATZ_PARTS_H
#define QLSTM_CIRCUIT_ANSATZ_PARTS_H

#include "engine/circuit/ansatz/ansatz.h"

/* One row per ansatz: X(name); the object is ansatz_NAME, defined in the file of its family. */
#define ANSATZE(X)                                                                                                     \
	X(chen2020)                                                                                                    \
	X(chen2024)                                                                                                    \
	X(basic)                                                                                                       \
	X(strong)                                                                                                      \
	X(hardware_efficient)                                                                                          \
	X(qdi)

#define X(name) extern const struct ansatz ansatz_##name;
ANSATZE(X)
#undef X

/* Layers of an ansatz that embeds once: blocks times depth. */
int ansatz_layers(const struct ansatz_config *config);
/* Features of an ansatz that takes one per wire. */
int ansatz_features_per_wire(const struct ansatz_config *config);
/* How many features are encoded: n_features, where 0 stands for all of them, given as `all`. */
int ansatz_encoded(const struct ansatz_config *config, int all);

/* RX, RY or RZ. */
enum gate ansatz_rotation_gate(enum pauli axis);
/* R_rotation(encoder(feature first + w)) on every wire w whose feature index stays below `encoded`. */
void ansatz_embed(const struct ansatz_config *config, int first, int encoded, struct circuit_program *program);
/* CNOT(i, (i + range) mod n) for every i, in order; nothing when the range is a multiple of n. */
void ansatz_ring(struct circuit_program *program, int range);
/* One layer of PennyLane's BasicEntanglerLayers: `gate` on every wire, then the ring; returns the next weight. */
int ansatz_basic_layer(struct circuit_program *program, enum gate gate, int first_weight);
/* Layer `layer` of PennyLane's StronglyEntanglingLayers: Rot on every wire, then a ring of range
 * (layer mod (n - 1)) + 1; returns the next weight. */
int ansatz_strong_layer(struct circuit_program *program, int layer, int first_weight);
/* Observes `measure` on n_outputs wires (all when 0), output_step apart. */
void ansatz_measure(const struct ansatz_config *config, struct circuit_program *program);

#endif
