/* A layer: what a model is a stack of. layer.c has the table of types, one row each.
 *
 * To add a layer: a config struct in layer_config.h, one file in layer/ with a struct layer_ops (a recurrent one: one
 * in cell/ with a struct cell_ops, cell.h), its declaration and one row in the table; then its fields in schema/ and
 * library/. Step by step: README.md.
 *
 * Sequences are [steps][rows][batch], vectors [rows][batch] (shape.h). Gradients are added to the block
 * params->gradients, which is zeroed before a batch is seen.
 *
 * State. A layer may own tensors that are saved with the weights but have no gradient (PARAM_STATE), such as running
 * means. They are shared by all replicas of a model and constant while a batch is seen. A batch may be cut into slices
 * of whole samples that go through the layer one by one, on any thread: one call of forward sees one slice. What it
 * has to say about the state it adds to params->gradients at the state's offset, as a sum over the slice's samples (for
 * a mean: the sum of the values, and the number of them); like gradients, these sums are added in the order of the
 * slices. Then update_state is called once for the batch and turns the sums into the new state. How a batch is cut
 * depends on the model and the batch alone, so the state does not depend on the number of threads.
 * A layer whose outputs mix the samples of a batch (normalising by the batch's own mean) says whole_batch: then no
 * batch is cut while it trains. */
#ifndef QLSTM_NN_LAYER_H
#define QLSTM_NN_LAYER_H

#include <stdbool.h>

#include "engine/arena.h"
#include "engine/error.h"
#include "engine/nn/asking.h"
#include "engine/nn/carry.h"
#include "engine/nn/layer_config.h"
#include "engine/nn/params.h"
#include "engine/nn/quantum_block.h"
#include "engine/nn/shape.h"
#include "engine/nn/source.h"
#include "engine/nn/training_context.h"
#include "engine/nn/watch.h"
#include "engine/nn/word_guide.h"

struct layer;

/* The size of one batch, for its cost. */
struct layer_work {
	int steps;       /* of the window */
	int frames;      /* steps of what comes in: 1 for a vector */
	int batch;       /* samples */
	size_t elements; /* of its arrays: output, gradient on its input, its own */
};

struct layer_ops {
	/* Whether the configuration fits what comes in, whose values and form the layer's traits allow. *out: what goes
	 * out; a recurrent layer says SHAPE_SEQUENCE. Pointers such as "/units". */
	int (*check)(const struct layer_config *config, struct shape in, struct shape *out, struct qlstm_error *error);
	/* Declares tensors under layer->name, enters its quantum blocks into layer->circuits and makes layer->own. */
	int (*open)(struct layer *layer, struct qlstm_error *error);
	/* Takes its own arrays for windows up to `steps` and batches up to `batch`. NULL: none. */
	void (*lay_out)(struct layer *layer, struct arena *arena, int steps, int batch);
	/* Bytes of what lay_out takes whatever steps and batch are, which every replica of the model has. NULL: none.
	 */
	size_t (*fixed_bytes)(const struct layer *layer);
	/* Nanoseconds of forward and backward of one batch, outside circuits, on one core of the machine that
	 * engine/circuit/planner.c names. */
	double (*cost)(const struct layer *layer, const struct layer_work *work);
	/* Batches that are a multiple of this are the cheapest per sample. NULL: it does not mind. */
	int (*multiple)(const struct layer *layer);
	/* y [frames][out.width][batch] = layer(x [frames][in.width][batch]). training NULL: evaluation. */
	void (*forward)(struct layer *layer, const struct training_context *training, const double *x, int frames,
	                int batch, double *y);
	/* For the last forward, with its x. dx [frames][in.width][batch] is overwritten; NULL: not wanted. */
	void (*backward)(struct layer *layer, const double *x, const double *dy, double *dx);
	/* Rows of state that it carries from one batch to the next (carry.h), from row layer->carried on. NULL: a layer
	 * that is recurrent cannot. */
	size_t (*carries)(const struct layer *layer);
	/* Of one that carries: the state at each sample's own end in the last forward, to rows [carries][batch]. */
	void (*last_state)(const struct layer *layer, double *rows);
	/* From the sums of a batch at the offsets of its state to the new state. NULL: no state. */
	void (*update_state)(struct layer *layer);
	/* NULL: free(layer->own) is all. Also after an open that failed. */
	void (*close)(struct layer *layer);
};

/* What the rest of the engine and the schema know of a type. */
struct layer_traits {
	bool recurrent;        /* carries a cell through time; may return its final step alone */
	bool tokens;           /* takes tokens, not real numbers */
	bool sequence, vector; /* the forms it takes */
	bool trainable;        /* has parameters with a gradient */
	bool random;           /* draws while it trains */
	bool state;            /* has tensors without a gradient, and update_state */
	bool whole_batch;      /* in training its outputs mix the samples of a batch */
	bool whole_numbers;    /* takes whole numbers, to look them up: its output has no slope by them */
	bool words;            /* gives the probabilities of words that it measures; it is a model by itself */
	bool decodes;          /* reads tokens of its own beside what comes in (source.h); one of a model */
};

struct cell_ops; /* cell.h */

struct layer_type {
	const char *name;
	struct layer_traits traits;
	const struct layer_ops *ops;
	/* Recurrent: what it carries through time. NULL: choose_cell says, by the rest of the configuration. */
	const struct cell_ops *cell;
	int (*choose_cell)(const struct layer_config *config, const struct cell_ops **out, struct qlstm_error *error);
	/* Wires of its circuits, as its field n_qubits says; NULL: no circuits. */
	int (*wires)(const struct layer_config *config);
};

/* The i-th row of the table, NULL past the end. */
const struct layer_type *layer_type_at(int index);
/* NULL when there is no such row. */
const struct layer_type *layer_type_named(const char *name);
/* The configuration's own_type, else the row that its type names. ERR_NOT_FOUND at "/type". */
int layer_type_of(const struct layer_config *config, const struct layer_type **out, struct qlstm_error *error);
/* Whether such a layer may stand after `in`. ERR_INVALID at "/type". */
int layer_type_takes(const struct layer_type *type, struct shape in, struct qlstm_error *error);
/* Wires of the layer's circuits; 0: it has none. */
int layer_wires(const struct layer_config *config);

/* The layer's forward, whose circuits keep their states where a backward pass will follow: in training. */
void layer_forward(struct layer *layer, const struct training_context *training, const double *x, int frames, int batch,
                   double *y);

struct layer {
	const struct layer_ops *ops;
	const struct layer_type *type;
	struct layer_config config;
	struct params *params;
	char name[PARAM_NAME_SIZE / 2];  /* "layers.0" */
	int index;                       /* of the stack */
	struct shape in, out;            /* out.form of a recurrent layer: SHAPE_VECTOR is its final step alone */
	int first_param, n_params;       /* its tensors in params->items */
	struct quantum_list circuits;    /* its quantum blocks */
	struct watch *watch;             /* the model's */
	const struct word_guide **guide; /* the model's; *guide NULL: none */
	enum precision precision;        /* the model's */
	bool ragged;                     /* the model's; then *lengths are those of the batch, NULL: all are whole;
	                                    behind a decoder those of what is said */
	const int **lengths;             /* the model's */
	const struct carry **carry;      /* the model's; *carry NULL: every batch is a fresh start */
	size_t carried;                  /* rows of the layers before */
	struct source *source;           /* the model's */
	/* The model's; NULL: none. Backward adds hands_over->gradient to what it has at the samples' ends, and writes
	 * takes_over->gradient. */
	const struct handover *hands_over, *takes_over;
	struct layer *asks;     /* the attention in front of it that it asks before each step; NULL: none */
	struct layer *gives_on; /* of QUERY_AGAIN: the attention whose context it gives on */
	void *own;
};

/* The wires of a quantum layer, of a circuit and of an hqrnn, for the table. */
int quantum_wires(const struct layer_config *config);
int circuit_wires(const struct layer_config *config);
int hqrnn_wires(const struct layer_config *config);

/* The cost of a layer of matrix products: by its arrays, its weights and the window's steps, also for a layer that sees
 * a vector: a rough guess. How a batch is cut into slices follows from it (train/pass.c), so another one means other
 * bits. */
double layer_cost_products(const struct layer *layer, const struct layer_work *work);
/* Of products with that many weights alone. */
double layer_cost_weights(size_t weights, const struct layer_work *work);

/* What a layer does that asks. */
extern const struct asking attention_asking; /* attention.c */

/* The layers, each in a file of its name in layer/. */
extern const struct layer_ops dense_ops;      /* dense.c */
extern const struct layer_ops recurrent_ops;  /* recurrent.c */
extern const struct layer_ops quantum_ops;    /* quantum.c */
extern const struct layer_ops dropout_ops;    /* dropout.c */
extern const struct layer_ops activation_ops; /* activation.c */
extern const struct layer_ops qrnn_ops;       /* qrnn.c */
extern const struct layer_ops hqrnn_ops;      /* hqrnn.c */
extern const struct layer_ops circuit_ops;    /* circuit.c */
extern const struct layer_ops embedding_ops;  /* embedding.c */
extern const struct layer_ops batch_norm_ops; /* batch_norm.c */
extern const struct layer_ops layer_norm_ops; /* layer_norm.c */
extern const struct layer_ops attention_ops;  /* attention.c */
extern const struct layer_ops decoder_ops;    /* decoder.c */

#endif
