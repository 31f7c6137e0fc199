/* A layer: what a model is a stack of. Two kinds: dense (dense.c) and recurrent (recurrent.c, around a cell).
 *
 * Sequences are [steps][rows][batch]. A recurrent layer either returns its whole sequence, aligned to input time, or
 * only the final step in reading order (final_only). */
#ifndef QLSTM_NN_LAYER_H
#define QLSTM_NN_LAYER_H

#include <stdbool.h>

#include "engine/error.h"
#include "engine/nn/block.h"
#include "engine/nn/model.h"
#include "engine/nn/watch.h"
#include "engine/nn/params.h"

struct layer;

struct layer_ops {
	int (*check)(const struct layer_config *config, int n_in, int *n_out, struct qlstm_error *error);
	/* Declares tensors under layer->name; n_in, config and params are set. */
	int (*open)(struct layer *layer, struct qlstm_error *error);
	int (*prepare)(struct layer *layer, const struct plan_request *plans, struct qlstm_error *error);
	/* As model_circuit. NULL: no circuits. */
	bool (*circuit)(const struct layer *layer, int index, int steps, struct layer_circuit *out);
	void (*deal)(struct layer *layer, struct block *block, int steps, int batch);
	/* y [steps or 1][n_out][batch] = layer(x [steps][n_in][batch]) */
	void (*forward)(struct layer *layer, const double *x, int steps, int batch, double *y);
	/* For the last forward, with its x. dx [steps][n_in][batch] is overwritten; NULL: not wanted. */
	void (*backward)(struct layer *layer, const double *x, const double *dy, double *dx);
	struct plan *(*plan_at)(const struct layer *layer, int index); /* as in cell.h */
	void (*close)(struct layer *layer);
};

struct layer {
	const struct layer_ops *ops;
	struct layer_config config;
	struct params *params;
	char name[PARAM_NAME_SIZE / 2]; /* "layers.0" */
	int n_in, n_out;
	struct watch *watch; /* the model's */
	bool final_only;     /* recurrent: return the final step alone */
	void *own;
};

bool layer_is_recurrent(const struct layer_config *config);
/* The operations of the layer's type; NULL when there is no such type. */
const struct layer_ops *layer_find(const struct layer_config *config);

extern const struct layer_ops dense_ops;     /* dense.c */
extern const struct layer_ops recurrent_ops; /* recurrent.c */

#endif
