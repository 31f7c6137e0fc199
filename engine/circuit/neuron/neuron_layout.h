/* Where a cell's tables lie. Private to engine/circuit/neuron.
 *
 * A *row* is the 2^W numbers of a state, or `lanes` where that is more (the rest are 0): 64 bytes, in either precision.
 * A pair of tables of a neuron on a workspace lane, for one input word, is
 *     far target, whose value is a bit of the index of at least `lanes`: c and s of each pattern, half a row each;
 *     near target: c, and -s or +s, of each amplitude by the value of its target, a row each.
 * Patterns count the workspace lanes without the target, the first one as the most significant bit.
 *
 * The block: [words][neurons] such pairs; rotations [stages W][c, s][lanes], of far targets all alike, of near ones
 * with the sign as above; output [nodes][c, s][row], where node 2^j - 1 + m is output neuron j where the lanes before
 * it carry m. The gradient's sums have the same layout. */
#ifndef QLSTM_CIRCUIT_NEURON_LAYOUT_H
#define QLSTM_CIRCUIT_NEURON_LAYOUT_H

#include <stdbool.h>

#include "engine/circuit/neuron/neuron.h"

struct neuron_layout {
	struct neuron_shape shape;
	size_t lanes, amplitudes, row, words;
	size_t neurons;      /* on workspace lanes */
	size_t nodes;        /* of the output's tree: 2^I - 1 */
	size_t word_size;    /* numbers of the tables of one word */
	size_t at_rotations; /* in the block, in numbers; so are the next two */
	size_t at_output;
	size_t size;
};

struct neuron_layout neuron_layout(const struct neuron_shape *shape, size_t lanes);

/* The bit of an amplitude's index that is the value of workspace lane `lane`. */
static inline size_t neuron_bit(const struct neuron_layout *layout, size_t lane)
{
	return layout->amplitudes >> (lane + 1);
}

static inline bool neuron_is_far(const struct neuron_layout *layout, size_t lane)
{
	return neuron_bit(layout, lane) >= layout->lanes;
}

/* Where the tables of neuron `neuron` (those of step 1, then those of the stages) stand for `word`. */
size_t neuron_table(const struct neuron_layout *layout, size_t word, size_t neuron);

static inline size_t neuron_output_table(const struct neuron_layout *layout, size_t node)
{
	return layout->at_output + 2 * node * layout->row;
}

/* The sets of 1 to `degree` of `workspace` and then `inout` sources, as masks of a pattern whose low bits are the
 * workspace lanes and whose high bits are the in/out lanes, the first lane of either as the most significant one. In
 * the order of the parameters; masks NULL: only counts. */
size_t neuron_subsets(int workspace, int inout, int degree, uint32_t *masks);

#endif
