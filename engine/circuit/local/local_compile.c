/* The local plan's compiler: its passes in order, tried with several limits; see local_compile.h. */
#include "engine/circuit/local/local_compile.h"

#include <stdlib.h>

#include "engine/circuit/local/local_gradient.h"
#include "engine/circuit/local/local_network.h"

/* Longest expressions tried, without their gradient: about four seconds and 400 MiB to compile. */
#define NODES_MAX ((uint32_t)1 << 22)
/* Above this the first way found is taken. */
#define INSTRUCTIONS_MANY ((uint32_t)1 << 18)
/* Small circuits may take this many, whatever a statevector takes. */
#define NODES_MIN ((uint32_t)1 << 12)
/* A gradient takes at most this many nodes for one of the function: for a product of two, two products and two sums. */
#define GRADIENT_NODES 8
/* A statevector takes about this many operations an amplitude and gate, forward and gradient. */
#define STATEVECTOR_OPERATIONS 4.0

/* The number of strings per observable up to which rotations split strings, tried in turn. */
static const int strings_tried[] = {4, 1, 16};
enum { TRIES = sizeof strings_tried / sizeof *strings_tried };

static struct local_code *compile_forward(const struct local_circuit *circuit, const local_ref *outputs)
{
	int n_outputs = circuit->program->n_observables;
	struct local_goal *results = calloc((size_t)n_outputs, sizeof *results);
	struct local_code *code = NULL;
	for (int o = 0; o < n_outputs && results != NULL; o++)
		results[o] = (struct local_goal){.value = outputs[o], .index = o};
	if (results != NULL)
		code = local_code_new(circuit, &(struct local_goals){.results = results, .n_results = n_outputs});
	free(results);
	return code;
}

static struct local_code *translate_gradient(const struct local_circuit *circuit, const struct local_gradient *gradient)
{
	size_t room = (size_t)circuit->n_slots + 1;
	struct local_goal *results = calloc(room, sizeof *results), *weights = calloc(room, sizeof *weights);
	struct local_goals goals = {.results = results, .weights = weights};
	struct local_code *code = NULL;
	goals.totals = gradient->totals;
	goals.n_totals = gradient->n_totals;
	for (int s = 0; s < circuit->n_slots && results != NULL && weights != NULL; s++) {
		const struct local_slot *slot = &circuit->slots[s];
		if (slot->angle.source == ANGLE_FEATURE && gradient->slots[s] != LOCAL_ZERO)
			results[goals.n_results++] =
			    (struct local_goal){gradient->slots[s], slot->angle.index, slot->angle.encoder};
		int weight = slot->weight >= 0 ? slot->weight : slot->angle.index;
		if (gradient->weights[s] != LOCAL_ZERO)
			weights[goals.n_weights++] =
			    (struct local_goal){.value = gradient->weights[s], .index = weight};
	}
	if (results != NULL && weights != NULL)
		code = local_code_new(circuit, &goals);
	free(results);
	free(weights);
	return code;
}

static struct local_code *compile_gradient(const struct local_circuit *circuit, const local_ref *outputs)
{
	struct local_gradient gradient;
	struct local_code *code = NULL;
	circuit->graph->limit *= GRADIENT_NODES;
	if (local_gradient_init(&gradient, circuit, outputs))
		code = translate_gradient(circuit, &gradient);
	local_gradient_free(&gradient);
	return code;
}

/* One way: none also when it takes more than `limit` nodes. */
static struct local_codes compile(const struct circuit_program *program, int max_strings, uint32_t limit)
{
	struct local_graph graph;
	struct local_codes codes = {NULL, NULL};
	local_ref *outputs = malloc((size_t)program->n_observables * sizeof *outputs);
	if (!local_graph_init(&graph, limit)) {
		free(outputs);
		return codes;
	}
	struct local_circuit *circuit = local_circuit_new(program, &graph, max_strings);
	if (outputs != NULL && circuit != NULL && local_network_contract(circuit, outputs)) {
		codes.forward = compile_forward(circuit, outputs);
		codes.gradient = compile_gradient(circuit, outputs);
	}
	if (codes.forward == NULL || codes.gradient == NULL)
		local_codes_free(&codes);
	local_circuit_free(circuit);
	local_graph_free(&graph);
	free(outputs);
	return codes;
}

/* What is longer than a run of the statevector is not worth having. */
static uint32_t nodes_allowed(const struct circuit_program *program)
{
	double statevector = STATEVECTOR_OPERATIONS * program->n_ops * (double)(1u << program->n_wires);
	if (statevector > NODES_MAX)
		return NODES_MAX;
	return statevector < NODES_MIN ? NODES_MIN : (uint32_t)statevector;
}

struct local_codes local_compile(const struct circuit_program *program)
{
	struct local_codes best = {NULL, NULL};
	uint32_t limit = nodes_allowed(program);
	for (int i = 0; i < TRIES && (best.forward == NULL || local_codes_length(&best) < INSTRUCTIONS_MANY); i++) {
		struct local_codes codes = compile(program, strings_tried[i] * program->n_observables, limit);
		bool better = codes.forward != NULL &&
		              (best.forward == NULL || local_codes_length(&codes) < local_codes_length(&best));
		struct local_codes *worse = better ? &best : &codes;
		local_codes_free(worse);
		if (better)
			best = codes;
	}
	return best;
}

void local_codes_free(struct local_codes *codes)
{
	local_code_free(codes->forward);
	local_code_free(codes->gradient);
	*codes = (struct local_codes){NULL, NULL};
}
