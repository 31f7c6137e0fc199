/* Memory of the implementation "cpu": every state of a register in one piece. */
#include "engine/circuit/register/cpu.h"

#include <stdlib.h>
#include <string.h>

#include "engine/vector/isa.h"

/* As wide as the widest row. */
enum { ALIGNMENT = 64 };

const struct register_ops *register_cpu_pick(enum precision precision)
{
	const struct isa *isa = isa_pick();
	return precision == PRECISION_FLOAT32 ? isa->registers_f32 : isa->registers;
}

size_t register_cpu_bytes(const struct register_shape *shape, size_t lanes, size_t row_bytes)
{
	size_t tiles = (shape->samples - 1) / lanes + 1, bytes;
	if (__builtin_mul_overflow(tiles, register_states(shape), &bytes) ||
	    __builtin_mul_overflow(bytes, 2 * row_bytes << shape->n_wires, &bytes))
		return SIZE_MAX;
	return bytes;
}

struct register_cpu *register_cpu_open(const struct register_shape *shape, size_t lanes, size_t row_bytes)
{
	size_t bytes = register_cpu_bytes(shape, lanes, row_bytes),
	       padded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	struct register_cpu *cpu = malloc(sizeof *cpu);
	void *states = aligned_alloc(ALIGNMENT, padded);
	if (cpu == NULL || states == NULL) {
		free(cpu);
		free(states);
		return NULL;
	}
	memset(states, 0, padded);
	*cpu = (struct register_cpu){.n_wires = shape->n_wires,
	                             .samples = shape->samples,
	                             .tiles = (shape->samples - 1) / lanes + 1,
	                             .tile_bytes = 2 * row_bytes << shape->n_wires,
	                             .states = states};
	return cpu;
}

void register_cpu_close(void *memory)
{
	struct register_cpu *cpu = memory;
	free(cpu->states);
	free(cpu);
}

void *register_cpu_prepare(void *memory, const struct register_sequence *sequence)
{
	(void)memory;
	size_t rows = (size_t)(sequence->needs.n_weights - sequence->first_weight);
	return aligned_alloc(ALIGNMENT, (rows + 1) * ALIGNMENT);
}

void register_cpu_unprepare(void *prepared)
{
	free(prepared);
}
