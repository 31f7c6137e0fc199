/* From a circuit program to the local plan's two codes. Internal to engine/circuit. */
#ifndef QLSTM_CIRCUIT_LOCAL_COMPILE_H
#define QLSTM_CIRCUIT_LOCAL_COMPILE_H

#include "engine/circuit/local/local_code.h"

/* Results are outputs; gradients of features and weights. Both NULL: none. */
struct local_codes {
	struct local_code *forward, *gradient;
};

/* The shortest of several ways to divide the program into strings and kept gates. None when every way is too long or
 * entangles too many wires, and when out of memory. The caller frees them. */
struct local_codes local_compile(const struct circuit_program *program);
void local_codes_free(struct local_codes *codes);

/* Instructions for a tile, forward and gradient. */
static inline uint32_t local_codes_length(const struct local_codes *codes)
{
	return codes->forward->n_instructions[PHASE_TILE] + codes->gradient->n_instructions[PHASE_TILE];
}

/* And those of a call whatever its batch, which depend on weights alone. */
static inline uint32_t local_codes_call_length(const struct local_codes *codes)
{
	const uint32_t *forward = codes->forward->n_instructions, *gradient = codes->gradient->n_instructions;
	return forward[PHASE_BEFORE] + forward[PHASE_AFTER] + gradient[PHASE_BEFORE] + gradient[PHASE_AFTER];
}

#endif
