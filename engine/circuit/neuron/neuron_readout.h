/* The output neurons and the measurement. Included by neuron_kernel.c only.
 *
 * An output neuron meets its lane in |0>, so it takes each amplitude psi to c psi at 0 and s psi at 1: the words of the
 * in/out lanes are the leaves of a binary tree. Node 2^j - 1 + m is the row of amplitudes at which the first j lanes
 * carry m; the root is the state. p of word w is the square of leaf w's norm, divided by the sum of all. */
#ifndef QLSTM_CIRCUIT_NEURON_NEURON_READOUT_H
#define QLSTM_CIRCUIT_NEURON_NEURON_READOUT_H

#include "engine/circuit/neuron/neuron_kernel.h"
#include "engine/circuit/neuron/neuron_rows.h"

enum { WORDS_MOST = 1 << NEURON_BITS_MOST };

/* All of the tree, or the way to one leaf. */
#define ALL_WORDS (-1)

struct readout {
	const struct neuron_layout *layout;
	const real *tables;
	size_t count; /* registers of a row */
	vec *nodes;
};

struct weights_of_words {
	double squares[WORDS_MOST], total;
};

static inline size_t leaf_of(const struct readout *readout, size_t word)
{
	return readout->layout->nodes + word;
}

/* The factor with which a node's `bit` child is made: c or s. */
static inline const vec *readout_table(const struct readout *readout, size_t node, size_t bit)
{
	return (const vec *)(readout->tables + neuron_output_table(readout->layout, node) + bit * readout->layout->row);
}

/* The nodes of level j that are looked at: all, or the one on the way to leaf `only`. */
static inline size_t level_first(const struct readout *readout, size_t j, int only)
{
	return only < 0 ? 0 : (size_t)only >> ((size_t)readout->layout->shape.input_bits - j);
}

static inline size_t level_end(const struct readout *readout, size_t j, int only)
{
	return only < 0 ? (size_t)1 << j : level_first(readout, j, only) + 1;
}

static inline bool is_child_wanted(const struct readout *readout, size_t j, size_t child, int only)
{
	return only < 0 || level_first(readout, j + 1, only) == child;
}

static void readout_forward(const struct readout *readout, int only)
{
	size_t count = readout->count;
	for (size_t j = 0; j < (size_t)readout->layout->shape.input_bits; j++)
		for (size_t m = level_first(readout, j, only); m < level_end(readout, j, only); m++)
			for (size_t bit = 0; bit < 2; bit++) {
				size_t node = ((size_t)1 << j) - 1 + m, child = 2 * m + bit;
				if (is_child_wanted(readout, j, child, only))
					row_multiply(readout_table(readout, node, bit), readout->nodes + node * count,
					             count, readout->nodes + (2 * node + 1 + bit) * count);
			}
}

/* d_nodes of the leaves become d_nodes of all; sums += the gradient of the tables. */
static void readout_backward(const struct readout *readout, int only, vec *d_nodes, real *sums)
{
	size_t count = readout->count;
	for (size_t j = (size_t)readout->layout->shape.input_bits; j-- > 0;)
		for (size_t m = level_first(readout, j, only); m < level_end(readout, j, only); m++) {
			size_t node = ((size_t)1 << j) - 1 + m;
			vec *d = d_nodes + node * count;
			memset(d, 0, count * sizeof *d);
			for (size_t bit = 0; bit < 2; bit++) {
				const vec *on_child = d_nodes + (2 * node + 1 + bit) * count;
				real *sum =
				    sums + neuron_output_table(readout->layout, node) + bit * readout->layout->row;
				if (!is_child_wanted(readout, j, 2 * m + bit, only))
					continue;
				row_add_product(readout_table(readout, node, bit), on_child, count, d);
				row_add_product(readout->nodes + node * count, on_child, count, (vec *)sum);
			}
		}
}

static double leaf_square(const struct readout *readout, size_t word)
{
	const vec *leaf = readout->nodes + leaf_of(readout, word) * readout->count;
	return row_dot(leaf, leaf, readout->count);
}

static struct weights_of_words weigh_words(const struct readout *readout)
{
	struct weights_of_words weights = {.total = 0.0};
	for (size_t w = 0; w < readout->layout->words; w++) {
		weights.squares[w] = leaf_square(readout, w);
		weights.total += weights.squares[w];
	}
	return weights;
}

/* The first word at which the running sum exceeds `uniform` times the whole: words of weight 0 are never drawn. */
static uint8_t draw_word(const struct weights_of_words *weights, size_t words, double uniform)
{
	double sum = 0.0, bound = uniform * weights->total;
	size_t last = 0;
	for (size_t w = 0; w < words; w++) {
		sum += weights->squares[w];
		if (weights->squares[w] > 0.0)
			last = w;
		if (sum > bound)
			return (uint8_t)w;
	}
	return (uint8_t)last;
}

static struct projection project(const struct weights_of_words *weights, size_t word)
{
	double least = NEURON_PROBABILITY_FLOOR * weights->total;
	bool floored = weights->squares[word] < least;
	return (struct projection){sqrt(floored ? least : weights->squares[word]), floored};
}

#endif
