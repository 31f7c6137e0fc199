/* The wires of a circuit as columns of events, and how a sweep from either end takes them. Internal to engine/circuit.
 */
#ifndef QLSTM_CIRCUIT_LOCAL_COLUMNS_H
#define QLSTM_CIRCUIT_LOCAL_COLUMNS_H

#include "engine/circuit/local/local_tensor.h"

enum local_end { FROM_LEFT, FROM_RIGHT };

/* A gate seen from one of its wires. */
struct local_event {
	int gate, side;
};

/* The gates of a wire in time order. Before first_bond and from last_bond on there are only rotations. */
struct local_column {
	const struct local_event *events;
	int n_events, first_bond, last_bond;
};

/* How a sweep takes its depth-th wire. */
struct local_column_plan {
	int bonds; /* of the environment before it: gates between the outermost `depth` wires and the others */
	enum local_time time;
	size_t cost; /* the sizes of its tensors, added up */
};

struct local_columns {
	const struct local_circuit *circuit;
	struct local_event *events;
	struct local_column wires[CIRCUIT_MAX_WIRES];
	struct local_column_plan plans[2][CIRCUIT_MAX_WIRES + 1]; /* by end, depth */
	int most_bonds; /* that any tensor of either sweep has; LOCAL_BONDS_MAX + 1 or more: too many */
};

/* False when out of memory; local_columns_free afterwards in any case. */
bool local_columns_init(struct local_columns *columns, const struct local_circuit *circuit);
void local_columns_free(struct local_columns *columns);

/* The wire that is the depth-th from an end, from 0. */
static inline int local_columns_wire(const struct local_columns *columns, enum local_end end, int depth)
{
	return end == FROM_LEFT ? depth : columns->circuit->n_wires - 1 - depth;
}

/* Whether the far side of a bond was met before the event's wire, coming from `end`. */
bool local_columns_closes(const struct local_columns *columns, const struct local_event *event, enum local_end end);

/* The i-th event of a column's middle part in the given direction of time. */
static inline const struct local_event *local_column_event(const struct local_column *column, int i,
                                                           enum local_time time)
{
	return &column->events[time == TIME_FORWARD ? column->first_bond + i : column->last_bond - 1 - i];
}

#endif
