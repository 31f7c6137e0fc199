/* Where the gradients of weights add up: see struct batch_slope. */
#include <stdlib.h>

#include "engine/circuit/batch/batch_circuit.h"

static void add_slope(struct batch_circuit *circuit, const struct batch_gate *gate, size_t row)
{
	circuit->slopes[circuit->n_slopes++] =
	    (struct batch_slope){row, gate->slot - circuit->n_feature_slots, gate->string.negative ? -1 : 1};
}

static void list_turns(struct batch_circuit *circuit)
{
	for (int i = 0; i < circuit->n_gates; i++)
		if (circuit->gates[i].string.x != 0 && circuit->gates[i].slot >= circuit->n_feature_slots)
			add_slope(circuit, &circuit->gates[i], (size_t)i);
	circuit->n_turn_slopes = circuit->n_slopes;
}

static void list_diagonals(struct batch_circuit *circuit)
{
	for (int i = 0; i < circuit->n_steps; i++) {
		const struct batch_step *step = &circuit->steps[i];
		if (step->kind != STEP_DIAGONAL || !step->trainable)
			continue;
		for (int g = 0; g < step->n_gates; g++)
			add_slope(circuit, &step->gates[g],
			          ((size_t)step->diagonal << circuit->n_wires) + step->gates[g].string.z);
	}
}

/* A slot of which no gate is left has no gradient. */
static void list_trained(struct batch_circuit *circuit)
{
	int features = circuit->n_feature_slots, kept = 0;
	for (int i = 0; i < circuit->n_prefix; i++)
		if (circuit->prefix[i].slot >= features)
			circuit->trained[circuit->prefix[i].slot - features].used = true;
	for (int i = 0; i < circuit->n_slopes; i++)
		circuit->trained[circuit->slopes[i].slot].used = true;
	for (int i = 0; i < circuit->n_slots - features; i++) {
		const struct angle *angle = &circuit->slots[features + i];
		if (circuit->trained[i].used && angle->source == ANGLE_WEIGHT)
			circuit->trained[kept++] = (struct batch_trained){true, i, angle->index};
	}
	circuit->n_trained = kept;
}

bool batch_slopes_list(struct batch_circuit *circuit)
{
	circuit->slopes = calloc((size_t)circuit->n_gates + 1, sizeof *circuit->slopes);
	circuit->trained = calloc((size_t)(circuit->n_slots - circuit->n_feature_slots) + 1, sizeof *circuit->trained);
	if (circuit->slopes == NULL || circuit->trained == NULL)
		return false;
	list_turns(circuit);
	list_diagonals(circuit);
	list_trained(circuit);
	return true;
}
