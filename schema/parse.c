/* From a resolved spec to the engine's structs, by one table: a new hyperparameter is one row here and one property in
 * experiment.schema.json. */
#include "schema/spec.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "schema/layers.h"

struct field {
	const char *part; /* way to the object it stands in, "" for the spec itself or the layer */
	const char *name;
	void (*store)(void *at, const json_t *value, const struct field *field);
	size_t offset, size;       /* of the struct member */
	const char *const *values; /* of an enum, in the order of the enumerators; NULL at the end */
};

static void store_int(void *at, const json_t *value, const struct field *field)
{
	(void)field;
	*(int *)at = (int)json_integer_value(value);
}

static void store_u64(void *at, const json_t *value, const struct field *field)
{
	(void)field;
	*(uint64_t *)at = (uint64_t)json_integer_value(value);
}

static void store_double(void *at, const json_t *value, const struct field *field)
{
	(void)field;
	*(double *)at = json_number_value(value);
}

static void store_bool(void *at, const json_t *value, const struct field *field)
{
	(void)field;
	*(bool *)at = json_is_true(value);
}

static void store_text(void *at, const json_t *value, const struct field *field)
{
	const char *text = json_string_value(value);
	snprintf(at, field->size, "%s", text != NULL ? text : "");
}

/* Enums of the engine are as wide as int; the table's macro checks it. */
static void store_enum(void *at, const json_t *value, const struct field *field)
{
	const char *text = json_string_value(value);
	for (int i = 0; text != NULL && field->values[i] != NULL; i++)
		if (strcmp(field->values[i], text) == 0)
			memcpy(at, &i, sizeof i);
}

static const char *const scalings[] = {
    [SCALING_NONE] = "none", [SCALING_MINMAX] = "minmax", [SCALING_STANDARD] = "standard", NULL};
static const char *const scaling_fits[] = {[SCALING_FIT_TRAIN] = "train", [SCALING_FIT_ALL] = "all", NULL};
static const char *const paulis[] = {[PAULI_X] = "X", [PAULI_Y] = "Y", [PAULI_Z] = "Z", NULL};
static const char *const entanglings[] = {[ENTANGLING_BASIC] = "basic", [ENTANGLING_STRONG] = "strong", NULL};
static const char *const angle_inits[] = {[ANGLE_INIT_NORMAL] = "normal", [ANGLE_INIT_UNIFORM] = "uniform", NULL};
static const char *const precisions[] = {[PRECISION_FLOAT64] = "float64", [PRECISION_FLOAT32] = "float32", NULL};

static_assert(sizeof(enum scaling) == sizeof(int) && sizeof(enum pauli) == sizeof(int), "enums are not ints");

#define SIZE(type, member) sizeof(((type *)0)->member)
#define ROW(type, part, name, store, member, values)                                                                   \
	{                                                                                                              \
		part, name, store, offsetof(type, member), SIZE(type, member), values                                  \
	}
#define SPEC(part, name, store, member, values) ROW(struct spec, part, name, store, member, values)
#define LAYER(name, store, member, values)      ROW(struct layer_config, "", name, store, member, values)

static const struct field spec_fields[] = {
    SPEC("", "name", store_text, name, NULL),
    SPEC("data", "dataset", store_text, dataset, NULL),
    SPEC("data", "window", store_int, windows.window, NULL),
    SPEC("data", "horizon", store_int, windows.horizon, NULL),
    SPEC("data", "scaling", store_enum, windows.scaling, scalings),
    SPEC("data", "scaling_fit", store_enum, windows.scaling_fit, scaling_fits),
    SPEC("data", "drop_last_window", store_bool, windows.drop_last, NULL),
    SPEC("data/split", "train", store_double, windows.train_fraction, NULL),
    SPEC("training", "epochs", store_int, training.epochs, NULL),
    SPEC("training", "batch_size", store_int, training.batch_size, NULL),
    SPEC("training", "shuffle", store_bool, training.shuffle, NULL),
    SPEC("training", "loss", store_text, training.loss, NULL),
    SPEC("training/optimizer", "type", store_text, training.optimizer.type, NULL),
    SPEC("training/optimizer", "learning_rate", store_double, training.optimizer.learning_rate, NULL),
    SPEC("training/optimizer", "momentum", store_double, training.optimizer.momentum, NULL),
    SPEC("training/optimizer", "alpha", store_double, training.optimizer.alpha, NULL),
    SPEC("training/optimizer", "beta1", store_double, training.optimizer.beta1, NULL),
    SPEC("training/optimizer", "beta2", store_double, training.optimizer.beta2, NULL),
    SPEC("training/optimizer", "epsilon", store_double, training.optimizer.epsilon, NULL),
    SPEC("training/optimizer", "weight_decay", store_double, training.optimizer.weight_decay, NULL),
    SPEC("training", "clip_norm", store_double, training.clip_norm, NULL),
    SPEC("training", "seed", store_u64, training.seed, NULL),
    SPEC("simulation", "precision", store_enum, model.precision, precisions),
    SPEC("simulation", "plan", store_text, model.plan, NULL),
    SPEC("limits", "max_seconds", store_double, max_seconds, NULL),
    SPEC("limits", "max_attempts", store_int, max_attempts, NULL),
};

static const struct field layer_fields[] = {
    LAYER("type", store_text, type, NULL),
    LAYER("variant", store_text, variant, NULL),
    LAYER("ansatz", store_text, ansatz, NULL),
    LAYER("hidden_size", store_int, hidden_size, NULL),
    LAYER("units", store_int, units, NULL),
    LAYER("bias", store_bool, bias, NULL),
    LAYER("n_qubits", store_int, n_qubits, NULL),
    LAYER("n_qlayers", store_int, n_qlayers, NULL),
    LAYER("depth", store_int, depth, NULL),
    LAYER("hadamard", store_bool, hadamard, NULL),
    LAYER("rotation", store_enum, rotation, paulis),
    LAYER("measure", store_enum, measure, paulis),
    LAYER("entangling", store_enum, entangling, entanglings),
    LAYER("angle_init", store_enum, angle_init, angle_inits),
    LAYER("inversward", store_bool, inversward, NULL),
    LAYER("bidirectional", store_bool, bidirectional, NULL),
};

/* The object at "training/optimizer"; borrowed, NULL when absent. */
static const json_t *find_part(const json_t *object, const char *part)
{
	while (*part != '\0') {
		size_t length = strcspn(part, "/");
		object = json_object_getn(object, part, length);
		part += length + (part[length] == '/');
	}
	return object;
}

/* Absent fields keep their zero. */
static void store_fields(void *base, const struct field *fields, size_t n, const json_t *object)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *value = json_object_get(find_part(object, fields[i].part), fields[i].name);
		if (value != NULL)
			fields[i].store((char *)base + fields[i].offset, value, &fields[i]);
	}
}

static int parse_layers(const json_t *layers, struct model_config *model, struct qlstm_error *error)
{
	size_t n = json_array_size(layers);
	if (n > MODEL_MAX_LAYERS)
		return error_set(error, ERR_OUT_OF_RANGE, "/model/layers", "layers has %zu items; allowed are 1 to %d",
		                 n, MODEL_MAX_LAYERS);
	for (size_t i = 0; i < n; i++)
		store_fields(&model->layers[i], layer_fields, sizeof layer_fields / sizeof layer_fields[0],
		             json_array_get(layers, i));
	model->n_layers = (int)n;
	return 0;
}

/* Without columns the spec will be bound to one. */
static int count_columns(const json_t *data, const char *key, int *count, struct qlstm_error *error)
{
	size_t n = json_array_size(json_object_get(data, key));
	if (n > WINDOWS_MAX_COLUMNS) {
		char pointer[32];
		snprintf(pointer, sizeof pointer, "/data/%s", key);
		return error_set(error, ERR_OUT_OF_RANGE, pointer, "%s has %zu items; allowed are 1 to %d", key, n,
		                 WINDOWS_MAX_COLUMNS);
	}
	*count = n == 0 ? 1 : (int)n;
	return 0;
}

int spec_parse(const json_t *resolved, struct spec *out, struct qlstm_error *error)
{
	const json_t *data = json_object_get(resolved, "data");
	memset(out, 0, sizeof *out);
	store_fields(out, spec_fields, sizeof spec_fields / sizeof spec_fields[0], resolved);
	int rc = count_columns(data, "inputs", &out->windows.n_inputs, error);
	if (rc == 0)
		rc = count_columns(data, "targets", &out->windows.n_targets, error);
	if (rc == 0)
		rc = parse_layers(json_object_get(json_object_get(resolved, "model"), "layers"), &out->model, error);
	if (rc != 0)
		return rc;
	out->batch_first = json_is_true(json_object_get(layers_recurrent(resolved), "batch_first"));
	out->model.n_inputs = out->windows.n_inputs;
	out->model.n_outputs = out->windows.n_targets;
	out->model.batch = out->training.batch_size;
	rc = model_check(&out->model, error);
	if (rc != 0)
		error_prefix(error, "/model");
	return rc;
}
