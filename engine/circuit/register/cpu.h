/* The memory of the implementation "cpu". Its loops are compiled once per instruction set and precision from
 * cpu_kernel.c; a table of operations for each stands in isa.h. Internal to engine/circuit/register.
 *
 * Samples are cut into tiles of as many as a register of the processor has lanes, and a state lies as
 * [tile][2^n][re, im][lanes]: a sequence runs through on one tile, which stays in the cache, before the next begins. */
#ifndef QLSTM_CIRCUIT_REGISTER_CPU_H
#define QLSTM_CIRCUIT_REGISTER_CPU_H

#include "engine/circuit/register/ops.h"

struct register_cpu {
	int n_wires;
	size_t samples, tiles;
	size_t tile_bytes; /* 2^n amplitudes of all lanes */
	void *states;      /* [register_states(shape)][tiles] of tile_bytes, aligned to 64 bytes */
};

/* The table of the widest instruction set that this processor supports (isa.h). */
const struct register_ops *register_cpu_pick(enum precision precision);

/* The bytes of a shape's states; SIZE_MAX when that is no size. A row is the numbers of a tile's samples. */
size_t register_cpu_bytes(const struct register_shape *shape, size_t lanes, size_t row_bytes);
/* All states zero. NULL: out of memory. */
struct register_cpu *register_cpu_open(const struct register_shape *shape, size_t lanes, size_t row_bytes);
void register_cpu_close(void *memory);

/* Scratch beside a sequence: the gradients of its shared numbers, a row for each from first_weight on. */
void *register_cpu_prepare(void *memory, const struct register_sequence *sequence);
void register_cpu_unprepare(void *prepared);

#endif
