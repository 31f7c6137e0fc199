/* Sweeps over the wires from both ends; see local_network.h. */
#include "engine/circuit/local_network.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/local_tensor.h"

/* Most elements of the tensors are zero or known: what has more than these for every expression allowed is refused
 * before it is tried. Measured: 1.1 to 25 on the ansätze. */
#define ELEMENTS_PER_NODE 16

enum end { FROM_LEFT, FROM_RIGHT };

/* A gate seen from one of its wires. */
struct event {
	int gate, side;
};

/* The gates of a wire in time order. Before first_bond and from last_bond on there are only rotations. */
struct column {
	const struct event *events;
	int n_events, first_bond, last_bond;
};

/* Strings with the same letters on the `depth` outermost wires. */
struct trie_node {
	int parent, depth, n_strings;
	enum local_letter letter;
	int child[LETTERS]; /* 0: none */
	bool needed;
	struct local_tensor tensor;
};

struct trie {
	enum end end;
	struct trie_node *nodes;
	int n_nodes;
};

/* How a sweep takes its depth-th wire. */
struct column_plan {
	int bonds; /* of the environment before it */
	enum local_time time;
	size_t cost; /* the sizes of its tensors, added up */
};

struct network {
	const struct local_circuit *circuit;
	struct local_graph *graph;
	struct event *events;
	struct column columns[CIRCUIT_MAX_WIRES];
	struct column_plan plans[2][CIRCUIT_MAX_WIRES + 1]; /* by end, depth */
	struct trie tries[2];                               /* by end */
	struct local_tensor work[2];
};

static enum local_letter letter_at(const struct local_string *string, int wire)
{
	return (enum local_letter)((string->letters.x >> wire & 1) | (string->letters.z >> wire & 1) << 1);
}

/* The wire that is the depth-th from an end, from 0. */
static int wire_at(const struct network *network, enum end end, int depth)
{
	return end == FROM_LEFT ? depth : network->circuit->n_wires - 1 - depth;
}

static void fill_columns(struct network *network)
{
	const struct local_circuit *circuit = network->circuit;
	struct event *next = network->events;
	for (int w = 0; w < circuit->n_wires; w++) {
		struct column *column = &network->columns[w];
		*column = (struct column){.events = next, .first_bond = -1};
		for (int g = 0; g < circuit->n_gates; g++) {
			const struct local_gate *gate = &circuit->gates[g];
			bool second = gate->bond && gate->sides[1].wire == w;
			if (gate->sides[0].wire != w && !second)
				continue;
			if (gate->bond && column->first_bond < 0)
				column->first_bond = column->n_events;
			next[column->n_events++] = (struct event){g, second};
			if (gate->bond)
				column->last_bond = column->n_events;
		}
		if (column->first_bond < 0)
			column->first_bond = column->last_bond = column->n_events;
		next += column->n_events;
	}
}

/* Whether the far side of a bond was met before `wire`, coming from `end`. */
static bool closes(const struct network *network, const struct event *event, enum end end)
{
	const struct local_side *sides = network->circuit->gates[event->gate].sides;
	int here = sides[event->side].wire, far = sides[1 - event->side].wire;
	return (far < here) == (end == FROM_LEFT);
}

/* Gates between the outermost `depth` wires and the others. */
static int count_bonds(const struct network *network, enum end end, int depth)
{
	int count = 0;
	for (int d = 0; d < depth; d++) {
		const struct column *column = &network->columns[wire_at(network, end, d)];
		for (int i = column->first_bond; i < column->last_bond; i++)
			if (network->circuit->gates[column->events[i].gate].bond)
				count += closes(network, &column->events[i], end) ? -1 : 1;
	}
	return count;
}

/* The i-th bond event or middle rotation of a column in the given direction of time. */
static const struct event *event_at(const struct column *column, int i, enum local_time time)
{
	return &column->events[time == TIME_FORWARD ? column->first_bond + i : column->last_bond - 1 - i];
}

/* What contracting a column in this direction takes: the sizes of its tensors, added up in *cost. Returns the most
 * bonds that one of them has. The environment joins at the first bond that closes. */
static int column_cost(const struct network *network, int wire, enum end end, int outside, enum local_time time,
                       size_t *cost)
{
	const struct column *column = &network->columns[wire];
	int bonds = 0, most = outside;
	bool joined = false;
	*cost = 0;
	for (int i = 0; i < column->last_bond - column->first_bond && most <= LOCAL_BONDS_MAX; i++) {
		const struct event *event = event_at(column, i, time);
		if (network->circuit->gates[event->gate].bond) {
			bool close = closes(network, event, end);
			bonds += close ? (joined ? 0 : outside) : 1;
			joined |= close;
			most = bonds > most ? bonds : most;
			bonds -= close;
		}
		*cost += local_tensor_size(LETTERS, bonds <= LOCAL_BONDS_MAX ? bonds : LOCAL_BONDS_MAX);
	}
	return joined || bonds + outside < most ? most : bonds + outside;
}

/* Fills the plans; returns the most bonds that any tensor of either sweep has. */
static int plan_columns(struct network *network)
{
	int most = 0, n = network->circuit->n_wires;
	for (int side = FROM_LEFT; side <= FROM_RIGHT; side++)
		for (int d = 0; d <= n; d++) {
			enum end end = (enum end)side;
			struct column_plan *plan = &network->plans[end][d];
			*plan = (struct column_plan){.bonds = count_bonds(network, end, d)};
			if (d == n)
				continue;
			size_t costs[2];
			int wire = wire_at(network, end, d);
			int forward = column_cost(network, wire, end, plan->bonds, TIME_FORWARD, &costs[0]);
			int backward = column_cost(network, wire, end, plan->bonds, TIME_BACKWARD, &costs[1]);
			bool is_forward = forward < backward || (forward == backward && costs[0] <= costs[1]);
			plan->time = is_forward ? TIME_FORWARD : TIME_BACKWARD;
			plan->cost = costs[is_forward ? 0 : 1];
			int bonds = is_forward ? forward : backward;
			most = bonds > most ? bonds : most;
		}
	return most;
}

/* Rotates a vector of letters through the rotations of events from..to-1, in the given direction of time. */
static void rotate_vector(struct network *network, const struct column *column, int from, int to, enum local_time time,
                          local_ref vector[LETTERS])
{
	struct local_tensor tensor = {.n_letters = LETTERS, .values = vector};
	for (int i = 0; i < to - from; i++) {
		const struct event *event = &column->events[time == TIME_FORWARD ? from + i : to - 1 - i];
		local_tensor_rotate(network->graph, &tensor, &network->circuit->gates[event->gate], time);
	}
}

/* The tensor of a column's middle part, starting from `work`; *joined tells whether the environment is in it. Returns
 * the place of the result among the two work tensors. */
static int run_middle(struct network *network, const struct column *column, enum end end, enum local_time time,
                      const struct local_tensor *outside, bool *joined)
{
	struct local_tensor *work = network->work;
	int now = 0;
	for (int i = 0; i < column->last_bond - column->first_bond; i++) {
		const struct event *event = event_at(column, i, time);
		const struct local_gate *gate = &network->circuit->gates[event->gate];
		if (!gate->bond) {
			local_tensor_rotate(network->graph, &work[now], gate, time);
		} else if (!closes(network, event, end)) {
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
static void add_column(struct network *network, int wire, enum end end, enum local_letter letter,
                       const struct local_tensor *outside, struct local_tensor *out)
{
	const struct column *column = &network->columns[wire];
	/* |0><0| is I + Z; the letter is a unit vector of the dual space. */
	local_ref vectors[2][LETTERS] = {{[LETTER_I] = LOCAL_ONE, [LETTER_Z] = LOCAL_ONE}, {LOCAL_ZERO}};
	vectors[1][letter] = LOCAL_ONE;
	rotate_vector(network, column, 0, column->first_bond, TIME_FORWARD, vectors[0]);
	rotate_vector(network, column, column->last_bond, column->n_events, TIME_BACKWARD, vectors[1]);
	enum local_time time = network->plans[end][end == FROM_LEFT ? wire : network->circuit->n_wires - 1 - wire].time;
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
		path[d + 1] = child_of(trie, path[d], letter_at(string, wire_at(network, trie->end, d)));
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
		cost += node->needed ? network->plans[trie->end][node->depth - 1].cost : 0;
	}
	return cost;
}

static bool sweep(struct network *network, struct trie *trie)
{
	for (int i = 0; i < trie->n_nodes && !network->graph->failed; i++) {
		struct trie_node *node = &trie->nodes[i];
		if (!node->needed && i > 0)
			continue;
		size_t size = local_tensor_size(1, network->plans[trie->end][node->depth].bonds);
		node->tensor.values = malloc(size * sizeof *node->tensor.values);
		if (node->tensor.values == NULL)
			return false;
		if (i == 0) {
			node->tensor.n_letters = 1;
			node->tensor.values[0] = LOCAL_ONE;
		} else {
			add_column(network, wire_at(network, trie->end, node->depth - 1), trie->end, node->letter,
			           &trie->nodes[node->parent].tensor, &node->tensor);
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
	free(network->events);
}

bool local_network_contract(const struct local_circuit *circuit, local_ref *outputs)
{
	struct network network = {.circuit = circuit, .graph = circuit->graph};
	size_t nodes = (size_t)circuit->n_strings * (size_t)circuit->n_wires + 1;
	network.events = calloc(2 * (size_t)circuit->n_gates + 1, sizeof *network.events);
	if (network.events == NULL)
		return false;
	fill_columns(&network);
	int bonds = plan_columns(&network);
	bool done = bonds <= LOCAL_BONDS_MAX;
	for (int end = FROM_LEFT; end <= FROM_RIGHT && done; end++) {
		network.tries[end] = (struct trie){(enum end)end, calloc(nodes, sizeof(struct trie_node)), 1};
		network.work[end].values = malloc(local_tensor_size(LETTERS, bonds) * sizeof(local_ref));
		done = network.tries[end].nodes != NULL && network.work[end].values != NULL;
		if (network.tries[end].nodes == NULL)
			network.tries[end].n_nodes = 0;
	}
	done = done && contract(&network, outputs);
	release(&network);
	return done;
}
