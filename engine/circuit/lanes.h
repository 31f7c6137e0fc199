/* Virtual lanes: what is summed over samples, or over the amplitudes of a register, is kept in as many sums as a
 * register of 64 bytes has lanes, whatever the processor's have, and these are added up as a tree. So results do not
 * depend on the instruction set. Example: float64 has 8 virtual lanes; with registers of 32 bytes, lanes 0..3 are in a
 * first register and 4..7 in a second one. Included by kernels only. */
#ifndef QLSTM_CIRCUIT_LANES_H
#define QLSTM_CIRCUIT_LANES_H

#include "engine/vector/fused.h"

#define VIRTUAL_BYTES 64

/* Lanes, and the registers that they take. */
enum { VIRTUAL_LANES = VIRTUAL_BYTES / sizeof(real), PIECES = VIRTUAL_BYTES / VECTOR_BYTES };

/* Their sum: lanes half of them apart, then a quarter, and so on. Overwrites them. */
static inline double lanes_total(double *lanes)
{
	UNROLL for (size_t apart = VIRTUAL_LANES / 2; apart > 0; apart /= 2)
	{
		UNROLL for (size_t l = 0; l < apart; l++) lanes[l] += lanes[l + apart];
	}
	return lanes[0];
}

/* Of pieces that stand `stride` registers apart. */
static inline double pieces_total(const vec *pieces, size_t stride)
{
	double lanes[VIRTUAL_LANES];
	for (size_t l = 0; l < VIRTUAL_LANES; l++)
		lanes[l] = (double)pieces[l / WIDTH * stride][l % WIDTH];
	return lanes_total(lanes);
}

#endif
