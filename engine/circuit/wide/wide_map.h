/* Invertible affine maps of basis indices over GF(2): what CNOT and X do. Internal to engine/circuit. */
#ifndef QLSTM_CIRCUIT_WIDE_MAP_H
#define QLSTM_CIRCUIT_WIDE_MAP_H

#include "engine/circuit/program.h"

/* k goes to shift ^ column[i] ^ ..., over the bits i that are set in k. */
struct wide_affine {
	uint32_t column[CIRCUIT_MAX_WIRES];
	uint32_t shift;
};

/* A map and the one that undoes it. */
struct wide_map {
	struct wide_affine forward, inverse;
};

struct wide_map wide_map_identity(void);
/* Adds a gate after the map; bits of a basis index. */
void wide_map_cnot(struct wide_map *map, int control, int target);
void wide_map_flip(struct wide_map *map, int target);

uint32_t wide_affine_apply(const struct wide_affine *affine, uint32_t index);
/* A Z-string pulled back through the map: what `z` measures on the mapped state, the string returned measures on the
 * state before, with the sign. Through CNOT(0, 1), for example, Z on wire 1 becomes Z on wires 0 and 1. */
uint32_t wide_affine_pull(const struct wide_affine *affine, uint32_t z, bool *negative);

#endif
