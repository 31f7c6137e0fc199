/* Expressions of the local plan: a directed acyclic graph of products and sums over the cosines and sines of the
 * circuit's angles, and for the gradient over the cotangents of its outputs. Internal to engine/circuit.
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

enum local_node_kind {
	NODE_ZERO,
	NODE_ONE,
	NODE_COSINE, /* of slot a */
	NODE_SINE,
	NODE_COTANGENT, /* of output a */
	NODE_TOTAL,     /* number a: what the samples so far add up to */
	NODE_TOTALLED,  /* the same after the last sample */
	NODE_PRODUCT,   /* of the references a and b, both without sign */
	NODE_SUM,       /* a without sign */
};

/* When a node is computed: what depends on weights only, once before the samples; for every tile of samples; once after
 * them. A node takes operands of its own phase and of earlier ones. */
enum local_phase { PHASE_BEFORE, PHASE_TILE, PHASE_AFTER, LOCAL_PHASES };

struct local_node {
	uint8_t kind, phase; /* enum local_node_kind, enum local_phase */
	uint32_t a, b;
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

/* Each takes constant time. A leaf is a node that is neither product nor sum. */
local_ref local_graph_leaf(struct local_graph *graph, enum local_node_kind kind, int index, enum local_phase phase);
local_ref local_graph_multiply(struct local_graph *graph, local_ref a, local_ref b);
local_ref local_graph_add(struct local_graph *graph, local_ref a, local_ref b);

static inline bool local_node_is_operation(const struct local_node *node)
{
	return node->kind == NODE_PRODUCT || node->kind == NODE_SUM;
}

static inline local_ref local_ref_negate(local_ref a)
{
	return a == LOCAL_ZERO ? a : a ^ 1;
}

#endif
