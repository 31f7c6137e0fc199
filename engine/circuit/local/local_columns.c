/* Columns and their plans; see local_columns.h. */
#include "engine/circuit/local/local_columns.h"

#include <stdlib.h>

static void fill_columns(struct local_columns *columns)
{
	const struct local_circuit *circuit = columns->circuit;
	struct local_event *next = columns->events;
	for (int w = 0; w < circuit->n_wires; w++) {
		struct local_column *column = &columns->wires[w];
		*column = (struct local_column){.events = next, .first_bond = -1};
		for (int g = 0; g < circuit->n_gates; g++) {
			const struct local_gate *gate = &circuit->gates[g];
			bool second = gate->bond && gate->sides[1].wire == w;
			if (gate->sides[0].wire != w && !second)
				continue;
			if (gate->bond && column->first_bond < 0)
				column->first_bond = column->n_events;
			next[column->n_events++] = (struct local_event){g, second};
			if (gate->bond)
				column->last_bond = column->n_events;
		}
		if (column->first_bond < 0)
			column->first_bond = column->last_bond = column->n_events;
		next += column->n_events;
	}
}

bool local_columns_closes(const struct local_columns *columns, const struct local_event *event, enum local_end end)
{
	const struct local_side *sides = columns->circuit->gates[event->gate].sides;
	int here = sides[event->side].wire, far = sides[1 - event->side].wire;
	return (far < here) == (end == FROM_LEFT);
}

/* Gates between the outermost `depth` wires and the others. */
static int count_bonds(const struct local_columns *columns, enum local_end end, int depth)
{
	int count = 0;
	for (int d = 0; d < depth; d++) {
		const struct local_column *column = &columns->wires[local_columns_wire(columns, end, d)];
		for (int i = column->first_bond; i < column->last_bond; i++)
			if (columns->circuit->gates[column->events[i].gate].bond)
				count += local_columns_closes(columns, &column->events[i], end) ? -1 : 1;
	}
	return count;
}

/* What contracting a column in this direction takes: the sizes of its tensors, added up in *cost. Returns the most
 * bonds that one of them has. The environment joins at the first bond that closes. */
static int column_cost(const struct local_columns *columns, int wire, enum local_end end, int outside,
                       enum local_time time, size_t *cost)
{
	const struct local_column *column = &columns->wires[wire];
	int bonds = 0, most = outside;
	bool joined = false;
	*cost = 0;
	for (int i = 0; i < column->last_bond - column->first_bond && most <= LOCAL_BONDS_MAX; i++) {
		const struct local_event *event = local_column_event(column, i, time);
		if (columns->circuit->gates[event->gate].bond) {
			bool close = local_columns_closes(columns, event, end);
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
static int plan_columns(struct local_columns *columns)
{
	int most = 0, n = columns->circuit->n_wires;
	for (int side = FROM_LEFT; side <= FROM_RIGHT; side++)
		for (int d = 0; d <= n; d++) {
			enum local_end end = (enum local_end)side;
			struct local_column_plan *plan = &columns->plans[end][d];
			*plan = (struct local_column_plan){.bonds = count_bonds(columns, end, d)};
			if (d == n)
				continue;
			size_t costs[2];
			int wire = local_columns_wire(columns, end, d);
			int forward = column_cost(columns, wire, end, plan->bonds, TIME_FORWARD, &costs[0]);
			int backward = column_cost(columns, wire, end, plan->bonds, TIME_BACKWARD, &costs[1]);
			bool is_forward = forward < backward || (forward == backward && costs[0] <= costs[1]);
			plan->time = is_forward ? TIME_FORWARD : TIME_BACKWARD;
			plan->cost = costs[is_forward ? 0 : 1];
			int bonds = is_forward ? forward : backward;
			most = bonds > most ? bonds : most;
		}
	return most;
}

bool local_columns_init(struct local_columns *columns, const struct local_circuit *circuit)
{
	*columns = (struct local_columns){.circuit = circuit};
	columns->events = calloc(2 * (size_t)circuit->n_gates + 1, sizeof *columns->events);
	if (columns->events == NULL)
		return false;
	fill_columns(columns);
	columns->most_bonds = plan_columns(columns);
	return true;
}

void local_columns_free(struct local_columns *columns)
{
	free(columns->events);
}
