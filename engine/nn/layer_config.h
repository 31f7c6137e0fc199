/* What a layer is made from: its type's name and that type's own struct. Plain values, copied freely. */
#ifndef QLSTM_NN_LAYER_CONFIG_H
#define QLSTM_NN_LAYER_CONFIG_H

#include <stdbool.h>

#include "engine/circuit/ansatz/ansatz.h"
#include "engine/circuit/hybrid/hybrid.h"

enum angle_init { ANGLE_INIT_NORMAL, ANGLE_INIT_UNIFORM }; /* 0.01 N(0,1); [0, 2 pi) */

/* What every layer with circuits has. Not every ansatz reads every field (engine/circuit/README.md). */
struct circuit_config {
	char ansatz[24]; /* a row of the ansatz table; "" means the layer's own */
	int n_qubits, n_qlayers, depth;
	bool hadamard;
	enum pauli rotation, measure;
	enum entangling entangling;
	enum angle_init angle_init;
};

/* What every recurrent layer has; the structs of recurrent types begin with it. */
struct recurrent_config {
	int hidden_size;    /* width of h */
	bool inversward;    /* reads the sequence from its end to its start */
	bool bidirectional; /* two directions of own weights, outputs concatenated; not together with inversward */
};

struct lstm_config {
	struct recurrent_config recurrent;
};

struct gru_config {
	struct recurrent_config recurrent;
};

enum rnn_nonlinearity { RNN_TANH, RNN_RELU };

struct rnn_config {
	struct recurrent_config recurrent;
	enum rnn_nonlinearity nonlinearity;
};

struct qlstm_config {
	struct recurrent_config recurrent;
	char variant[16]; /* a row of the variant table: "chen2020", "chen2024", "linear", "qdi" */
	struct circuit_config circuit;
};

struct qgru_config {
	struct recurrent_config recurrent;
	char variant[16]; /* a row of the table in cell/qgru.c: "linear", "qdi" */
	struct circuit_config circuit;
};

/* Bausch's recurrent network (engine/circuit/neuron/neuron.h). */
struct qrnn_config {
	int workspace, stages, order, degree;
	int input_bits;                                     /* of a word */
	double bias;                                        /* radians, of every neuron, not trained */
	double bias_spread, weight_spread, rotation_spread; /* standard deviations of initial values */
	bool measure;                                       /* training draws outcomes too, it postselects none */
};

enum hqrnn_controller { CONTROLLER_LINEAR, CONTROLLER_RELU, CONTROLLER_GELU, CONTROLLER_GLU };
/* What becomes of the controller's outputs: angles as they are, or pi tanh of them. */
enum hqrnn_squash { SQUASH_NONE, SQUASH_PI_TANH };
enum hqrnn_initial_state { INITIAL_ZERO, INITIAL_LEARNED };
/* What is read outside training: expectations; draws of the Pauli operators, each on a state of its own; or draws one
 * after the other on the one state, which they project. */
enum hqrnn_reading { READING_EXPECTATION, READING_PROJECTIVE, READING_COLLAPSE };

/* The hybrid recurrent network (engine/circuit/hybrid/hybrid.h, layer/hqrnn.c). */
struct hqrnn_config {
	int n_qubits, depth;
	int hidden_size; /* of the controller */
	enum hqrnn_controller controller;
	enum hybrid_rotations rotations;
	enum hybrid_entangler entangler;
	enum hybrid_readouts readouts;
	enum hqrnn_squash squash;
	enum hqrnn_initial_state initial_state;
	enum hqrnn_reading reading;
	double dropout; /* probability, of what comes in and of the controller's hidden values */
};

static inline struct hybrid_shape hqrnn_shape(const struct hqrnn_config *config)
{
	return (struct hybrid_shape){config->n_qubits, config->depth, config->rotations, config->entangler,
	                             config->readouts};
}

/* Which wires are measured: all, 0, 2, 4, .., or wire 0 alone. */
enum measurement { MEASUREMENT_ALL, MEASUREMENT_EVEN, MEASUREMENT_SINGLE };

struct quantum_config {
	struct circuit_config circuit;
	enum encoder encoder;
	enum measurement measurement;
};

struct dense_config {
	int units; /* outputs */
	bool bias;
	bool tied; /* its weight is that of the embedding at the model's beginning */
};

struct dropout_config {
	double p; /* probability that a value is dropped */
};

struct activation_config {
	char function[16];     /* a row of the table in activation.c: "relu", "gelu", ... */
	double negative_slope; /* leaky_relu */
	double alpha;          /* elu */
};

/* batch_norm and layer_norm, which has no momentum. */
struct norm_config {
	double epsilon;  /* added to a variance */
	double momentum; /* of the running values */
};

struct embedding_config {
	int classes;   /* what comes in are whole numbers from 0 to classes - 1 */
	int dimension; /* numbers that stand for one of them */
};

/* How two steps are held against each other (layer/attention.c). */
enum attention_score { ATTENTION_ADDITIVE, ATTENTION_DOT, ATTENTION_GENERAL };
/* Whose step looks: that of the layer before; that of the recurrent layer behind, before each of its steps (asking.h);
 * or none, and what such attention found is given on. */
enum attention_query { QUERY_AFTER, QUERY_BEFORE, QUERY_AGAIN };

struct attention_config {
	enum attention_score score;
	enum attention_query query;
	int units;  /* additive: numbers that queries and keys are made to */
	int source; /* the model sets it: rows of a step of the source that is looked at; 0: the layer's own input */
	int asker;  /* likewise, of QUERY_BEFORE: rows that the layer behind gives */
};

/* What is handed over of the source: the mean of its steps, at each step that is said; or the last states of the layers
 * that read it, with which those that say the target begin. */
enum decoder_handover { HANDOVER_MEAN, HANDOVER_STATE };

/* Where a model turns from what it reads to what it says (layer/decoder.c). */
struct decoder_config {
	int classes;   /* tokens are whole numbers from 0 to classes - 1 */
	int dimension; /* numbers that stand for one of them */
	enum decoder_handover handover;
};

/* A circuit that the user wrote. */
struct written_config {
	const char *qasm; /* OpenQASM 3 (engine/circuit/qasm/qasm.h); borrowed: it outlives every model made of it */
	enum angle_init angle_init;
};

struct layer_type; /* layer.h */

struct layer_config {
	char type[16]; /* a row of the table of layer types (layer.c): "lstm" reads the member `lstm` below */
	const struct layer_type *own_type; /* borrowed; where it is not NULL, this type and not the table's */
	union {
		struct recurrent_config recurrent; /* of any recurrent type */
		struct lstm_config lstm;
		struct gru_config gru;
		struct rnn_config rnn;
		struct qlstm_config qlstm;
		struct qgru_config qgru;
		struct qrnn_config qrnn;
		struct hqrnn_config hqrnn;
		struct quantum_config quantum;
		struct dense_config dense;
		struct dropout_config dropout;
		struct activation_config activation;
		struct norm_config norm;
		struct embedding_config embedding;
		struct attention_config attention;
		struct decoder_config decoder;
		struct written_config written;
	};
};

#endif
