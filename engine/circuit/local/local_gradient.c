/* Reverse-mode differentiation of expressions; see local_gradient.h. */
#include "engine/circuit/local/local_gradient.h"

#include <stdlib.h>
#include <string.h>

enum { NO_TOTAL = -1, TOTAL_WANTED = -2 };

struct reversal {
	const struct local_circuit *circuit;
	struct local_graph *graph;
	struct local_gradient *gradient;
	uint32_t n_nodes;  /* of the expressions to differentiate */
	bool *live;        /* [n_nodes]: an output depends on it */
	local_ref *slopes; /* [n_nodes]: d / d node */
	int *total_of;     /* [n_nodes]: where the tiles' parts of that add up */
	int *total_of_slot;
	uint32_t *cosines; /* [n_slots]: node of the slot's cosine; 0: none */
	uint32_t *sines;
};

static bool is_constant(uint32_t node)
{
	return node == LOCAL_ZERO / 2 || node == LOCAL_ONE / 2;
}

/* A node of PHASE_BEFORE gets a total when a tile's node or an output uses it. */
static void want_total(struct reversal *r, uint32_t node)
{
	if (r->graph->nodes[node].phase == PHASE_BEFORE && !is_constant(node))
		r->total_of[node] = TOTAL_WANTED;
}

static void find_live(struct reversal *r, const local_ref *outputs)
{
	for (int o = 0; o < r->circuit->program->n_observables; o++) {
		r->live[outputs[o] / 2] = true;
		want_total(r, outputs[o] / 2);
	}
	for (uint32_t i = r->n_nodes; i-- > 0;) {
		const struct local_node *node = &r->graph->nodes[i];
		if (!r->live[i] || !local_node_is_operation(node))
			continue;
		r->live[node->a / 2] = r->live[node->b / 2] = true;
		if (node->phase == PHASE_TILE) {
			want_total(r, node->a / 2);
			want_total(r, node->b / 2);
		}
	}
}

/* Before all else that is new: a sum's sign is that of its operand with the lower index (local_graph_add). */
static void add_totals(struct reversal *r)
{
	struct local_gradient *gradient = r->gradient;
	for (uint32_t i = 0; i < r->n_nodes; i++)
		if (r->total_of[i] == TOTAL_WANTED)
			r->total_of[i] = gradient->n_totals++;
	for (int s = 0; s < r->circuit->n_slots; s++)
		if (r->circuit->slots[s].weight >= 0)
			r->total_of_slot[s] = gradient->n_totals++;
	for (int k = 0; k < gradient->n_totals; k++)
		local_graph_leaf(r->graph, NODE_TOTAL, k, PHASE_TILE);
}

static void add_slope(struct reversal *r, uint32_t node, enum local_phase from, local_ref slope)
{
	local_ref *to = &r->slopes[node];
	if (is_constant(node))
		return;
	if (from == PHASE_TILE && r->graph->nodes[node].phase == PHASE_BEFORE)
		to = &r->gradient->totals[r->total_of[node]];
	*to = local_graph_add(r->graph, *to, slope);
}

/* g d (a b) = (g b) da + (g a) db. */
static void reverse_node(struct reversal *r, uint32_t i)
{
	struct local_node node = r->graph->nodes[i]; /* the array may move */
	if (r->total_of[i] >= 0)
		r->slopes[i] = local_graph_add(r->graph, r->slopes[i],
		                               local_graph_leaf(r->graph, NODE_TOTALLED, r->total_of[i], PHASE_AFTER));
	local_ref g = r->slopes[i];
	if (!local_node_is_operation(&node) || g == LOCAL_ZERO)
		return;
	bool product = node.kind == NODE_PRODUCT;
	add_slope(r, node.a / 2, node.phase, product ? local_graph_multiply(r->graph, g, node.b) : g);
	add_slope(r, node.b / 2, node.phase,
	          product             ? local_graph_multiply(r->graph, g, node.a)
	          : (node.b & 1) != 0 ? local_ref_negate(g)
	                              : g);
}

/* d / d angle = d / d sine * cosine - d / d cosine * sine. */
static local_ref slot_slope(struct reversal *r, int slot)
{
	bool feature = r->circuit->slots[slot].angle.source == ANGLE_FEATURE;
	enum local_phase phase = feature ? PHASE_TILE : PHASE_BEFORE;
	local_ref cosine = local_graph_leaf(r->graph, NODE_COSINE, slot, phase);
	local_ref sine = local_graph_leaf(r->graph, NODE_SINE, slot, phase);
	local_ref of_cosine = r->cosines[slot] != 0 ? r->slopes[r->cosines[slot]] : LOCAL_ZERO;
	local_ref of_sine = r->sines[slot] != 0 ? r->slopes[r->sines[slot]] : LOCAL_ZERO;
	/* Before the call, whose arguments may be evaluated in any order. */
	local_ref less = local_ref_negate(local_graph_multiply(r->graph, of_cosine, sine));
	return local_graph_add(r->graph, local_graph_multiply(r->graph, of_sine, cosine), less);
}

static void reverse(struct reversal *r, const local_ref *outputs)
{
	struct local_gradient *gradient = r->gradient;
	find_live(r, outputs);
	add_totals(r);
	for (int o = 0; o < r->circuit->program->n_observables; o++) {
		local_ref cotangent = local_graph_leaf(r->graph, NODE_COTANGENT, o, PHASE_TILE);
		add_slope(r, outputs[o] / 2, PHASE_TILE,
		          (outputs[o] & 1) != 0 ? local_ref_negate(cotangent) : cotangent);
	}
	for (uint32_t i = r->n_nodes; i-- > 0 && !r->graph->failed;) {
		struct local_node node = r->graph->nodes[i];
		if (node.kind == NODE_COSINE)
			r->cosines[node.a] = i;
		if (node.kind == NODE_SINE)
			r->sines[node.a] = i;
		if (r->live[i])
			reverse_node(r, i);
	}
	for (int s = 0; s < r->circuit->n_slots; s++) {
		const struct local_slot *slot = &r->circuit->slots[s];
		gradient->slots[s] = slot_slope(r, s);
		gradient->weights[s] = slot->angle.source == ANGLE_WEIGHT ? gradient->slots[s] : LOCAL_ZERO;
		if (slot->weight < 0)
			continue;
		gradient->totals[r->total_of_slot[s]] = gradient->slots[s];
		gradient->weights[s] = local_graph_leaf(r->graph, NODE_TOTALLED, r->total_of_slot[s], PHASE_AFTER);
	}
	for (int k = 0; k < gradient->n_totals; k++)
		gradient->totals[k] = local_graph_add(r->graph, local_graph_leaf(r->graph, NODE_TOTAL, k, PHASE_TILE),
		                                      gradient->totals[k]);
}

static void *numbers(size_t count, size_t size)
{
	return calloc(count + 1, size);
}

bool local_gradient_init(struct local_gradient *gradient, const struct local_circuit *circuit, const local_ref *outputs)
{
	struct local_graph *graph = circuit->graph;
	size_t n_slots = (size_t)circuit->n_slots, n_nodes = graph->count;
	*gradient = (struct local_gradient){.totals = numbers(n_nodes + n_slots, sizeof *gradient->totals),
	                                    .slots = numbers(n_slots, sizeof *gradient->slots),
	                                    .weights = numbers(n_slots, sizeof *gradient->weights)};
	struct reversal r = {.circuit = circuit,
	                     .graph = graph,
	                     .gradient = gradient,
	                     .n_nodes = graph->count,
	                     .live = numbers(n_nodes, sizeof *r.live),
	                     .slopes = numbers(n_nodes, sizeof *r.slopes),
	                     .total_of = malloc((n_nodes + 1) * sizeof *r.total_of),
	                     .total_of_slot = numbers(n_slots, sizeof *r.total_of_slot),
	                     .cosines = numbers(n_slots, sizeof *r.cosines),
	                     .sines = numbers(n_slots, sizeof *r.sines)};
	bool room = gradient->totals != NULL && gradient->slots != NULL && gradient->weights != NULL &&
	            r.live != NULL && r.slopes != NULL && r.total_of != NULL && r.cosines != NULL && r.sines != NULL &&
	            r.total_of_slot != NULL;
	if (room) {
		memset(r.total_of, NO_TOTAL, n_nodes * sizeof *r.total_of);
		reverse(&r, outputs);
	}
	void *arrays[] = {r.live, r.slopes, r.total_of, r.total_of_slot, r.cosines, r.sines};
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(arrays[i]);
	return room && !graph->failed;
}

void local_gradient_free(struct local_gradient *gradient)
{
	free(gradient->totals);
	free(gradient->slots);
	free(gradient->weights);
}
