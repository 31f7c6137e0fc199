/* From TQ42's training requests to ours, by tables: one row a field. */
#include "schema/tq42.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/place.h"

enum { MAX_PLACES = 400, NAME = 48 };

/* Words of an enum of theirs, the first one being number 1, and ours; the last row has neither. */
struct word {
	const char *theirs, *ours;
};

/* A field: their names, the first one proper; where it goes in our object, NULL: nowhere; a second or third alias NULL.
 */
struct row {
	const char *names[4];
	const char *to;
	const struct word *words; /* NULL: the value passes as it is */
};

static const struct word functions[] = {{"relu", "relu"}, {"leakyrelu", "leaky_relu"}, {"sigmoid", "sigmoid"}, {0}};
static const struct word axes[] = {{"x", "X"}, {"y", "Y"}, {"z", "Z"}, {0}};
static const struct word entanglings[] = {{"basic", "basic"}, {"strong", "strong"}, {0}};
static const struct word modes[] = {{"even", "even"}, {"single", "single"}, {"none", "all"}, {0}};
static const struct word optims[] = {{"adam", "adam"}, {"adamw", "adamw"}, {"sgd", "sgd"}, {0}};
static const struct word losses[] = {
    {"mse", "mse"}, {"mae", "mae"}, {"bce", "bce"}, {"crossentropy", "cross_entropy"}, {0}};
static const struct word models[] = {{"mlp", "mlp"}, {"rnn", "rnn"}, {0}};
static const struct word methods[] = {{"adjoint", "adjoint"}, {"parametershift", "parameter_shift"}, {0}};

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
                                   {{"diff_method"}, NULL, methods},
                                   {{NULL}, NULL, NULL}};
static const struct row circuit[] = {{{"num_qubits", "n_qubits"}, "num_qubits", NULL},
                                     {{"depth"}, "depth", NULL},
                                     {{"measurement_mode"}, "measurement_mode", modes},
                                     {{"rotation"}, "rotation", axes},
                                     {{"entangling"}, "entangling", entanglings},
                                     {{"measure"}, "measure", axes},
                                     {{"diff_method"}, NULL, methods},
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

/* A translation under way, and where its parts came from. */
struct translation {
	json_t *ours;
	struct qlstm_error *error;
	struct {
		char ours[PLACE_POINTER_SIZE], theirs[PLACE_POINTER_SIZE];
	} places[MAX_PLACES];
	int n_places;
};

static void note(struct translation *t, const char *ours, const char *theirs)
{
	if (t->n_places == MAX_PLACES)
		return;
	snprintf(t->places[t->n_places].ours, PLACE_POINTER_SIZE, "%s", ours);
	snprintf(t->places[t->n_places++].theirs, PLACE_POINTER_SIZE, "%s", theirs);
}

/* "numQubits" -> "num_qubits". */
static void snake(const char *name, char out[NAME])
{
	size_t used = 0;
	for (; *name != '\0' && used + 2 < NAME; name++) {
		if (isupper((unsigned char)*name) && used > 0)
			out[used++] = '_';
		out[used++] = (char)tolower((unsigned char)*name);
	}
	out[used] = '\0';
}

/* The member of that name, in either spelling; *key: as it is written there, when it is there. */
static json_t *member(const json_t *object, const char *name, const char **key)
{
	const char *written;
	json_t *value;
	char plain[NAME];
	json_object_foreach((json_t *)(uintptr_t)object, written, value)
	{
		snake(written, plain);
		if (strcmp(plain, name) == 0 || strcmp(written, name) == 0) {
			if (key != NULL)
				*key = written;
			return value;
		}
	}
	return NULL;
}

static void below(char out[PLACE_POINTER_SIZE], const char *pointer, const char *key)
{
	out[0] = '\0';
	place_add(out, PLACE_POINTER_SIZE, pointer);
	place_add_token(out, PLACE_POINTER_SIZE, key);
}

/* An enum by its name, in any case and with or without - and _ and what stands before it, or by its number. *ours NULL:
 * unspecified. */
static int read_word(struct translation *t, const struct word *words, const json_t *value, const char *pointer,
                     const char **ours)
{
	char plain[NAME] = "", list[PLACE_LIST_SIZE] = "", given[PLACE_VALUE_SIZE];
	size_t used = 0;
	for (const char *c = json_string_value(value); c != NULL && *c != '\0' && used + 1 < NAME; c++)
		if (isalnum((unsigned char)*c))
			plain[used++] = (char)tolower((unsigned char)*c);
	*ours = NULL;
	for (int k = 0; words[k].theirs != NULL; k++) {
		size_t length = strlen(words[k].theirs);
		bool same = length <= used && strcmp(plain + used - length, words[k].theirs) == 0 &&
		            (length == used || length > 1);
		if (same || (json_is_integer(value) && json_integer_value(value) == k + 1)) {
			*ours = words[k].ours;
			if (length == used || !same)
				return 0;
		}
		place_add_choice(list, sizeof list, words[k].theirs);
	}
	if (*ours != NULL || (json_is_integer(value) && json_integer_value(value) == 0))
		return 0;
	place_value(value, given);
	return error_set(t->error, json_is_string(value) || json_is_integer(value) ? ERR_INVALID : ERR_WRONG_TYPE,
	                 pointer, "%s is not known; allowed are %s, or their numbers from 1", given, list);
}

static const struct row *find_row(const struct row *rows, const char *key)
{
	char plain[NAME];
	snake(key, plain);
	for (; rows->names[0] != NULL; rows++)
		for (int k = 0; k < 4 && rows->names[k] != NULL; k++)
			if (strcmp(rows->names[k], plain) == 0 || strcmp(rows->names[k], key) == 0)
				return rows;
	return NULL;
}

static int refuse_unknown(struct translation *t, const struct row *rows, const char *key, const char *pointer)
{
	const char *names[32];
	size_t n = 0;
	for (; rows->names[0] != NULL && n < 32; rows++)
		names[n++] = rows->names[0];
	const char *near = error_nearest(key, names, n);
	return error_set(t->error, ERR_UNKNOWN_FIELD, pointer, "unknown field '%.40s'%s%s%s", key,
	                 near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

/* The fields of `object` into `to`, which stands at `ours` in the translation. */
static int translate(struct translation *t, const json_t *object, const struct row *rows, json_t *to, const char *ours,
                     const char *theirs)
{
	const char *key;
	json_t *value;
	if (!json_is_object(object))
		return error_set(t->error, ERR_WRONG_TYPE, theirs, "an object belongs here");
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		char at[PLACE_POINTER_SIZE], from[PLACE_POINTER_SIZE];
		const struct row *row = find_row(rows, key);
		const char *word = NULL;
		below(from, theirs, key);
		if (row == NULL)
			return refuse_unknown(t, rows, key, from);
		int rc = row->words != NULL ? read_word(t, row->words, value, from, &word) : 0;
		if (rc != 0)
			return rc;
		if (row->to == NULL || (row->words != NULL && word == NULL))
			continue;
		below(at, ours, row->to);
		note(t, at, from);
		if (json_object_set_new(to, row->to, word != NULL ? json_string(word) : json_incref(value)) != 0)
			return error_set(t->error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	}
	return 0;
}

static json_t *make(const char *text)
{
	char json[256];
	snprintf(json, sizeof json, "%s", text);
	for (char *c = json; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	return json_loads(json, 0, NULL);
}

/* One of their gates as ours, appended to the gates or to the observables. */
static int translate_gate(struct translation *t, const json_t *gate, const char *pointer, json_t *gates,
                          json_t *observables, int *n_weights)
{
	static const char *const names[] = {"variational", "encoding", "cnot", "hadamard", "measurement"};
	char from[PLACE_POINTER_SIZE], words[16];
	const char *key = NULL, *axis = "X";
	for (int k = 0; k < 5; k++) {
		json_t *inner = member(gate, names[k], &key);
		if (inner == NULL || json_object_size(gate) != 1)
			continue;
		below(from, pointer, key);
		long long wire = json_integer_value(member(inner, k == 2 ? "wire1" : "wire", NULL));
		json_t *rotation = member(inner, k == 4 ? "pauli" : "rotation", NULL);
		int rc = rotation != NULL ? read_word(t, axes, rotation, from, &axis) : 0;
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
			                 "feature", json_integer_value(member(inner, "feature_id", NULL)));
		else if (k == 2)
			made = json_pack("{s:s, s:[I, I]}", "gate", "CNOT", "wires", (json_int_t)wire,
			                 json_integer_value(member(inner, "wire2", NULL)));
		else if (k == 3)
			made = json_pack("{s:s, s:[I]}", "gate", "H", "wires", (json_int_t)wire);
		if (k < 4) {
			char ours[PLACE_POINTER_SIZE];
			snprintf(ours, sizeof ours, "/gates/%zu", json_array_size(gates));
			note(t, ours, from);
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
	const json_t *list = member(object, "gates", &key), *qubits = member(object, "num_qubits", NULL);
	char pointer[PLACE_POINTER_SIZE], at[PLACE_POINTER_SIZE], number[24];
	below(pointer, theirs, key);
	if (json_array_size(list) == 0)
		return error_set(t->error, ERR_MISSING, pointer, "a list of gates belongs here");
	json_t *gates = json_array(), *observables = json_array();
	int rc = 0, n_weights = 0;
	for (size_t k = 0; rc == 0 && k < json_array_size(list); k++) {
		snprintf(number, sizeof number, "%zu", k);
		below(at, pointer, number);
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
	char plain[NAME];
	snake(key, plain);
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
	           ? error_set(t->error, ERR_INVALID, pointer, "a %s is not offered here; there are %s", kind->name,
	                       list)
	           : error_set(t->error, ERR_UNKNOWN_FIELD, pointer, "unknown layer '%.40s'; there are %s", key, list);
}

/* {"qlstm_layer": {...}}, the i-th one. */
static int translate_layer(struct translation *t, const json_t *item, size_t i, json_t *layers, const char *list)
{
	char at[PLACE_POINTER_SIZE], pointer[PLACE_POINTER_SIZE], ours[PLACE_POINTER_SIZE];
	snprintf(at, sizeof at, "%.100s/%zu", list, i);
	if (!json_is_object(item) || json_object_size(item) != 1)
		return error_set(t->error, ERR_WRONG_TYPE, at,
		                 "a layer is an object with one key, such as qlstm_layer");
	const char *key = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)item));
	const json_t *fields = json_object_get(item, key);
	const struct kind *kind = find_kind(key);
	below(pointer, at, key);
	if (kind == NULL || kind->ours == NULL)
		return refuse_layer(t, kind, key, pointer);
	json_t *layer = make(kind->ours);
	if (layer == NULL || json_array_append_new(layers, layer) != 0)
		return error_set(t->error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	snprintf(ours, sizeof ours, "/model/layers/%zu", i);
	note(t, ours, pointer);
	if (kind->rows == NULL)
		return translate_custom(t, fields, layer, pointer);
	int rc = translate(t, fields, kind->rows, layer, ours, pointer);
	if (rc == 0 && strcmp(kind->name, "pqn_layer") == 0)
		json_object_set(layer, "ansatz", json_object_get(layer, "entangling"));
	return rc;
}

/* What comes out of a layer, given what comes in; -1: not known. A qdi_layer takes n_qubits values before each block,
 * so their number says how many blocks there are. */
static long long fit_width(json_t *layer, long long width)
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

static const struct row columns[] = {{{"input_columns"}, "inputs", NULL},
                                     {{"output_columns"}, "targets", NULL},
                                     {{"timestamp_columns"}, NULL, NULL},
                                     {{NULL}, NULL, NULL}};
static const struct row about[] = {{{"name"}, "name", NULL}, {{"description"}, "notes", NULL}, {{NULL}, NULL, NULL}};
static const struct row general[] = {{{"model_type"}, "model_type", models},
                                     {{"layers"}, NULL, NULL},
                                     {{"num_epochs", "epochs"}, "num_epochs", NULL},
                                     {{"batch_size"}, "batch_size", NULL},
                                     {{"learning_rate"}, "learning_rate", NULL},
                                     {{"optim"}, "optim", optims},
                                     {{"loss_func"}, "loss", losses},
                                     {{"k_fold"}, "k_fold", NULL},
                                     {{"diff_method"}, NULL, methods},
                                     {{"train_model_info"}, NULL, NULL},
                                     {{"data_processing_parameters"}, NULL, NULL},
                                     {{"input_width"}, "window", NULL},
                                     {{"label_width"}, "label_width", NULL},
                                     {{"hidden_size"}, "hidden_size", NULL},
                                     {{"num_qubits", "n_qubits"}, "num_qubits", NULL},
                                     {{"depth"}, "depth", NULL},
                                     {{"n_qlayers", "num_qlayers", "nqlayers"}, "num_qlayers", NULL},
                                     {{"dropout_coef"}, "p", NULL},
                                     {{"time_column"}, NULL, NULL},
                                     {{"target_column"}, "target", NULL},
                                     {{NULL}, NULL, NULL}};

/* Where the flat fields go; of the layers of a packaged forecaster, too. */
static const struct {
	const char *name, *to;
} places[] = {{"num_epochs", "/training/num_epochs"},
              {"batch_size", "/training/batch_size"},
              {"learning_rate", "/training/optimizer/learning_rate"},
              {"optim", "/training/optimizer/type"},
              {"loss", "/training/loss"},
              {"window", "/data/window"},
              {"hidden_size", "/model/layers/0/hidden_size"},
              {"num_qubits", "/model/layers/0/num_qubits"},
              {"depth", "/model/layers/0/depth"},
              {"num_qlayers", "/model/layers/0/num_qlayers"},
              {"p", "/model/layers/1/p"}};

/* Moves a flat field to its place; the objects on its way are there. */
static void put(json_t *spec, const char *to, json_t *value)
{
	char key[NAME];
	for (to++; strchr(to, '/') != NULL; to += strcspn(to, "/") + 1) {
		snprintf(key, sizeof key, "%.*s", (int)strcspn(to, "/"), to);
		spec = json_is_array(spec) ? json_array_get(spec, (size_t)strtoul(key, NULL, 10))
		                           : json_object_get(spec, key);
	}
	json_object_set(spec, to, value);
}

static void place_fields(struct translation *t, const json_t *flat)
{
	for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
		char from[PLACE_POINTER_SIZE];
		json_t *value = json_object_get(flat, places[k].name);
		if (value == NULL)
			continue;
		put(t->ours, places[k].to, value);
		snprintf(from, sizeof from, "/flat/%s", places[k].name);
		for (int i = 0, n = t->n_places; i < n; i++)
			if (strcmp(t->places[i].ours, from) == 0)
				note(t, places[k].to, t->places[i].theirs);
	}
}

/* TS_HQLSTM_TRAIN. */
static int translate_forecaster(struct translation *t, const json_t *flat, const char *pointer)
{
	json_t *model = make("{'layers':[{'type':'qlstm','hidden_size':17,'num_qubits':8,'depth':7,'num_qlayers':3},"
	                     "{'type':'dropout','p':0.24},{'type':'dense'}]}");
	const json_t *target = json_object_get(flat, "target"), *width = json_object_get(flat, "label_width");
	char at[PLACE_POINTER_SIZE];
	if (width != NULL && json_integer_value(width) != 1) {
		below(at, pointer, "label_width");
		json_decref(model);
		return error_set(t->error, ERR_OUT_OF_RANGE, at, "one value is predicted at a time: label_width is 1");
	}
	json_object_set_new(t->ours, "model", model);
	json_t *data = json_object_get(t->ours, "data");
	json_object_set_new(data, "window", json_integer(24));
	below(at, pointer, "target_column");
	note(t, "/data/targets", at);
	return json_object_set_new(data, "targets",
	                           target != NULL ? json_pack("[O]", target) : json_pack("[s]", "Power, kW"));
}

/* BCE and CROSSENTROPY are losses of classes. */
static void choose_task(json_t *spec, json_t *flat, json_t *layers)
{
	const char *loss = json_string_value(json_object_get(flat, "loss"));
	json_t *data = json_object_get(spec, "data"), *last = json_array_get(layers, json_array_size(layers) - 1);
	bool binary = loss != NULL && strcmp(loss, "bce") == 0;
	const char *model = json_string_value(json_object_get(flat, "model_type"));
	bool classes = binary || (loss != NULL && strcmp(loss, "cross_entropy") == 0);
	json_object_set_new(data, "task", json_string(classes ? "classification" : "regression"));
	if (model == NULL || strcmp(model, "mlp") == 0)
		json_object_set_new(data, "steps", json_integer(1));
	if (!classes)
		return;
	json_int_t units = json_integer_value(json_object_get(last, "units"));
	json_object_set_new(data, "classes", json_integer(binary || units < 2 ? 2 : units));
	json_object_set_new(flat, "loss", json_string("cross_entropy"));
	if (binary)
		json_object_del(last, "units");
}

static int translate_generic(struct translation *t, const json_t *parameters, json_t *flat, const char *pointer)
{
	const char *key = "layers";
	char list[PLACE_POINTER_SIZE];
	const json_t *theirs = member(parameters, "layers", &key);
	below(list, pointer, key);
	if (!json_is_array(theirs) || json_array_size(theirs) == 0)
		return error_set(t->error, theirs == NULL ? ERR_MISSING : ERR_WRONG_TYPE, list,
		                 "a list of layers belongs here");
	note(t, "/model/layers", list);
	json_t *layers = json_array();
	json_object_set_new(t->ours, "model", json_pack("{s:o}", "layers", layers));
	json_t *data = json_object_get(t->ours, "data");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < json_array_size(theirs); i++)
		rc = translate_layer(t, json_array_get(theirs, i), i, layers, list);
	key = "data_processing_parameters";
	const json_t *processing = member(parameters, key, &key);
	below(list, pointer, key);
	if (rc == 0 && processing != NULL && !json_is_null(processing))
		rc = translate(t, processing, columns, data, "/data", list);
	if (rc != 0)
		return rc;
	choose_task(t->ours, flat, layers);
	size_t inputs = json_array_size(json_object_get(data, "inputs"));
	long long width = json_object_get(data, "steps") != NULL ? inputs > 0 ? (long long)inputs : -1 : 1;
	for (size_t i = 0; i < json_array_size(layers); i++)
		width = fit_width(json_array_get(layers, i), width);
	return 0;
}

/* inputs.data.storage_id */
static int translate_storage(struct translation *t, const json_t *request)
{
	const json_t *data = member(member(request, "inputs", NULL), "data", NULL);
	const char *key = "storage_id";
	json_t *id = member(data, "storage_id", &key);
	char from[PLACE_POINTER_SIZE];
	below(from, "/inputs/data", key);
	note(t, "/data/dataset", from);
	if (id == NULL)
		return error_set(t->error, ERR_MISSING, from, "the data set is missing: its name or id");
	return json_object_set(json_object_get(t->ours, "data"), "dataset", id);
}

static int translate_parameters(struct translation *t, const json_t *parameters, const char *pointer)
{
	json_t *flat = json_object();
	const char *key = "train_model_info";
	char at[PLACE_POINTER_SIZE];
	int rc = translate(t, parameters, general, flat, "/flat", pointer);
	const json_t *info = rc == 0 ? member(parameters, "train_model_info", &key) : NULL;
	below(at, pointer, key);
	if (info != NULL && !json_is_null(info))
		rc = translate(t, info, about, t->ours, "", at);
	const json_t *folds = json_object_get(flat, "k_fold");
	below(at, pointer, "k_fold");
	if (rc == 0 && folds != NULL && json_integer_value(folds) != 1)
		rc = error_set(t->error, ERR_OUT_OF_RANGE, at,
		               "k_fold is 1 here: one part for training, one for the test");
	bool forecaster = json_object_get(flat, "window") != NULL || json_object_get(flat, "target") != NULL;
	if (rc == 0)
		rc = forecaster ? translate_forecaster(t, flat, pointer)
		                : translate_generic(t, parameters, flat, pointer);
	if (rc == 0)
		place_fields(t, flat);
	json_decref(flat);
	return rc;
}

static int run(struct translation *t, const json_t *request)
{
	static const struct row whole[] = {{{"parameters"}, NULL, NULL},
	                                   {{"inputs"}, NULL, NULL},
	                                   {{"project"}, "project", NULL},
	                                   {{"tags"}, "tags", NULL},
	                                   {{NULL}, NULL, NULL}};
	t->ours = make("{'data':{'scaling':'max'},'training':{'num_epochs':20,'batch_size':128,"
	               "'optimizer':{'type':'adam','learning_rate':0.001}}}");
	if (t->ours == NULL)
		return error_set(t->error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	int rc = translate(t, request, whole, t->ours, "", "");
	if (rc == 0)
		rc = translate_storage(t, request);
	const char *key = "parameters";
	const json_t *parameters = member(request, "parameters", &key);
	return rc == 0 ? translate_parameters(t, parameters, "/parameters") : rc;
}

bool tq42_is(const json_t *request)
{
	return json_object_get(request, "parameters") != NULL;
}

int tq42_translate(const json_t *request, json_t **out, struct qlstm_error *error)
{
	struct translation *t = calloc(1, sizeof *t);
	if (t == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	t->error = error;
	int rc = run(t, request);
	*out = rc == 0 ? json_incref(t->ours) : NULL;
	json_decref(t->ours);
	free(t);
	return rc;
}

/* The longest pointer of ours that begins the error's. */
static int find_place(const struct translation *t, const char *pointer)
{
	int best = -1;
	size_t longest = 0;
	for (int k = 0; k < t->n_places; k++) {
		size_t length = strlen(t->places[k].ours);
		bool begins = strncmp(pointer, t->places[k].ours, length) == 0 &&
		              (pointer[length] == '\0' || pointer[length] == '/');
		if (begins && length >= longest) {
			best = k;
			longest = length;
		}
	}
	return best;
}

void tq42_locate(const json_t *request, struct qlstm_error *error)
{
	struct translation *t = error != NULL ? calloc(1, sizeof *t) : NULL;
	if (t == NULL)
		return;
	int k = run(t, request) == 0 ? find_place(t, error->pointer) : -1;
	if (k >= 0) {
		char rest[PLACE_POINTER_SIZE];
		size_t length = strlen(t->places[k].ours);
		/* What stands below a field of theirs has their name only where it is an item of a list. */
		bool item = isdigit((unsigned char)error->pointer[length + (error->pointer[length] == '/')]);
		snprintf(rest, sizeof rest, "%s", item ? error->pointer + length : "");
		snprintf(error->pointer, sizeof error->pointer, "%s", t->places[k].theirs);
		place_add(error->pointer, sizeof error->pointer, rest);
	}
	json_decref(t->ours);
	free(t);
}
