/* From expressions to instructions; see local_code.h. */
#include "engine/circuit/local_code.h"

#include <stdlib.h>

#include "engine/circuit/local_circuit.h"
#include "engine/circuit/local_network.h"

/* Longest expressions tried: about a second to compile and 512 MiB of rows at most. */
#define NODES_MAX ((uint32_t)1 << 22)
/* Above this the first way found is taken. */
#define INSTRUCTIONS_MANY ((uint32_t)1 << 17)
/* Small circuits may take this many, whatever a statevector takes. */
#define NODES_MIN ((uint32_t)1 << 12)
/* A statevector takes about this many operations an amplitude and gate, forward and gradient. */
#define STATEVECTOR_OPERATIONS 4.0

/* The number of strings per observable up to which rotations split strings, tried in turn. */
static const int strings_tried[] = {4, 1, 16};
enum { TRIES = sizeof strings_tried / sizeof *strings_tried };

struct translation {
	const struct local_graph *graph;
	struct local_code *code;
	uint32_t *uses; /* by node; a product that is fused into its sum counts as unused */
	uint32_t *rows; /* by node */
	int *slot_map;  /* slots of the graph to those of the code, -1 when unused */
};

static bool is_operation(const struct local_node *node)
{
	return node->kind == NODE_PRODUCT || node->kind == NODE_SUM;
}

static void count_uses(struct translation *t, const local_ref *outputs, int n_outputs)
{
	for (int o = 0; o < n_outputs; o++)
		t->uses[outputs[o] / 2]++;
	for (uint32_t i = t->graph->count; i-- > 0;) {
		const struct local_node *node = &t->graph->nodes[i];
		if (t->uses[i] == 0 || !is_operation(node))
			continue;
		t->uses[node->a / 2]++;
		t->uses[node->b / 2]++;
	}
	/* An output is a row, never a part of an instruction. */
	for (int o = 0; o < n_outputs; o++)
		t->uses[outputs[o] / 2] += 2;
}

static bool fuses(const struct translation *t, const struct local_node *sum, uint32_t product)
{
	const struct local_node *node = &t->graph->nodes[product];
	return node->kind == NODE_PRODUCT && t->uses[product] <= 1 && node->lanes == sum->lanes;
}

static void fuse(struct translation *t)
{
	for (uint32_t i = t->graph->count; i-- > 0;) {
		const struct local_node *node = &t->graph->nodes[i];
		if (t->uses[i] == 0 || node->kind != NODE_SUM)
			continue;
		if (fuses(t, node, node->a / 2))
			t->uses[node->a / 2] = 0;
		if (fuses(t, node, node->b / 2))
			t->uses[node->b / 2] = 0;
	}
}

static void map_slots(struct translation *t, const struct angle *slots, int n_slots)
{
	struct local_code *code = t->code;
	for (int s = 0; s < n_slots; s++)
		t->slot_map[s] = -1;
	for (int lanes = 0; lanes < 2; lanes++) {
		for (uint32_t i = 0; i < t->graph->count; i++) {
			const struct local_node *node = &t->graph->nodes[i];
			bool leaf = node->kind == NODE_COSINE || node->kind == NODE_SINE;
			if (!leaf || node->lanes != (lanes != 0) || t->uses[i] == 0 || t->slot_map[node->a] >= 0)
				continue;
			code->slots[code->n_slots] = slots[node->a];
			t->slot_map[node->a] = code->n_slots++;
		}
		if (lanes == 0)
			code->n_shared_slots = code->n_slots;
	}
}

static void assign_rows(struct translation *t)
{
	struct local_code *code = t->code;
	for (int lanes = 0; lanes < 2; lanes++) {
		for (uint32_t i = 0; i < t->graph->count; i++)
			if (t->uses[i] > 0 && is_operation(&t->graph->nodes[i]) &&
			    t->graph->nodes[i].lanes == (lanes != 0))
				t->rows[i] = code->n_instructions++;
		if (lanes == 0)
			code->n_shared = code->n_instructions;
	}
	for (uint32_t i = 0; i < t->graph->count; i++) {
		const struct local_node *node = &t->graph->nodes[i];
		if (t->uses[i] > 0 && is_operation(node))
			t->rows[i] = (uint32_t)local_code_result_row(code, t->rows[i]);
		else if (t->uses[i] > 0 && (node->kind == NODE_COSINE || node->kind == NODE_SINE))
			t->rows[i] =
			    (uint32_t)local_code_slot_row(code, t->slot_map[node->a]) + (node->kind == NODE_SINE);
		else
			t->rows[i] = 0;
	}
}

static struct local_instruction translate_product(const struct translation *t, const struct local_node *node)
{
	uint32_t a = t->rows[node->a / 2], b = t->rows[node->b / 2];
	return (struct local_instruction){LOCAL_MULTIPLY, {a, b, a, a}};
}

static struct local_instruction translate_sum(const struct translation *t, const struct local_node *node)
{
	const struct local_node *first = &t->graph->nodes[node->a / 2], *second = &t->graph->nodes[node->b / 2];
	bool minus = (node->b & 1) != 0;
	/* Fused operands are exactly the live sum's operands that nothing counts as used. */
	bool fused_a = t->uses[node->a / 2] == 0, fused_b = t->uses[node->b / 2] == 0;
	uint32_t a = t->rows[node->a / 2], b = t->rows[node->b / 2];
	if (fused_a && fused_b)
		return (struct local_instruction){
		    minus ? LOCAL_DIFFERENCE_OF_PRODUCTS : LOCAL_SUM_OF_PRODUCTS,
		    {t->rows[first->a / 2], t->rows[first->b / 2], t->rows[second->a / 2], t->rows[second->b / 2]}};
	if (fused_a)
		return (struct local_instruction){minus ? LOCAL_MULTIPLY_SUBTRACT : LOCAL_MULTIPLY_ADD,
		                                  {t->rows[first->a / 2], t->rows[first->b / 2], b, b}};
	if (fused_b)
		return (struct local_instruction){minus ? LOCAL_SUBTRACT_PRODUCT : LOCAL_MULTIPLY_ADD,
		                                  {t->rows[second->a / 2], t->rows[second->b / 2], a, a}};
	return (struct local_instruction){minus ? LOCAL_SUBTRACT : LOCAL_ADD, {a, b, a, a}};
}

static void translate(struct translation *t, const local_ref *outputs)
{
	struct local_code *code = t->code;
	uint32_t next[2] = {0, code->n_shared};
	for (uint32_t i = 0; i < t->graph->count; i++) {
		const struct local_node *node = &t->graph->nodes[i];
		if (t->uses[i] > 0 && is_operation(node))
			code->instructions[next[node->lanes]++] =
			    node->kind == NODE_SUM ? translate_sum(t, node) : translate_product(t, node);
	}
	for (int o = 0; o < code->n_outputs; o++)
		code->outputs[o] = (struct local_output){t->rows[outputs[o] / 2], outputs[o] == LOCAL_ZERO ? 0
		                                                                  : (outputs[o] & 1) != 0  ? -1
		                                                                                           : 1};
}

static bool translation_run(struct translation *t, const struct angle *slots, int n_slots, const local_ref *outputs)
{
	struct local_code *code = t->code;
	count_uses(t, outputs, code->n_outputs);
	fuse(t);
	map_slots(t, slots, n_slots);
	assign_rows(t);
	code->instructions = malloc((code->n_instructions + (size_t)1) * sizeof *code->instructions);
	if (code->instructions == NULL)
		return false;
	translate(t, outputs);
	return true;
}

struct local_code *local_code_new(const struct local_graph *graph, const struct angle *slots, int n_slots,
                                  const local_ref *outputs, int n_outputs)
{
	struct local_code *code = calloc(1, sizeof *code);
	if (code == NULL)
		return NULL;
	*code = (struct local_code){.slots = malloc(((size_t)n_slots + 1) * sizeof *code->slots),
	                            .outputs = malloc((size_t)n_outputs * sizeof *code->outputs),
	                            .n_outputs = n_outputs};
	struct translation t = {.graph = graph,
	                        .code = code,
	                        .uses = calloc(graph->count, sizeof *t.uses),
	                        .rows = calloc(graph->count, sizeof *t.rows),
	                        .slot_map = malloc(((size_t)n_slots + 1) * sizeof *t.slot_map)};
	bool complete = code->slots != NULL && code->outputs != NULL && t.uses != NULL && t.rows != NULL &&
	                t.slot_map != NULL && translation_run(&t, slots, n_slots, outputs);
	free(t.uses);
	free(t.rows);
	free(t.slot_map);
	if (complete)
		return code;
	local_code_free(code);
	return NULL;
}

/* One way: NULL also when it takes more than `limit` nodes. */
static struct local_code *compile(const struct circuit_program *program, int max_strings, uint32_t limit)
{
	struct local_graph graph;
	struct local_code *code = NULL;
	local_ref *outputs = malloc((size_t)program->n_observables * sizeof *outputs);
	if (!local_graph_init(&graph, limit)) {
		free(outputs);
		return NULL;
	}
	struct local_circuit *circuit = local_circuit_new(program, &graph, max_strings);
	if (outputs != NULL && circuit != NULL && local_network_contract(circuit, outputs))
		code = local_code_new(&graph, circuit->slots, circuit->n_slots, outputs, program->n_observables);
	local_circuit_free(circuit);
	local_graph_free(&graph);
	free(outputs);
	return code;
}

/* What is longer than a run of the statevector is not worth having. */
static uint32_t nodes_allowed(const struct circuit_program *program)
{
	double statevector = STATEVECTOR_OPERATIONS * program->n_ops * (double)(1u << program->n_wires);
	if (statevector > NODES_MAX)
		return NODES_MAX;
	return statevector < NODES_MIN ? NODES_MIN : (uint32_t)statevector;
}

struct local_code *local_code_compile(const struct circuit_program *program)
{
	struct local_code *best = NULL;
	uint32_t limit = nodes_allowed(program);
	for (int i = 0; i < TRIES && (best == NULL || best->n_instructions < INSTRUCTIONS_MANY); i++) {
		struct local_code *code = compile(program, strings_tried[i] * program->n_observables, limit);
		if (code == NULL)
			continue;
		if (best != NULL && best->n_instructions <= code->n_instructions) {
			local_code_free(code);
			continue;
		}
		local_code_free(best);
		best = code;
	}
	return best;
}

void local_code_free(struct local_code *code)
{
	if (code == NULL)
		return;
	free(code->slots);
	free(code->instructions);
	free(code->outputs);
	free(code);
}
