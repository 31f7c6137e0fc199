/* A circuit that a layer runs, for whoever estimates, lists or shares out a model's circuits. */
#ifndef QLSTM_NN_LAYER_CIRCUIT_H
#define QLSTM_NN_LAYER_CIRCUIT_H

#include "engine/circuit/plan.h"

struct layer_circuit {
	const char *role;                      /* "gates", "hidden", "output" */
	const struct circuit_program *program; /* borrowed from the model */
	const struct plan *plan;               /* NULL before model_prepare */
	int sets;                              /* of weights, which share a call */
	int plans;                             /* made for it: one for each direction */
	double calls;                          /* in forward and backward of one batch; a set counts as a call */
};

/* A feature of a program: scale times what the encoder makes of input `source`. */
struct feature_made {
	int source;
	enum encoder encoder;
	double scale;
};

/* scale times number `source` of the trained ones. */
struct angle_multiple {
	int source;
	double scale;
};

/* One circuit with its own angles; borrowed from the model. Example: a user's circuit with rx(theta) q[0] and
 * rz(2 * theta) q[0] has two angles, which are made of one trained number. */
struct trained_angles {
	const char *role; /* as above */
	const struct circuit_program *program;
	const double *angles;  /* [program->n_weights], radians */
	const double *numbers; /* [n_numbers] of the model's parameters */
	int n_numbers;
	const struct angle_multiple *multiples; /* [program->n_weights]; NULL: the angles are the numbers */
	/* Of a program whose features are made of the layer's inputs, [program->n_features]; NULL: they are the inputs.
	 */
	const struct feature_made *made;
};

#endif
