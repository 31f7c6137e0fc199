/* Hash-consed expressions; see local_graph.h. */
#include "engine/circuit/local/local_graph.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_START = 1024 };

static uint32_t hash(const struct local_node *node)
{
	uint64_t h = ((uint64_t)node->a << 32 | node->b) * 0x9e3779b97f4a7c15u + (uint64_t)node->kind;
	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9u;
	return (uint32_t)(h >> 32);
}

/* The bucket of an equal node, or the empty one where it belongs. */
static uint32_t *find(const struct local_graph *graph, const struct local_node *node)
{
	uint32_t mask = graph->n_buckets - 1, at = hash(node) & mask;
	while (graph->buckets[at] != 0) {
		const struct local_node *found = &graph->nodes[graph->buckets[at]];
		if (found->kind == node->kind && found->a == node->a && found->b == node->b)
			break;
		at = (at + 1) & mask;
	}
	return &graph->buckets[at];
}

/* Twice the nodes, four times as many buckets as nodes before they grow again. */
static bool grow(struct local_graph *graph)
{
	uint32_t capacity = graph->capacity > 0 ? 2 * graph->capacity : CAPACITY_START;
	struct local_node *nodes = realloc(graph->nodes, capacity * sizeof *nodes);
	if (nodes == NULL)
		return false;
	graph->nodes = nodes;
	uint32_t *buckets = calloc((size_t)capacity * 2, sizeof *buckets);
	if (buckets == NULL)
		return false;
	free(graph->buckets);
	graph->buckets = buckets;
	graph->n_buckets = capacity * 2;
	graph->capacity = capacity;
	for (uint32_t i = NODE_ONE + 1; i < graph->count; i++)
		*find(graph, &graph->nodes[i]) = i;
	return true;
}

bool local_graph_init(struct local_graph *graph, uint32_t limit)
{
	*graph = (struct local_graph){.limit = limit};
	if (!grow(graph)) {
		local_graph_free(graph);
		return false;
	}
	graph->nodes[0] = (struct local_node){.kind = NODE_ZERO};
	graph->nodes[1] = (struct local_node){.kind = NODE_ONE};
	graph->count = 2;
	return true;
}

void local_graph_free(struct local_graph *graph)
{
	free(graph->nodes);
	free(graph->buckets);
	*graph = (struct local_graph){.failed = true};
}

static local_ref add_node(struct local_graph *graph, struct local_node node)
{
	if (graph->failed)
		return LOCAL_ZERO;
	uint32_t *bucket = find(graph, &node);
	if (*bucket != 0)
		return 2 * *bucket;
	bool full = graph->count == graph->capacity;
	if (graph->count >= graph->limit || (full && !grow(graph))) {
		graph->failed = true;
		return LOCAL_ZERO;
	}
	if (full)
		bucket = find(graph, &node);
	*bucket = graph->count;
	graph->nodes[graph->count] = node;
	return 2 * graph->count++;
}

local_ref local_graph_leaf(struct local_graph *graph, enum local_node_kind kind, int index, enum local_phase phase)
{
	return add_node(graph,
	                (struct local_node){.kind = (uint8_t)kind, .phase = (uint8_t)phase, .a = (uint32_t)index});
}

static uint8_t later_phase(const struct local_graph *graph, local_ref a, local_ref b)
{
	uint8_t of_a = graph->nodes[a / 2].phase, of_b = graph->nodes[b / 2].phase;
	return of_a > of_b ? of_a : of_b;
}

local_ref local_graph_multiply(struct local_graph *graph, local_ref a, local_ref b)
{
	local_ref sign = (a ^ b) & 1;
	a &= ~1u;
	b &= ~1u;
	if (graph->failed || a == LOCAL_ZERO || b == LOCAL_ZERO)
		return LOCAL_ZERO;
	if (a == LOCAL_ONE || b == LOCAL_ONE)
		return (a == LOCAL_ONE ? b : a) ^ sign;
	local_ref product = add_node(graph, (struct local_node){.kind = NODE_PRODUCT,
	                                                        .phase = later_phase(graph, a, b),
	                                                        .a = a < b ? a : b,
	                                                        .b = a < b ? b : a});
	return product != LOCAL_ZERO ? product ^ sign : LOCAL_ZERO;
}

local_ref local_graph_add(struct local_graph *graph, local_ref a, local_ref b)
{
	if (graph->failed || a == LOCAL_ZERO || b == LOCAL_ZERO)
		return a == LOCAL_ZERO ? b : a;
	if ((a ^ b) == 1)
		return LOCAL_ZERO;
	if (a > b) {
		local_ref keep = a;
		a = b;
		b = keep;
	}
	local_ref sign = a & 1;
	local_ref sum = add_node(
	    graph,
	    (struct local_node){.kind = NODE_SUM, .phase = later_phase(graph, a, b), .a = a ^ sign, .b = b ^ sign});
	return sum != LOCAL_ZERO ? sum ^ sign : LOCAL_ZERO;
}
