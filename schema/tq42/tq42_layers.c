/* Layers of TQ42's requests as ours: one row a field. */
#include <stdio.h>
#include <string.h>

#include "schema/tq42/tq42_parts.h"

static const struct word functions[] = {{"relu", "relu"}, {"leakyrelu", "leaky_relu"}, {"sigmoid", "sigmoid"}, {0}};
static const struct word axes[] = {{"x", "X"}, {"y", "Y"}, {"z", "Z"}, {0}};
static const struct word entanglings[] = {{"basic", "basic"}, {"strong", "strong"}, {0}};
static const struct word modes[] = {{"even", "even"}, {"single", "single"}, {"none", "all"}, {0}};

static const struct row activation[] = {{{"function"}, "function", functions}, {{NULL}, NULL, NULL}};
static const struct row dropout[] = {{{"value"}, "p", NULL}, {{NULL}, NULL, NULL}};
static const struct row nothing[] = {{{NULL}, NULL, NULL}};
static const struct row dense[] = {
    {{"hidden_size", "layers_dim"}, "units", NULL}, {{"bias"}, "bias", NULL}, {{NULL}, NULL, NULL}};
static const struct row lstm[] = {{{"hidden_size"}, "hidden_size", NULL}, {{NULL}, NULL, NULL}};
static const struct row qlstm[] = {{{"hidden_size"}, "hidden_size", NULL},
                                   {{"num_qubits", "n_qubits"}, "num_qubits", NULL},
                                   {{"num_qlayers", "n_qlayers", "nqlayers"}, "num_qlayers", NULL},
                                   {{"depth"}, "depth", NULL},
                                   {{"bidirectional"}, "bidirectional", NULL},
                                   {{"inversward"}, "inversward", NULL},
                                   {{"batch_first"}, "batch_first", NULL},
                                   {{"diff_method"}, "diff_method", tq42_methods},
                                   {{NULL}, NULL, NULL}};
static const struct row circuit[] = {{{"num_qubits", "n_qubits"}, "num_qubits", NULL},
                                     {{"depth"}, "depth", NULL},
                                     {{"measurement_mode"}, "measurement_mode", modes},
                                     {{"rotation"}, "rotation", axes},
                                     {{"entangling"}, "entangling", entanglings},
                                     {{"measure"}, "measure", axes},
                                     {{"diff_method"}, "diff_method", tq42_methods},
                                     {{"qubit_type"}, NULL, NULL},
                                     {{"in_features"}, NULL, NULL},
                                     {{NULL}, NULL, NULL}};

/* A type of layer: ours with TQ42's defaults, as JSON; NULL: not offered. */
static const struct kind {
	const char *name, *ours;
	const struct row *rows;
} kinds[] = {
    {"activation_function_layer", "{'type':'activation','function':'relu'}", activation},
    {"dropout_layer", "{'type':'dropout','p':0.5}", dropout},
    {"batch_normalization_layer", "{'type':'batch_norm'}", nothing},
    {"classical_dense_layer", "{'type':'dense','units':2,'bias':true}", dense},
    {"classical_lstm_layer", "{'type':'lstm','hidden_size':17}", lstm},
    {"qlstm_layer", "{'type':'qlstm','variant':'qdi','hidden_size':17,'num_qubits':4}", qlstm},
    {"qdi_layer", "{'type':'quantum','ansatz':'qdi','num_qubits':4,'depth':4,'entangling':'strong'}", circuit},
    {"pqn_layer", "{'type':'quantum','num_qubits':4,'depth':4,'rotation':'X','entangling':'strong','measure':'Y'}",
     circuit},
    {"custom_quantum_layer", "{'type':'circuit'}", NULL},
    {"efq_layer", NULL, NULL},
    {"phn_layer", NULL, NULL},
    {"cphn_layer", NULL, NULL},
    {"dhn_layer", NULL, NULL},
    {0},
};

/* One of their gates as ours, appended to the gates or to the observables. */
static int translate_gate(struct translation *t, const json_t *gate, const char *pointer, json_t *gates,
                          json_t *observables, int *n_weights)
{
	static const char *const names[] = {"variational", "encoding", "cnot", "hadamard", "measurement"};
	char from[PLACE_POINTER_SIZE], words[16];
	const char *key = NULL, *axis = "X";
	for (int k = 0; k < 5; k++) {
		json_t *inner = tq42_member(gate, names[k], &key);
		if (inner == NULL || json_object_size(gate) != 1)
			continue;
		tq42_below(from, pointer, key);
		long long wire = json_integer_value(tq42_member(inner, k == 2 ? "wire1" : "wire", NULL));
		json_t *rotation = tq42_member(inner, k == 4 ? "pauli" : "rotation", NULL);
		int rc = rotation != NULL ? tq42_word(t, axes, rotation, from, &axis) : 0;
		if (rc != 0)
			return rc;
		axis = axis != NULL ? axis : "X";
		snprintf(words, sizeof words, "R%s", axis);
		json_t *made = NULL;
		if (k == 0)
			made = json_pack("{s:s, s:[I], s:{s:i}}", "gate", words, "wires", (json_int_t)wire, "angle",
			                 "weight", (*n_weights)++);
		else if (k == 1)
			made = json_pack("{s:s, s:[I], s:{s:I}}", "gate", words, "wires", (json_int_t)wire, "angle",
			                 "feature", json_integer_value(tq42_member(inner, "feature_id", NULL)));
		else if (k == 2)
			made = json_pack("{s:s, s:[I, I]}", "gate", "CNOT", "wires", (json_int_t)wire,
			                 json_integer_value(tq42_member(inner, "wire2", NULL)));
		else if (k == 3)
			made = json_pack("{s:s, s:[I]}", "gate", "H", "wires", (json_int_t)wire);
		if (k < 4) {
			char ours[PLACE_POINTER_SIZE];
			snprintf(ours, sizeof ours, "/gates/%zu", json_array_size(gates));
			tq42_note(t, ours, from);
			return json_array_append_new(gates, made);
		}
		snprintf(words, sizeof words, "%s%lld", axis, wire);
		return json_array_append_new(observables, json_string(words));
	}
	return error_set(t->error, ERR_INVALID, pointer,
	                 "a gate is an object with one of variational, encoding, cnot, hadamard, measurement");
}

static int translate_custom(struct translation *t, const json_t *object, json_t *to, const char *theirs)
{
	const char *key = "gates";
	const json_t *list = tq42_member(object, "gates", &key), *qubits = tq42_member(object, "num_qubits", NULL);
	char pointer[PLACE_POINTER_SIZE], at[PLACE_POINTER_SIZE], number[24];
	tq42_below(pointer, theirs, key);
	if (json_array_size(list) == 0)
		return error_set(t->error, ERR_MISSING, pointer, "a list of gates belongs here");
	json_t *gates = json_array(), *observables = json_array();
	int rc = 0, n_weights = 0;
	for (size_t k = 0; rc == 0 && k < json_array_size(list); k++) {
		snprintf(number, sizeof number, "%zu", k);
		tq42_below(at, pointer, number);
		rc = translate_gate(t, json_array_get(list, k), at, gates, observables, &n_weights);
	}
	if (json_array_size(gates) > 0)
		json_object_set(to, "gates", gates);
	if (json_array_size(observables) > 0)
		json_object_set(to, "observables", observables);
	json_object_set_new(to, "n_qubits",
	                    qubits != NULL ? json_incref((json_t *)(uintptr_t)qubits) : json_integer(4));
	json_decref(gates);
	json_decref(observables);
	return rc;
}

static const struct kind *find_kind(const char *key)
{
	char plain[TQ42_NAME];
	tq42_snake(key, plain);
	const struct kind *kind = kinds;
	while (kind->name != NULL && strcmp(kind->name, plain) != 0)
		kind++;
	return kind->name != NULL ? kind : NULL;
}

static int refuse_layer(struct translation *t, const struct kind *kind, const char *key, const char *pointer)
{
	char list[400] = "";
	for (const struct kind *k = kinds; k->name != NULL; k++)
		if (k->ours != NULL)
			place_add_choice(list, sizeof list, k->name);
	return kind != NULL
	           ? error_set(t->error, ERR_INVALID, pointer,
	                       "a %s is not offered: what it computes is not published; there are %s", kind->name, list)
	           : error_set(t->error, ERR_UNKNOWN_FIELD, pointer, "unknown layer '%.40s'; there are %s", key, list);
}

/* {"qlstm_layer": {...}}, the i-th one. */
int tq42_layer(struct translation *t, const json_t *item, size_t i, json_t *layers, const char *list)
{
	char at[PLACE_POINTER_SIZE], pointer[PLACE_POINTER_SIZE], ours[PLACE_POINTER_SIZE];
	snprintf(at, sizeof at, "%.100s/%zu", list, i);
	if (!json_is_object(item) || json_object_size(item) != 1)
		return error_set(t->error, ERR_WRONG_TYPE, at,
		                 "a layer is an object with one key, such as qlstm_layer");
	const char *key = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)item));
	const json_t *fields = json_object_get(item, key);
	const struct kind *kind = find_kind(key);
	tq42_below(pointer, at, key);
	if (kind == NULL || kind->ours == NULL)
		return refuse_layer(t, kind, key, pointer);
	json_t *layer = tq42_make(kind->ours);
	if (layer == NULL || json_array_append_new(layers, layer) != 0)
		return error_set(t->error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	snprintf(ours, sizeof ours, "/model/layers/%zu", i);
	tq42_note(t, ours, pointer);
	if (kind->rows == NULL)
		return translate_custom(t, fields, layer, pointer);
	int rc = tq42_fields(t, fields, kind->rows, layer, ours, pointer);
	json_t *method = json_object_get(layer, "diff_method"); /* of a layer once, of the whole run since */
	if (method != NULL)
		json_object_set(json_object_get(t->ours, "simulation"), "diff_method", method);
	json_object_del(layer, "diff_method");
	if (rc == 0 && strcmp(kind->name, "pqn_layer") == 0)
		json_object_set(layer, "ansatz", json_object_get(layer, "entangling"));
	return rc;
}

/* What comes out of a layer, given what comes in; -1: not known. A qdi_layer takes n_qubits values before each block,
 * so their number says how many blocks there are. */
long long tq42_fit_width(json_t *layer, long long width)
{
	const char *type = json_string_value(json_object_get(layer, "type"));
	const char *ansatz = json_string_value(json_object_get(layer, "ansatz"));
	long long n = json_integer_value(json_object_get(layer, "num_qubits"));
	const json_t *units = json_object_get(layer, "units"), *hidden = json_object_get(layer, "hidden_size");
	if (units != NULL)
		return json_integer_value(units);
	if (hidden != NULL)
		return json_integer_value(hidden) * (json_is_true(json_object_get(layer, "bidirectional")) ? 2 : 1);
	if (type == NULL || strcmp(type, "quantum") != 0)
		return type != NULL && strcmp(type, "circuit") == 0 ? -1 : width;
	if (ansatz != NULL && strcmp(ansatz, "qdi") == 0 && n > 0 && width > n && width % n == 0)
		json_object_set_new(layer, "num_qlayers", json_integer(width / n));
	return n;
}
