/* Expressions of the local plan: a directed acyclic graph of products and sums over the cosines and sines of the
 * circuit's angles. Internal to engine/circuit.
 *
 * Equal expressions are one node, zero and one vanish, and signs are pulled out of every node into the reference, so
 * what a circuit makes trivial costs nothing later. Operands come before the nodes that use them. */
#ifndef QLSTM_CIRCUIT_LOCAL_GRAPH_H
#define QLSTM_CIRCUIT_LOCAL_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

/* Twice the index of a node, plus 1 for its negative. */
typedef uint32_t local_ref;

#define LOCAL_ZERO ((local_ref)0)
#define LOCAL_ONE  ((local_ref)2)

enum local_node_kind { NODE_ZERO, NODE_ONE, NODE_COSINE, NODE_SINE, NODE_PRODUCT, NODE_SUM };

struct local_node {
	uint8_t kind; /* enum local_node_kind */
	bool lanes;   /* depends on a feature, so differs from sample to sample */
	uint32_t a,
	    b; /* cosine, sine: a is the slot. product: two nodes' references without sign. sum: a without sign */
};

struct local_graph {
	struct local_node *nodes;
	uint32_t count, capacity, limit;
	uint32_t *buckets, n_buckets; /* open addressing; 0 marks an empty one */
	bool failed;                  /* out of memory or over the limit: every further result is zero */
};

/* At most `limit` nodes. False when out of memory. */
bool local_graph_init(struct local_graph *graph, uint32_t limit);
void local_graph_free(struct local_graph *graph);

/* Each takes constant time. */
local_ref local_graph_cosine(struct local_graph *graph, int slot, bool lanes);
local_ref local_graph_sine(struct local_graph *graph, int slot, bool lanes);
local_ref local_graph_multiply(struct local_graph *graph, local_ref a, local_ref b);
local_ref local_graph_add(struct local_graph *graph, local_ref a, local_ref b);

static inline local_ref local_ref_negate(local_ref a)
{
	return a == LOCAL_ZERO ? a : a ^ 1;
}

#endif
