/* Circuits that users wrote, gate by gate. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/export/program_qasm.h"
#include "server/common/circuit/circuit_json.h"

/* Steals `gate`, which may be NULL. */
static int append(json_t *list, json_t *gate)
{
	return json_array_append_new(list, gate);
}

static json_t *one_wire(const char *gate, int wire)
{
	return json_pack("{s:s, s:[i]}", "gate", gate, "wires", wire);
}

static json_t *cnot(int control, int target)
{
	return json_pack("{s:s, s:[i, i]}", "gate", "CNOT", "wires", control, target);
}

static json_t *turn(const char *gate, int wire, double angle)
{
	return json_pack("{s:s, s:[i], s:f}", "gate", gate, "wires", wire, "scale", angle);
}

/* A rotation whose angle is a number, a trained one or a feature. */
static json_t *rotation(const struct trained_angles *circuit, const struct circuit_op *op)
{
	const struct angle *angle = &op->angle;
	const char *name = gate_name(op->gate);
	if (angle->source == ANGLE_WEIGHT) {
		struct angle_multiple multiple = {angle->index, 1.0};
		if (circuit->multiples != NULL)
			multiple = circuit->multiples[angle->index];
		return json_pack("{s:s, s:[i], s:f, s:i}", "gate", name, "wires", op->wires[0], "scale", multiple.scale,
		                 "weight", multiple.source);
	}
	if (angle->source == ANGLE_FEATURE) {
		struct feature_made made = {angle->index, angle->encoder, 1.0};
		if (circuit->made != NULL)
			made = circuit->made[angle->index];
		return json_pack("{s:s, s:[i], s:f, s:i, s:s}", "gate", name, "wires", op->wires[0], "scale",
		                 made.scale, "feature", made.source, "encoder", encoder_name(made.encoder));
	}
	return turn(name, op->wires[0], angle->value);
}

static int append_two(json_t *list, const struct circuit_op *op)
{
	int a = op->wires[0], b = op->wires[1];
	if (op->gate == GATE_CZ)
		return append(list, one_wire("H", b)) | append(list, cnot(a, b)) | append(list, one_wire("H", b));
	if (op->gate == GATE_SWAP)
		return append(list, cnot(a, b)) | append(list, cnot(b, a)) | append(list, cnot(a, b));
	return append(list, cnot(a, b));
}

static int append_op(json_t *list, const struct trained_angles *circuit, const struct circuit_op *op)
{
	int wire = op->wires[0];
	switch (op->gate) {
	case GATE_H:
		return append(list, one_wire("H", wire));
	case GATE_X:
		return append(list, turn("RX", wire, M_PI));
	case GATE_Y:
		return append(list, turn("RY", wire, M_PI));
	case GATE_Z:
		return append(list, turn("RZ", wire, M_PI));
	case GATE_S:
		return append(list, turn("RZ", wire, M_PI / 2));
	case GATE_T:
		return append(list, turn("RZ", wire, M_PI / 4));
	default:
		return gate_wires(op->gate) == 2 ? append_two(list, op) : append(list, rotation(circuit, op));
	}
}

static json_t *written_json(const struct trained_angles *circuit)
{
	const struct circuit_program *program = circuit->program;
	json_t *gates = json_array(), *observables = json_array();
	int rc = gates == NULL || observables == NULL;
	for (int i = 0; rc == 0 && i < program->n_ops; i++)
		rc = append_op(gates, circuit, &program->ops[i]);
	for (int i = 0; rc == 0 && i < program->n_observables; i++) {
		char words[CIRCUIT_MAX_WIRES * 5];
		program_print_observable(program, i, words, sizeof words);
		rc = json_array_append_new(observables, json_string(strcmp(words, "I") != 0 ? words : ""));
	}
	json_t *json =
	    json_pack("{s:i, s:o, s:o}", "n_qubits", program->n_wires, "observables", observables, "gates", gates);
	if (rc == 0)
		return json;
	json_decref(json);
	return NULL;
}

json_t *circuits_written_json(const struct model *model)
{
	const struct model_config *config = model_config(model);
	json_t *circuits = json_object();
	for (int i = 0; circuits != NULL && i < config->n_layers; i++) {
		struct trained_angles circuit;
		char index[16];
		snprintf(index, sizeof index, "%d", i);
		if (strcmp(config->layers[i].type, "circuit") == 0 &&
		    model_trained_circuit(model, i, false, 0, &circuit) &&
		    json_object_set_new(circuits, index, written_json(&circuit)) != 0) {
			json_decref(circuits);
			return NULL;
		}
	}
	return circuits;
}
