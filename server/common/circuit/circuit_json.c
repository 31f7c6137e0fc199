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

/* The program's features, made of the layer's inputs. */
static json_t *made_numbers(const struct trained_angles *circuit, const double *inputs)
{
	json_t *list = json_array();
	for (int k = 0; list != NULL && k < circuit->program->n_features; k++) {
		const struct feature_made *made = &circuit->made[k];
		json_array_append_new(list,
		                      json_real(made->scale * encoder_angle(made->encoder, inputs[made->source])));
	}
	return list;
}

json_t *circuit_made_json(const struct trained_angles *circuit)
{
	json_t *list = json_array();
	for (int k = 0; list != NULL && k < circuit->program->n_features; k++)
		json_array_append_new(list, json_pack("{s:i, s:s, s:f}", "feature", circuit->made[k].source, "encoder",
		                                      encoder_name(circuit->made[k].encoder), "scale",
		                                      circuit->made[k].scale));
	return list;
}

json_t *circuit_json(const struct trained_angles *circuit, const double *features)
{
	const struct circuit_program *program = circuit->program;
	json_t *json =
	    json_pack("{s:i, s:o, s:o, s:o}", "n_qubits", program->n_wires, "gates", gates_json(program), "weights",
	              numbers_json(circuit->angles, program->n_weights), "observables", observables_json(program));
	int rc = json == NULL;
	if (rc == 0 && features != NULL)
		rc = json_object_set_new(json, "features",
		                         circuit->made != NULL ? made_numbers(circuit, features)
		                                               : numbers_json(features, program->n_features));
	if (rc == 0)
		return json;
	json_decref(json);
	return NULL;
}
