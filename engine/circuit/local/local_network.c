/* Sweeps over the wires from both ends; see local_network.h. */
#include "engine/circuit/local/local_network.h"

#include <stdlib.h>
#include <string.h>

#include "engine/circuit/local/local_columns.h"

/* Most elements of the tensors are zero or known: what has more than these for every expression allowed is refused
 * before it is tried. Measured: 1.1 to 25 on the ansätze. */
#define ELEMENTS_PER_NODE 16

/* Strings with the same letters on the `depth` outermost wires. */
struct trie_node {
	int parent, depth, n_strings;
	enum local_letter letter;
	int child[LETTERS]; /* 0: none */
	bool needed;
	struct local_tensor tensor;
};

struct trie {
	enum local_end end;
	struct trie_node *nodes;
	int n_nodes;
};

struct network {
	const struct local_circuit *circuit;
	struct local_graph *graph;
	struct local_columns columns;
	struct trie tries[2]; /* by end */
	struct local_tensor work[2];
};

static enum local_letter letter_at(const struct local_string *string, int wire)
{
	return (enum local_letter)((string->letters.x >> wire & 1) | (string->letters.z >> wire & 1) << 1);
}

/* Rotates a vector of letters through the rotations of events from..to-1, in the given direction of time. */
static void rotate_vector(struct network *network, const struct local_column *column, int from, int to,
                          enum local_time time, local_ref vector[LETTERS])
{
	struct local_tensor tensor = {.n_letters = LETTERS, .values = vector};
	for (int i = 0; i < to - from; i++) {
		const struct local_event *event = &column->events[time == TIME_FORWARD ? from + i : to - 1 - i];
		local_tensor_rotate(network->graph, &tensor, &network->circuit->gates[event->gate], time);
	}
}

/* The tensor of a column's middle part, starting from `work`; *joined tells whether the environment is in it. Returns
 * the place of the result among the two work tensors. */
static int run_middle(struct network *network, const struct local_column *column, enum local_end end,
                      enum local_time time, const struct local_tensor *outside, bool *joined)
{
	struct local_tensor *work = network->work;
	int now = 0;
	for (int i = 0; i < column->last_bond - column->first_bond; i++) {
		const struct local_event *event = local_column_event(column, i, time);
		const struct local_gate *gate = &network->circuit->gates[event->gate];
		if (!gate->bond) {
			local_tensor_rotate(network->graph, &work[now], gate, time);
		} else if (!local_columns_closes(&network->columns, event, end)) {
			local_tensor_open(&work[1 - now], &work[now], gate, event->gate, event->side, time);
			now = 1 - now;
		} else {
			if (!*joined) {
				local_tensor_join(network->graph, &work[1 - now], &work[now], outside);
				now = 1 - now;
				*joined = true;
			}
			local_tensor_close(network->graph, &work[1 - now], &work[now], gate, event->gate, event->side,
			                   time);
			now = 1 - now;
		}
	}
	return now;
}

/* out = the environment `outside` with one more wire, which carries `letter`. */
static void add_column(struct network *network, int wire, enum local_end end, enum local_letter letter,
                       const struct local_tensor *outside, struct local_tensor *out)
{
	const struct local_column *column = &network->columns.wires[wire];
	/* |0><0| is I + Z; the letter is a unit vector of the dual space. */
	local_ref vectors[2][LETTERS] = {{[LETTER_I] = LOCAL_ONE, [LETTER_Z] = LOCAL_ONE}, {LOCAL_ZERO}};
	vectors[1][letter] = LOCAL_ONE;
	rotate_vector(network, column, 0, column->first_bond, TIME_FORWARD, vectors[0]);
	rotate_vector(network, column, column->last_bond, column->n_events, TIME_BACKWARD, vectors[1]);
	enum local_time time =
	    network->columns.plans[end][end == FROM_LEFT ? wire : network->circuit->n_wires - 1 - wire].time;
	const local_ref *start = vectors[time == TIME_FORWARD ? 0 : 1], *last = vectors[time == TIME_FORWARD ? 1 : 0];
	struct local_tensor *work = network->work;
	work[0].n_letters = LETTERS;
	work[0].n_bonds = 0;
	memcpy(work[0].values, start, sizeof vectors[0]);
	bool joined = false;
	int now = run_middle(network, column, end, time, outside, &joined);
	if (joined) {
		local_tensor_fold(network->graph, out, &work[now], last);
	} else {
		local_tensor_fold(network->graph, &work[1 - now], &work[now], last);
		local_tensor_join(network->graph, out, &work[1 - now], outside);
	}
}

static int child_of(struct trie *trie, int parent, enum local_letter letter)
{
	int child = trie->nodes[parent].child[letter];
	if (child == 0) {
		child = trie->n_nodes++;
		trie->nodes[parent].child[letter] = child;
		trie->nodes[child] =
		    (struct trie_node){.parent = parent, .depth = trie->nodes[parent].depth + 1, .letter = letter};
	}
	return child;
}

/* path[d] is the node of the string's outermost d wires. */
static void find_path(const struct network *network, struct trie *trie, const struct local_string *string, int *path)
{
	path[0] = 0;
	for (int d = 0; d < network->circuit->n_wires; d++)
		path[d + 1] =
		    child_of(trie, path[d], letter_at(string, local_columns_wire(&network->columns, trie->end, d)));
}

static void fill_tries(struct network *network)
{
	int path[CIRCUIT_MAX_WIRES + 1];
	for (int i = 0; i < network->circuit->n_strings; i++)
		for (int end = FROM_LEFT; end <= FROM_RIGHT; end++) {
			find_path(network, &network->tries[end], &network->circuit->strings[i], path);
			for (int d = 0; d <= network->circuit->n_wires; d++)
				network->tries[end].nodes[path[d]].n_strings++;
		}
}

/* Where the left and the right sweep meet for a string: a column is shared by all strings that pass its node. */
static int meeting_wire(const struct network *network, const int *left, const int *right)
{
	int n = network->circuit->n_wires, best = 0;
	double cost = 0.0, least = 0.0;
	for (int w = 0; w < n; w++) {
		cost += 1.0 / network->tries[FROM_LEFT].nodes[left[w + 1]].n_strings;
		cost -= 1.0 / network->tries[FROM_RIGHT].nodes[right[n - w]].n_strings;
		if (cost < least) {
			least = cost;
			best = w + 1;
		}
	}
	return best;
}

/* The nodes whose tensors meet for a string; made, and marked as needed, when they are not yet. */
static void find_meeting(struct network *network, const struct local_string *string, struct trie_node *out[2])
{
	int left[CIRCUIT_MAX_WIRES + 1], right[CIRCUIT_MAX_WIRES + 1];
	find_path(network, &network->tries[FROM_LEFT], string, left);
	find_path(network, &network->tries[FROM_RIGHT], string, right);
	int meeting = meeting_wire(network, left, right);
	out[FROM_LEFT] = &network->tries[FROM_LEFT].nodes[left[meeting]];
	out[FROM_RIGHT] = &network->tries[FROM_RIGHT].nodes[right[network->circuit->n_wires - meeting]];
}

/* Marks the environments that the needed ones need; returns the cost of all of them. */
static size_t mark_needed(struct network *network, struct trie *trie)
{
	size_t cost = 0;
	/* Children come after their parents. */
	for (int i = trie->n_nodes - 1; i > 0; i--) {
		struct trie_node *node = &trie->nodes[i];
		trie->nodes[node->parent].needed |= node->needed;
		cost += node->needed ? network->columns.plans[trie->end][node->depth - 1].cost : 0;
	}
	return cost;
}

static bool sweep(struct network *network, struct trie *trie)
{
	for (int i = 0; i < trie->n_nodes && !network->graph->failed; i++) {
		struct trie_node *node = &trie->nodes[i];
		if (!node->needed && i > 0)
			continue;
		size_t size = local_tensor_size(1, network->columns.plans[trie->end][node->depth].bonds);
		node->tensor.values = malloc(size * sizeof *node->tensor.values);
		if (node->tensor.values == NULL)
			return false;
		if (i == 0) {
			node->tensor.n_letters = 1;
			node->tensor.values[0] = LOCAL_ONE;
		} else {
			add_column(network, local_columns_wire(&network->columns, trie->end, node->depth - 1),
			           trie->end, node->letter, &trie->nodes[node->parent].tensor, &node->tensor);
		}
	}
	return !network->graph->failed;
}

static bool contract(struct network *network, local_ref *outputs)
{
	const struct local_circuit *circuit = network->circuit;
	struct trie_node *nodes[2];
	fill_tries(network);
	for (int i = 0; i < circuit->n_strings; i++) {
		find_meeting(network, &circuit->strings[i], nodes);
		nodes[FROM_LEFT]->needed = nodes[FROM_RIGHT]->needed = true;
	}
	size_t cost = 0;
	for (int end = FROM_LEFT; end <= FROM_RIGHT; end++)
		cost += mark_needed(network, &network->tries[end]);
	if (cost / ELEMENTS_PER_NODE > network->graph->limit)
		return false;
	if (!sweep(network, &network->tries[FROM_LEFT]) || !sweep(network, &network->tries[FROM_RIGHT]))
		return false;
	for (int o = 0; o < circuit->program->n_observables; o++)
		outputs[o] = LOCAL_ZERO;
	for (int i = 0; i < circuit->n_strings; i++) {
		const struct local_string *string = &circuit->strings[i];
		find_meeting(network, string, nodes);
		local_ref value =
		    local_tensor_dot(network->graph, &nodes[FROM_LEFT]->tensor, &nodes[FROM_RIGHT]->tensor);
		value = local_graph_multiply(network->graph, string->coefficient, value);
		outputs[string->observable] = local_graph_add(network->graph, outputs[string->observable], value);
	}
	return !network->graph->failed;
}

static void release(struct network *network)
{
	for (int end = FROM_LEFT; end <= FROM_RIGHT; end++) {
		for (int i = 0; i < network->tries[end].n_nodes; i++)
			free(network->tries[end].nodes[i].tensor.values);
		free(network->tries[end].nodes);
		free(network->work[end].values);
	}
	local_columns_free(&network->columns);
}

bool local_network_contract(const struct local_circuit *circuit, local_ref *outputs)
{
	struct network network = {.circuit = circuit, .graph = circuit->graph};
	size_t nodes = (size_t)circuit->n_strings * (size_t)circuit->n_wires + 1;
	bool done = local_columns_init(&network.columns, circuit) && network.columns.most_bonds <= LOCAL_BONDS_MAX;
	for (int end = FROM_LEFT; end <= FROM_RIGHT && done; end++) {
		network.tries[end] = (struct trie){(enum local_end)end, calloc(nodes, sizeof(struct trie_node)), 1};
		network.work[end].values =
		    malloc(local_tensor_size(LETTERS, network.columns.most_bonds) * sizeof(local_ref));
		done = network.tries[end].nodes != NULL && network.work[end].values != NULL;
		if (network.tries[end].nodes == NULL)
			network.tries[end].n_nodes = 0;
	}
	done = done && contract(&network, outputs);
	release(&network);
	return done;
}
