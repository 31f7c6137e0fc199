/* A recurrent cell: one time step, or, where a cell gains by seeing them together, all of them. The layer around it
 * (layer/recurrent.c) owns time, direction and storage.
 *
 * Arrays are [rows][batch], the batch innermost. To add a cell: one file with a struct cell_ops in cell/, declared
 * below, and a row in the table of layer types (layer.c), or of qlstm variants (cell/qlstm_variant.c). Step by step:
 * README.md. */
#ifndef QLSTM_NN_CELL_H
#define QLSTM_NN_CELL_H

#include "engine/arena.h"
#include "engine/error.h"
#include "engine/nn/layer_config.h"
#include "engine/nn/params.h"
#include "engine/nn/quantum_block.h"
#include "engine/nn/watch.h"

/* One step forward. h NULL: the next hidden state is not needed; out NULL: the step's output is not needed. */
struct cell_step {
	int number; /* of the steps in reading order, from 0 */
	int batch;
	const double *x, *h_prev, *c_prev; /* [n_in], [n_hidden], [n_cell] */
	double *h, *c, *out;               /* [n_hidden], [n_cell], [n_out] */
	double *saved;                     /* [n_saved]: what backward cannot recompute */
};

/* One step backward. d_out and d_h are NULL where the step's out and h were. */
struct cell_gradient {
	const double *d_out, *d_h;
	double *d_c;      /* in: dL/dc of this step; out: dL/dc_prev */
	double *d_x;      /* [n_in], overwritten; NULL: not wanted */
	double *d_h_prev; /* [n_hidden], overwritten */
};

/* All steps, in reading order: step s has its input at x + s * x_step. */
struct cell_sequence {
	int steps, batch;
	const double *x;
	ptrdiff_t x_step;
	double *h, *c;       /* [steps + 1][rows][batch]; the first of each is zero unless `carried` */
	bool carried;        /* the first of each is what a batch before left */
	double *saved;       /* steps * n_saved * batch, in the cell's own order; backward may overwrite it */
	struct watch *watch; /* ticked after every step */
};

/* Gradients on h [n_hidden][batch] and c [n_cell][batch] of each sample's own end, beside what comes from the steps: of
 * whoever goes on with them. lengths NULL: the ends of all are the last step. */
struct cell_ends {
	const int *lengths;
	const double *d_h, *d_c;
};

/* d [rows][batch] of the state behind step s gets what those samples have that end there, of `steps`. */
static inline void cell_ends_add(const struct cell_ends *ends, size_t s, size_t steps, const double *from, size_t rows,
                                 size_t batch, double *d)
{
	for (size_t b = 0; b < batch; b++) {
		size_t end = ends->lengths != NULL ? (size_t)ends->lengths[b] : steps;
		for (size_t r = 0; end == s + 1 && r < rows; r++)
			d[r * batch + b] += from[r * batch + b];
	}
}

/* d_out of step s is at d_out + s * d_out_step, for steps from first_out on; d_x at d_x + s * x_step. */
struct cell_sequence_gradient {
	const double *d_out;
	ptrdiff_t d_out_step;
	int first_out;
	const struct cell_ends *ends; /* NULL: none */
	double *d_h, *d_c;            /* scratch, one step; d_c is zero, out: dL/dc before the first step */
	double *d_start;              /* [n_hidden][batch], overwritten: dL/dh before it; NULL: not wanted */
	double *d_x;                  /* added to; NULL: not wanted */
};

struct cell;

struct cell_ops {
	/* Whether the configuration fits n_in inputs; pointers such as "/n_qubits". *n_out: width of one direction.
	 * NULL: fits whatever the hidden size, which is that width. */
	int (*check)(const struct layer_config *config, int n_in, int *n_out, struct qlstm_error *error);
	/* Declares the tensors under `prefix`, enters its quantum blocks into cell->circuits and sets the widths below.
	 */
	int (*open)(struct cell *cell, const char *prefix, struct qlstm_error *error);
	/* Takes scratch for windows up to `steps` and batches up to `batch`. NULL: none. */
	void (*lay_out)(struct cell *cell, struct arena *arena, int steps, int batch);
	void (*forward)(struct cell *cell, const struct cell_step *step);
	/* Adds to the gradient block of cell->params. `step` is the one given to forward. */
	void (*backward)(struct cell *cell, const struct cell_step *step, const struct cell_gradient *gradient);
	/* Instead of the two above, for cells whose output is the hidden state. Abandoned, they return at once. */
	void (*forward_all)(struct cell *cell, const struct cell_sequence *sequence);
	void (*backward_all)(struct cell *cell, const struct cell_sequence *sequence,
	                     const struct cell_sequence_gradient *gradient);
	void (*close)(struct cell *cell); /* NULL: free(cell->own) is all; also after an open that failed */
	/* The same cell where `precision` is float32; NULL: its circuits alone are. */
	const struct cell_ops *in_float32;
};

struct cell {
	const struct cell_ops *ops;
	struct layer_config config;
	struct params *params;
	struct quantum_list *circuits;              /* of the layer; borrowed */
	int n_in, n_hidden, n_cell, n_out, n_saved; /* rows */
	bool out_is_h; /* the output is the hidden state: steps then have out NULL, and h is always wanted */
	void *own;     /* the cell type's own struct */
};

/* One step of any cell; of one that takes all steps together (x, h and c as in a cell_sequence, one behind the other) a
 * sequence of one. */
void cell_step_forward(struct cell *cell, const struct cell_step *step);
void cell_step_backward(struct cell *cell, const struct cell_step *step, const struct cell_gradient *gradient);

/* The operations of the cell of a recurrent layer, for qlstm those of its variant. ERR_NOT_FOUND at "/type" or
 * "/variant". */
int cell_find(const struct layer_config *config, const struct cell_ops **ops, struct qlstm_error *error);

/* The cells, each in a file of its name in cell/. */
extern const struct cell_ops qgru_ops;           /* qgru.c */
extern const struct cell_ops lstm_ops;           /* lstm.c */
extern const struct cell_ops lstm_f32_ops;       /* lstm_f32.c: lstm_ops.in_float32 */
extern const struct cell_ops gru_ops;            /* gru.c */
extern const struct cell_ops rnn_ops;            /* rnn.c */
extern const struct cell_ops qlstm_gated_ops;    /* qlstm_gated.c: chen2024, linear, qdi */
extern const struct cell_ops qlstm_chen2020_ops; /* qlstm_chen2020.c */

/* For the table of layer types: the cell of a qlstm layer's variant, ERR_NOT_FOUND at "/variant"; the wires of a cell's
 * circuits. */
int qlstm_choose_cell(const struct layer_config *config, const struct cell_ops **out, struct qlstm_error *error);
int qlstm_wires(const struct layer_config *config);
int qgru_wires(const struct layer_config *config);

#endif
