/* libqlstm: trains recurrent networks whose gates are simulated quantum circuits, and runs them.
 *
 * This is all that an installed library shows: plain structs, opaque types, functions that begin with qlstm_. It prints
 * nothing, never exits, reads and writes no files, and starts only the threads that it is asked for. Link with
 * `pkg-config --libs qlstm`. A program in 60 lines: engine/examples/train.c.
 *
 * Functions that can fail return 0 or a negative code, and fill the struct qlstm_error of the caller where it is not
 * NULL. What a function hands over in *out is NULL after a failure. An object may be used by one thread at a time.
 *
 * What a field means, and what is usual: schema/HYPERPARAMETERS.md. Names and shapes of the weights, and the equations
 * of the cells: engine/README.md. Angles are in radians. */
#ifndef QLSTM_H
#define QLSTM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QLSTM_VERSION "0.1.0"
/* The revision of the arithmetic: it grows when the same spec, seed and data give other last digits than before. With
 * one revision they give the same bytes on x86-64-v3, x86-64-v4 and arm64. Those of the x86-64 baseline are others. */
#define QLSTM_ARITHMETIC 7

/* Zeroed by the caller; one that is filled stays as it is, so that the first error is the one that is told. */
struct qlstm_error {
	int code;          /* 0: none yet */
	char message[384]; /* one sentence, without a full stop */
	char pointer[160]; /* the field that is wrong, such as "/layers/0/n_qubits"; "" where it is none */
};

/* A code in one word: "out_of_memory", "missing", "out_of_range", "invalid", "not_found", "corrupt", ... Never NULL. */
const char *qlstm_error_name(int code);
/* QLSTM_VERSION of the library, which may be another than that of the header. Never NULL. */
const char *qlstm_version(void);

/* A layer: its type, and what that type has; everything else is zero, or it is refused. Numbers that are marked * must
 * be given, names too, unless they say what NULL means.
 *
 *   qlstm       hidden_size, inversward, bidirectional, variant and a circuit
 *   qgru        the same
 *   lstm, gru   hidden_size, inversward, bidirectional
 *   rnn         the same and nonlinearity
 *   hqrnn       hidden_size, n_qubits, depth, controller, rotations, entangler, readouts, squash, initial_state,
 *               reading, dropout_p
 *   quantum     a circuit, encoder, measurement
 *   dense       units, bias
 *   dropout     p
 *   activation  function, negative_slope, alpha
 *   embedding   classes, dimension
 *   batch_norm  momentum, epsilon
 *   layer_norm  epsilon
 *   attention   score, units */
struct qlstm_layer {
	const char *type;
	int hidden_size;          /* * width of the hidden state */
	bool inversward;          /* reads the sequence from its end to its start */
	bool bidirectional;       /* both ways, with weights of their own; outputs one after the other */
	const char *variant;      /* qlstm: "qdi", "linear", "chen2020", "chen2024"; qgru: "qdi", "linear" */
	const char *ansatz;       /* "chen2020", "chen2024", "basic", "strong", "hardware_efficient", "qdi"; NULL: the
	                           * variant's own, of the layer quantum qdi */
	int n_qubits;             /* * wires of each circuit, at most 25 */
	int n_qlayers;            /* * blocks of a circuit; qdi embeds n_qubits new values before each */
	int depth;                /* * variational layers of a block */
	bool hadamard;            /* chen2020, chen2024: circuits start with Hadamard gates */
	const char *rotation;     /* "X", "Y", "Z": the gate that embeds */
	const char *measure;      /* "X", "Y", "Z" */
	const char *entangling;   /* qdi: "basic", "strong"; NULL: "basic" */
	const char *angle_init;   /* "normal": 0.01 N(0, 1); "uniform": [0, 2 pi) */
	const char *encoder;      /* from a value to its angle: "x", "pi_x", "atan", "tanh", ... */
	const char *measurement;  /* "all" wires, the "even" ones, or a "single" one, wire 0 */
	const char *nonlinearity; /* "tanh", "relu" */
	const char *score;        /* "additive", "dot", "general"; the last two have no units but 1 */
	int units;                /* * outputs */
	bool bias;
	double p;              /* probability that a value is dropped */
	const char *function;  /* "relu", "tanh", "sigmoid", "gelu", "leaky_relu", "elu", "softplus", "identity" */
	double negative_slope; /* leaky_relu */
	double alpha;          /* elu */
	int classes;           /* * what comes in are whole numbers from 0 to classes - 1 */
	int dimension;         /* * numbers that stand for one of them */
	double momentum;       /* by how much running mean and variance move to those of a batch */
	double epsilon;        /* added to a variance */

	const char *controller;    /* hqrnn: "linear", "relu", "gelu", "glu" */
	const char *rotations;     /* of a layer of its circuit: "rx_ry_rz", "ry_rz", "ry" */
	const char *entangler;     /* "cnot_ring", "cnot_chain", "cz_ring", "cz_chain" */
	const char *readouts;      /* of every qubit: "xyz", "xz", "z" */
	const char *squash;        /* of angles: "none", "pi_tanh" */
	const char *initial_state; /* "zero", "learned" */
	const char *reading;       /* outside training: "expectation", "projective", "collapse" */
	double dropout_p;          /* probability, of what comes in and of the controller's hidden values */
};

/* A stack of layers. The last recurrent one hands on its final step. The last layer is dense: its units are the
 * outputs. */
struct qlstm_model_config {
	int n_inputs; /* values a step */
	int n_layers; /* at most 16 */
	const struct qlstm_layer *layers;
	const char *plan; /* what circuits run on: "auto", "batch", "local", "wide", "reference"; NULL: "auto" */
	bool float32;     /* circuits and lstm layers compute in float32; everything else is float64 */
	uint64_t seed;    /* of the first weights */
};

struct qlstm_model;

/* Reads `config` and keeps none of its pointers. */
int qlstm_model_new(struct qlstm_model **out, const struct qlstm_model_config *config, struct qlstm_error *error);
void qlstm_model_free(struct qlstm_model *model); /* NULL: nothing */
/* Trainable numbers, and how many of them are angles of circuits. */
size_t qlstm_model_parameters(const struct qlstm_model *model);
size_t qlstm_model_angles(const struct qlstm_model *model);
int qlstm_model_outputs(const struct qlstm_model *model);

/* y [count][outputs] of x [count][steps][n_inputs]. With the weights of now, also while a trainer is open. */
int qlstm_model_predict(struct qlstm_model *model, const double *x, size_t count, int steps, double *y,
                        struct qlstm_error *error);

/* The weights as a safetensors file (https://github.com/huggingface/safetensors), float64. *bytes is the caller's, to
 * be given to free. */
int qlstm_model_save(const struct qlstm_model *model, unsigned char **bytes, size_t *length, struct qlstm_error *error);
/* Takes the weights of such a file, also those that the service has trained. A tensor that is missing, one too many or
 * of another shape is refused by its name; then the model keeps the weights that it had. */
int qlstm_model_load(struct qlstm_model *model, const unsigned char *bytes, size_t length, struct qlstm_error *error);

/* What to learn from: first the samples to train on, then those to test on; at least 1 each. */
struct qlstm_samples {
	size_t n_train, n_test;
	int steps;
	const double *x; /* [n_train + n_test][steps][n_inputs] */
	const double *y; /* [n_train + n_test][outputs]; of classes [n_train + n_test], whole numbers below outputs */
};

struct qlstm_training {
	int epochs;            /* as many as qlstm_trainer_epoch can be called */
	int batch_size;        /* samples between two steps of the optimiser */
	bool shuffle;          /* another order in each epoch */
	uint64_t seed;         /* of that order, and of dropout */
	int threads;           /* that share the work; 0: 1. Results do not depend on it */
	const char *loss;      /* "mse", "mae"; "cross_entropy": y are classes, outputs their logits */
	const char *optimizer; /* "sgd", "rmsprop", "adam", "adamw", as in PyTorch; "lbfgs": history 10, up to 20
	                        * iterations a batch, strong Wolfe line search */
	double learning_rate;
	double momentum;     /* sgd, rmsprop */
	double alpha;        /* rmsprop; 0: 0.99 */
	double beta1, beta2; /* adam; 0: 0.9 and 0.999 */
	double epsilon;      /* rmsprop, adam; 0: 1e-8 */
	double weight_decay; /* L2, added to the gradient */
	double clip_norm;    /* the largest L2 norm of a gradient; 0: no limit */
};

struct qlstm_epoch {
	int epoch;                            /* from 1 */
	double train_loss;                    /* mean over the epoch's batches, while the weights change */
	double test_loss;                     /* after the epoch */
	double train_accuracy, test_accuracy; /* of classes: the fraction told right; else NaN */
	double gradient_norm;                 /* L2, mean over the batches, before it is cut off */
	double seconds;
};

struct qlstm_trainer;

/* Goes on from the weights that the model has. The model and the arrays of `samples` are borrowed and outlive the
 * trainer. */
int qlstm_trainer_new(struct qlstm_trainer **out, struct qlstm_model *model, const struct qlstm_samples *samples,
                      const struct qlstm_training *training, struct qlstm_error *error);
void qlstm_trainer_free(struct qlstm_trainer *trainer); /* NULL: nothing */
/* One epoch more. "invalid" after the last; "nan_loss" when a loss or a gradient is not finite. */
int qlstm_trainer_epoch(struct qlstm_trainer *trainer, struct qlstm_epoch *epoch, struct qlstm_error *error);

#ifdef __cplusplus
}
#endif

#endif
