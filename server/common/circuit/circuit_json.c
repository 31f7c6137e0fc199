/* A circuit as JSON. */
#include "server/common/circuit/circuit_json.h"

#include "engine/export/program_qasm.h"

static json_t *numbers_json(const double *values, int count)
{
	json_t *list = json_array();
	for (int i = 0; list != NULL && i < count; i++)
		if (json_array_append_new(list, json_real(values[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *angle_json(const struct angle *angle)
{
	switch (angle->source) {
	case ANGLE_WEIGHT:
		return json_pack("{s:i}", "weight", angle->index);
	case ANGLE_FEATURE:
		return json_pack("{s:i, s:s}", "feature", angle->index, "encoder", encoder_name(angle->encoder));
	default:
		return json_real(angle->value);
	}
}

static json_t *gate_json(const struct circuit_op *op)
{
	json_t *wires = gate_wires(op->gate) == 2 ? json_pack("[i, i]", op->wires[0], op->wires[1])
	                                          : json_pack("[i]", op->wires[0]);
	json_t *gate = json_pack("{s:s, s:o}", "gate", gate_name(op->gate), "wires", wires);
	if (gate == NULL || !gate_takes_angle(op->gate) ||
	    json_object_set_new(gate, "angle", angle_json(&op->angle)) == 0)
		return gate;
	json_decref(gate);
	return NULL;
}

static json_t *gates_json(const struct circuit_program *program)
{
	json_t *list = json_array();
	for (int i = 0; list != NULL && i < program->n_ops; i++)
		if (json_array_append_new(list, gate_json(&program->ops[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *observables_json(const struct circuit_program *program)
{
	char words[CIRCUIT_MAX_WIRES * 5];
	json_t *list = json_array();
	for (int i = 0; list != NULL && i < program->n_observables; i++) {
		program_print_observable(program, i, words, sizeof words);
		if (json_array_append_new(list, json_string(words)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *circuit_json(const struct circuit_program *program, const double *weights, const double *features)
{
	json_t *json =
	    json_pack("{s:i, s:o, s:o, s:o}", "n_qubits", program->n_wires, "gates", gates_json(program), "weights",
	              numbers_json(weights, program->n_weights), "observables", observables_json(program));
	if (json == NULL || features == NULL ||
	    json_object_set_new(json, "features", numbers_json(features, program->n_features)) == 0)
		return json;
	json_decref(json);
	return NULL;
}
