/* Affine maps over GF(2); see wide_map.h. */
#include "engine/circuit/wide/wide_map.h"

struct wide_map wide_map_identity(void)
{
	struct wide_map map = {.forward = {.shift = 0}};
	for (int i = 0; i < CIRCUIT_MAX_WIRES; i++)
		map.forward.column[i] = 1u << i;
	map.inverse = map.forward;
	return map;
}

void wide_map_cnot(struct wide_map *map, int control, int target)
{
	struct wide_affine *to = &map->forward;
	for (int i = 0; i < CIRCUIT_MAX_WIRES; i++)
		to->column[i] ^= (to->column[i] >> control & 1) << target;
	to->shift ^= (to->shift >> control & 1) << target;
	map->inverse.column[control] ^= map->inverse.column[target];
}

void wide_map_flip(struct wide_map *map, int target)
{
	map->forward.shift ^= 1u << target;
	map->inverse.shift ^= map->inverse.column[target];
}

uint32_t wide_affine_apply(const struct wide_affine *affine, uint32_t index)
{
	uint32_t image = affine->shift;
	for (; index != 0; index &= index - 1)
		image ^= affine->column[__builtin_ctz(index)];
	return image;
}

uint32_t wide_affine_pull(const struct wide_affine *affine, uint32_t z, bool *negative)
{
	uint32_t pulled = 0;
	for (int i = 0; i < CIRCUIT_MAX_WIRES; i++)
		pulled |= (uint32_t)__builtin_parity(affine->column[i] & z) << i;
	*negative ^= __builtin_parity(affine->shift & z) != 0;
	return pulled;
}
