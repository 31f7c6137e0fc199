/* What the files of the layer hqrnn share: hqrnn.c, its steps, and hqrnn_states.c, where sequences begin and end. */
#ifndef QLSTM_NN_LAYER_HQRNN_H
#define QLSTM_NN_LAYER_HQRNN_H

#include "engine/circuit/hybrid/hybrid.h"
#include "engine/nn/activation.h"
#include "engine/nn/layer.h"
#include "engine/philox.h"

struct hqrnn {
	struct hybrid_cell *cell;
	const struct activation *activation;                   /* NULL: glu */
	int in_weight, in_bias, out_weight, out_bias, initial; /* parameter indices; initial -1: there is none */
	size_t readouts, angles, hidden, rows;                 /* rows: of W1 */
	double *u;                                             /* [steps + 1][readouts + inputs][batch] */
	double *a;                                             /* [steps][rows][batch], then dL/da */
	double *h;                                             /* [steps][hidden][batch] */
	double *theta;                                         /* [steps][angles][batch], then dL/dtheta */
	double *factors;                                       /* [steps][inputs + hidden][batch], of dropout */
	double *start, *d_theta, *d_h, *d_u, *d_z, *uniforms;  /* of one step */
	struct philox *draws;                                  /* [batch]: projective */
	double *ends;                                          /* [2 x 2^n][batch]: psi at each sample's own end;
	                                                          NULL: all end together */
	int steps, batch;                                      /* of the last forward */
	bool carried;                                          /* that went on where another one ended */
	bool drops;                                            /* the last forward dropped values */
};

/* --- hqrnn_states.c --- */

/* Whether its samples may have ends of their own, whose states are kept. */
bool hqrnn_keeps_ends(const struct layer *layer);
/* Whether sample b ends with step t: of a sequence with a length of its own its last one. */
bool hqrnn_ends_with(const struct layer *layer, size_t b, size_t t);
/* Rows of state: psi, 2 x 2^n, and z. */
size_t hqrnn_carries(const struct layer *layer);
/* psi and z [readouts][batch] of the samples that go on. */
void hqrnn_take_carried(struct layer *layer, double *z);
void hqrnn_leave_carried(const struct layer *layer, const double *z);
/* After step t: the states of samples that end there. */
void hqrnn_keep_ends(const struct layer *layer, size_t t);
void hqrnn_last_state(const struct layer *layer, double *rows);
/* Before step t is taken back: the samples that end there begin, with their own state and with what they are handed
 * back. */
void hqrnn_take_ends(const struct layer *layer, size_t t);
/* After the last step back: the gradient on the state that this layer began with. */
void hqrnn_hand_back(const struct layer *layer);

#endif
