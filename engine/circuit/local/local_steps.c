/* From expressions to steps; see local_steps.h. */
#include "engine/circuit/local/local_steps.h"

#include <stdlib.h>
#include <string.h>

/* Uses of what is a row of its own, never a part of an instruction. */
#define USES_OF_A_GOAL 2

static void count_uses(struct local_steps *steps, const struct local_graph *graph, const struct local_goals *goals)
{
	uint32_t *uses = steps->uses;
	for (int i = 0; i < goals->n_results; i++)
		uses[goals->results[i].value / 2] += USES_OF_A_GOAL;
	for (int i = 0; i < goals->n_weights; i++)
		uses[goals->weights[i].value / 2] += USES_OF_A_GOAL;
	for (int i = 0; i < goals->n_totals; i++)
		uses[goals->totals[i] / 2] += USES_OF_A_GOAL;
	for (uint32_t i = graph->count; i-- > 0;) {
		const struct local_node *node = &graph->nodes[i];
		if (uses[i] == 0 || !local_node_is_operation(node))
			continue;
		uses[node->a / 2]++;
		uses[node->b / 2]++;
	}
}

static bool fuses(const struct local_steps *steps, const struct local_graph *graph, const struct local_node *sum,
                  uint32_t product)
{
	const struct local_node *node = &graph->nodes[product];
	return node->kind == NODE_PRODUCT && steps->uses[product] <= 1 && node->phase == sum->phase;
}

static void fuse(struct local_steps *steps, const struct local_graph *graph)
{
	for (uint32_t i = graph->count; i-- > 0;) {
		const struct local_node *node = &graph->nodes[i];
		if (steps->uses[i] == 0 || node->kind != NODE_SUM)
			continue;
		if (fuses(steps, graph, node, node->a / 2))
			steps->uses[node->a / 2] = 0;
		if (fuses(steps, graph, node, node->b / 2))
			steps->uses[node->b / 2] = 0;
	}
}

static void translate_product(const struct local_node *node, struct local_step *step)
{
	uint32_t a = node->a / 2, b = node->b / 2;
	step->operation = LOCAL_MULTIPLY;
	memcpy(step->in, (uint32_t[]){a, b, a, a}, sizeof step->in);
}

static void translate_sum(const struct local_steps *steps, const struct local_graph *graph,
                          const struct local_node *node, struct local_step *step)
{
	uint32_t a = node->a / 2, b = node->b / 2;
	const struct local_node *first = &graph->nodes[a], *second = &graph->nodes[b];
	uint32_t a0 = first->a / 2, a1 = first->b / 2, b0 = second->a / 2, b1 = second->b / 2;
	bool minus = (node->b & 1) != 0;
	/* Fused operands are exactly the live sum's operands that nothing counts as used. */
	bool fused_a = steps->uses[a] == 0, fused_b = steps->uses[b] == 0;
	if (fused_a && fused_b) {
		step->operation = minus ? LOCAL_DIFFERENCE_OF_PRODUCTS : LOCAL_SUM_OF_PRODUCTS;
		memcpy(step->in, (uint32_t[]){a0, a1, b0, b1}, sizeof step->in);
	} else if (fused_a) {
		step->operation = minus ? LOCAL_MULTIPLY_SUBTRACT : LOCAL_MULTIPLY_ADD;
		memcpy(step->in, (uint32_t[]){a0, a1, b, b}, sizeof step->in);
	} else if (fused_b) {
		step->operation = minus ? LOCAL_SUBTRACT_PRODUCT : LOCAL_MULTIPLY_ADD;
		memcpy(step->in, (uint32_t[]){b0, b1, a, a}, sizeof step->in);
	} else {
		step->operation = minus ? LOCAL_SUBTRACT : LOCAL_ADD;
		memcpy(step->in, (uint32_t[]){a, b, a, a}, sizeof step->in);
	}
}

static bool translate(struct local_steps *steps, const struct local_graph *graph)
{
	for (uint32_t i = 0; i < graph->count; i++)
		if (steps->uses[i] > 0 && local_node_is_operation(&graph->nodes[i]))
			steps->count[graph->nodes[i].phase]++;
	size_t total = 0;
	for (int phase = 0; phase < LOCAL_PHASES; phase++)
		total += steps->count[phase];
	steps->at = malloc((total + 1) * sizeof *steps->at);
	if (steps->at == NULL)
		return false;
	struct local_step *next[LOCAL_PHASES];
	for (int phase = 0; phase < LOCAL_PHASES; phase++)
		next[phase] = local_steps_of(steps, phase);
	for (uint32_t i = 0; i < graph->count; i++) {
		const struct local_node *node = &graph->nodes[i];
		if (steps->uses[i] == 0 || !local_node_is_operation(node))
			continue;
		struct local_step *step = next[node->phase]++;
		step->out = i;
		if (node->kind == NODE_SUM)
			translate_sum(steps, graph, node, step);
		else
			translate_product(node, step);
	}
	return true;
}

bool local_steps_init(struct local_steps *steps, const struct local_graph *graph, const struct local_goals *goals)
{
	*steps = (struct local_steps){.uses = calloc(graph->count, sizeof *steps->uses)};
	if (steps->uses == NULL)
		return false;
	count_uses(steps, graph, goals);
	fuse(steps, graph);
	return translate(steps, graph);
}

void local_steps_free(struct local_steps *steps)
{
	free(steps->at);
	free(steps->uses);
}
