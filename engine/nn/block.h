/* One allocation for a family of arrays: a first pass over a block without memory counts, a second one deals out.
 * The same code therefore answers how much memory something takes and takes it. */
#ifndef QLSTM_NN_BLOCK_H
#define QLSTM_NN_BLOCK_H

#include <stddef.h>

struct block {
	double *base; /* NULL while counting */
	size_t used;  /* elements */
};

#define BLOCK_ALIGN 8 /* elements: one cache line of float64 */

static inline double *block_take(struct block *block, size_t count)
{
	double *start = block->base != NULL ? block->base + block->used : NULL;
	block->used += (count + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
	return start;
}

#endif
