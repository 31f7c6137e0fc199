/* The gates of a program. */
#include "server/worker/tools/program_gates.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ROT "Rot" /* not a gate of the engine: RZ, RY, RZ */

/* What angles may refer to, and where the reader stands. */
struct reader {
	int n_features, n_weights;
	char pointer[96]; /* of the gate */
	struct circuit_program *program;
	struct qlstm_error *error;
};

static int refuse(const struct reader *r, int code, const char *below, const char *message)
{
	char pointer[160];
	snprintf(pointer, sizeof pointer, "%s%s", r->pointer, below);
	return error_set(r->error, code, pointer, "%s", message);
}

int program_gates_check(const json_t *object, const char *pointer, const char *const *fields, struct qlstm_error *error)
{
	size_t count = 0;
	while (fields[count] != NULL)
		count++;
	for (void *i = json_object_iter((json_t *)object); i != NULL; i = json_object_iter_next((json_t *)object, i)) {
		const char *key = json_object_iter_key(i);
		size_t k = 0;
		while (k < count && strcmp(fields[k], key) != 0)
			k++;
		if (k < count)
			continue;
		char at[160];
		snprintf(at, sizeof at, "%s/%s", pointer, key);
		const char *near = error_nearest(key, fields, count);
		if (near == NULL)
			return error_set(error, ERR_UNKNOWN_FIELD, at, "unknown field '%s'", key);
		return error_set(error, ERR_UNKNOWN_FIELD, at, "unknown field '%s'; did you mean '%s'?", key, near);
	}
	return 0;
}

int program_gates_largest_wire(const json_t *gates)
{
	json_int_t largest = 0;
	for (size_t i = 0; i < json_array_size(gates); i++) {
		const json_t *wires = json_object_get(json_array_get(gates, i), "wires");
		for (size_t k = 0; k < json_array_size(wires); k++) {
			json_int_t wire = json_integer_value(json_array_get(wires, k));
			largest = wire > largest ? wire : largest;
		}
	}
	/* One too many is refused at the gate that names it. */
	return (int)(largest < CIRCUIT_MAX_WIRES ? largest : CIRCUIT_MAX_WIRES - 1);
}

/* An index into `count` values given as "/features" or "/weights". */
static int read_index(const struct reader *r, const json_t *json, int count, const char *below, const char *what,
                      int *index)
{
	char message[96];
	if (!json_is_integer(json))
		return refuse(r, ERR_WRONG_TYPE, below, "an index, counted from 0, belongs here");
	json_int_t value = json_integer_value(json);
	if (value < 0 || value >= count) {
		snprintf(message, sizeof message, "%s %" JSON_INTEGER_FORMAT "; %d given, counted from 0", what, value,
		         count);
		return refuse(r, ERR_OUT_OF_RANGE, below, message);
	}
	*index = (int)value;
	return 0;
}

static int read_encoder(const struct reader *r, const json_t *json, const char *below, enum encoder *encoder)
{
	*encoder = ENCODER_X;
	if (json == NULL)
		return 0;
	const char *name = json_string_value(json);
	if (name != NULL && encoder_from_name(name, encoder) == 0)
		return 0;
	char message[160] = "an encoder is one of";
	for (int i = 0; i < ENCODER_COUNT; i++) {
		size_t used = strlen(message);
		snprintf(message + used, sizeof message - used, "%s %s", i > 0 ? "," : "",
		         encoder_name((enum encoder)i));
	}
	return refuse(r, name != NULL ? ERR_NOT_FOUND : ERR_WRONG_TYPE, below, message);
}

static int read_angle(const struct reader *r, const json_t *json, const char *below, struct angle *angle)
{
	static const char *const of_weight[] = {"weight", NULL}, *const of_feature[] = {"feature", "encoder", NULL};
	if (json_is_number(json)) {
		*angle = angle_constant(json_number_value(json));
		return 0;
	}
	const json_t *weight = json_object_get(json, "weight"), *feature = json_object_get(json, "feature");
	if ((weight == NULL) == (feature == NULL))
		return refuse(r, ERR_WRONG_TYPE, below, "an angle is a number, {\"weight\": k} or {\"feature\": j}");
	char at[160], inner[64];
	snprintf(at, sizeof at, "%s%s", r->pointer, below);
	int rc = program_gates_check(json, at, weight != NULL ? of_weight : of_feature, r->error);
	if (rc != 0)
		return rc;
	int index = 0;
	enum encoder encoder = ENCODER_X;
	snprintf(inner, sizeof inner, "%s/%s", below, weight != NULL ? "weight" : "feature");
	if (weight != NULL) {
		rc = read_index(r, weight, r->n_weights, inner, "weight", &index);
		*angle = angle_weight(index);
		return rc;
	}
	rc = read_index(r, feature, r->n_features, inner, "feature", &index);
	snprintf(inner, sizeof inner, "%s/encoder", below);
	if (rc == 0)
		rc = read_encoder(r, json_object_get(json, "encoder"), inner, &encoder);
	*angle = angle_feature(index, encoder);
	return rc;
}

static int read_wires(const struct reader *r, const json_t *json, int count, int *wires)
{
	char message[96], below[32];
	if (!json_is_array(json) || json_array_size(json) != (size_t)count) {
		snprintf(message, sizeof message, "a list of %d wire%s belongs here", count, count == 1 ? "" : "s");
		return refuse(r, json == NULL ? ERR_MISSING : ERR_WRONG_TYPE, "/wires", message);
	}
	for (int i = 0; i < count; i++) {
		const json_t *wire = json_array_get(json, (size_t)i);
		json_int_t value = json_integer_value(wire);
		snprintf(below, sizeof below, "/wires/%d", i);
		if (!json_is_integer(wire))
			return refuse(r, ERR_WRONG_TYPE, below, "a wire is a whole number");
		if (value < 0 || value >= r->program->n_wires) {
			snprintf(message, sizeof message, "wire %" JSON_INTEGER_FORMAT "; the circuit has 0 to %d",
			         value, r->program->n_wires - 1);
			return refuse(r, ERR_OUT_OF_RANGE, below, message);
		}
		wires[i] = (int)value;
	}
	if (count == 2 && wires[0] == wires[1])
		return refuse(r, ERR_INVALID, "/wires/1", "the two wires of a gate differ");
	return 0;
}

static int read_rot(const struct reader *r, const json_t *json, int wire)
{
	static const enum gate sequence[3] = {GATE_RZ, GATE_RY, GATE_RZ};
	if (!json_is_array(json) || json_array_size(json) != 3)
		return refuse(r, json == NULL ? ERR_MISSING : ERR_WRONG_TYPE, "/angle",
		              "Rot takes a list of three angles");
	for (int i = 0; i < 3; i++) {
		struct angle angle = {0};
		char below[16];
		snprintf(below, sizeof below, "/angle/%d", i);
		int rc = read_angle(r, json_array_get(json, (size_t)i), below, &angle);
		if (rc != 0)
			return rc;
		program_rotation(r->program, sequence[i], wire, angle);
	}
	return 0;
}

static int read_plain_gate(const struct reader *r, const json_t *json, enum gate gate)
{
	int wires[2] = {0, -1};
	const json_t *angle_json = json_object_get(json, "angle");
	struct angle angle = {0};
	int rc = read_wires(r, json_object_get(json, "wires"), gate_wires(gate), wires);
	if (rc != 0)
		return rc;
	if (!gate_takes_angle(gate) && angle_json != NULL)
		return refuse(r, ERR_INVALID, "/angle", "this gate takes no angle");
	if (gate_takes_angle(gate)) {
		if (angle_json == NULL)
			return refuse(r, ERR_MISSING, "/angle", "this gate needs an angle");
		rc = read_angle(r, angle_json, "/angle", &angle);
		program_rotation(r->program, gate, wires[0], angle);
	} else if (gate_wires(gate) == 2) {
		program_gate2(r->program, gate, wires[0], wires[1]);
	} else {
		program_gate(r->program, gate, wires[0]);
	}
	return rc;
}

static int unknown_gate(const struct reader *r, const char *name)
{
	const char *names[GATE_COUNT + 1];
	for (int i = 0; i < GATE_COUNT; i++)
		names[i] = gate_name((enum gate)i);
	names[GATE_COUNT] = ROT;
	const char *near = name != NULL ? error_nearest(name, names, GATE_COUNT + 1) : NULL;
	char message[256];
	if (near != NULL)
		snprintf(message, sizeof message, "unknown gate '%.60s'; did you mean '%s'?", name, near);
	else
		snprintf(message, sizeof message,
		         "a gate's name belongs here: H, X, Y, Z, S, T, RX, RY, RZ, Rot, CNOT, CZ, SWAP");
	return refuse(r, name != NULL ? ERR_NOT_FOUND : ERR_WRONG_TYPE, "/gate", message);
}

static int read_gate(const struct reader *r, const json_t *json)
{
	static const char *const fields[] = {"gate", "wires", "angle", NULL};
	if (!json_is_object(json))
		return refuse(r, ERR_WRONG_TYPE, "", "a gate is an object with gate and wires");
	int rc = program_gates_check(json, r->pointer, fields, r->error);
	if (rc != 0)
		return rc;
	const char *name = json_string_value(json_object_get(json, "gate"));
	enum gate gate;
	if (name != NULL && strcasecmp(name, ROT) == 0) {
		int wires[2] = {0, -1};
		rc = read_wires(r, json_object_get(json, "wires"), 1, wires);
		return rc == 0 ? read_rot(r, json_object_get(json, "angle"), wires[0]) : rc;
	}
	if (name == NULL || gate_from_name(name, &gate) != 0)
		return unknown_gate(r, name);
	return read_plain_gate(r, json, gate);
}

int program_gates_read(const json_t *gates, int n_features, int n_weights, struct circuit_program *program,
                       struct qlstm_error *error)
{
	if (!json_is_array(gates))
		return error_set(error, gates == NULL ? ERR_MISSING : ERR_WRONG_TYPE, "/gates",
		                 "a list of gates belongs here");
	struct reader reader = {.n_features = n_features, .n_weights = n_weights, .program = program, .error = error};
	for (size_t i = 0; i < json_array_size(gates); i++) {
		snprintf(reader.pointer, sizeof reader.pointer, "/gates/%zu", i);
		int rc = read_gate(&reader, json_array_get(gates, i));
		if (rc != 0)
			return rc;
	}
	return 0;
}
