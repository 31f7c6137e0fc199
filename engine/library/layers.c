/* From a layer of qlstm.h to the engine's configuration: one table of fields for each type. A field that is set but
 * does not belong to the type is refused: an lstm with n_qubits is a mistake of somebody who meant qlstm. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine/library/library.h"
#include "engine/nn/layer_names.h"

enum store { STORE_INT, STORE_FLAG, STORE_REAL, STORE_TEXT, STORE_NAME };

struct field {
	const char *name;
	enum store store;
	size_t from, to, size;    /* offsets; the size is that of the engine's member */
	const char *const *names; /* STORE_NAME: of the enum, in the order of its enumerators */
};

static_assert(sizeof(enum pauli) == sizeof(int) && sizeof(enum entangling) == sizeof(int) &&
                  sizeof(enum angle_init) == sizeof(int) && sizeof(enum rnn_nonlinearity) == sizeof(int) &&
                  sizeof(enum measurement) == sizeof(int) && sizeof(enum encoder) == sizeof(int) &&
                  sizeof(enum hqrnn_controller) == sizeof(int) && sizeof(enum hybrid_rotations) == sizeof(int) &&
                  sizeof(enum hybrid_entangler) == sizeof(int) && sizeof(enum hybrid_readouts) == sizeof(int) &&
                  sizeof(enum hqrnn_squash) == sizeof(int) && sizeof(enum hqrnn_initial_state) == sizeof(int) &&
                  sizeof(enum hqrnn_reading) == sizeof(int) && sizeof(enum attention_score) == sizeof(int),
              "enums are not ints");

#define FIELD(store, member, target, names)                                                                            \
	{                                                                                                              \
#member, store, offsetof(struct qlstm_layer, member), offsetof(struct layer_config, target),           \
		    sizeof(((struct layer_config *)0)->target), names                                                  \
	}
#define RECURRENT                                                                                                      \
	FIELD(STORE_INT, hidden_size, recurrent.hidden_size, NULL),                                                    \
	    FIELD(STORE_FLAG, inversward, recurrent.inversward, NULL),                                                 \
	    FIELD(STORE_FLAG, bidirectional, recurrent.bidirectional, NULL)
/* `type` is the member of layer_config. */
#define CIRCUIT(type)                                                                                                  \
	FIELD(STORE_TEXT, ansatz, type.circuit.ansatz, NULL), FIELD(STORE_INT, n_qubits, type.circuit.n_qubits, NULL), \
	    FIELD(STORE_INT, n_qlayers, type.circuit.n_qlayers, NULL),                                                 \
	    FIELD(STORE_INT, depth, type.circuit.depth, NULL),                                                         \
	    FIELD(STORE_FLAG, hadamard, type.circuit.hadamard, NULL),                                                  \
	    FIELD(STORE_NAME, rotation, type.circuit.rotation, pauli_names),                                           \
	    FIELD(STORE_NAME, measure, type.circuit.measure, pauli_names),                                             \
	    FIELD(STORE_NAME, entangling, type.circuit.entangling, entangling_names),                                  \
	    FIELD(STORE_NAME, angle_init, type.circuit.angle_init, angle_init_names)

static const struct field qlstm[] = {RECURRENT, FIELD(STORE_TEXT, variant, qlstm.variant, NULL), CIRCUIT(qlstm)};
static const struct field qgru[] = {RECURRENT, FIELD(STORE_TEXT, variant, qgru.variant, NULL), CIRCUIT(qgru)};
static const struct field lstm[] = {RECURRENT};
static const struct field gru[] = {RECURRENT};
static const struct field rnn[] = {RECURRENT, FIELD(STORE_NAME, nonlinearity, rnn.nonlinearity, nonlinearity_names)};
static const struct field hqrnn[] = {FIELD(STORE_INT, n_qubits, hqrnn.n_qubits, NULL),
                                     FIELD(STORE_INT, depth, hqrnn.depth, NULL),
                                     FIELD(STORE_INT, hidden_size, hqrnn.hidden_size, NULL),
                                     FIELD(STORE_NAME, controller, hqrnn.controller, controller_names),
                                     FIELD(STORE_NAME, rotations, hqrnn.rotations, rotations_names),
                                     FIELD(STORE_NAME, entangler, hqrnn.entangler, entangler_names),
                                     FIELD(STORE_NAME, readouts, hqrnn.readouts, readouts_names),
                                     FIELD(STORE_NAME, squash, hqrnn.squash, squash_names),
                                     FIELD(STORE_NAME, initial_state, hqrnn.initial_state, initial_state_names),
                                     FIELD(STORE_NAME, reading, hqrnn.reading, reading_names),
                                     FIELD(STORE_REAL, dropout_p, hqrnn.dropout, NULL)};
static const struct field quantum[] = {CIRCUIT(quantum), FIELD(STORE_NAME, encoder, quantum.encoder, encoder_names),
                                       FIELD(STORE_NAME, measurement, quantum.measurement, measurement_names)};
static const struct field dense[] = {FIELD(STORE_INT, units, dense.units, NULL),
                                     FIELD(STORE_FLAG, bias, dense.bias, NULL)};
static const struct field dropout[] = {FIELD(STORE_REAL, p, dropout.p, NULL)};
static const struct field activation[] = {FIELD(STORE_TEXT, function, activation.function, NULL),
                                          FIELD(STORE_REAL, negative_slope, activation.negative_slope, NULL),
                                          FIELD(STORE_REAL, alpha, activation.alpha, NULL)};
static const struct field embedding[] = {FIELD(STORE_INT, classes, embedding.classes, NULL),
                                         FIELD(STORE_INT, dimension, embedding.dimension, NULL)};
static const struct field batch_norm[] = {FIELD(STORE_REAL, momentum, norm.momentum, NULL),
                                          FIELD(STORE_REAL, epsilon, norm.epsilon, NULL)};
static const struct field layer_norm[] = {FIELD(STORE_REAL, epsilon, norm.epsilon, NULL)};
static const struct field attention[] = {FIELD(STORE_NAME, score, attention.score, attention_names),
                                         FIELD(STORE_INT, units, attention.units, NULL)};

#define TYPE(name)                                                                                                     \
	{                                                                                                              \
#name, name, sizeof name / sizeof name[0]                                                              \
	}

static const struct type {
	const char *name;
	const struct field *fields;
	size_t n;
} types[] = {
    TYPE(qlstm), TYPE(qgru),    TYPE(hqrnn),      TYPE(lstm),      TYPE(gru),        TYPE(rnn),        TYPE(quantum),
    TYPE(dense), TYPE(dropout), TYPE(activation), TYPE(embedding), TYPE(batch_norm), TYPE(layer_norm), TYPE(attention),
};

/* Far above what is of use, and far below what the engine's arithmetic in int could not take. */
#define INT_MOST 65536

enum { N_TYPES = sizeof types / sizeof types[0] };

static bool is_set(const struct qlstm_layer *layer, const struct field *field)
{
	const void *at = (const char *)layer + field->from;
	switch (field->store) {
	case STORE_INT:
		return *(const int *)at != 0;
	case STORE_FLAG:
		return *(const bool *)at;
	case STORE_REAL:
		return *(const double *)at != 0.0;
	default:
		return *(const char *const *)at != NULL;
	}
}

/* Circuits that the papers fix read neither the rotation nor the entangling; only qdi reads the latter. */
static bool may_be_absent(const struct qlstm_layer *layer, const struct field *field)
{
	const char *circuit = layer->ansatz != NULL ? layer->ansatz : layer->variant != NULL ? layer->variant : "qdi";
	if (strcmp(field->name, "ansatz") == 0)
		return true;
	if (strcmp(field->name, "rotation") == 0)
		return strncmp(circuit, "chen", 4) == 0;
	return strcmp(field->name, "entangling") == 0 && strcmp(circuit, "qdi") != 0;
}

static int refuse(const struct field *field, const char *value, struct qlstm_error *error)
{
	char pointer[32];
	snprintf(pointer, sizeof pointer, "/%s", field->name);
	return error_set(error, ERR_NOT_FOUND, pointer, "unknown %s '%s'", field->name, value);
}

static int store_name(const struct field *field, const char *value, void *to, struct qlstm_error *error)
{
	for (int k = 0; field->names[k] != NULL; k++)
		if (strcmp(field->names[k], value) == 0) {
			memcpy(to, &k, sizeof k);
			return 0;
		}
	return refuse(field, value, error);
}

static int store(const struct field *field, const struct qlstm_layer *layer, struct layer_config *config,
                 struct qlstm_error *error)
{
	const void *from = (const char *)layer + field->from;
	char *to = (char *)config + field->to;
	bool words = field->store == STORE_NAME || field->store == STORE_TEXT;
	if (field->store == STORE_INT && (*(const int *)from < 1 || *(const int *)from > INT_MOST)) {
		char pointer[32];
		snprintf(pointer, sizeof pointer, "/%s", field->name);
		return error_set(error, ERR_OUT_OF_RANGE, pointer, "%s is %d; allowed are 1 to %d", field->name,
		                 *(const int *)from, INT_MOST);
	}
	if (!words) {
		memcpy(to, from, field->size);
		return 0;
	}
	const char *value = *(const char *const *)from;
	if (field->store == STORE_NAME)
		return store_name(field, value, to, error);
	if (strlen(value) >= field->size)
		return refuse(field, value, error);
	snprintf(to, field->size, "%s", value);
	return 0;
}

static int store_fields(const struct type *type, const struct qlstm_layer *layer, struct layer_config *config,
                        struct qlstm_error *error)
{
	for (size_t k = 0; k < type->n; k++) {
		const struct field *field = &type->fields[k];
		bool words = field->store == STORE_NAME || field->store == STORE_TEXT;
		if (!is_set(layer, field)) {
			if ((!words && field->store != STORE_INT) || may_be_absent(layer, field))
				continue;
			char pointer[32];
			snprintf(pointer, sizeof pointer, "/%s", field->name);
			return error_set(error, ERR_MISSING, pointer, "a layer of type '%s' needs %s", type->name,
			                 field->name);
		}
		int rc = store(field, layer, config, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static bool type_has(const struct type *type, const struct field *field)
{
	for (size_t k = 0; k < type->n; k++)
		if (type->fields[k].from == field->from)
			return true;
	return false;
}

static int refuse_others(const struct type *type, const struct qlstm_layer *layer, struct qlstm_error *error)
{
	for (int t = 0; t < N_TYPES; t++)
		for (size_t k = 0; k < types[t].n; k++) {
			const struct field *field = &types[t].fields[k];
			if (!is_set(layer, field) || type_has(type, field))
				continue;
			char pointer[32];
			snprintf(pointer, sizeof pointer, "/%s", field->name);
			return error_set(error, ERR_UNKNOWN_FIELD, pointer, "a layer of type '%s' has no %s",
			                 type->name, field->name);
		}
	return 0;
}

int library_layer(const struct qlstm_layer *layer, struct layer_config *config, struct qlstm_error *error)
{
	if (layer->type == NULL)
		return error_set(error, ERR_MISSING, "/type", "a layer needs a type");
	for (int t = 0; t < N_TYPES; t++)
		if (strcmp(types[t].name, layer->type) == 0) {
			snprintf(config->type, sizeof config->type, "%s", types[t].name);
			int rc = refuse_others(&types[t], layer, error);
			return rc != 0 ? rc : store_fields(&types[t], layer, config, error);
		}
	return error_set(error, ERR_NOT_FOUND, "/type", "unknown layer type '%s'", layer->type);
}
