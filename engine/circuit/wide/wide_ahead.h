/* Asking for memory before it is read. Included by wide_kernel.c only. */
#ifndef QLSTM_CIRCUIT_WIDE_AHEAD_H
#define QLSTM_CIRCUIT_WIDE_AHEAD_H

#include "engine/circuit/wide/wide_vector.h"

enum { LINE_BYTES = 64, ROW_LINES = 2 * WIDE_ROW * (int)sizeof(real) / LINE_BYTES };

/* What changes when a row's number is counted up to `row`. */
ALWAYS_INLINE uint32_t step_to(const uint32_t *steps, uint32_t row)
{
	uint32_t change = 0;
	for (int i = __builtin_ctz(row); i >= 0; i--)
		change ^= steps[i];
	return change;
}

/* Asks for a line of the row around a place. */
ALWAYS_INLINE void ask_line(const void *state, uint32_t place, uint32_t line)
{
	const real *row = (const real *)state + (place & ~(uint32_t)(2 * WIDE_ROW - 1));
	__builtin_prefetch((const char *)row + (size_t)line * LINE_BYTES);
}

/* The next lines: all of a row in the one state, then in the other, then of the next row. */
ALWAYS_INLINE void ask_ahead(struct wide_ahead *ahead)
{
	for (uint32_t i = 0; i < ahead->each && ahead->left > 0; i++, ahead->left--) {
		uint32_t second = ahead->line / ROW_LINES;
		ask_line(ahead->states[second], ahead->place, ahead->line % ROW_LINES);
		if (++ahead->line == (ahead->states[1] != NULL ? 2 * ROW_LINES : ROW_LINES)) {
			ahead->line = 0;
			ahead->place ^= ahead->left > 1 ? step_to(ahead->row_step, ++ahead->row) : 0;
		}
	}
}

#endif
