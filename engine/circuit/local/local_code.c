/* From expressions to instructions; see local_code.h. */
#include "engine/circuit/local/local_code.h"

#include <stdlib.h>
#include <string.h>

#include "engine/circuit/local/local_schedule.h"

/* Instructions name rows by 32 bits of bytes. */
#define ROWS_MAX (UINT32_MAX / LOCAL_ROW_BYTES)

struct translation {
	const struct local_circuit *circuit;
	const struct local_graph *graph;
	const struct local_goals *goals;
	struct local_code *code;
	struct local_steps steps;
	uint32_t *rows;  /* by node */
	bool *kept;      /* by node: keeps its row from tile to tile or to the tile's end */
	uint8_t *marked; /* by node: scratch */
	int *angle_of;   /* by slot: its place in the code; -1: none */
};

static bool is_leaf_of_angle(const struct local_node *node)
{
	return node->kind == NODE_COSINE || node->kind == NODE_SINE;
}

static void collect_angles(struct translation *t)
{
	struct local_code *code = t->code;
	for (int s = 0; s < t->circuit->n_slots; s++)
		t->angle_of[s] = -1;
	for (int phase = PHASE_BEFORE; phase <= PHASE_TILE; phase++) {
		for (uint32_t i = 0; i < t->graph->count; i++) {
			const struct local_node *node = &t->graph->nodes[i];
			if (!is_leaf_of_angle(node) || node->phase != phase || t->steps.uses[i] == 0 ||
			    t->angle_of[node->a] >= 0)
				continue;
			t->angle_of[node->a] = code->n_angles;
			code->angles[code->n_angles++].slot = t->circuit->slots[node->a];
		}
		if (phase == PHASE_BEFORE)
			code->n_shared_angles = code->n_angles;
	}
}

/* Computed once. */
static bool is_lasting(const struct translation *t, uint32_t i)
{
	const struct local_node *node = &t->graph->nodes[i];
	return t->steps.uses[i] > 0 && node->phase != PHASE_TILE &&
	       (local_node_is_operation(node) || is_leaf_of_angle(node));
}

/* Marks what tiles take of that. */
static void mark_spread(struct translation *t)
{
	const struct local_step *step = local_steps_of(&t->steps, PHASE_TILE);
	for (uint32_t i = 0; i < t->steps.count[PHASE_TILE]; i++, step++)
		for (int k = 0; k < LOCAL_OPERANDS; k++)
			t->marked[step->in[k]] = is_lasting(t, step->in[k]);
	for (int i = 0; i < t->goals->n_results; i++) {
		uint32_t node = t->goals->results[i].value / 2;
		t->marked[node] = is_lasting(t, node);
	}
}

/* Rows that stay: ones, totals, and what is computed once; of that first what the tiles take. */
static uint32_t assign_lasting_rows(struct translation *t)
{
	const uint32_t first = 1 + (uint32_t)t->goals->n_totals;
	uint32_t next = first;
	mark_spread(t);
	for (int others = 0; others < 2; others++) {
		for (uint32_t i = 0; i < t->graph->count; i++)
			if (is_lasting(t, i) && t->marked[i] != others)
				t->rows[i] = next++;
		if (others == 0)
			t->code->n_spread = next - first;
	}
	for (uint32_t i = 0; i < t->graph->count; i++) {
		const struct local_node *node = &t->graph->nodes[i];
		if (node->kind == NODE_ZERO || node->kind == NODE_ONE)
			t->rows[i] = 0;
		if (node->kind == NODE_TOTAL || node->kind == NODE_TOTALLED)
			t->rows[i] = 1 + node->a;
		t->kept[i] = t->rows[i] != LOCAL_ROW_NONE;
	}
	for (int k = 0; k < t->goals->n_totals; k++) {
		t->rows[t->goals->totals[k] / 2] = 1 + (uint32_t)k;
		t->kept[t->goals->totals[k] / 2] = true;
	}
	return next;
}

/* Then what a tile begins with, and its results. */
static bool assign_rows(struct translation *t)
{
	struct local_code *code = t->code;
	for (uint32_t i = 0; i < t->graph->count; i++)
		t->rows[i] = LOCAL_ROW_NONE;
	uint32_t next = assign_lasting_rows(t);
	for (uint32_t i = 0; i < t->graph->count; i++)
		if (t->steps.uses[i] > 0 && t->rows[i] == LOCAL_ROW_NONE &&
		    !local_node_is_operation(&t->graph->nodes[i]))
			t->rows[i] = next++;
	for (int i = 0; i < t->goals->n_results; i++)
		t->kept[t->goals->results[i].value / 2] = true;
	code->n_totals = (uint32_t)t->goals->n_totals;
	code->n_rows = local_schedule_rows(local_steps_of(&t->steps, PHASE_TILE), t->steps.count[PHASE_TILE], t->kept,
	                                   t->graph->count, t->rows, next);
	/* Where the half of an angle goes that nothing needs. */
	for (int s = 0; s < code->n_angles; s++)
		code->angles[s].cosine = code->angles[s].sine = code->n_rows;
	return code->n_rows++ < ROWS_MAX;
}

static void connect_leaves(struct translation *t)
{
	struct local_code *code = t->code;
	for (uint32_t i = 0; i < t->graph->count; i++) {
		const struct local_node *node = &t->graph->nodes[i];
		if (t->steps.uses[i] == 0)
			continue;
		if (node->kind == NODE_COSINE)
			code->angles[t->angle_of[node->a]].cosine = t->rows[i];
		if (node->kind == NODE_SINE)
			code->angles[t->angle_of[node->a]].sine = t->rows[i];
		if (node->kind == NODE_COTANGENT)
			code->cotangents.at[code->cotangents.count++] =
			    (struct local_port){.index = (int)node->a, .sign = 1, .row = t->rows[i]};
	}
}

static void connect_goals(const struct translation *t, const struct local_goal *goals, int count,
                          struct local_ports *ports)
{
	for (int i = 0; i < count; i++) {
		local_ref value = goals[i].value;
		int sign = value == LOCAL_ZERO ? 0 : (value & 1) != 0 ? -1 : 1;
		ports->at[ports->count++] =
		    (struct local_port){goals[i].index, sign, goals[i].encoder, t->rows[value / 2]};
	}
}

/* Runs, and instructions with rows for nodes. */
static bool emit(struct translation *t)
{
	struct local_code *code = t->code;
	const struct local_step *step = t->steps.at;
	size_t room = (size_t)(local_steps_of(&t->steps, LOCAL_PHASES) - step) + 1;
	struct local_instruction *to = code->instructions = malloc(room * sizeof *code->instructions);
	struct local_run *run = code->runs = malloc(room * sizeof *code->runs);
	if (to == NULL || run == NULL)
		return false;
	for (int phase = 0; phase < LOCAL_PHASES; phase++) {
		code->n_instructions[phase] = t->steps.count[phase];
		for (uint32_t k = 0; k < t->steps.count[phase]; k++, step++, to++) {
			to->out = t->rows[step->out] * LOCAL_ROW_BYTES;
			for (int j = 0; j < LOCAL_OPERANDS; j++)
				to->in[j] = t->rows[step->in[j]] * LOCAL_ROW_BYTES;
			if (k == 0 || run[-1].operation != step->operation) {
				*run++ = (struct local_run){step->operation, 0};
				code->n_runs[phase]++;
			}
			run[-1].count++;
		}
	}
	return true;
}

static bool translation_run(struct translation *t)
{
	if (!local_steps_init(&t->steps, t->graph, t->goals))
		return false;
	collect_angles(t);
	for (int phase = 0; phase < LOCAL_PHASES; phase++)
		local_schedule_order(local_steps_of(&t->steps, phase), t->steps.count[phase], t->marked);
	if (!assign_rows(t))
		return false;
	connect_leaves(t);
	connect_goals(t, t->goals->results, t->goals->n_results, &t->code->results);
	connect_goals(t, t->goals->weights, t->goals->n_weights, &t->code->weights);
	return emit(t);
}

static struct local_ports ports_new(int room)
{
	return (struct local_ports){.at = malloc(((size_t)room + 1) * sizeof(struct local_port))};
}

struct local_code *local_code_new(const struct local_circuit *circuit, const struct local_goals *goals)
{
	struct local_code *code = calloc(1, sizeof *code);
	if (code == NULL)
		return NULL;
	size_t n_nodes = circuit->graph->count, n_slots = (size_t)circuit->n_slots;
	code->angles = malloc((n_slots + 1) * sizeof *code->angles);
	code->cotangents = ports_new(circuit->program->n_observables);
	code->results = ports_new(goals->n_results);
	code->weights = ports_new(goals->n_weights);
	struct translation t = {.circuit = circuit,
	                        .graph = circuit->graph,
	                        .goals = goals,
	                        .code = code,
	                        .rows = calloc(n_nodes, sizeof *t.rows),
	                        .kept = calloc(n_nodes, sizeof *t.kept),
	                        .marked = calloc(n_nodes, sizeof *t.marked),
	                        .angle_of = malloc((n_slots + 1) * sizeof *t.angle_of)};
	bool complete = code->angles != NULL && code->cotangents.at != NULL && code->results.at != NULL &&
	                code->weights.at != NULL && t.rows != NULL && t.kept != NULL && t.marked != NULL &&
	                t.angle_of != NULL && translation_run(&t);
	free(t.rows);
	free(t.kept);
	free(t.marked);
	free(t.angle_of);
	local_steps_free(&t.steps);
	if (complete)
		return code;
	local_code_free(code);
	return NULL;
}

void local_code_free(struct local_code *code)
{
	if (code == NULL)
		return;
	free(code->angles);
	free(code->cotangents.at);
	free(code->results.at);
	free(code->weights.at);
	free(code->runs);
	free(code->instructions);
	free(code);
}
