/* One table of fields for each type of layer, one row for each property of its object in experiment.schema.json. */
#include "schema/layer_fields.h"

#include <assert.h>
#include <string.h>

#include "engine/nn/layer_names.h"
#include "schema/field.h"

static_assert(sizeof(enum pauli) == sizeof(int) && sizeof(enum entangling) == sizeof(int) &&
                  sizeof(enum angle_init) == sizeof(int) && sizeof(enum rnn_nonlinearity) == sizeof(int) &&
                  sizeof(enum measurement) == sizeof(int) && sizeof(enum encoder) == sizeof(int) &&
                  sizeof(enum hqrnn_controller) == sizeof(int) && sizeof(enum hybrid_rotations) == sizeof(int) &&
                  sizeof(enum hybrid_entangler) == sizeof(int) && sizeof(enum hybrid_readouts) == sizeof(int) &&
                  sizeof(enum hqrnn_squash) == sizeof(int) && sizeof(enum hqrnn_initial_state) == sizeof(int) &&
                  sizeof(enum hqrnn_reading) == sizeof(int) && sizeof(enum attention_score) == sizeof(int) &&
                  sizeof(enum decoder_handover) == sizeof(int) && sizeof(enum attention_query) == sizeof(int),
              "enums are not ints");

#define LAYER(name, store, member, values) FIELD(struct layer_config, "", name, store, member, values)
/* What every recurrent type has. batch_first is none of the engine's business: parse.c reads it. */
#define RECURRENT                                                                                                      \
	LAYER("hidden_size", field_int, recurrent.hidden_size, NULL),                                                  \
	    LAYER("inversward", field_bool, recurrent.inversward, NULL),                                               \
	    LAYER("bidirectional", field_bool, recurrent.bidirectional, NULL)

/* What every type with circuits has; `type` is the member of layer_config. */
#define CIRCUIT(type)                                                                                                  \
	LAYER("ansatz", field_text, type.circuit.ansatz, NULL),                                                        \
	    LAYER("n_qubits", field_int, type.circuit.n_qubits, NULL),                                                 \
	    LAYER("n_qlayers", field_int, type.circuit.n_qlayers, NULL),                                               \
	    LAYER("depth", field_int, type.circuit.depth, NULL),                                                       \
	    LAYER("hadamard", field_bool, type.circuit.hadamard, NULL),                                                \
	    LAYER("rotation", field_enum, type.circuit.rotation, pauli_names),                                         \
	    LAYER("measure", field_enum, type.circuit.measure, pauli_names),                                           \
	    LAYER("entangling", field_enum, type.circuit.entangling, entangling_names),                                \
	    LAYER("angle_init", field_enum, type.circuit.angle_init, angle_init_names)

static const struct field qlstm[] = {
    RECURRENT,
    LAYER("variant", field_text, qlstm.variant, NULL),
    CIRCUIT(qlstm),
};

static const struct field qgru[] = {
    RECURRENT,
    LAYER("variant", field_text, qgru.variant, NULL),
    CIRCUIT(qgru),
};

static const struct field qrnn[] = {
    LAYER("workspace", field_int, qrnn.workspace, NULL),
    LAYER("stages", field_int, qrnn.stages, NULL),
    LAYER("order", field_int, qrnn.order, NULL),
    LAYER("degree", field_int, qrnn.degree, NULL),
    LAYER("measure", field_bool, qrnn.measure, NULL),
    LAYER("bias", field_double, qrnn.bias, NULL),
    LAYER("weight_spread", field_double, qrnn.weight_spread, NULL),
    LAYER("bias_spread", field_double, qrnn.bias_spread, NULL),
    LAYER("rotation_spread", field_double, qrnn.rotation_spread, NULL),
    LAYER("input_bits", field_int, qrnn.input_bits, NULL),
};

static const struct field hqrnn[] = {
    LAYER("n_qubits", field_int, hqrnn.n_qubits, NULL),
    LAYER("depth", field_int, hqrnn.depth, NULL),
    LAYER("hidden_size", field_int, hqrnn.hidden_size, NULL),
    LAYER("controller", field_enum, hqrnn.controller, controller_names),
    LAYER("rotations", field_enum, hqrnn.rotations, rotations_names),
    LAYER("entangler", field_enum, hqrnn.entangler, entangler_names),
    LAYER("readouts", field_enum, hqrnn.readouts, readouts_names),
    LAYER("squash", field_enum, hqrnn.squash, squash_names),
    LAYER("initial_state", field_enum, hqrnn.initial_state, initial_state_names),
    LAYER("reading", field_enum, hqrnn.reading, reading_names),
    LAYER("dropout_p", field_double, hqrnn.dropout, NULL),
};

static const struct field quantum[] = {
    CIRCUIT(quantum),
    LAYER("encoder", field_enum, quantum.encoder, encoder_names),
    LAYER("measurement", field_enum, quantum.measurement, measurement_names),
};

static const struct field lstm[] = {RECURRENT};

static const struct field gru[] = {RECURRENT};

static const struct field rnn[] = {
    RECURRENT,
    LAYER("nonlinearity", field_enum, rnn.nonlinearity, nonlinearity_names),
};

static const struct field dense[] = {
    LAYER("units", field_int, dense.units, NULL),
    LAYER("bias", field_bool, dense.bias, NULL),
    LAYER("tied", field_bool, dense.tied, NULL),
};

static const struct field dropout[] = {LAYER("p", field_double, dropout.p, NULL)};

static const struct field activation[] = {
    LAYER("function", field_text, activation.function, NULL),
    LAYER("negative_slope", field_double, activation.negative_slope, NULL),
    LAYER("alpha", field_double, activation.alpha, NULL),
};

static const struct field circuit[] = {
    LAYER("qasm", field_text_borrowed, written.qasm, NULL),
    LAYER("angle_init", field_enum, written.angle_init, angle_init_names),
};

static const struct field embedding[] = {
    LAYER("classes", field_int, embedding.classes, NULL),
    LAYER("dimension", field_int, embedding.dimension, NULL),
};

static const struct field batch_norm[] = {
    LAYER("momentum", field_double, norm.momentum, NULL),
    LAYER("epsilon", field_double, norm.epsilon, NULL),
};

static const struct field attention[] = {LAYER("score", field_enum, attention.score, attention_names),
                                         LAYER("query", field_enum, attention.query, query_names),
                                         LAYER("units", field_int, attention.units, NULL)};

static const struct field decoder[] = {LAYER("classes", field_int, decoder.classes, NULL),
                                       LAYER("dimension", field_int, decoder.dimension, NULL),
                                       LAYER("handover", field_enum, decoder.handover, handover_names)};

static const struct field layer_norm[] = {LAYER("epsilon", field_double, norm.epsilon, NULL)};

static const struct {
	const char *type;
	const struct field *fields;
	size_t n;
} types[] = {
#define TYPE(name)                                                                                                     \
	{                                                                                                              \
#name, name, sizeof name / sizeof name[0]                                                              \
	}
    TYPE(qlstm),     TYPE(qgru),       TYPE(qrnn),       TYPE(hqrnn),     TYPE(quantum),    TYPE(lstm),
    TYPE(gru),       TYPE(rnn),        TYPE(dense),      TYPE(dropout),   TYPE(activation), TYPE(circuit),
    TYPE(embedding), TYPE(batch_norm), TYPE(layer_norm), TYPE(attention), TYPE(decoder),
};

static const struct field type_field = LAYER("type", field_text, type, NULL);

void layer_fields_store(struct layer_config *config, const json_t *layer)
{
	fields_store(config, &type_field, 1, layer);
	for (size_t k = 0; k < sizeof types / sizeof types[0]; k++)
		if (strcmp(types[k].type, config->type) == 0)
			fields_store(config, types[k].fields, types[k].n, layer);
}
