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

/* One circuit with its own angles; borrowed from the model. */
struct trained_angles {
	const char *role; /* as above */
	const struct circuit_program *program;
	const double *angles; /* [program->n_weights], radians */
	/* Of a program whose features are made of the layer's inputs, [program->n_features]; NULL: they are the inputs.
	 */
	const struct feature_made *made;
};

#endif
